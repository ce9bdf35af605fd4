"""Every type: deployed, listed, retrieved, deployed again unchanged, taken out again."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce.metadata.reading import names_of
from tests.emulators.metadata.deploying import Deployer, RestDeployer, SoapDeployer, zipped
from tests.emulators.metadata.zoo import FILES, TYPES

PACKAGE = zipped(FILES, TYPES)
#: Files that the org puts together anew or completes.
ASSEMBLED = (
    "extlClntAppGlobalOauthSets/Sync_App_glbloauth.ecaGlblOauth",
    "objects/Contact.object",
    "objects/Sync_Log__c.object",
)


def _count(org: Org) -> dict[str, int]:
    kinds = sorted({*TYPES, "Layout", "ListView", "Profile", "ReportFolder", "Settings"})
    return {kind: len(names_of(org, kind)) for kind in kinds}


async def test_a_package_of_every_type_deploys(deployer: Deployer, org: Org) -> None:
    result = await deployer.deploy(PACKAGE)
    assert (result.status, result.success, result.problems) == ("Succeeded", True, [])
    named = {name for names in TYPES.values() for name in names}
    assert named | {"Sync_Log__c.Level__c", "Sync_Log__c.Errors", "package.xml"} <= set(result.passed)
    assert all(
        one["created"] is True and one["changed"] is True for name, one in result.passed.items() if "xml" not in name
    )
    assert result.passed["Contact.Key__c"]["componentType"] == "CustomField"
    assert str(result.passed["Panel"]["id"]).startswith("066")


async def test_what_was_deployed_is_listed_and_comes_back_byte_for_byte(soap: SoapDeployer) -> None:
    await soap.deploy(PACKAGE)
    for kind, names in TYPES.items():
        listed = (
            await soap.listed("ReportFolder") + await soap.listed(kind) if kind == "Report" else await soap.listed(kind)
        )
        assert set(names) <= set(listed), kind
    files, problems = await soap.retrieve(TYPES)
    assert problems == []
    assert {f"unpackaged/{name}" for name in (*FILES, "package.xml")} == set(files)
    for name, content in FILES.items():
        if name not in ASSEMBLED:
            assert files[f"unpackaged/{name}"].decode() == content
    single, _ = await soap.retrieve({"CustomTab": ["*"]}, single=True)
    assert set(single) == {"package.xml", "tabs/Sync.tab", "tabs/Sync_Log__c.tab"}


async def test_what_was_retrieved_deploys_again_and_changes_nothing(soap: SoapDeployer) -> None:
    await soap.deploy(PACKAGE)
    first, _ = await soap.retrieve(TYPES)
    bare = {name.removeprefix("unpackaged/"): raw for name, raw in first.items() if "package.xml" not in name}
    again = await soap.deploy(zipped(bare, TYPES))
    assert again.success, again.problems
    # Objects are written anew at the first retrieval, so they may count as changed; nothing is created.
    assert not [name for name, one in again.passed.items() if one["created"] is True]
    second, _ = await soap.retrieve(TYPES)
    assert second == first


async def test_a_package_destroyed_leaves_the_org_as_it_was(deployer: Deployer, org: Org) -> None:
    before, tables = _count(org), org.storage.rows("SELECT name FROM sqlite_master ORDER BY name")
    await deployer.deploy(PACKAGE)
    assert _count(org) != before
    result = await deployer.deploy(zipped({}, {}, destructiveChanges=TYPES))
    assert result.success, result.problems
    assert all(one["deleted"] is True for name, one in result.passed.items() if name != "package.xml")
    assert _count(org) == before
    assert org.storage.rows("SELECT name FROM sqlite_master ORDER BY name") == tables
    for table in ("ObjectPermissions", "FieldPermissions", "SetupEntityAccess", "PermissionSetTabSetting", "ApexPage"):
        assert org.count(table) == 0, table


async def test_a_deployed_object_shows_in_describe_and_takes_records(
    rest: RestDeployer, api: httpx.AsyncClient
) -> None:
    assert (await api.get("/sobjects/Sync_Log__c/describe")).status_code == 404
    await rest.deploy(PACKAGE)
    fields = {one["name"]: one for one in (await api.get("/sobjects/Sync_Log__c/describe")).json()["fields"]}
    assert [one["value"] for one in fields["Level__c"]["picklistValues"]] == ["Debug", "Error"]
    refused = await api.post("/sobjects/Sync_Log__c", json={"Level__c": "Odd"})
    assert refused.json()[0]["errorCode"] == "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"
    assert (await api.post("/sobjects/Sync_Log__c", json={})).status_code == 201
    found = (await api.get("/query", params={"q": "SELECT Name, Level__c FROM Sync_Log__c"})).json()["records"][0]
    assert (found["Name"], found["Level__c"]) == ("L-00001", "Debug")
    names = [one["name"] for one in (await api.get("/sobjects")).json()["sobjects"]]
    assert "Sync_Log__c" in names


@pytest.mark.parametrize("kind", sorted(set(TYPES) - {"Report", "ReportFolder"}))
async def test_a_star_retrieves_every_component_of_a_type(soap: SoapDeployer, kind: str) -> None:
    await soap.deploy(PACKAGE)
    wanted = TYPES[kind]
    files, problems = await soap.retrieve({kind: ["*"]})
    text = files["unpackaged/package.xml"].decode()
    assert problems == []
    assert all(f"<members>{name}</members>" in text for name in wanted)


async def test_a_retrieval_tells_what_there_is_not(soap: SoapDeployer) -> None:
    files, problems = await soap.retrieve({"CustomTab": ["Nope"], "ApexClass": ["Any"]})
    assert problems == [
        "Entity of type 'CustomTab' named 'Nope' cannot be found",
        "Entity type: 'ApexClass' is unknown",
    ]
    assert set(files) == {"unpackaged/package.xml"}


async def test_a_folder_may_be_named_with_a_slash_as_the_cli_does(soap: SoapDeployer) -> None:
    slashed = {**TYPES, "Report": ["Sync/", "Sync/Batch"]}
    assert (await soap.deploy(zipped(FILES, slashed))).problems == []
    files, problems = await soap.retrieve({"Report": ["Sync/"]})
    assert (problems, set(files)) == ([], {"unpackaged/package.xml", "unpackaged/reports/Sync-meta.xml"})
