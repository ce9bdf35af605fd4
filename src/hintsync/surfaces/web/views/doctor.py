"""What the doctor found, as its page shows it: by area, each finding with its state as a badge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hintsync.doctor.check import Area
from hintsync.doctor.findings import Finding, State, sum_of

_AREAS: Final = {
    Area.SERVICE: "This installation",
    Area.SALESFORCE: "Salesforce",
    Area.HINT: "Hint",
    Area.WEBHOOKS: "Webhooks",
    Area.WORK: "Work",
}
_BADGES: Final = {State.OK: "good", State.LOOK: "warn", State.WRONG: "bad", State.NOT_KNOWN: "info"}


@dataclass(frozen=True, slots=True)
class CheckView:
    """One finding."""

    code: str
    title: str
    #: Kind of badge, and the word in it.
    kind: str
    state: str
    found: str
    #: ISO 8601, or empty.
    at: str
    remedy: str


@dataclass(frozen=True, slots=True)
class AreaView:
    """One area; without checks while it is being looked at."""

    code: str
    title: str
    checks: tuple[CheckView, ...]


@dataclass(frozen=True, slots=True)
class DoctorView:
    """Everything on the page."""

    areas: tuple[AreaView, ...]
    #: Such as "20 ok, 2 wrong"; empty while nothing was found yet.
    sum: str
    #: Areas that are still being looked at.
    pending: int


def doctor_view(found: Mapping[Area, Sequence[Finding]]) -> DoctorView:
    """Return what was found so far; an area that is missing is still being looked at."""
    areas = tuple(AreaView(area, title, tuple(map(_check, found.get(area, ())))) for area, title in _AREAS.items())
    return DoctorView(
        areas, sum_of([each for findings in found.values() for each in findings]), len(_AREAS) - len(found)
    )


def _check(finding: Finding) -> CheckView:
    return CheckView(
        finding.check,
        finding.title,
        _BADGES[finding.state],
        finding.state,
        finding.found,
        finding.at,
        finding.remedy,
    )
