"""All or nothing, checks, quick deployments, cancelling."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org
from tests.emulators.metadata.deploying import Deployer, RestDeployer, SoapDeployer, results, zipped
from tests.emulators.metadata.zoo import CONTACT, FILES, TYPES, xml

GOOD = ("tabs/Web.tab", xml("CustomTab", "<label>Web</label><motif>Custom57: Desert</motif><url>https://e.com</url>"))
BAD = ("tabs/Bad.tab", xml("CustomTab", "<label>Bad</label><motif>Custom57: Desert</motif><page>Nope</page>"))
MIXED = zipped(dict([GOOD, BAD]), {"CustomTab": ["Web", "Bad"]})


async def test_one_bad_component_undoes_the_others(deployer: Deployer, org: Org) -> None:
    members = org.events.channels.members("Sync__chn")
    result = await deployer.deploy(
        zipped({**FILES, BAD[0]: BAD[1]}, {**TYPES, "CustomTab": ["Sync", "Sync_Log__c", "Bad"]})
    )
    assert (result.status, result.success) == ("Failed", False)
    assert result.problems == ["In field: page - no ApexPage named Nope found"]
    assert org.schema.get("Sync_Log__c") is None
    assert org.components.names("CustomTab") == []
    assert org.events.channels.members("Sync__chn") == members == []
    assert org.auth.apps == {}
    assert (await deployer.deploy(zipped(FILES, TYPES))).success


async def test_without_rollback_the_good_ones_stay(deployer: Deployer, org: Org) -> None:
    result = await deployer.deploy(MIXED, rollbackOnError=False)
    assert (result.status, set(result.failed)) == ("SucceededPartial", {"Bad"})
    assert org.components.names("CustomTab") == ["Web"]


async def test_a_check_changes_nothing_and_can_be_deployed_quickly(deployer: Deployer, org: Org) -> None:
    raw = zipped(FILES, TYPES)
    checked = await deployer.deploy(raw, checkOnly=True, testLevel="RunLocalTests")
    assert (checked.status, "Sync_Log__c" in checked.passed) == ("Succeeded", True)
    assert org.schema.get("Sync_Log__c") is None
    assert org.components.names("ApexPage") == []
    answer = await deployer.quick(checked.id)
    job = answer.json()["id"] if isinstance(deployer, RestDeployer) else results(answer)[0].text
    assert job != checked.id
    assert (await deployer.status(str(job))).success
    assert org.schema.get("Sync_Log__c") is not None


async def test_only_a_fresh_successful_check_can_be_deployed_quickly(rest: RestDeployer, clock: ManualClock) -> None:
    failed = await rest.deploy(MIXED, checkOnly=True)
    done = await rest.deploy(zipped(dict([GOOD]), {"CustomTab": ["Web"]}))
    old = await rest.deploy(zipped(dict([GOOD]), {"CustomTab": ["Web"]}), checkOnly=True)
    assert (await rest.quick(old.id)).status_code == 201
    clock.advance(11 * 24 * 3600)
    for job in (failed.id, done.id, old.id, "0AfNOPE"):
        answer = await rest.quick(job)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_ID_FIELD")


async def test_a_waiting_deployment_is_cancelled(deployer: Deployer, org: Org) -> None:
    org.pace.deploy_polls = 5
    job = await deployer.start(zipped(FILES, TYPES))
    assert (await deployer.status(job)).status == "InProgress"
    assert (await deployer.cancel(job)).status_code in (200, 202)
    assert (await deployer.status(job)).status == "Canceled"
    assert (await deployer.cancel(job)).status_code in (400, 500)
    assert org.components.names("ApexPage") == []


async def test_removals_come_before_and_after(rest: RestDeployer, org: Org) -> None:
    tab = xml("CustomTab", "<label>Web</label><motif>Custom57: Desert</motif><page>Panel</page>")
    first = {name: FILES[name] for name in ("pages/Panel.page", "pages/Panel.page-meta.xml")} | {"tabs/Web.tab": tab}
    assert (await rest.deploy(zipped(first, {"ApexPage": ["Panel"], "CustomTab": ["Web"]}))).success
    page = {"ApexPage": ["Panel"]}
    swapped = dict([GOOD])
    before = await rest.deploy(zipped(swapped, {"CustomTab": ["Web"]}, destructiveChangesPre=page))
    used = "This visualforce page is referenced elsewhere in salesforce.com.  Remove the usage and try again."
    assert before.problems == [f"{used} : Custom Tab Definition - Web"]
    assert (await rest.deploy(zipped(swapped, {"CustomTab": ["Web"]}, destructiveChangesPost=page))).success
    assert org.components.names("ApexPage") == []


@pytest.mark.parametrize("ignore", [True, False])
async def test_removing_what_is_not_there_is_a_warning(deployer: Deployer, ignore: bool) -> None:
    raw = zipped({}, {}, destructiveChanges={"CustomTab": ["Nope"], "CustomField": ["Contact.Nope__c"]})
    result = await deployer.deploy(raw, ignoreWarnings=ignore)
    assert result.success is ignore
    told = result.passed if ignore else result.failed
    assert told["Nope"]["problem"] == "No CustomTab named: Nope found"
    assert told["Nope"]["problemType"] == ("Warning" if ignore else "Error")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"checkOnly": "yes"}, "INVALID_INPUT"),
        ({"performRetrieve": True}, "NOT_EMULATED"),
        ({"shiny": True}, "NOT_EMULATED"),
    ],
)
async def test_options_are_checked(api: httpx.AsyncClient, options: dict[str, object], code: str) -> None:
    import json

    files = {
        "json": (None, json.dumps({"deployOptions": options}), "application/json"),
        "file": ("p.zip", MIXED, "application/zip"),
    }
    answer = await api.post("/metadata/deployRequest", files=files)
    assert (answer.status_code in (400, 501), answer.json()[0]["errorCode"]) == (True, code)


async def test_the_options_of_the_cli_are_taken(soap: SoapDeployer, org: Org) -> None:
    options = {"rollbackOnError": True, "ignoreWarnings": False, "checkOnly": False, "singlePackage": True}
    result = await soap.deploy(
        zipped(
            {"objects/Contact.object": CONTACT, **{n: FILES[n] for n in FILES if n.startswith("pages")}},
            {"CustomObject": ["Contact"], "ApexPage": ["Panel"]},
        ),
        purgeOnDelete=False,
        **options,
    )
    assert result.success, result.problems
    assert set(result.passed) == {"Contact", "Contact.Key__c", "Contact.Sync", "Contact.Unlink", "Panel", "package.xml"}
    assert org.definition("Contact").get("Key__c") is not None
