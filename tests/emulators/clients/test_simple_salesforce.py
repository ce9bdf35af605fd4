"""simple-salesforce, unmodified, over TLS: every call that it has.

It always says https, so the emulator serves it, with a certificate that the library verifies. Its logins go to
``https://{domain}.salesforce.com``; an adapter brings those to the emulator, certificate and all.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce, SalesforceLogin, SFType, format_soql
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceExpiredSession,
    SalesforceGeneralError,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)
from simple_salesforce.metadata import SfdcMetadataApi
from zeep.exceptions import Fault

from hintsync_emulators.salesforce import Org, create_app
from hintsync_emulators.serve import serving
from hintsync_emulators.tls import write_certificate
from tests.emulators.clients.conftest import PASSWORD, TOKEN, USERNAME, Emulated, Watched, make_org

pytestmark = pytest.mark.slow
CLIENT = "simple-salesforce"


class _Elsewhere(HTTPAdapter):
    """Brings requests for Salesforce's login hosts to another host, over TLS all the same."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._host = urlsplit(url).netloc

    def send(self, request, *args, **kwargs):
        request.url = urlsplit(request.url)._replace(netloc=self._host).geturl()
        return super().send(request, *args, **kwargs)


@pytest.fixture
def served(jwt_key: rsa.RSAPrivateKey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulated]:
    org, files = make_org(jwt_key), write_certificate(tmp_path)
    org.pace.bulk_polls = 0
    app = Watched(create_app(org))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(files.ca))
    with serving(app, certificate=files) as url:
        yield Emulated(url, org, app)
    org.close()


@pytest.fixture
def org(served: Emulated) -> Org:
    return served.org


@pytest.fixture(autouse=True)
def held(served: Emulated, exercised: Callable[[Watched, str], None]) -> Iterator[None]:
    yield
    exercised(served.app, CLIENT)


@pytest.fixture
def session(served: Emulated) -> Iterator[requests.Session]:
    with requests.Session() as session:
        for host in ("login", "clinic.my"):
            session.mount(f"https://{host}.salesforce.com", _Elsewhere(served.url))
        yield session


@pytest.fixture
def sf(served: Emulated) -> Iterator[Salesforce]:
    with requests.Session() as session:
        yield Salesforce(instance_url=served.url, session_id=TOKEN, version="64.0", session=session)


def test_a_certificate_that_nobody_vouches_for_is_refused(sf: Salesforce, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(requests.exceptions.SSLError):
        sf.limits()


@pytest.mark.parametrize(
    "given",
    [
        {"password": PASSWORD, "security_token": "TOKEN0123456789"},
        {"password": PASSWORD, "organizationId": "00DEM0000000001"},
        {"password": PASSWORD, "consumer_key": "key", "consumer_secret": "secret"},
    ],
    ids=["security token", "organization", "app"],
)
def test_a_password_logs_in(session: requests.Session, given: dict[str, str]) -> None:
    sf = Salesforce(username=USERNAME, session=session, **given)
    assert sf.query("SELECT COUNT() FROM User")["totalSize"] == 1


def test_client_credentials_log_in(session: requests.Session) -> None:
    sf = Salesforce(consumer_key="key", consumer_secret="secret", domain="clinic.my", session=session)
    assert sf.query("SELECT COUNT() FROM User")["totalSize"] == 1


def test_a_signed_assertion_logs_in(session: requests.Session, jwt_key: rsa.RSAPrivateKey) -> None:
    kind = serialization.PrivateFormat.PKCS8
    pem = jwt_key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()).decode()
    sf = Salesforce(username=USERNAME, consumer_key="key", privatekey=pem, session=session)
    assert sf.query("SELECT COUNT() FROM User")["totalSize"] == 1


def test_a_login_that_is_refused_says_why(session: requests.Session) -> None:
    with pytest.raises(SalesforceAuthenticationFailed, match="INVALID_LOGIN"):
        SalesforceLogin(session=session, username=USERNAME, password="no", security_token="")
    with pytest.raises(SalesforceAuthenticationFailed, match="invalid_client"):
        SalesforceLogin(session=session, consumer_key="key", consumer_secret="no", domain="clinic.my")


def test_a_session_that_ended_is_renewed(session: requests.Session, org: Org) -> None:
    sf = Salesforce(consumer_key="key", consumer_secret="secret", domain="clinic.my", session=session)
    org.expire_tokens()
    assert sf.query("SELECT COUNT() FROM User")["totalSize"] == 1


