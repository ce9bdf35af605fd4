"""Packages that change the org."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org

NAMESPACE = 'xmlns="http://soap.sforce.com/2006/04/metadata"'
KEY = """<fields><fullName>Key__c</fullName><label>Key</label><type>Text</type><length>64</length>
  <externalId>true</externalId><unique>true</unique><caseSensitive>true</caseSensitive></fields>"""
STATUS = """<fields><fullName>Status__c</fullName><label>Status</label><type>Picklist</type><valueSet>
  <restricted>true</restricted><valueSetDefinition><sorted>false</sorted>
  <value><fullName>linked</fullName><default>false</default><label>Linked</label></value>
  <value><fullName>held</fullName><default>true</default></value></valueSetDefinition></valueSet></fields>"""
LOG = f"""<CustomObject {NAMESPACE}><label>Log</label><pluralLabel>Logs</pluralLabel>
  <nameField><type>AutoNumber</type><displayFormat>L-{{0000}}</displayFormat><label>Number</label></nameField>
  <deploymentStatus>Deployed</deploymentStatus><sharingModel>ReadWrite</sharingModel>
  <fields><fullName>Contact__c</fullName><label>Contact</label><type>Lookup</type><referenceTo>Contact</referenceTo>
  <relationshipName>Logs</relationshipName></fields>
  <fields><fullName>Text__c</fullName><label>Text</label><type>LongTextArea</type><length>32000</length>
  <visibleLines>5</visibleLines></fields></CustomObject>"""
PERMISSIONS = f"""<PermissionSet {NAMESPACE}><label>Sync</label><fieldPermissions><editable>true</editable>
  <field>Contact.Key__c</field><readable>true</readable></fieldPermissions></PermissionSet>"""


def _contact(*fields: str) -> str:
    return f"<CustomObject {NAMESPACE}>{''.join(fields)}</CustomObject>"


def _types(kind: str, *members: str) -> str:
    return f"<types>{''.join(f'<members>{one}</members>' for one in members)}<name>{kind}</name></types>"


SYNC = _types("PermissionSet", "Sync")


def _package(files: dict[str, str], types: str | None = None, root: str = "") -> bytes:
    if types is None:
        objects = [name.partition("/")[2].removesuffix(".object") for name in files if name.endswith(".object")]
        types = _types("CustomObject", *objects)
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        archive.writestr(f"{root}package.xml", f"<Package {NAMESPACE}>{types}<version>65.0</version></Package>")
        for name, content in files.items():
            archive.writestr(f"{root}{name}", content)
    return raw.getvalue()


async def _send(api: httpx.AsyncClient, raw: bytes, part: str = "json", **options: bool) -> dict[str, object]:
    files = {
        part: (None, json.dumps({"deployOptions": options}), "application/json"),
        "file": ("package.xml", raw, "application/zip"),
    }
    answer = await api.post("/metadata/deployRequest", files=files)
    assert answer.status_code == 201, answer.text
    found: dict[str, object] = answer.json()
    return found


async def _deploy(api: httpx.AsyncClient, raw: bytes, part: str = "json", **options: bool) -> dict[str, object]:
    started = await _send(api, raw, part, **options)
    answer = await api.get(f"/metadata/deployRequest/{started['id']}", params={"includeDetails": "true"})
    found: dict[str, object] = answer.json()["deployResult"]
    return found


@pytest.mark.parametrize(("part", "root"), [("json", ""), ("entity_content", ""), ("json", "unpackaged/")])
async def test_a_deployed_field_is_there_at_once(api: httpx.AsyncClient, org: Org, part: str, root: str) -> None:
    old = org.insert("Contact", {"LastName": "Before"})
    files = {"objects/Contact.object": _contact(KEY, STATUS)}
    types = _types("CustomField", "Contact.Key__c", "Contact.Status__c")
    result = await _deploy(api, _package(files, types, root), part, singlePackage=True)
    assert (result["status"], result["done"], result["success"]) == ("Succeeded", True, True)
    names = [one["fullName"] for one in result["details"]["componentSuccesses"]]
    assert names == ["Contact.Key__c", "Contact.Status__c", "package.xml"]
    fields = {one["name"]: one for one in (await api.get("/sobjects/Contact/describe")).json()["fields"]}
    assert (fields["Key__c"]["externalId"], fields["Key__c"]["caseSensitive"]) == (True, True)
    assert fields["Status__c"]["restrictedPicklist"] is True
    assert [one["label"] for one in fields["Status__c"]["picklistValues"]] == ["Linked", "held"]
    assert org.get("Contact", old)["Key__c"] is None
    written = await api.patch("/sobjects/Contact/Key__c/k1", json={"LastName": "After"})
    assert org.get("Contact", written.json()["id"])["Status__c"] == "held"
    refused = await api.patch("/sobjects/Contact/Key__c/k1", json={"Status__c": "odd"})
    assert refused.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"


async def test_a_deployment_begins_pending_and_ends_when_it_is_looked_at(api: httpx.AsyncClient, org: Org) -> None:
    org.pace.deploy_polls = 3
    started = await _send(api, _package({"objects/Contact.object": _contact(KEY)}))
    assert str(started["id"]).startswith("0Af")
    assert started["deployResult"]["status"] == "Pending"
    states = []
    for _ in range(4):
        answer = await api.get(f"/metadata/deployRequest/{started['id']}")
        states.append(answer.json()["deployResult"]["status"])
    assert states == ["InProgress", "InProgress", "Succeeded", "Succeeded"]
    assert "details" not in answer.json()["deployResult"]


async def test_a_waiting_deployment_can_be_cancelled(api: httpx.AsyncClient, org: Org) -> None:
    started = await _send(api, _package({"objects/Contact.object": _contact(KEY)}))
    url = f"/metadata/deployRequest/{started['id']}"
    body = {"deployResult": {"status": "Canceling"}}
    assert (await api.patch(url, json=body)).json()["deployResult"]["status"] == "Canceled"
    assert (await api.get(url)).json()["deployResult"]["done"] is True
    assert (await api.patch(url, json=body)).status_code == 400
    assert org.definition("Contact").get("Key__c") is None


async def test_checking_only_changes_nothing(api: httpx.AsyncClient, org: Org) -> None:
    result = await _deploy(api, _package({"objects/Contact.object": _contact(KEY)}), checkOnly=True)
    assert (result["status"], result["checkOnly"]) == ("Succeeded", True)
    assert org.definition("Contact").get("Key__c") is None
    assert (await _deploy(api, _package({"objects/Contact.object": _contact(KEY)})))["success"] is True


@pytest.mark.parametrize(
    ("field", "problem"),
    [
        ("<fullName>Key</fullName><label>K</label><type>Text</type><length>9</length>", "must end in __c"),
        ("<fullName>K__c</fullName><label>K</label><type>Text</type>", "Must specify 'length'"),
        ("<fullName>K__c</fullName><label>K</label><type>Text</type><length>256</length>", "between 1 and 255"),
        ("<fullName>K__c</fullName><type>Text</type><length>9</length>", "non-empty label"),
        ("<fullName>K__c</fullName><label>K</label><type>Checkbox</type><unique>true</unique>", "'unique'"),
        ("<fullName>K__c</fullName><label>K</label><type>Summary</type>", "not emulated: CustomField of type Summary"),
        (
            "<fullName>K__c</fullName><label>K</label><type>Text</type><formula>Id</formula>",
            "not emulated: CustomField of type formula",
        ),
        (
            "<fullName>K__c</fullName><label>K</label><type>Lookup</type><referenceTo>Nope</referenceTo>",
            "does not resolve to a valid sObject type",
        ),
    ],
)
async def test_one_bad_component_fails_the_deployment_and_undoes_the_good_ones(
    api: httpx.AsyncClient, org: Org, field: str, problem: str
) -> None:
    bad = f"<fields>{field}</fields>"
    result = await _deploy(api, _package({"objects/Contact.object": _contact(KEY, bad)}))
    assert (result["status"], result["success"], result["numberComponentErrors"]) == ("Failed", False, 1)
    failure = result["details"]["componentFailures"][0]
    assert (failure["componentType"], failure["problemType"], failure["fileName"]) == (
        "CustomField",
        "Error",
        "objects/Contact.object",
    )
    assert problem in failure["problem"]
    assert org.definition("Contact").get("Key__c") is None
    assert (await _deploy(api, _package({"objects/Contact.object": _contact(KEY)})))["success"] is True


async def test_a_custom_object_with_a_lookup_can_be_written_and_asked_for(api: httpx.AsyncClient, org: Org) -> None:
    result = await _deploy(api, _package({"objects/Log__c.object": LOG}))
    assert result["success"] is True, result
    contact = org.insert("Contact", {"LastName": "Lovelace"})
    answer = await api.post("/sobjects/Log__c", json={"Contact__c": contact, "Text__c": "linked"})
    assert answer.status_code == 201, answer.text
    statement = "SELECT Name, Contact__r.LastName, Text__c, Owner.Name FROM Log__c"
    found = (await api.get("/query", params={"q": statement})).json()["records"][0]
    assert (found["Name"], found["Contact__r"]["LastName"], found["Text__c"]) == ("L-0001", "Lovelace", "linked")
    children = await api.get("/query", params={"q": "SELECT Id, (SELECT Name FROM Logs__r) FROM Contact"})
    assert children.json()["records"][0]["Logs__r"]["records"][0]["Name"] == "L-0001"


async def test_a_permission_set_is_stored_and_must_name_fields_that_exist(api: httpx.AsyncClient) -> None:
    files = {"permissionsets/Sync.permissionset": PERMISSIONS}
    alone = await _deploy(api, _package(files, SYNC))
    assert "no CustomField named Contact.Key__c" in alone["details"]["componentFailures"][0]["problem"]
    both = await _deploy(
        api, _package({**files, "objects/Contact.object": _contact(KEY)}, SYNC + _types("CustomObject", "Contact"))
    )
    assert both["success"] is True
    found = (await api.get("/query", params={"q": "SELECT Id, Label FROM PermissionSet WHERE Name = 'Sync'"})).json()
    user = (await api.get("/query", params={"q": "SELECT Id FROM User"})).json()["records"][0]["Id"]
    body = {"PermissionSetId": found["records"][0]["Id"], "AssigneeId": user}
    assert (await api.post("/sobjects/PermissionSetAssignment", json=body)).status_code == 201


async def test_other_types_are_named_as_not_emulated(api: httpx.AsyncClient) -> None:
    types = _types("ApexClass", "Panel")
    result = await _deploy(api, _package({"classes/Panel.cls": "class Panel {}"}, types))
    failure = result["details"]["componentFailures"][0]
    assert (result["status"], failure["componentType"], failure["problem"]) == (
        "Failed",
        "ApexClass",
        "not emulated: ApexClass",
    )


@pytest.mark.parametrize(
    ("files", "types", "problem"),
    [
        ({"objects/Contact.object": _contact(KEY)}, "", "Not in package.xml"),
        ({"objects/Log__c.object": LOG}, "", "Not in package.xml"),
        ({"permissionsets/Sync.permissionset": PERMISSIONS}, "", "Not in package.xml"),
        ({"pages/HintPanel.page": "<apex:page/>"}, "", "Not in package.xml"),
        (
            {},
            _types("CustomField", "Contact.Key__c"),
            "An object 'Contact.Key__c' of type CustomField was named in package.xml, but was not found in zipped"
            " directory",
        ),
    ],
)
async def test_files_and_package_xml_must_agree(
    api: httpx.AsyncClient, files: dict[str, str], types: str, problem: str
) -> None:
    result = await _deploy(api, _package(files, types))
    assert [one["problem"] for one in result["details"]["componentFailures"]] == [problem]


async def test_destructive_changes_take_a_field_away(api: httpx.AsyncClient, org: Org) -> None:
    await _deploy(api, _package({"objects/Contact.object": _contact(KEY)}))
    gone = "<types><members>Contact.Key__c</members><name>CustomField</name></types>"
    files = {"destructiveChanges.xml": f"<Package {NAMESPACE}>{gone}</Package>"}
    assert (await _deploy(api, _package(files)))["success"] is True
    assert org.definition("Contact").get("Key__c") is None
    again = await _deploy(api, _package(files))
    assert again["details"]["componentFailures"][0]["problem"] == "No CustomField named: Contact.Key__c found"


@pytest.mark.parametrize("raw", [b"not a zip", b""])
async def test_a_broken_zip_is_refused(api: httpx.AsyncClient, raw: bytes) -> None:
    files = {"json": (None, '{"deployOptions":{}}', "application/json"), "file": ("p.zip", raw, "application/zip")}
    answer = await api.post("/metadata/deployRequest", files=files)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FILE_METADATA")


async def test_a_kept_database_is_the_same_org_again(tmp_path: Path, clock: ManualClock) -> None:
    from hintsync_emulators.salesforce import create_app

    path, token = str(tmp_path / "org.db"), "00DEM!t"
    first = Org(seed=3, clock=clock, database=path, token=token, features=["MiddleName"])
    headers = {"Authorization": f"Bearer {token}"}
    base = "http://emulated/services/data/v64.0"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(first)), base_url=base, headers=headers
    ) as api:
        await _deploy(api, _package({"objects/Contact.object": _contact(KEY), "objects/Log__c.object": LOG}))
        await api.patch("/sobjects/Contact/Key__c/k1", json={"LastName": "Kept", "MiddleName": "M"})
    first.close()
    second = Org(seed=3, clock=clock, database=path, token=token)
    assert (second.org_id, second.user_id) == (first.org_id, first.user_id)
    row = second.rows("Contact")[0]
    assert (row["LastName"], row["MiddleName"], row["Key__c"]) == ("Kept", "M", "k1")
    assert second.insert("Contact", {"LastName": "New"}) > str(row["Id"])
    assert second.definition("Log__c").get("Contact__c") is not None
    second.close()
