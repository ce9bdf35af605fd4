"""Permission sets and profiles: what they store, and what field-level security keeps from a user."""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import resources

import httpx
import pytest

from hintsync.replicas.salesforce.auth import GivenToken
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.grants import grant_permissions
from hintsync.replicas.salesforce.metadata import deploy_package
from hintsync.replicas.salesforce.packages import package_zip
from hintsync_emulators.salesforce import Org, create_app
from tests.emulators.metadata.deploying import Deployer, RestDeployer, SoapDeployer, unzipped, zipped
from tests.emulators.metadata.zoo import FILES, KEY, TYPES, xml
from tests.emulators.salesforce.conftest import ROOT, TOKEN
from tests.replicas.clock import HeldClock

FIELD = {"objects/Contact.object": xml("CustomObject", KEY)}
FIELD_TYPES = {"CustomField": ["Contact.Key__c"]}


def _set(inner: str, root: str = "PermissionSet") -> str:
    return xml(root, f"{inner}<label>Sync</label>" if root == "PermissionSet" else inner)


def _sees(editable: str = "true", field: str = "Contact.Key__c", readable: str = "true") -> str:
    shown = f"<editable>{editable}</editable><field>{field}</field><readable>{readable}</readable>"
    return f"<fieldPermissions>{shown}</fieldPermissions>"


def _may(name: str, *rights: str) -> str:
    every = ("allowCreate", "allowDelete", "allowEdit", "allowRead", "modifyAllRecords", "viewAllRecords")
    rows = "".join(f"<{right}>{str(right in rights).lower()}</{right}>" for right in every)
    return f"<objectPermissions>{rows}<object>{name}</object></objectPermissions>"


@pytest.fixture
async def strict() -> AsyncIterator[Org]:
    """An org with field-level security."""
    org = Org(seed=7, token=TOKEN, field_level_security=True)
    yield org
    org.close()


@pytest.fixture
async def caller(strict: Org) -> AsyncIterator[httpx.AsyncClient]:
    transport, headers = httpx.ASGITransport(create_app(strict)), {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url=f"http://emulated{ROOT}", headers=headers) as client:
        yield client


async def _fields(api: httpx.AsyncClient, name: str = "Contact") -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in (await api.get(f"/sobjects/{name}/describe")).json()["fields"]}


async def _rows(api: httpx.AsyncClient, statement: str) -> list[dict[str, object]]:
    answer = await api.get("/query", params={"q": statement})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["records"]
    return [{name: value for name, value in one.items() if name != "attributes"} for one in found]


async def _assign(api: httpx.AsyncClient) -> None:
    found = await _rows(api, "SELECT Id FROM PermissionSet WHERE Name = 'Sync'")
    user = await _rows(api, "SELECT Id FROM User")
    body = {"PermissionSetId": found[0]["Id"], "AssigneeId": user[0]["Id"]}
    assert (await api.post("/sobjects/PermissionSetAssignment", json=body)).status_code == 201


async def test_what_a_permission_set_grants_can_be_asked_for(deployer: Deployer, api: httpx.AsyncClient) -> None:
    assert (await deployer.deploy(zipped(FILES, TYPES))).success
    where = "WHERE Parent.Name = 'Sync'"
    fields = f"SELECT SobjectType, Field, PermissionsRead, PermissionsEdit FROM FieldPermissions {where}"
    assert await _rows(api, fields) == [
        {"SobjectType": "Contact", "Field": "Contact.Key__c", "PermissionsRead": True, "PermissionsEdit": True}
    ]
    objects = f"SELECT SobjectType, PermissionsRead, PermissionsDelete, PermissionsViewAllRecords FROM ObjectPermissions {where}"
    assert await _rows(api, objects) == [
        {
            "SobjectType": "Sync_Log__c",
            "PermissionsRead": True,
            "PermissionsDelete": False,
            "PermissionsViewAllRecords": True,
        }
    ]
    assert await _rows(api, f"SELECT Name, Visibility FROM PermissionSetTabSetting {where}") == [
        {"Name": "Sync", "Visibility": "Visible"}
    ]
    page = await _rows(api, "SELECT Id, Name, ApiVersion FROM ApexPage")
    access = await _rows(api, f"SELECT SetupEntityId, SetupEntityType FROM SetupEntityAccess {where}")
    assert access == [{"SetupEntityId": page[0]["Id"], "SetupEntityType": "ApexPage"}]


