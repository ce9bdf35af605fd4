"""simple-salesforce, unmodified, over a socket.

The library always says https; an adapter sends what is meant for the emulator in the clear.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceExpiredSession,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

from hintsync_emulators.salesforce import App, Org, create_app
from hintsync_emulators.salesforce.schema.model import Field
from hintsync_emulators.serve import serving
from tests.emulators.salesforce.conftest import TOKEN


class _InTheClear(HTTPAdapter):
    """Sends every https request to one host over http."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._host = urlsplit(url).netloc

    def send(self, request, *args, **kwargs):
        request.url = urlsplit(request.url)._replace(scheme="http", netloc=self._host).geturl()
        return super().send(request, *args, **kwargs)


@pytest.fixture
def served() -> Iterator[tuple[Org, str]]:
    org = Org(seed=5, token=TOKEN, apps=[App("key", "secret", run_as="integration@example.org")])
    key = Field("Key__c", "Key", "string", length=64, custom=True, unique=True, external_id=True)
    org.add_fields("Contact", [key])
    with serving(create_app(org)) as url:
        yield org, url
    org.close()


@pytest.fixture
def session(served: tuple[Org, str]) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.mount("https://", _InTheClear(served[1]))
        yield session


@pytest.fixture
def sf(served: tuple[Org, str], session: requests.Session) -> Salesforce:
    return Salesforce(instance_url=served[1], session_id=TOKEN, version="64.0", session=session)


def test_records_are_written_and_read(sf: Salesforce, served: tuple[Org, str]) -> None:
    org, _ = served
    record_id = sf.Contact.create({"LastName": "O'Neil", "FirstName": "Ada"})["id"]
    assert sf.Contact.update(record_id, {"Title": "Dr"}) == 204
    assert sf.Contact.get(record_id)["Title"] == "Dr"
    assert sf.Contact.upsert("Key__c/h1", {"LastName": "Byron"}) == 201
    assert sf.Contact.upsert("Key__c/h1", {"LastName": "Lord Byron"}) == 200
    assert sf.Contact.get_by_custom_id("Key__c", "h1")["LastName"] == "Lord Byron"
    assert sf.Contact.delete(record_id) == 204
    assert org.get("Contact", record_id)["IsDeleted"] is True


def test_queries_page_through_everything(sf: Salesforce, served: tuple[Org, str]) -> None:
    org, _ = served
    org.insert_many("Contact", [{"LastName": f"L{number:04}"} for number in range(4100)])
    found = sf.query_all("SELECT Id, LastName FROM Contact ORDER BY LastName")
    assert (found["totalSize"], found["done"]) == (4100, True)
    assert [one["LastName"] for one in found["records"]] == [f"L{number:04}" for number in range(4100)]
    assert sum(1 for _ in sf.query_all_iter("SELECT Id FROM Contact")) == 4100
    assert sf.query("SELECT Id FROM Contact WHERE LastName = 'O\\'Neil'")["totalSize"] == 0


def test_describe_limits_updated_and_deleted(sf: Salesforce, served: tuple[Org, str]) -> None:
    org, _ = served
    record_id, gone = org.insert_many("Contact", [{"LastName": "A"}, {"LastName": "B"}])
    org.delete("Contact", gone)
    assert "Key__c" in [one["name"] for one in sf.Contact.describe()["fields"]]
    described = sf.describe()
    assert described is not None
    assert "Contact" in [one["name"] for one in described["sobjects"]]
    assert sf.limits()["DailyApiRequests"]["Max"] == 100_000
    end = datetime.now(UTC) + timedelta(minutes=2)
    assert record_id in sf.Contact.updated(end - timedelta(hours=1), end)["ids"]
    assert [one["id"] for one in sf.Contact.deleted(end - timedelta(hours=1), end)["deletedRecords"]] == [gone]
    assert sf.api_usage["api-usage"].total == 100_000


def test_its_exceptions_are_those_of_a_real_org(sf: Salesforce, served: tuple[Org, str]) -> None:
    org, _ = served
    org.remove_fields("Contact", ["Key__c"])
    org.add_fields("Contact", [Field("Key__c", "Key", "string", length=64, custom=True, external_id=True)])
    org.insert_many("Contact", [{"LastName": "A", "Key__c": "twice"}] * 2)
    with pytest.raises(SalesforceResourceNotFound):
        sf.Contact.get("003D000000QV9n2IAD")
    with pytest.raises(SalesforceMalformedRequest, match="MALFORMED_QUERY"):
        sf.query("SELECT")
    with pytest.raises(SalesforceMoreThanOneRecord):
        sf.Contact.upsert("Key__c/twice", {"LastName": "B"})
    org.expire_tokens()
    with pytest.raises(SalesforceExpiredSession):
        sf.Contact.describe()


def test_bulk_ingest_and_query(sf: Salesforce, served: tuple[Org, str]) -> None:
    org, _ = served
    job = sf.bulk2.Contact
    rows = [{"Key__c": f"h{number}", "LastName": f"L{number}"} for number in range(250)]
    done = job.upsert(records=[*rows, {"Key__c": "h999", "LastName": ""}], external_id_field="Key__c", wait=0.05)
    assert (done[0]["numberRecordsTotal"], done[0]["numberRecordsFailed"]) == (251, 1)
    results = job.get_all_ingest_records(done[0]["job_id"])
    assert len(results["successfulRecords"]) == 250
    assert results["failedRecords"][0]["sf__Error"].startswith("REQUIRED_FIELD_MISSING")
    assert results["unprocessedRecords"] == []
    pages = list(job.query("SELECT Key__c, LastName FROM Contact ORDER BY Key__c", max_records=100, wait=0.05))
    assert sum(page.count("\n") - (1 if page.startswith('"Key__c"') else 0) for page in pages) == 250
    assert org.count("Contact") == 250


def test_client_credentials_log_in(served: tuple[Org, str], session: requests.Session) -> None:
    sf = Salesforce(consumer_key="key", consumer_secret="secret", domain="clinic.my", session=session)
    assert sf.query("SELECT COUNT() FROM Contact")["totalSize"] == 0
