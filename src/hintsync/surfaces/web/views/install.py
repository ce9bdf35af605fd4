"""An installation on a page: what was found of the org, how far it is, what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hintsync.doctor.findings import State
from hintsync.setup.preflight.judging import Finding
from hintsync.surfaces.web.installing import Phase, Progress

_BADGES: Final = {State.OK: "good", State.LOOK: "warn", State.WRONG: "bad", State.NOT_KNOWN: "info"}
_PHASES: Final = {
    Phase.RUNNING: ("installing", "info"),
    Phase.DONE: ("installed", "good"),
    Phase.FAILED: ("not finished", "bad"),
    Phase.SILENT: ("interrupted", "bad"),
}


@dataclass(frozen=True, slots=True)
class FindingView:
    """One thing that was looked at."""

    title: str
    state: str
    kind: str
    found: str
    remedy: str


@dataclass(frozen=True, slots=True)
class FindingsView:
    """All of them: first what needs a person, then what is well."""

    open: tuple[FindingView, ...]
    well: tuple[FindingView, ...]
    #: Something is wrong, so that nothing can be installed.
    stands_in_the_way: bool


@dataclass(frozen=True, slots=True)
class ProgressView:
    """An installation as it stands."""

    word: str
    kind: str
    is_running: bool
    #: It may be begun once more, and goes on where it was.
    again: bool
    is_done: bool
    lines: tuple[str, ...]
    remarks: tuple[str, ...]
    problem: str


def findings_view(findings: Iterable[Finding]) -> FindingsView:
    """Return findings for a page; the worst first."""
    order = (State.WRONG, State.LOOK, State.NOT_KNOWN, State.OK)
    ordered = sorted(findings, key=lambda each: order.index(each.state))
    return FindingsView(
        tuple(_finding(each) for each in ordered if each.state is not State.OK),
        tuple(_finding(each) for each in ordered if each.state is State.OK),
        any(each.state is State.WRONG for each in ordered),
    )


def _finding(found: Finding) -> FindingView:
    return FindingView(found.title, str(found.state), _BADGES[found.state], found.found, found.remedy)


def progress_view(progress: Progress) -> ProgressView:
    """Return an installation for a page."""
    word, kind = _PHASES[progress.phase]
    problem = progress.problem
    if progress.phase is Phase.SILENT:
        problem = "the process that installed has ended in the middle of it; what was done stays"
    return ProgressView(
        word,
        kind,
        progress.is_running,
        progress.phase in (Phase.FAILED, Phase.SILENT),
        progress.phase is Phase.DONE,
        progress.lines,
        progress.remarks,
        problem,
    )
