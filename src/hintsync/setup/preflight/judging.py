"""Judges what an org said: what must be so before anything is put into it, what a person should know, and the remedies."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hintsync.core.errors import FixConfiguration
from hintsync.doctor.findings import State
from hintsync.doctor.known import Unknown
from hintsync.replicas.salesforce.client import API_VERSION
from hintsync.replicas.salesforce.describe import COUNTRY_CODE, STATE_CODE
from hintsync.replicas.salesforce.org_setup import RIGHTS, VIEW_SETUP
from hintsync.replicas.salesforce.other_sync import OtherSync, find_other_sync
from hintsync.setup.preflight.facts import OrgFacts

#: Calls that an installation and the first look at an org take, with room to spare.
CALLS_NEEDED: Final = 100
#: Salesforce's names of editions whose API is an option that is bought apart.
_API_IS_AN_OPTION: Final = frozenset(
    {"Professional Edition", "Team Edition", "Contact Manager Edition", "Base Edition"}
)

_GRANT = (
    "Setup, Permission Sets, one of its own for installing: System Permissions; assign it to our user, and take it away"
    " afterwards."
)
#: Permission -> state without it, what for, remedy.
_NEEDED: Final = {
    "ModifyMetadata": (State.WRONG, "nothing can be deployed without it", _GRANT),
    "CustomizeApplication": (State.WRONG, "fields, layouts and the app cannot be made without it", _GRANT),
    "ManageProfilesPermissionsets": (State.WRONG, "permission sets cannot be deployed without it", _GRANT),
    "AssignPermissionSets": (State.WRONG, "nobody can be given hintsync without it", _GRANT),
    "ModifyAllData": (
        State.LOOK,
        "some orgs want it of who makes a canvas app",
        f"If Salesforce refuses the app: {_GRANT}",
    ),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """What one look at the org showed."""

    #: Stable; what `--json` calls it.
    code: str
    title: str
    state: State
    #: One line: names of setup and counts only.
    found: str
    #: What to do, and where; empty where there is nothing to do.
    remedy: str = ""


def judge(facts: OrgFacts) -> tuple[Finding, ...]:
    """Return a finding for everything that was asked, in the order in which people should read them."""
    return tuple(finding for each in _JUDGES for finding in each(facts))


def refuse(findings: Iterable[Finding]) -> None:
    """Let an installation go on.

    Raises:
        FixConfiguration: something stands in the way; names all of it with its remedies.
    """
    wrong = [f"{each.title}: {each.found}. {each.remedy}".strip() for each in findings if each.state is State.WRONG]
    if wrong:
        raise FixConfiguration(f"salesforce: the org is not ready, and nothing was changed. {' '.join(wrong)}")


def other_sync(facts: OrgFacts) -> OtherSync | None:
    """Return the other integration that the org showed."""
    labels = {} if isinstance(facts.labels, Unknown) else facts.labels
    packages = () if isinstance(facts.packages, Unknown) else facts.packages
    return find_other_sync(labels, packages)


def _edition(facts: OrgFacts) -> Iterator[Finding]:
    code, title, told = "edition", "Edition", facts.edition
    if isinstance(told, Unknown):
        yield _unknown(code, title, told)
    elif told is None:
        remedy = "Give the user that hintsync signs in as the permission to see the organization."
        yield Finding(code, title, State.LOOK, "our user may not see the Organization record", remedy)
    else:
        named = f"{told.name}, {told.edition}, {'sandbox' if told.sandbox else 'production'}"
        option = told.edition in _API_IS_AN_OPTION
        remedy = "Its API is an option that is bought apart; it answers now, so see that it stays." if option else ""
        yield Finding(code, title, State.LOOK if option else State.OK, named, remedy)


def _api(facts: OrgFacts) -> Iterator[Finding]:
    code, title, told = "api", "API access", facts.api
    if isinstance(told, Unknown):
        yield _unknown(code, title, told)
    elif not told.serves_ours:
        remedy = "A newer hintsync may speak another version."
        yield Finding(code, title, State.WRONG, f"the org does not serve version {API_VERSION}", remedy)
    else:
        found = f"version {API_VERSION} is served; {told.left:,} of {told.daily:,} calls of the day are left"
        short = told.left < CALLS_NEEDED
        remedy = "Wait until calls come free: Setup, Company Information, API Requests." if short else ""
        yield Finding(code, title, State.WRONG if short else State.OK, found, remedy)


def _rights(facts: OrgFacts) -> Iterator[Finding]:
    told = facts.rights
    if isinstance(told, Unknown):
        yield _unknown("permissions", "Permissions of the user that installs", told)
        return
    holds = {**told, "ModifyMetadata": told["ModifyMetadata"] or told["ModifyAllData"]}
    for name, (state, why, remedy) in _NEEDED.items():
        yield _right(name, holds[name], state, why, remedy)


def _sees_setup(facts: OrgFacts) -> Iterator[Finding]:
    """Judge the one permission that the user whom hintsync works as needs every day."""
    if isinstance(facts.sees_setup, Unknown):
        yield _unknown(f"permission-{VIEW_SETUP}", f"Permission {RIGHTS[VIEW_SETUP]}", facts.sees_setup)
        return
    why = "without it hintsync sees neither packages nor who holds a permission set, and lets nobody in to its pages"
    remedy = "Give it to the user that hintsync works as, for good: Setup, Permission Sets, System Permissions."
    yield _right(VIEW_SETUP, facts.sees_setup, State.LOOK, why, remedy)


def _right(name: str, held: bool, state: State, why: str, remedy: str) -> Finding:
    code, title = f"permission-{name}", f"Permission {RIGHTS[name]}"
    return Finding(code, title, State.OK, "our user has it") if held else Finding(code, title, state, why, remedy)


def _middle_name(facts: OrgFacts) -> Iterator[Finding]:
    code, title = "middle-name", "Middle names"
    if isinstance(facts.labels, Unknown):
        yield _unknown(code, title, facts.labels)
    elif "MiddleName" in facts.labels:
        yield Finding(code, title, State.OK, "the org has them, and our user sees them")
    else:
        remedy = "Setup, User Interface, Enable Middle Names for Person Names. It shows in the whole org, so that is for you."
        yield Finding(code, title, State.LOOK, "off, so Hint's middle names are not carried over", remedy)


def _places(facts: OrgFacts) -> Iterator[Finding]:
    code, title = "picklists", "State and country picklists"
    if isinstance(facts.labels, Unknown):
        yield _unknown(code, title, facts.labels)
        return
    state, country = STATE_CODE in facts.labels, COUNTRY_CODE in facts.labels
    if state != country:
        remedy = (
            "Let our user see both: Setup, Object Manager, Contact, Fields, Mailing Address, Set Field-Level Security."
        )
        yield Finding(code, title, State.LOOK, "our user sees one of the two code fields only", remedy)
    else:
        way = "on: written as their codes" if state else "off: written as text, as Hint has it"
        yield Finding(code, title, State.OK, f"{way}; both ways work")


def _persons(facts: OrgFacts) -> Iterator[Finding]:
    code, title, told = "person-accounts", "Person accounts", facts.persons
    if isinstance(told, Unknown):
        yield _unknown(code, title, told)
    elif told is None:
        yield Finding(code, title, State.OK, "the org has none")
    elif told.person_accounts == 0:
        yield Finding(code, title, State.OK, "switched on, and no contact is one")
    elif told.person_accounts == told.contacts:
        remedy = "hintsync does not support person accounts; it needs contacts that are not."
        yield Finding(code, title, State.WRONG, f"all {told.contacts:,} contacts are person accounts", remedy)
    else:
        found = f"{told.person_accounts:,} of {told.contacts:,} contacts are person accounts, and are skipped"
        yield Finding(
            code,
            title,
            State.LOOK,
            found,
            "The others are kept in step. Reports of a batch name each that was skipped.",
        )


def _duplicate_rules(facts: OrgFacts) -> Iterator[Finding]:
    code, title, told = "duplicate-rules", "Duplicate rules of contacts", facts.duplicate_rules
    if isinstance(told, Unknown):
        yield _unknown(code, title, told)
    elif not told:
        yield Finding(code, title, State.OK, "none is active")
    else:
        remedy = (
            "A contact that a rule holds back is not created: it goes to review, where a person may allow it if the rule"
            " does. hintsync never passes a rule by itself."
        )
        yield Finding(code, title, State.LOOK, f"active: {', '.join(told)}", remedy)


def _other(facts: OrgFacts) -> Iterator[Finding]:
    code, title, found = "other-integration", "Another integration with Hint", other_sync(facts)
    if found is not None:
        remedy = (
            "hintsync stands still beside it, for two would fight. The page Safety stops and hintsync take-over import its links"
            " and say how to end it."
        )
        yield Finding(code, title, State.LOOK, f"installed: {found.title}", remedy)
    elif isinstance(facts.packages, Unknown):
        yield _unknown(code, title, facts.packages)
    else:
        yield Finding(code, title, State.OK, "none is installed")


def _unknown(code: str, title: str, told: Unknown) -> Finding:
    return Finding(code, title, State.NOT_KNOWN, told.words, "Look in Salesforce whether it is as it should be.")


_JUDGES: Final[tuple[Callable[[OrgFacts], Iterator[Finding]], ...]] = (
    _edition,
    _api,
    _rights,
    _sees_setup,
    _middle_name,
    _places,
    _persons,
    _duplicate_rules,
    _other,
)
