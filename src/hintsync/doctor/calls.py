"""The day's calls to a system: what is left of them, and how many of them we made."""

from __future__ import annotations

from dataclasses import dataclass

from hintsync.bootstrap import Service
from hintsync.core.limits import DayBudget
from hintsync.core.values import Side
from hintsync.doctor.known import Known, Unknown, learn
from hintsync.engine.health.traffic import last_day, whole
from hintsync.state.port import Connection


@dataclass(frozen=True, slots=True)
class Calls:
    """A day's calls."""

    budget: DayBudget
    #: Calls that our processes made for this connection in the last 24 hours; not known while the store does not answer.
    ours: Known[int]


async def calls_of(service: Service, connection: Connection, side: Side, budget: Known[DayBudget]) -> Known[Calls]:
    """Return what is left of a day's calls, with our share of what is gone."""
    if isinstance(budget, Unknown):
        return budget
    return Calls(budget, await learn(_made(service, connection, side)))


async def _made(service: Service, connection: Connection, side: Side) -> int:
    hours = await last_day(service.store, connection.id, service.clock.now().timestamp())
    return whole(hours).count("called", side)