async def test_a_permission_set_deployed_again_grants_only_what_its_file_says(
    rest: RestDeployer, api: httpx.AsyncClient
) -> None:
    files = {**FIELD, "permissionsets/Sync.permissionset": _set(_sees() + _sees(field="Contact.Email"))}
    types = {**FIELD_TYPES, "PermissionSet": ["Sync"]}
    first = await rest.deploy(zipped(files, types))
    fewer = {"permissionsets/Sync.permissionset": _set(_sees(field="Contact.Email"))}
    second = await rest.deploy(zipped(fewer, {"PermissionSet": ["Sync"]}))
    assert second.passed["Sync"]["id"] == first.passed["Sync"]["id"]
    assert await _rows(api, "SELECT Field FROM FieldPermissions") == [{"Field": "Contact.Email"}]


@pytest.mark.parametrize(
    ("inner", "problem"),
    [
        (_sees(field="Contact.Nope__c"), "In field: field - no CustomField named Contact.Nope__c found"),
        (_sees(field="Contact.MiddleName"), "In field: field - no CustomField named Contact.MiddleName found"),
        (_sees(field="Contact.LastName"), "You cannot deploy to a required field: Contact.LastName"),
        (_sees(field="Contact.OwnerId"), "You cannot deploy to a required field: Contact.OwnerId"),
        (_may("Nope__c", "allowRead"), "In field: field - no CustomObject named Nope__c found"),
        (_may("Account", "allowEdit"), "Permission Edit Account depends on permission(s): Read Account"),
        (_may("Contact", "allowRead"), "Permission Read Contact depends on permission(s): Read Account"),
        (
            _may("Account", "allowRead", "allowDelete"),
            "Permission Delete Account depends on permission(s): Edit Account",
        ),
        (
            "<pageAccesses><apexPage>Nope</apexPage><enabled>true</enabled></pageAccesses>",
            "In field: apexPage - no ApexPage named Nope found",
        ),
        (
            "<tabSettings><tab>Nope</tab><visibility>Visible</visibility></tabSettings>",
            "In field: tab - no CustomTab named Nope found",
        ),
    ],
)
async def test_a_permission_set_names_what_exists_and_what_goes_together(
    rest: RestDeployer, inner: str, problem: str
) -> None:
    files = {"permissionsets/Sync.permissionset": xml("PermissionSet", f"<label>Sync</label>{inner}")}
    result = await rest.deploy(zipped(files, {"PermissionSet": ["Sync"]}))
    assert result.problems == [problem]


async def test_without_field_level_security_a_deployed_field_is_seen(
    rest: RestDeployer, api: httpx.AsyncClient
) -> None:
    await rest.deploy(zipped(FIELD, FIELD_TYPES))
    assert "Key__c" in await _fields(api)


