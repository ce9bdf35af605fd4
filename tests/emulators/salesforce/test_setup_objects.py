"""What an org says of itself: who may do what, which duplicate rules there are, which packages were installed."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from hintsync_emulators.salesforce import Org, create_app
from hintsync_emulators.salesforce.dml.rules import DuplicateRule
from hintsync_emulators.salesforce.managed import install_managed, uninstall_managed
from hintsync_emulators.salesforce.schema.model import Field

TOKEN = "00D5g0000012345!setup.session"
INSTALLED = (
    "SELECT Id, SubscriberPackage.Name, SubscriberPackage.NamespacePrefix, SubscriberPackageVersion.MajorVersion"
    " FROM InstalledSubscriberPackage ORDER BY SubscriberPackageId"
)
PATIENT_ID = Field("Hint_Patient_ID__c", "Hint Patient ID", "string", length=40)


@pytest.fixture
def org() -> Org:
    return Org(token=TOKEN)


@pytest.fixture
async def http(org: Org) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    transport = httpx.ASGITransport(app=create_app(org))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://org/services/data/v67.0", headers=headers
    ) as http:
        yield http


async def ask(http: httpx.AsyncClient, soql: str, path: str = "/query") -> list[dict[str, object]]:
    answer = await http.get(path, params={"q": soql})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["records"]
    return [{name: value for name, value in row.items() if name != "attributes"} for row in found]


async def test_installed_packages_are_listed_with_name_and_namespace(org: Org, http: httpx.AsyncClient) -> None:
    assert await ask(http, INSTALLED, "/tooling/query") == []
    install_managed(org, "Hint Health", "hinthealth", [PATIENT_ID])
    [row] = await ask(http, INSTALLED, "/tooling/query")
    package = row["SubscriberPackage"]
    assert isinstance(package, dict)
    assert (package["Name"], package["NamespacePrefix"]) == ("Hint Health", "hinthealth")
    assert str(row["Id"]).startswith("0A3")
    refused = await http.get("/query", params={"q": INSTALLED})
    assert refused.status_code == 400, "the data API does not know the Tooling API's objects"


async def test_fields_of_a_package_bear_its_namespace_and_go_with_it(org: Org, http: httpx.AsyncClient) -> None:
    install_managed(org, "Hint Health", "hinthealth", [PATIENT_ID])
    contact = org.insert("Contact", {"LastName": "Moor", "hinthealth__Hint_Patient_ID__c": "pat-1"})
    soql = "SELECT Id, hinthealth__Hint_Patient_ID__c FROM Contact"
    assert await ask(http, soql) == [{"Id": contact, "hinthealth__Hint_Patient_ID__c": "pat-1"}]
    uninstall_managed(org, "hinthealth")
    assert (await http.get("/query", params={"q": soql})).status_code == 400
    assert await ask(http, INSTALLED, "/tooling/query") == []


async def test_duplicate_rules_are_rows(org: Org, http: httpx.AsyncClient) -> None:
    org.add_duplicate_rule(DuplicateRule("Contact"))
    soql = "SELECT DeveloperName FROM DuplicateRule WHERE SobjectType = '{}' AND IsActive = TRUE"
    assert await ask(http, soql.format("Contact")) == [{"DeveloperName": "Standard_Contact_Duplicate_Rule"}]
    assert await ask(http, soql.format("Account")) == []


async def test_an_administrator_may_do_everything_but_what_was_withheld(org: Org, http: httpx.AsyncClient) -> None:
    soql = "SELECT PermissionsModifyMetadata, PermissionsViewSetup FROM UserPermissionAccess"
    assert await ask(http, soql) == [{"PermissionsModifyMetadata": True, "PermissionsViewSetup": True}]
    org.withheld |= {"ViewSetup"}
    assert await ask(http, soql) == [{"PermissionsModifyMetadata": True, "PermissionsViewSetup": False}]
    assert (await http.get("/tooling/query", params={"q": INSTALLED})).status_code == 403


async def test_who_may_not_use_the_metadata_api_deploys_nothing(org: Org, http: httpx.AsyncClient) -> None:
    org.withheld |= {"ModifyMetadata", "ModifyAllData"}
    files = {
        "json": (None, b'{"deployOptions": {}}', "application/json"),
        "file": ("deploy.zip", b"PK\x05\x06" + bytes(18), "application/zip"),
    }
    answer = await http.post("/metadata/deployRequest", files=files)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")


async def test_what_else_the_tooling_api_has_is_said_to_be_left_out(http: httpx.AsyncClient) -> None:
    answer = await http.get("/tooling/query", params={"q": "SELECT Id FROM ApexClass"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (501, "NOT_EMULATED")
