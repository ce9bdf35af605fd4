"""How every part of a connection is, gathered for a page: from the store and what is in memory, without a remote call."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hintsync.core.limits import DayBudget
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.deliveries import KnownDeliveries, known_deliveries
from hintsync.engine.detect.heard import last_heard
from hintsync.engine.detect.positions import caught_up_name
from hintsync.engine.detect.way import Way, load_way
from hintsync.engine.guards.forecast import DayForecast, forecast_day
from hintsync.engine.health.alarms import LAST_SUCCESS
from hintsync.engine.health.figures import Figures, read_figures
from hintsync.engine.health.traffic import Hour, last_day
from hintsync.engine.live.retry import sides_in_trouble
from hintsync.engine.parity.report import is_signed, latest_report
from hintsync.state.port import Connection, Run, StateStore
from hintsync.state.traffic import ProcessSeen

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class HealthFacts:
    """Everything that is known of a connection's health now."""

    #: Seconds since the epoch at which it was looked.
    now: float
    figures: Figures
    way: Way
    #: Side to when an event of it last came, and when it was last read to its end; ISO 8601, UTC; None: never.
    heard: Mapping[Side, str | None]
    caught_up: Mapping[Side, str | None]
    #: Sides that live work cannot reach, with the seconds since it last tried.
    trouble: Mapping[Side, float]
    #: Seconds since the epoch of the latest thing that went well; None: nothing yet.
    last_success: float | None
    processes: Sequence[ProcessSeen]
    #: The latest parity check with its report, and whether it is as it was signed.
    parity: Run | None
    parity_signed: bool
    #: The last 24 hours, oldest first.
    hours: Sequence[Hour]
    budgets: Mapping[Side, DayForecast]
    allowances: Mapping[Side, DayBudget]
    deliveries: KnownDeliveries | None
    #: Milliseconds that the store took to be asked all this.
    store_milliseconds: float


async def health_facts(store: StateStore, connection: Connection, engine: Engine | None, now: float) -> HealthFacts:
    """Read how a connection is.

    Args:
        store: The store.
        connection: Which.
        engine: The connection at work; None while it is not open: then nothing is known of budgets.
        now: Seconds since the epoch.
    """
    began, connection_id = time.perf_counter(), connection.id
    parity = await latest_report(store, connection_id)
    success = await store.get_cursor(connection_id, LAST_SUCCESS)
    hours = await last_day(store, connection_id, now)
    allowances = _allowances(engine)
    figures = await read_figures(store, connection_id, now)
    return HealthFacts(
        now=now,
        figures=figures,
        way=await load_way(store, connection),
        heard={side: await last_heard(store, connection_id, side) for side in Side},
        caught_up={side: await store.get_cursor(connection_id, caught_up_name(side)) for side in Side},
        trouble=await sides_in_trouble(store, connection_id, now),
        last_success=float(success) if success else None,
        processes=await store.processes(),
        parity=parity,
        parity_signed=parity is not None and is_signed(store, parity),
        hours=hours,
        budgets=await _forecasts(store, connection_id, allowances, hours, now),
        allowances=allowances,
        deliveries=await known_deliveries(store, connection_id),
        store_milliseconds=(time.perf_counter() - began) * 1000,
    )


def _allowances(engine: Engine | None) -> Mapping[Side, DayBudget]:
    found = {side: replica.budget for side, replica in engine.replicas.items()} if engine else {}
    return {side: budget for side, budget in found.items() if budget is not None}


async def _forecasts(
    store: StateStore, connection_id: str, allowances: Mapping[Side, DayBudget], hours: Sequence[Hour], now: float
) -> Mapping[Side, DayForecast]:
    lately = await store.tallies(connection_id, since=int(now - _HOUR), words=["called"])
    return {
        side: forecast_day(
            budget,
            last_hour=sum(tally.number for tally in lately if tally.side is side),
            last_day=sum(hour.count("called", side) for hour in hours),
        )
        for side, budget in allowances.items()
    }
