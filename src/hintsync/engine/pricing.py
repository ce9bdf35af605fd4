"""Prices the plan of a dry run in calls and seconds, and seals it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.runs import RunKeeper
from hintsync.engine.sealing import made_with, seal_run
from hintsync.engine.stamping import contact_of
from hintsync.state.port import Json, RunRow

#: Stamps beyond this number go by one bulk job, and the calls such a job takes about.
BULK_FROM = 2_000
BULK_CALLS = 10


@dataclass(slots=True)
class _Counted:
    """What a plan would write, in records and in the calls they take."""

    hint_writes: int = 0
    #: Chunks that update at least one contact, and that create at least one: a call each for every 200 records.
    updating: set[int] = field(default_factory=set)
    creating: set[int] = field(default_factory=set)
    stamped: int = 0


async def note_cost(engine: Engine, keeper: RunKeeper) -> None:
    """Add price and seal to a finished dry run: the calls of reading, as just made, and those of writing, as planned."""
    group = engine.salesforce.capabilities.write_size
    counted = _Counted()
    async for row in engine.store.rows(keeper.run.id):
        _count(engine, counted, row, group)
    stamps = min(-(-counted.stamped // group), BULK_CALLS if counted.stamped > BULK_FROM else counted.stamped)
    writes = {
        Side.HINT: counted.hint_writes,
        Side.SALESFORCE: len(counted.updating) + len(counted.creating) + stamps,
    }
    cost: dict[str, Json] = {}
    spent = keeper.calls()
    for side in engine.replicas:
        reading = spent[str(side)]
        cost[str(side)] = (reading if isinstance(reading, int) else 0) + writes[side]
    seconds = max((_number(cost[str(side)]) / rate for side, rate in engine.calls_per_second.items()), default=0.0)
    cost["seconds"] = round(seconds, 1)
    await keeper.note(cost=cost, made_with=made_with(engine))
    keeper.run = replace(keeper.run, seal=await seal_run(engine, keeper.run))


def _count(engine: Engine, counted: _Counted, row: RunRow, group: int) -> None:
    chunk = row.position // group
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


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
