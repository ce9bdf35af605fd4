"""Test levels of deployments: the org has no Apex, so there is nothing to run and nothing that can be named."""

from __future__ import annotations

import base64

import httpx
import pytest

from hintsync_emulators.salesforce import Org
from tests.emulators.metadata.deploying import RestDeployer, SoapDeployer, results, zipped
from tests.emulators.metadata.zoo import xml

TAB = xml("CustomTab", "<label>Web</label><motif>Custom57: Desert</motif><url>https://e.com</url>")
GOOD = zipped({"tabs/Web.tab": TAB}, {"CustomTab": ["Web"]})
NOTHING = {
    "codeCoverage": [],
    "codeCoverageWarnings": [],
    "failures": [],
    "flowCoverage": [],
    "flowCoverageWarnings": [],
    "numFailures": 0,
    "numTestsRun": 0,
    "successes": [],
    "totalTime": 0.0,
}
UNKNOWN = "This class name's value is invalid: Missing_Test. Provide the name of an Apex class that has test methods."


async def _deployed(rest: RestDeployer, raw: bytes = GOOD, **options: object) -> dict[str, object]:
    job = await rest.start(raw, **options)
    answer = await rest.api.get(f"/metadata/deployRequest/{job}", params={"includeDetails": "true"})
    found: dict[str, object] = answer.json()["deployResult"]
    return found


@pytest.mark.parametrize(
    ("level", "enabled"), [(None, False), ("NoTestRun", False), ("RunLocalTests", True), ("RunAllTestsInOrg", True)]
)
async def test_a_level_finds_nothing_to_run(rest: RestDeployer, level: str | None, enabled: bool) -> None:
    result = await _deployed(rest, **({} if level is None else {"testLevel": level}))
    assert (result["status"], result["success"], result["runTestsEnabled"]) == ("Succeeded", True, enabled)
    assert [result[f"numberTest{name}"] for name in ("sTotal", "sCompleted", "Errors")] == [0, 0, 0]
    assert result["details"]["runTestResult"] == NOTHING
    assert "errorMessage" not in result


async def test_a_class_that_is_not_there_fails_the_deployment_and_undoes_it(rest: RestDeployer, org: Org) -> None:
    result = await _deployed(rest, testLevel="RunSpecifiedTests", runTests=["Missing_Test"])
    assert (result["status"], result["done"], result["success"]) == ("Failed", True, False)
    assert (result["errorStatusCode"], result["errorMessage"]) == ("INVALID_INPUT", UNKNOWN)
    assert result["numberComponentErrors"] == 0
    assert org.components.names("CustomTab") == []


async def test_soap_takes_several_classes_and_tells_the_first_that_is_not_there(soap: SoapDeployer) -> None:
    named = "<runTests>Missing_Test</runTests><runTests>Other_Test</runTests><testLevel>RunSpecifiedTests</testLevel>"
    text = f"<ZipFile>{base64.b64encode(GOOD).decode()}</ZipFile><DeployOptions>{named}</DeployOptions>"
    job = results(await soap.call(f"<deploy>{text}</deploy>"))[0].findtext("id")
    root = results(await soap.call(f"<checkDeployStatus><asyncProcessId>{job}</asyncProcessId></checkDeployStatus>"))[0]
    told = [root.findtext(name) for name in ("status", "success", "errorStatusCode", "errorMessage")]
    assert told == ["Failed", "false", "INVALID_INPUT", UNKNOWN]


async def test_a_failed_component_is_told_before_any_test(rest: RestDeployer) -> None:
    broken = zipped({"tabs/Web.tab": TAB.replace("<url>https://e.com</url>", "")}, {"CustomTab": ["Web"]})
    result = await _deployed(rest, broken, testLevel="RunSpecifiedTests", runTests=["Missing_Test"])
    assert (result["numberComponentErrors"], "errorMessage" in result) == (1, False)


async def test_a_package_with_apex_is_refused_by_name_whatever_the_level(rest: RestDeployer, org: Org) -> None:
    raw = zipped(
        {"tabs/Web.tab": TAB, "classes/Sync_Test.cls": "@IsTest class Sync_Test {}"},
        {"CustomTab": ["Web"], "ApexClass": ["Sync_Test"]},
    )
    result = await _deployed(rest, raw, testLevel="RunSpecifiedTests", runTests=["Sync_Test"])
    assert [one["problem"] for one in result["details"]["componentFailures"]] == ["not emulated: ApexClass"]
    assert (result["status"], org.components.names("CustomTab")) == ("Failed", [])


async def test_a_quick_deployment_runs_no_tests_again(rest: RestDeployer) -> None:
    checked = await _deployed(rest, checkOnly=True, testLevel="RunAllTestsInOrg")
    job = (await rest.quick(str(checked["id"]))).json()["id"]
    answer = (await rest.api.get(f"/metadata/deployRequest/{job}")).json()["deployResult"]
    assert (answer["status"], answer["runTestsEnabled"]) == ("Succeeded", False)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"testLevel": "Some"}, "INVALID_INPUT"),
        ({"testLevel": "RunSpecifiedTests"}, "INVALID_OPERATION"),
        ({"runTests": ["A"]}, "INVALID_OPERATION"),
        ({"testLevel": "RunLocalTests", "runTests": ["A"]}, "INVALID_OPERATION"),
        ({"testLevel": "RunSpecifiedTests", "runTests": "A"}, "INVALID_INPUT"),
        ({"testLevel": "RunSpecifiedTests", "runTests": [7]}, "INVALID_INPUT"),
    ],
)
async def test_levels_and_classes_that_do_not_go_together_are_refused(
    rest: RestDeployer, options: dict[str, object], code: str
) -> None:
    files = {
        "json": (None, httpx.Request("POST", "http://x", json={"deployOptions": options}).read(), "application/json")
    }
    answer = await rest.api.post("/metadata/deployRequest", files={**files, "file": ("p.zip", GOOD, "application/zip")})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
