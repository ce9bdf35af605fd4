"""What a check found: its state, one line, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from hintsync.doctor.checks import BY_CODE, NOT_KNOWN, Area
from hintsync.doctor.known import Unknown, Why


class State(StrEnum):
    """How a thing is."""

    OK = "ok"
    #: Works, and a person should look at it.
    LOOK = "look"
    WRONG = "wrong"
    #: Could not be found out.
    NOT_KNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    #: Code of the check; stable.
    check: str
    state: State
    #: One line; ids, counts, field names and addresses only.
    found: str
    #: What to do, and where; empty where there is nothing to do.
    remedy: str = ""
    #: The moment that the line ends with; ISO 8601, UTC, or empty.
    at: str = ""

    @property
    def title(self) -> str:
        """What was looked at, in words."""
        return BY_CODE[self.check].title

    @property
    def area(self) -> Area:
        """Where it belongs."""
        return BY_CODE[self.check].area


def ok(check: str, found: str, *, at: str = "") -> Finding:
    """Return a finding that all is well."""
    return Finding(BY_CODE[check].code, State.OK, found, at=at)


def look(check: str, case: str, found: str, *, at: str = "") -> Finding:
    """Return a finding that a person should look at, with the remedy of its case."""
    return Finding(check, State.LOOK, found, BY_CODE[check].remedies[case], at)


def wrong(check: str, case: str, found: str, *, at: str = "") -> Finding:
    """Return a finding that something does not work, or is not safe, with the remedy of its case."""
    return Finding(check, State.WRONG, found, BY_CODE[check].remedies[case], at)


def not_known(check: str, unknown: Unknown) -> Finding:
    """Return a finding that the fact could not be had; what we are refused is for a person to look at."""
    state = State.LOOK if unknown.why is Why.REFUSED else State.NOT_KNOWN
    return Finding(BY_CODE[check].code, state, unknown.words, NOT_KNOWN[unknown.why])


def worst(findings: Iterable[Finding]) -> State:
    """Return the state of all together: what needs a person goes before what could not be found out."""
    states = {finding.state for finding in findings}
    order = (State.WRONG, State.LOOK, State.NOT_KNOWN)
    return next((state for state in order if state in states), State.OK)


def sum_of(findings: Sequence[Finding]) -> str:
    """Count findings by state, in words."""
    counts = {state: sum(each.state is state for each in findings) for state in State}
    return ", ".join(f"{count} {state}" for state, count in counts.items() if count)
