"""Prices the plan of a dry run in calls and seconds, and seals it."""

from __future__ import annotations

from dataclasses import replace

from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.runs import RunKeeper
from hintsync.engine.sealing import made_with, seal_run
from hintsync.state.port import Json, RunRow


async def note_cost(engine: Engine, keeper: RunKeeper) -> None:
    """Add price and seal to a finished dry run."""
    hint_writes = contact_writes = creates = 0
    async for row in engine.store.rows(keeper.run.id):
        hint_writes += _writes_hint(engine, row)
        contact_writes += _writes_contact(row)
        creates += row.outcome is Outcome.CREATED
    group = engine.salesforce.capabilities.write_size
    spent = keeper.calls()
    writes = {
        Side.HINT: hint_writes,
        Side.SALESFORCE: -(-contact_writes // group) + -(-creates // group),
    }
    cost: dict[str, Json] = {}
    for side in engine.replicas:
        reading = spent[str(side)]
        cost[str(side)] = (reading if isinstance(reading, int) else 0) + writes[side]
    seconds = max((_number(cost[str(side)]) / rate for side, rate in engine.calls_per_second.items()), default=0.0)
    cost["seconds"] = round(seconds, 1)
    await keeper.note(cost=cost, made_with=made_with(engine))
    keeper.run = replace(keeper.run, seal=await seal_run(engine, keeper.run))


def _writes_hint(engine: Engine, row: RunRow) -> bool:
    """A linked patient is written for its values, or to be told its contact (write-back)."""
    if row.outcome in (Outcome.LINKED, Outcome.CREATED) and engine.options.write_back:
        return True
    return bool(row.prints.get(Side.HINT))


def _writes_contact(row: RunRow) -> bool:
    return row.outcome is Outcome.LINKED or bool(row.outcome is Outcome.SYNCED and row.prints.get(Side.SALESFORCE))


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0