def test_records_are_written_and_read(sf: Salesforce, org: Org) -> None:
    record_id = sf.Contact.create({"LastName": "O'Neil", "FirstName": "Ada"})["id"]
    assert sf.Contact.update(record_id, {"Title": "Dr"}) == 204
    assert sf.Contact.get(record_id)["Title"] == "Dr"
    assert sf.Contact.upsert("Hint_Id__c/h1", {"LastName": "Byron"}) == 201
    assert sf.Contact.upsert("Hint_Id__c/h1", {"LastName": "Lord Byron"}) == 200
    raw = sf.Contact.upsert("Hint_Id__c/h1", {"Title": "Lord"}, raw_response=True)
    assert (raw.status_code, raw.json()["created"]) == (200, False)
    assert sf.Contact.get_by_custom_id("Hint_Id__c", "h1")["LastName"] == "Lord Byron"
    assert sf.Contact.delete(record_id) == 204
    assert org.get("Contact", record_id)["IsDeleted"] is True


def test_an_external_id_may_hold_a_slash(sf: Salesforce) -> None:
    assert sf.Contact.upsert("Hint_Id__c/a%2Fb", {"LastName": "Slash"}) == 201
    assert sf.Contact.get_by_custom_id("Hint_Id__c", "a/b")["Hint_Id__c"] == "a/b"


def test_queries_page_through_everything(sf: Salesforce, org: Org) -> None:
    org.insert_many("Contact", [{"LastName": f"L{number:04}"} for number in range(4100)])
    found = sf.query_all("SELECT Id, LastName FROM Contact ORDER BY LastName")
    assert (found["totalSize"], found["done"]) == (4100, True)
    assert [one["LastName"] for one in found["records"]] == [f"L{number:04}" for number in range(4100)]
    assert sum(1 for _ in sf.query_all_iter("SELECT Id FROM Contact")) == 4100
    page = sf.query("SELECT Id FROM Contact")
    by_url = sf.query_more(page["nextRecordsUrl"], identifier_is_url=True)
    by_locator = sf.query_more(page["nextRecordsUrl"].rpartition("/")[2])
    assert by_url["records"] == by_locator["records"]
    assert not {one["Id"] for one in page["records"]} & {one["Id"] for one in by_url["records"]}


def test_texts_are_quoted_and_deleted_records_are_included_on_request(sf: Salesforce, org: Org) -> None:
    kept, gone = org.insert_many("Contact", [{"LastName": "O'Neil"}, {"LastName": "O'Neil"}])
    org.delete("Contact", gone)
    text = format_soql("SELECT Id FROM Contact WHERE LastName = {}", "O'Neil")
    assert [one["Id"] for one in sf.query(text)["records"]] == [kept]
    every = sf.query(text, include_deleted=True)["records"]
    assert {one["Id"] for one in every} == {kept, gone}


def test_describe_limits_updated_and_deleted(sf: Salesforce, org: Org) -> None:
    record_id, gone = org.insert_many("Contact", [{"LastName": "A"}, {"LastName": "B"}])
    org.delete("Contact", gone)
    assert "Hint_Id__c" in [one["name"] for one in sf.Contact.describe()["fields"]]
    assert sf.Contact.metadata()["objectDescribe"]["name"] == "Contact"
    described = sf.describe()
    assert described is not None
    assert "Contact" in [one["name"] for one in described["sobjects"]]
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    assert sf.is_sandbox() is False
    end = datetime.now(UTC) + timedelta(minutes=2)
    assert record_id in sf.Contact.updated(end - timedelta(hours=1), end)["ids"]
    assert [one["id"] for one in sf.Contact.deleted(end - timedelta(hours=1), end)["deletedRecords"]] == [gone]
    assert sf.api_usage["api-usage"].total == 100_000


def test_paths_of_ones_own_choosing_are_called(sf: Salesforce, org: Org) -> None:
    made = sf.restful(
        "composite/sobjects",
        method="POST",
        json={"allOrNone": False, "records": [{"attributes": {"type": "Contact"}, "LastName": "A"}]},
    )
    assert made is not None
    assert [one["success"] for one in made] == [True]
    assert sf.restful(f"sobjects/Contact/{made[0]['id']}", method="DELETE") is None
    info = sf.oauth2("userinfo")
    assert info is not None
    assert info["organization_id"] == org.org_id


def test_a_password_is_set(sf: Salesforce, org: Org, session: requests.Session) -> None:
    assert sf.set_password(org.user_id, "battery staple") is None
    Salesforce(username=USERNAME, password="battery staple", security_token="", session=session)