async def test_a_field_that_nobody_was_granted_does_not_exist_for_the_caller(
    caller: httpx.AsyncClient, strict: Org
) -> None:
    await RestDeployer(caller).deploy(zipped(FIELD, FIELD_TYPES))
    known = strict.insert("Contact", {"LastName": "Moor", "Key__c": "k1"})
    assert "Key__c" not in await _fields(caller)
    missing = await caller.get("/query", params={"q": "SELECT Key__c FROM Contact"})
    assert (missing.status_code, missing.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    written = await caller.patch(f"/sobjects/Contact/{known}", json={"Key__c": "k2"})
    assert (written.status_code, written.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    assert (await caller.patch("/sobjects/Contact/Key__c/k1", json={"LastName": "New"})).status_code == 404
    assert "Key__c" not in (await caller.get(f"/sobjects/Contact/{known}")).json()
    everything = await _rows(caller, "SELECT FIELDS(ALL) FROM Contact LIMIT 200")
    assert "Key__c" not in everything[0]


async def test_an_assigned_permission_set_shows_the_field_at_once(caller: httpx.AsyncClient) -> None:
    files = {**FIELD, "permissionsets/Sync.permissionset": _set(_sees())}
    await RestDeployer(caller).deploy(zipped(files, {**FIELD_TYPES, "PermissionSet": ["Sync"]}))
    before = await caller.get("/sobjects/Contact/describe")
    assert "Key__c" not in before.text
    await _assign(caller)
    after = await _fields(caller)
    assert (after["Key__c"]["createable"], after["Key__c"]["updateable"]) == (True, True)
    assert (await caller.patch("/sobjects/Contact/Key__c/k1", json={"LastName": "New"})).status_code == 201
    assert await _rows(caller, "SELECT Key__c FROM Contact WHERE Key__c = 'k1'") == [{"Key__c": "k1"}]


async def test_a_field_that_may_only_be_read_cannot_be_written(caller: httpx.AsyncClient) -> None:
    files = {**FIELD, "permissionsets/Sync.permissionset": _set(_sees(editable="false"))}
    await RestDeployer(caller).deploy(zipped(files, {**FIELD_TYPES, "PermissionSet": ["Sync"]}))
    await _assign(caller)
    shown = (await _fields(caller))["Key__c"]
    assert (shown["createable"], shown["updateable"]) == (False, False)
    refused = await caller.post("/sobjects/Contact", json={"LastName": "New", "Key__c": "k"})
    assert refused.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"


async def test_a_hidden_field_still_has_its_default_and_its_uniqueness(caller: httpx.AsyncClient, strict: Org) -> None:
    flag = "<fields><fullName>Flag__c</fullName><defaultValue>true</defaultValue><label>Flag</label><type>Checkbox</type></fields>"
    body = xml("CustomObject", KEY + flag)
    types = {"CustomField": ["Contact.Key__c", "Contact.Flag__c"]}
    await RestDeployer(caller).deploy(zipped({"objects/Contact.object": body}, types))
    made = (await caller.post("/sobjects/Contact", json={"LastName": "New"})).json()["id"]
    assert "Flag__c" not in await _fields(caller)
    assert strict.get("Contact", made)["Flag__c"] is True


async def test_required_and_master_fields_are_seen_by_everybody(caller: httpx.AsyncClient) -> None:
    fields = """<fields><fullName>Must__c</fullName><label>Must</label><length>9</length><required>true</required>
      <type>Text</type></fields><fields><fullName>Owner_Contact__c</fullName><label>C</label><referenceTo>Contact</referenceTo>
      <relationshipName>Notes</relationshipName><type>MasterDetail</type></fields>"""
    note = xml("CustomObject", f"{fields}<label>Note</label><pluralLabel>Notes</pluralLabel>")
    result = await RestDeployer(caller).deploy(zipped({"objects/Note__c.object": note}, {"CustomObject": ["Note__c"]}))
    assert result.success, result.problems
    assert {"Must__c", "Owner_Contact__c"} <= set(await _fields(caller, "Note__c"))


async def test_a_profile_grants_to_its_users_and_adds_up(caller: httpx.AsyncClient, strict: Org) -> None:
    deployer = RestDeployer(caller)
    first = {**FIELD, "profiles/Admin.profile": _set(_sees(), "Profile")}
    assert (await deployer.deploy(zipped(first, {**FIELD_TYPES, "Profile": ["Admin"]}))).success
    assert "Key__c" in await _fields(caller)
    second = {"profiles/Admin.profile": _set(_sees(field="Contact.Email"), "Profile")}
    assert (await deployer.deploy(zipped(second, {"Profile": ["Admin"]}))).success
    assert "Key__c" in await _fields(caller)
    files, _ = await SoapDeployer(_bare(strict)).retrieve({"Profile": ["Admin"]})
    text = files["unpackaged/profiles/Admin.profile"].decode()
    assert "Contact.Key__c" in text
    assert "Contact.Email" in text
    users = await _rows(caller, "SELECT Profile.Name FROM User")
    assert users[0]["Profile"]["Name"] == "System Administrator"  # type: ignore[index]


def _bare(org: Org) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(org)), base_url="http://emulated")


async def test_our_own_package_is_seen_once_its_permissions_are_granted() -> None:
    clock = HeldClock()
    org = Org(seed=7, clock=clock.now, token=TOKEN, field_level_security=True)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(org))) as http:
        client = SalesforceClient(http, GivenToken("https://clinic.my.salesforce.test", TOKEN), clock)
        assert (await deploy_package(client, clock)).components > 0
        fields = f"{ROOT}/sobjects/Contact/describe"
        assert "Hint_Patient_Id__c" not in str((await client.get(fields, "describe")).data)
        await grant_permissions(client)
        shown = {one["name"]: one for one in (await client.get(fields, "describe")).data["fields"]}
        assert shown["Hint_Patient_Id__c"]["updateable"] is True
    org.close()


