"""Prices the plan of a dry run in calls and seconds, counts its changes by field, and seals it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace

from hintsync.core.forecast import PlannedWrites, price, short_of
from hintsync.core.plan import Cost, Outcome
from hintsync.core.records import FieldName
from hintsync.core.values import Side
from hintsync.engine.batch.sealing import made_with, seal_run
from hintsync.engine.batch.stamping import contact_of
from hintsync.engine.context import Engine
from hintsync.engine.runs.life import RunKeeper
from hintsync.state.port import Json, RunRow


@dataclass(slots=True)
class _Counted:
    """What a plan would write, counted row by row."""

    hint_writes: int = 0
    #: Chunks that update at least one contact, and that create at least one.
    updating: set[int] = field(default_factory=set)
    creating: set[int] = field(default_factory=set)
    stamped: int = 0
    #: Side and name of a field to how many records it would be written of.
    changes: dict[Side, Counter[FieldName]] = field(default_factory=lambda: {side: Counter() for side in Side})

    def writes(self) -> PlannedWrites:
        """Return the counts."""
        return PlannedWrites(self.hint_writes, len(self.updating), len(self.creating), self.stamped)

    def changes_told(self) -> dict[str, Json]:
        """Return the changes by side and field, as a run keeps them."""
        return {str(side): dict(counts) for side, counts in self.changes.items() if counts}


async def note_cost(engine: Engine, keeper: RunKeeper) -> None:
    """Add price and seal to a finished dry run: the calls of reading, as just made, and those of writing, as planned."""
    group = engine.salesforce.capabilities.write_size
    counted = _Counted()
    async for row in engine.store.rows(keeper.run.id):
        _count(engine, counted, row, group)
    spent = keeper.calls()
    read = {side: calls for side in engine.replicas if isinstance(calls := spent[str(side)], int)}
    cost = price(read, counted.writes(), write_size=group, per_second=engine.calls_per_second)
    told: dict[str, Json] = {str(side): calls for side, calls in cost.calls.items()}
    told["seconds"] = round(cost.seconds, 1)
    await keeper.note(
        cost=told, short_of=_short_of(engine, cost), changes=counted.changes_told(), made_with=made_with(engine)
    )
    keeper.run = replace(keeper.run, seal=await seal_run(engine, keeper.run))


def _short_of(engine: Engine, cost: Cost) -> dict[str, Json]:
    """Return by side how many calls the day lacks for this batch (guard G6); empty if it fits, or nobody knows."""
    budgets = {side: budget for side, replica in engine.replicas.items() if (budget := replica.budget) is not None}
    return {str(side): calls for side, calls in short_of(cost, budgets).items()}


def _count(engine: Engine, counted: _Counted, row: RunRow, group: int) -> None:
    chunk = row.position // group
    for side, names in row.written.items():
        counted.changes[side].update(names)
    counted.hint_writes += _writes_hint(engine, row)
    if row.outcome is Outcome.CREATED:
        counted.creating.add(chunk)
    elif _writes_contact(row):
        counted.updating.add(chunk)
    elif contact_of(row) is not None:
        counted.stamped += 1


def _writes_hint(engine: Engine, row: RunRow) -> bool:
    """A linked patient is written for its values, or to be told its contact (write-back)."""
    if row.outcome in (Outcome.LINKED, Outcome.CREATED) and engine.options.write_back:
        return True
    return bool(row.prints.get(Side.HINT))


def _writes_contact(row: RunRow) -> bool:
    return row.outcome is Outcome.LINKED or bool(row.outcome is Outcome.SYNCED and row.prints.get(Side.SALESFORCE))
