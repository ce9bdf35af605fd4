"""How a run looks on a page: where it stands, what may be done with it, what it planned and costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hintsync.core.limits import DayBudget, Purpose
from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.engine.runs.ordered import Standing, standing_of
from hintsync.engine.runs.ordering import BATCHES, RESUMED_BY_PEOPLE
from hintsync.state.port import Run, RunKind, RunStatus
from hintsync.surfaces.web.views.run_words import (
    KINDS,
    OUTCOMES,
    duration_words,
    field_label,
    outcome_badge,
    outcome_name,
    phase_words,
    stopped_words,
)

_SIDES = {Side.SALESFORCE: "Salesforce", Side.HINT: "Hint"}


@dataclass(frozen=True, slots=True)
class OutcomeLine:
    """How many records came to an outcome."""

    outcome: str
    name: str
    meaning: str
    badge: str
    count: int


@dataclass(frozen=True, slots=True)
class PriceLine:
    """What a plan costs on one side, against what is left there."""

    system: str
    calls: int
    #: Calls that batches may still make today; None where the side's allowance is not known.
    left: int | None
    #: Calls of a day.
    limit: int | None
    #: Calls that batches leave to others.
    reserve: int | None

    @property
    def is_short(self) -> bool:
        """Whether the batch would pause before its end (guard G6)."""
        return self.left is not None and self.calls > self.left


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """How many records a field would be written of."""

    field: str
    salesforce: int
    hint: int


@dataclass(frozen=True, slots=True)
class RunView:
    """One run for a page. Ids, counts and words only."""

    id: str
    kind: str
    title: str
    dry: bool
    is_batch: bool
    status: str
    badge: str
    #: A worker has it, or will.
    is_under_way: bool
    is_waiting: bool
    is_stopping: bool
    can_abort: bool
    can_resume: bool
    #: A finished plan that can be carried out.
    can_start: bool
    is_kept: bool
    #: ISO 8601, UTC.
    started_at: str
    finished_at: str | None
    #: Actors, as the audit trail names them.
    started_by: str
    approved_by: str | None
    done: int
    total: int | None
    phase: str
    calls: str
    #: Why it stopped, what to do, and the page that helps.
    reason: str
    remedy: str
    remedy_path: str
    seal: str
    #: "yes", "no", or empty where it does not matter.
    creates: str
    #: The plan that it carries out.
    approved: str
    found_by: str
    duration: str

    @property
    def percent(self) -> int | None:
        """Part of the records that are done."""
        return min(self.done * 100 // self.total, 100) if self.total else None


def run_view(run: Run, now: float) -> RunView:
    """Return how a run looks at a moment (seconds since the epoch)."""
    standing = standing_of(run, now)
    status, badge = _status(run, standing)
    under_way = standing in (Standing.WAITING, Standing.WORKED)
    left = standing is Standing.LEFT or run.status in (RunStatus.STOPPED, RunStatus.ABORTED)
    remedy, path = _remedy(run, standing)
    creates = run.details.get("create_contacts")
    cost = run.details.get("cost")
    seconds = cost.get("seconds") if isinstance(cost, Mapping) else None
    return RunView(
        id=run.id,
        kind=str(run.kind),
        title=KINDS[run.kind] + (": dry run" if run.dry and run.kind in BATCHES else ""),
        dry=run.dry,
        is_batch=run.kind in BATCHES,
        status=status,
        badge=badge,
        is_under_way=under_way,
        is_waiting=standing is Standing.WAITING,
        is_stopping=run.status is RunStatus.ABORTING and standing is not Standing.LEFT,
        can_abort=run.status is RunStatus.RUNNING and run.kind is not RunKind.HELD,
        can_resume=left and run.kind in RESUMED_BY_PEOPLE,
        can_start=run.kind in BATCHES and run.dry and run.status is RunStatus.DONE and run.seal is not None,
        is_kept=run.kind is RunKind.HELD,
        started_at=run.started_at,
        finished_at=run.finished_at,
        started_by=run.started_by,
        approved_by=run.approved_by,
        done=run.done,
        total=run.total,
        phase=phase_words(run.details.get("phase")),
        calls=_calls(run),
        reason=run.reason or "",
        remedy=remedy,
        remedy_path=path,
        seal=run.seal or "",
        creates=("yes" if creates else "no") if isinstance(creates, bool) else "",
        approved=str(run.details.get("approved") or ""),
        found_by=str(run.details.get("patients_found") or ""),
        duration=duration_words(seconds) if isinstance(seconds, int | float) else "",
    )


def _status(run: Run, standing: Standing) -> tuple[str, str]:
    if standing is Standing.KEPT:
        return "waits to be approved", "warn"
    if standing is Standing.LEFT:
        return "left by its process", "warn"
    if run.status is RunStatus.ABORTING:
        return "stopping", "warn"
    if standing is Standing.WAITING:
        return "waiting for a worker", "info"
    if standing is Standing.WORKED:
        return "running", "info"
    if run.status is RunStatus.DONE:
        return ("planned" if run.dry else "finished"), "good"
    return (str(run.status), "bad" if run.status is RunStatus.STOPPED else "warn")


def _remedy(run: Run, standing: Standing) -> tuple[str, str]:
    if standing is Standing.LEFT:
        return "The process that worked it has ended. Press Resume to go on where it stopped, or abort it.", ""
    if run.status is RunStatus.STOPPED:
        words, path = stopped_words(run.reason)
        return (words, path) if run.kind in RESUMED_BY_PEOPLE else ("The service goes on with it by itself.", "")
    if run.status is RunStatus.ABORTED and run.kind in RESUMED_BY_PEOPLE:
        return "What was done stays done. Press Resume to go on where it stopped.", ""
    return "", ""


def _calls(run: Run) -> str:
    calls = run.details.get("calls")
    if not isinstance(calls, Mapping):
        return ""
    org, practice = calls.get("salesforce", 0), calls.get("hint", 0)
    return f"{org:,} {'call' if org == 1 else 'calls'} to Salesforce, {practice:,} to Hint"


def outcome_lines(counts: Mapping[Outcome, int]) -> list[OutcomeLine]:
    """Return the outcomes with their counts, most frequent first."""
    ordered = sorted(counts, key=lambda each: (-counts[each], each))
    return [
        OutcomeLine(str(each), outcome_name(each), OUTCOMES[each], outcome_badge(each), counts[each])
        for each in ordered
    ]


def price_lines(run: Run, budgets: Mapping[Side, DayBudget | None]) -> list[PriceLine]:
    """Return what a dry run's plan costs, by side; nothing if it was not priced."""
    cost = run.details.get("cost")
    if not isinstance(cost, Mapping):
        return []
    lines = []
    for side, name in _SIDES.items():
        calls, budget = cost.get(str(side)), budgets.get(side)
        if isinstance(calls, int):
            left = budget.left_for(Purpose.BATCH) if budget else None
            lines.append(
                PriceLine(name, calls, left, budget.limit if budget else None, budget.reserve if budget else None)
            )
    return lines


def change_lines(run: Run) -> list[ChangeLine]:
    """Return how many records each field would be written of, most first; nothing if it was not counted."""
    changes = run.details.get("changes")
    if not isinstance(changes, Mapping):
        return []
    counts: dict[str, dict[str, int]] = {}
    for side, fields in changes.items():
        for name, count in fields.items() if isinstance(fields, Mapping) else ():
            if isinstance(count, int):
                counts.setdefault(name, {})[side] = count
    lines = [
        ChangeLine(field_label(name), by.get(Side.SALESFORCE, 0), by.get(Side.HINT, 0)) for name, by in counts.items()
    ]
    return sorted(lines, key=lambda line: (-(line.salesforce + line.hint), line.field))
