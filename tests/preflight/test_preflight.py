"""The look at an org before anything is put into it: each thing that may be otherwise, and what is said of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from hintsync.core.errors import FixConfiguration
from hintsync.doctor.findings import State
from hintsync.setup.preflight.facts import gather
from hintsync.setup.preflight.judging import Finding, judge, other_sync, refuse
from hintsync_emulators.control import Failure
from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce.dml.rules import DuplicateRule
from hintsync_emulators.salesforce.managed import install_managed
from hintsync_emulators.salesforce.schema.model import Field
from tests.replicas.salesforce.office import Office


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """An org as it is before anything of ours."""
    office = Office()
    yield office
    await office.aclose()


async def look(office: Office) -> dict[str, Finding]:
    return {each.code: each for each in judge(await gather(office.client))}


def withhold(*names: str) -> Callable[[Org], None]:
    return lambda org: org.withheld.update(names)


def feature(name: str, on: bool = True) -> Callable[[Org], None]:
    return lambda org: org.enable(name, on)


def people(org: Org, contacts: int, persons: int) -> None:
    org.enable("PersonAccounts")
    for number in range(contacts):
        org.insert("Contact", {"LastName": f"Moor {number}"})
    for number in range(persons):
        org.insert_person({"FirstName": "Ada", "LastName": f"Moss {number}"})


def edition(name: str) -> Callable[[Org], None]:
    return lambda org: org.storage.update("Organization", org.org_id, {"OrganizationType": name})


ORGS: list[tuple[str, Callable[[Org], object], State, str]] = [
    ("edition", lambda org: None, State.OK, "Emulated Clinic, Enterprise Edition, production"),
    ("edition", edition("Professional Edition"), State.LOOK, "Professional Edition"),
    ("api", lambda org: None, State.OK, "version 67.0 is served"),
    ("api", lambda org: org.set_daily_limit(1000, 950), State.WRONG, "of 1,000 calls of the day are left"),
    ("permission-ModifyMetadata", withhold("ModifyMetadata"), State.OK, "our user has it"),
    ("permission-ModifyMetadata", withhold("ModifyMetadata", "ModifyAllData"), State.WRONG, "nothing can be deployed"),
    ("permission-CustomizeApplication", withhold("CustomizeApplication"), State.WRONG, "cannot be made without it"),
    (
        "permission-ManageProfilesPermissionsets",
        withhold("ManageProfilesPermissionsets"),
        State.WRONG,
        "permission sets cannot be deployed",
    ),
    ("permission-AssignPermissionSets", withhold("AssignPermissionSets"), State.WRONG, "nobody can be given hintsync"),
    ("permission-ModifyAllData", withhold("ModifyAllData"), State.LOOK, "canvas app"),
    ("permission-ViewSetup", withhold("ViewSetup"), State.LOOK, "lets nobody in"),
    ("other-integration", withhold("ViewSetup"), State.NOT_KNOWN, "INSUFFICIENT_ACCESS"),
    ("middle-name", feature("MiddleName"), State.OK, "the org has them"),
    ("middle-name", feature("MiddleName", False), State.LOOK, "off"),
    ("picklists", lambda org: None, State.OK, "off: written as text"),
    ("picklists", feature("StateAndCountryPicklists"), State.OK, "on: written as their codes"),
    ("person-accounts", lambda org: None, State.OK, "the org has none"),
    ("person-accounts", lambda org: people(org, 2, 0), State.OK, "switched on, and no contact is one"),
    ("person-accounts", lambda org: people(org, 2, 1), State.LOOK, "1 of 3 contacts are person accounts"),
    ("person-accounts", lambda org: people(org, 0, 2), State.WRONG, "all 2 contacts are person accounts"),
    ("duplicate-rules", lambda org: None, State.OK, "none is active"),
    (
        "duplicate-rules",
        lambda org: org.add_duplicate_rule(DuplicateRule("Contact")),
        State.LOOK,
        "active: Standard Contact Duplicate Rule",
    ),
    ("other-integration", lambda org: None, State.OK, "none is installed"),
    (
        "other-integration",
        lambda org: install_managed(org, "Hint Health", "hh"),
        State.LOOK,
        "installed: Hint Health 1.0, namespace hh",
    ),
]


@pytest.mark.parametrize(("code", "make", "state", "found"), ORGS, ids=[f"{o[0]} {o[2]} {o[3][:12]}" for o in ORGS])
async def test_each_look_says_how_the_org_is(
    office: Office, code: str, make: Callable[[Org], object], state: State, found: str
) -> None:
    make(office.org)
    finding = (await look(office))[code]
    assert (finding.state, found in finding.found) == (state, True), finding
    assert bool(finding.remedy) == (state is not State.OK)


async def test_what_is_wrong_is_refused_in_words_with_all_its_remedies(office: Office) -> None:
    office.org.withheld |= {"CustomizeApplication", "AssignPermissionSets"}
    findings = judge(await gather(office.client))
    with pytest.raises(FixConfiguration, match=r"not ready.*Customize Application.*Setup.*Assign Permission Sets"):
        refuse(findings)
    office.org.withheld.clear()
    refuse(judge(await gather(office.client)))


async def test_a_question_without_an_answer_hides_no_other(office: Office) -> None:
    office.faults.fail_next.append(Failure(match=r"DuplicateRule", status=500, times=100))
    found = await look(office)
    assert found["duplicate-rules"].state is State.NOT_KNOWN
    assert {each.state for each in found.values()} == {State.OK, State.LOOK, State.NOT_KNOWN}


PATIENT_ID = Field("Patient__c", "Hint Patient ID", "string", length=40)


@pytest.mark.parametrize(
    ("title", "field", "named"),
    [
        ("Hint Health", PATIENT_ID, "old__Patient__c"),
        (
            "HINT HEALTH for Salesforce",
            Field("Hint_Patient_ID__c", "Pat", "string", length=40),
            "old__Hint_Patient_ID__c",
        ),
        ("Sync Toolbox", PATIENT_ID, "old__Patient__c"),
        ("Hint Health", Field("Other__c", "Other", "string", length=40), ""),
    ],
)
async def test_m21_hints_own_package_is_known_by_its_title_or_by_its_fields(
    office: Office, title: str, field: Field, named: str
) -> None:
    install_managed(office.org, title, "old", [field])
    found = other_sync(await gather(office.client))
    assert found is not None
    assert (found.name, found.namespace, found.patient_id_field) == (title, "old", named)


async def test_m21_where_packages_may_not_be_listed_the_fields_tell(office: Office) -> None:
    office.org.withheld.add("ViewSetup")
    install_managed(office.org, "Hint Health", "old", [PATIENT_ID])
    found = other_sync(await gather(office.client))
    assert found is not None
    assert (found.name, found.namespace) == ("", "old")


async def test_m21_our_own_fields_and_other_packages_are_no_other_integration(office: Office) -> None:
    await office.deploy()
    install_managed(office.org, "Care Plans", "careplans", [Field("Hint__c", "Hint", "string", length=40)])
    assert other_sync(await gather(office.client)) is None
