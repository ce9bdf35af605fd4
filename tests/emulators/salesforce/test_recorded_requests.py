"""Request sequences in the shapes that real clients send them, headers and all."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from hintsync_emulators.salesforce import Org
from tests.emulators.salesforce.conftest import ROOT, TOKEN

SF = {
    "Authorization": f"Bearer {TOKEN}",
    "content-type": "application/json",
    "user-agent": "sfdx toolbelt:",
    "Sforce-Call-Options": "client=sfdx toolbelt:",
}
JSFORCE = {"Authorization": f"Bearer {TOKEN}", "Accept": "*/*", "Accept-Encoding": "gzip,deflate"}


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_sf_org_login_access_token(outside: httpx.AsyncClient, org: Org) -> None:
    info = (await outside.get("/services/oauth2/userinfo", headers=SF)).json()
    assert (info["user_id"], info["organization_id"]) == (org.user_id, org.org_id)
    user = await outside.get(f"/services/data/v51.0/sobjects/User/{info['user_id']}", headers=SF)
    assert user.json()["Username"] == info["preferred_username"]
    hub = await outside.get("/services/data/v51.0/query?q=SELECT%20Id%20FROM%20ScratchOrgInfo%20limit%201", headers=SF)
    assert (hub.status_code, hub.json()[0]["errorCode"]) == (400, "INVALID_TYPE")
    newest = (await outside.get("/services/data", headers=SF)).json()[-1]
    asked = (
        "SELECT%20Name%2C%20InstanceName%2C%20IsSandbox%2C%20TrialExpirationDate%2C%20NamespacePrefix%2C%20"
        "OrganizationType%20FROM%20Organization"
    )
    answer = await outside.get(f"{newest['url']}/query?q={asked}", headers=SF)
    record = answer.json()["records"][0]
    assert (record["IsSandbox"], record["TrialExpirationDate"]) == (False, None)
    assert org.clients["sfdx toolbelt:"] == 3


async def test_sf_data_query_asks_twice(outside: httpx.AsyncClient, org: Org) -> None:
    org.insert("Contact", {"LastName": "Lovelace"})
    url = f"{ROOT}/query?q=SELECT%20Id%2C%20FirstName%2C%20LastName%20FROM%20Contact%20LIMIT%205"
    assert (await outside.get(url, headers=SF)).json()["totalSize"] == 1
    columns = (await outside.get(f"{url}&columns=true", headers=SF)).json()["columnMetadata"]
    assert [one["columnName"] for one in columns] == ["Id", "FirstName", "LastName"]


@pytest.mark.parametrize(
    "query",
    [
        "q=SELECT+Id%2CFirstName+FROM+Contact+WHERE+LastName%3D%27O%5C%27Neil%27+LIMIT+1",
        "q=SELECT%20Id%2CFirstName%20FROM%20Contact%20WHERE%20LastName%3D%27O%5C%27Neil%27%20LIMIT%201",
    ],
)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_spaces_arrive_as_plus_and_as_percent_20(
    outside: httpx.AsyncClient, org: Org, query: str, slash: str
) -> None:
    record_id = org.insert("Contact", {"LastName": "O'Neil", "FirstName": "Ada"})
    answer = await outside.get(f"{ROOT}/query{slash}?{query}", headers=JSFORCE)
    assert [one["Id"] for one in answer.json()["records"]] == [record_id]


async def test_jsforce_bulk_upsert_chunked(
    outside: httpx.AsyncClient, org: Org, add_field: Callable[..., None]
) -> None:
    add_field("Hint_Id__c", external_id=True, unique=True)
    headers = {**JSFORCE, "Content-Type": "application/json; charset=utf-8"}
    body = '{"object":"Contact","operation":"upsert","externalIdFieldName":"Hint_Id__c"}'
    job = (await outside.post(f"{ROOT}/jobs/ingest", content=body, headers=headers)).json()
    put = await outside.put(
        f"/{job['contentUrl']}",
        content=_pieces(b"Id,Hint_Id__c,Last", b"Name\n,h1,Lovelace\n"),
        headers={**JSFORCE, "Content-Type": "text/csv"},
    )
    assert (put.status_code, put.content) == (201, b"")
    url = f"{ROOT}/jobs/ingest/{job['id']}"
    await outside.patch(url, content='{"state":"UploadComplete"}', headers=headers)
    while (await outside.get(url, headers=JSFORCE)).json()["state"] != "JobComplete":
        pass
    lines = {}
    for which in ("successfulResults", "failedResults", "unprocessedrecords"):
        lines[which] = (await outside.get(f"{url}/{which}", headers=JSFORCE)).text.splitlines()
    assert [len(found) for found in lines.values()] == [2, 1, 1]
    assert lines["unprocessedrecords"] == ['"Id","Hint_Id__c","LastName"']
    assert org.rows("Contact")[0]["Hint_Id__c"] == "h1"


async def test_sf_project_deploy_over_rest(outside: httpx.AsyncClient, org: Org) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr(
            "package.xml",
            '<?xml version="1.0" encoding="UTF-8"?><Package xmlns="http://soap.sforce.com/2006/04/metadata"><types>'
            "<members>Contact.Hint_Id__c</members><name>CustomField</name></types><version>65.0</version></Package>",
        )
        archive.writestr(
            "objects/Contact.object",
            '<?xml version="1.0" encoding="UTF-8"?><CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">'
            "<fields><fullName>Hint_Id__c</fullName><externalId>true</externalId><label>Hint Id</label>"
            "<length>64</length><type>Text</type><unique>true</unique></fields></CustomObject>",
        )
    options = {"deployOptions": {"rollbackOnError": True, "checkOnly": False, "singlePackage": True}}
    files = {
        "file": ("package.xml", raw.getvalue(), "application/zip"),
        "entity_content": (None, json.dumps(options), "application/json"),
    }
    plain = {name: value for name, value in SF.items() if name != "content-type"}
    url = "/services/data/v65.0/metadata/deployRequest"
    started = (await outside.post(url, files=files, headers=plain)).json()
    status = (await outside.get(f"{url}/{started['id']}?includeDetails=true", headers=SF)).json()["deployResult"]
    assert (status["status"], status["numberComponentsDeployed"]) == ("Succeeded", 1)
    assert org.definition("Contact").get("Hint_Id__c") is not None


async def test_token_requests_arrive_chunked_and_with_basic(outside: httpx.AsyncClient, org: Org) -> None:
    from hintsync_emulators.salesforce import App

    org.auth.register([App("k", "s", run_as="integration@example.org")])
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    body = _pieces(b"grant_type=client_cred", b"entials&client_id=k&client_secret=s")
    assert (await outside.post("/services/oauth2/token", content=body, headers=form)).status_code == 200
    basic = {**form, "Authorization": f"Basic {base64.b64encode(b'k:s').decode()}"}
    answer = await outside.post("/services/oauth2/token", content="grant_type=client_credentials", headers=basic)
    assert answer.status_code == 200