def test_its_exceptions_are_those_of_a_real_org(sf: Salesforce, org: Org) -> None:
    org.insert_many("Contact", [{"LastName": "A", "Hint_Id__c": "twice"}] * 2)
    with pytest.raises(SalesforceResourceNotFound):
        sf.Contact.get("003D000000QV9n2IAD")
    with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_QUERY"):
        sf.query("SELECT")
    with pytest.raises(SalesforceMalformedRequest, match="REQUIRED_FIELD_MISSING"):
        sf.Contact.create({"FirstName": "Emmy"})
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Contact.upsert("Hint_Id__c/twice", {"LastName": "B"})
    org.expire_tokens()
    with pytest.raises(SalesforceExpiredSession):
        sf.Contact.describe()


def test_a_layout_is_described(sf: Salesforce) -> None:
    layout = sf.Contact.describe_layout("012000000000000AAA")
    assert layout["detailLayoutSections"][0]["heading"] == "Contact Information"


@pytest.mark.parametrize(
    "ask",
    [
        lambda sf: sf.toolingexecute("sobjects"),
        lambda sf: sf.apexecute("Anything"),
        lambda sf: sf.bulk.Contact.query("SELECT Id FROM Contact"),
        lambda sf: sf.Contact.get_base64("003D000000QV9n2IAD", "Body"),
    ],
    ids=["tooling", "apex", "first bulk api", "blob"],
)
def test_what_is_left_out_says_so_by_name(sf: Salesforce, ask: Callable[[Salesforce], object]) -> None:
    with pytest.raises(SalesforceGeneralError, match="not emulated"):
        ask(sf)


def test_an_object_that_the_org_does_not_have_is_not_found(sf: Salesforce, tmp_path: Path) -> None:
    file = tmp_path / "scan.png"
    file.write_bytes(b"\x89PNG")
    documents: SFType = sf.Document
    for ask in (
        lambda: documents.upload_base64(str(file)),
        lambda: documents.update_base64("015D000000QV9n2IAD", str(file)),
    ):
        with pytest.raises(SalesforceResourceNotFound):
            ask()


def test_bulk_ingest_says_of_every_row_what_became_of_it(sf: Salesforce, org: Org, tmp_path: Path) -> None:
    job = sf.bulk2.Contact
    rows = [{"Hint_Id__c": f"h{number}", "LastName": f"L{number}"} for number in range(250)]
    done = job.upsert(records=[*rows, {"Hint_Id__c": "h999", "LastName": ""}], external_id_field="Hint_Id__c", wait=0)
    assert (done[0]["numberRecordsTotal"], done[0]["numberRecordsFailed"]) == (251, 1)
    job_id = done[0]["job_id"]
    results = job.get_all_ingest_records(job_id)
    assert len(results["successfulRecords"]) == 250
    assert results["failedRecords"][0]["sf__Error"].startswith("REQUIRED_FIELD_MISSING")
    assert results["unprocessedRecords"] == []
    assert job.get_failed_records(job_id).count("h999") == 1
    assert "h249" in job.get_successful_records(job_id)
    file = tmp_path / "unprocessed.csv"
    job.get_unprocessed_records(job_id, file=str(file))
    with file.open(newline="") as lines:
        assert [sorted(line) for line in csv.reader(lines)] == [["Hint_Id__c", "LastName"]]
    assert org.count("Contact") == 250


def test_bulk_inserts_updates_and_deletes(sf: Salesforce, org: Org, tmp_path: Path) -> None:
    job, file = sf.bulk2.Contact, tmp_path / "insert.csv"
    file.write_text("LastName,Title\n" + "".join(f"L{number},Dr\n" for number in range(30)))
    made = job.insert(csv_file=str(file), batch_size=10, wait=0)
    assert [one["numberRecordsTotal"] for one in made] == [10, 10, 10]
    found = [str(one["Id"]) for one in org.rows("Contact")]
    changed = job.update(records=[{"Id": record_id, "Title": "#N/A"} for record_id in found], wait=0)
    assert changed[0]["numberRecordsProcessed"] == 30
    assert {one["Title"] for one in org.rows("Contact")} == {None}
    job.delete(records=[{"Id": record_id} for record_id in found[:20]], wait=0)
    assert org.count("Contact") == 10
    job.hard_delete(records=[{"Id": record_id} for record_id in found[20:]], wait=0)
    assert len(org.rows("Contact", deleted=True)) == 20


