"""How runs and their rows look, to programs and to people."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import RenderableType
from rich.text import Text

from hintsync.core.plan import Outcome
from hintsync.engine.retention import FORGOTTEN
from hintsync.state.port import ReviewStatus, Run, RunKind, RunRow, RunStatus, StateStore
from hintsync.surfaces.cli.answer import Answer, Data, exit_of_run, table
from hintsync.surfaces.cli.progress import resume_hint

#: Details of a run that are shown; the others are the engine's own.
_DETAILS = ("calls", "cost", "phase", "patients_found", "approved", "create_contacts", "stamped", "stamps_refused")
_MOST_REVIEWS = 1_000_000


def run_data(run: Run) -> dict[str, object]:
    """Return a run for JSON."""
    return {
        "id": run.id,
        "kind": run.kind,
        "status": run.status,
        "dry": run.dry,
        "started_at": run.started_at,
        "started_by": run.started_by,
        "finished_at": run.finished_at,
        "total": run.total,
        "done": run.done,
        "reason": run.reason,
        "seal": run.seal,
        **{name: run.details.get(name) for name in _DETAILS},
    }


def row_data(row: RunRow) -> dict[str, object]:
    """Return one record's result for JSON."""
    return {
        "position": row.position,
        "side": row.side,
        "record_id": row.record_id,
        "outcome": row.outcome,
        "rule": row.rule,
        "reason": row.reason,
        "peers": list(row.peers),
        "written": {side: list(names) for side, names in row.written.items()},
        "held": list(row.held),
    }


def counts_data(counts: Mapping[Outcome, int]) -> dict[str, int]:
    """Return outcome counts, most frequent first."""
    return {str(outcome): counts[outcome] for outcome in sorted(counts, key=lambda each: (-counts[each], each))}


async def ended_run(store: StateStore, run: Run) -> Answer:
    """Return the answer of a command that worked a run."""
    counts = await store.outcome_counts(run.id)
    reviews = await reviews_of(store, run)
    data: Data = {"run": run_data(run), "outcomes": counts_data(counts), "reviews_open": reviews}
    remarks = () if run.status is RunStatus.DONE else (resume_hint(run),)
    return Answer(data, (run_head(run), *outcome_table(counts, reviews), *_next_step(run)), exit_of_run(run), remarks)


async def reviews_of(store: StateStore, run: Run) -> int:
    """Count the open reviews that a run brought up last."""
    found = await store.reviews(run.connection_id, status=ReviewStatus.OPEN, limit=_MOST_REVIEWS)
    return sum(1 for review in found if review.run_id == run.id)


def run_head(run: Run) -> RenderableType:
    """Return the lines above a run's results."""
    if run.kind is RunKind.HELD:  # nothing is counted or called for a kept plan: its rows are all there is
        waits = "kept, waits to be approved" if run.status is RunStatus.RUNNING else str(run.status)
        return Text(f"{run.id}  what guard G3 held back: {waits}" + (f" ({run.reason})" if run.reason else ""))
    kind = f"{run.kind}{', dry run' if run.dry else ''}"
    lines = [f"{run.id}  {kind}: {run.status}" + (f" ({run.reason})" if run.reason else "")]
    lines.append(f"{run.done} of {run.total if run.total is not None else '?'} records, {_calls(run)}")
    cost = run.details.get("cost")
    if isinstance(cost, Mapping):
        lines.append(f"price: {cost.get('salesforce')} + {cost.get('hint')} calls, about {cost.get('seconds')} s")
    if gone := run.details.get(FORGOTTEN):
        lines.append(f"its results were forgotten on {gone}, as the settings say")
    way = run.details.get("patients_found")
    if way:
        lines.append(f"patients found by {way}")
    return Text("\n".join(lines))


def _calls(run: Run) -> str:
    calls = run.details.get("calls")
    if not isinstance(calls, Mapping):
        return "no calls yet"
    return f"{calls.get('salesforce', 0)} calls to Salesforce, {calls.get('hint', 0)} to Hint"


def outcome_table(counts: Mapping[Outcome, int], reviews: int) -> tuple[RenderableType, ...]:
    """Return the outcomes with their counts, and how many reviews wait."""
    if not counts:
        return ()
    made = table("outcome", "records>")
    for outcome, count in counts_data(counts).items():
        made.add_row(outcome, f"{count:,}")
    waiting = (Text(f"{reviews:,} waiting for a person: hintsync review"),) if reviews else ()
    return (made, *waiting)


def _next_step(run: Run) -> tuple[RenderableType, ...]:
    if not run.dry or run.seal is None:
        return ()
    return (Text(f"nothing was written; carry out this plan with: --plan {run.id}"),)