async def test_our_own_package_deploys_comes_back_and_goes(
    deployer: Deployer, outside: httpx.AsyncClient, org: Org
) -> None:
    raw = package_zip()
    assert (await deployer.deploy(raw, singlePackage=True)).problems == []
    fields = [name for name in await SoapDeployer(outside).listed("CustomField") if name.startswith("Contact.")]
    assert "Contact.Hint_Patient_Id__c" in fields
    shipped = unzipped(raw)["permissionsets/Hint_Sync.permissionset"]
    assert (
        shipped
        == resources.files("hintsync.salesforce_package")
        .joinpath("permissionsets/Hint_Sync.permissionset")
        .read_bytes()
    )
    files, problems = await SoapDeployer(outside).retrieve({"CustomField": fields, "PermissionSet": ["Hint_Sync"]})
    assert problems == []
    assert files["unpackaged/permissionsets/Hint_Sync.permissionset"] == shipped
    back = {name.removeprefix("unpackaged/"): content for name, content in files.items() if "package.xml" not in name}
    again = await deployer.deploy(zipped(back, {"CustomField": fields, "PermissionSet": ["Hint_Sync"]}))
    assert [name for name, one in again.passed.items() if one["changed"] is True] == ["package.xml"]
    gone = {"CustomField": fields, "PermissionSet": ["Hint_Sync"]}
    assert (await deployer.deploy(zipped({}, {}, destructiveChanges=gone))).success
    assert not any(one.custom for one in org.definition("Contact").fields.values())


async def test_bulk_work_sees_what_its_caller_sees(caller: httpx.AsyncClient, strict: Org) -> None:
    files = {**FIELD, "permissionsets/Sync.permissionset": _set(_sees())}
    await RestDeployer(caller).deploy(zipped(files, {**FIELD_TYPES, "PermissionSet": ["Sync"]}))

    async def insert() -> str:
        body = {"object": "Contact", "operation": "insert"}
        job = (await caller.post("/jobs/ingest", json=body)).json()["id"]
        rows = "LastName,Key__c\nMoor,k1\n"
        await caller.put(f"/jobs/ingest/{job}/batches", content=rows, headers={"Content-Type": "text/csv"})
        await caller.patch(f"/jobs/ingest/{job}", json={"state": "UploadComplete"})
        for _ in range(3):
            state = (await caller.get(f"/jobs/ingest/{job}")).json()
        return f"{state['state']} {state.get('numberRecordsFailed')}"

    before = await insert()
    assert strict.count("Contact") == 0, before
    await _assign(caller)
    assert await insert() == "JobComplete 0"
    assert strict.rows("Contact")[0]["Key__c"] == "k1"


async def test_rules_and_flows_reach_hidden_fields(caller: httpx.AsyncClient, strict: Org) -> None:
    await RestDeployer(caller).deploy(zipped(FIELD, FIELD_TYPES))
    strict.add_automation("Contact", lambda record, old: {"Key__c": f"auto {record['LastName']}"})
    strict.add_validation_rule("Contact", lambda record: record["Key__c"] == "auto Bad", "no")
    made = (await caller.post("/sobjects/Contact", json={"LastName": "Moor"})).json()["id"]
    assert strict.get("Contact", made)["Key__c"] == "auto Moor"
    refused = await caller.post("/sobjects/Contact", json={"LastName": "Bad"})
    assert refused.json()[0]["errorCode"] == "FIELD_CUSTOM_VALIDATION_EXCEPTION"


async def test_a_permission_set_is_assigned_once(rest: RestDeployer, api: httpx.AsyncClient) -> None:
    await rest.deploy(zipped({"permissionsets/Sync.permissionset": _set("")}, {"PermissionSet": ["Sync"]}))
    await _assign(api)
    assignment = (await _rows(api, "SELECT PermissionSetId, AssigneeId FROM PermissionSetAssignment"))[0]
    again = await api.post("/sobjects/PermissionSetAssignment", json=assignment)
    assert (again.status_code, again.json()[0]["errorCode"]) == (400, "DUPLICATE_VALUE")
    await rest.deploy(zipped({}, {}, destructiveChanges={"PermissionSet": ["Sync"]}))
    assert await _rows(api, "SELECT Id FROM PermissionSetAssignment") == []
