"""An approved plan: the rows of a finished dry run, checked against its seal before anything is done by it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from hintsync.core.errors import BadInput
from hintsync.core.plan import Outcome
from hintsync.core.records import RecordId
from hintsync.engine.batch.sealing import made_with, seal_run
from hintsync.engine.context import Engine
from hintsync.engine.runs.life import RunKeeper
from hintsync.state.port import RunKind, RunRow, RunStatus


@dataclass(frozen=True, slots=True)
class Approved:
    """The rows of an approved dry run, by record id."""

    run_id: str
    rows: Mapping[RecordId, RunRow]

    async def list_unseen(self, keeper: RunKeeper, seen: Collection[RecordId]) -> None:
        """List what was planned for records that are not there any more."""
        gone = [
            row for record_id, row in self.rows.items() if record_id not in seen and record_id not in keeper.finished
        ]
        rows = [
            RunRow(
                keeper.run.id,
                keeper.take_position(),
                row.side,
                row.record_id,
                Outcome.CHANGED_SINCE,
                row.rule,
                row.peers,
                "planned, not there any more",
            )
            for row in gone
        ]
        if rows:
            await keeper.commit(rows)


async def load_approved(engine: Engine, run_id: str | None, kind: RunKind) -> Approved | None:
    """Load the plan of a dry run.

    Raises:
        BadInput: there is no such finished dry run of that kind, or its rows are not what was sealed.
    """
    if run_id is None:
        return None
    run = await engine.store.run(run_id)
    if run is None or not run.dry or run.kind is not kind or run.status is not RunStatus.DONE:
        raise BadInput(f"{run_id} is not a finished dry run of this batch; `hintsync runs` lists them")
    if run.details.get("made_with") != made_with(engine):
        raise BadInput(f"the mapping or a system's fields changed since {run_id} was planned (G5); make a new dry run")
    rows: dict[RecordId, RunRow] = {}
    async for row in engine.store.rows(run_id):
        rows[row.record_id] = row
    if run.seal is None or await seal_run(engine, run) != run.seal:
        raise BadInput(f"the plan {run_id} is not what was sealed; make a new dry run")
    return Approved(run_id, rows)