def test_bulk_queries_page_and_download(sf: Salesforce, org: Org, tmp_path: Path) -> None:
    made = org.insert_many("Contact", [{"LastName": f"L{number:03}"} for number in range(250)])
    org.delete("Contact", made[0])
    job, text = sf.bulk2.Contact, "SELECT LastName FROM Contact ORDER BY LastName"
    pages = list(job.query(text, max_records=100, wait=0))
    assert [page.count("\n") for page in pages] == [101, 101, 50]
    every = list(job.query_all(text, wait=0))
    assert [page.count("\n") for page in every] == [251]
    parts = job.download(text, path=str(tmp_path), max_records=200, wait=0)
    lines = [Path(part["file"]).read_text().splitlines() for part in parts]
    assert [len(part) for part in lines] == [201, 50]
    assert (lines[0][:2], lines[1][-1]) == (['"LastName"', '"L001"'], '"L249"')


_PACKAGE = """<?xml version="1.0"?><Package xmlns="http://soap.sforce.com/2006/04/metadata">
<types><members>Contact.Shoe__c</members><name>CustomField</name></types><version>64.0</version></Package>"""
_CONTACT = """<?xml version="1.0"?><CustomObject xmlns="http://soap.sforce.com/2006/04/metadata"><fields>
<fullName>Shoe__c</fullName><label>Shoe</label><length>20</length><type>Text</type></fields></CustomObject>"""


@pytest.fixture
def metadata(sf: Salesforce) -> Iterator[SfdcMetadataApi]:
    yield sf.mdapi
    sf.mdapi._client.transport.session.close()  # a session of its own, which nobody else closes


def test_metadata_is_deployed_listed_and_retrieved_over_soap(
    sf: Salesforce, metadata: SfdcMetadataApi, org: Org, tmp_path: Path
) -> None:
    archive = tmp_path / "package.zip"
    with zipfile.ZipFile(archive, "w") as made:
        made.writestr("package.xml", _PACKAGE)
        made.writestr("objects/Contact.object", _CONTACT)
    job = sf.deploy(str(archive), sandbox=False)
    status = sf.checkDeployStatus(job["asyncId"])
    while status["state"] not in ("Succeeded", "Failed"):
        status = sf.checkDeployStatus(job["asyncId"])
    assert (status["state"], status["deployment_detail"]["deployed_count"]) == ("Succeeded", "1")
    assert "shoe__c" in org.definition("Contact").fields
    assert "CustomObject" in [kind.xmlName for kind in metadata.describe_metadata().metadataObjects]
    query = metadata._client.get_type("ns0:ListMetadataQuery")(type="CustomField")
    assert "Contact.Shoe__c" in [found.fullName for found in metadata.list_metadata([query])]
    retrieval, _ = metadata.retrieve("", unpackaged={"CustomField": ["Contact.Shoe__c"]})
    state = metadata.check_retrieve_status(retrieval)[0]
    while state not in ("Succeeded", "Failed"):
        state = metadata.check_retrieve_status(retrieval)[0]
    zipped = metadata.retrieve_zip(retrieval)[3]
    with zipfile.ZipFile(io.BytesIO(zipped)) as found:
        assert b"Shoe__c" in found.read("objects/Contact.object")


def test_metadata_is_made_and_changed_component_by_component(metadata: SfdcMetadataApi, org: Org) -> None:
    text = metadata._client.get_type("ns0:FieldType")("Text")
    fields = metadata.CustomField
    fields.create(fields(fullName="Contact.Hat__c", label="Hat", type=text, length=10))
    made = fields.read("Contact.Hat__c")
    made.label = "Big hat"
    fields.update(made)
    assert org.definition("Contact").fields["hat__c"].label == "Big hat"
    made.label = "Small hat"
    fields.upsert(made)
    assert fields.read("Contact.Hat__c").label == "Small hat"
    fields.rename("Contact.Hat__c", "Contact.Cap__c")
    assert org.definition("Contact").fields["cap__c"].label == "Small hat"
    fields.delete("Contact.Cap__c")
    assert not {"hat__c", "cap__c"} & set(org.definition("Contact").fields)


def test_a_type_of_metadata_is_described(metadata: SfdcMetadataApi) -> None:
    described = metadata.CustomField.describe()
    assert (described.apiCreatable, described.parentField.foreignKeyDomain) == (True, ["CustomObject"])
    kinds = next(one for one in described.valueTypeFields if one.name == "type")
    assert "Checkbox" in [one.value for one in kinds.picklistValues]
    with pytest.raises(Fault, match="not emulated: describeValueType of ExternalClientApplication"):
        metadata.ExternalClientApplication.describe()
