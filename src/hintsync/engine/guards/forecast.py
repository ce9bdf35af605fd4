"""What a side's calls will come to by the end of the day if it goes on as in the last hour (guard G6)."""

from __future__ import annotations

from dataclasses import dataclass

from hintsync.core.limits import DayBudget, Purpose

_DAY = 86_400.0
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class DayForecast:
    """A side's calls of the day, and what they will come to."""

    limit: int
    used: int
    reserve: int
    #: Our own calls of the last hour.
    pace: int
    #: Used by the end of the day at this pace; for a rolling day, in the last 24 hours by then.
    expected: int
    #: Kinds of work that would have stopped by then, in the order in which they stop.
    stopping: tuple[Purpose, ...]
    #: The day is the last 24 hours; else it ends at a moment, when all calls are given back.
    rolling: bool

    @property
    def share(self) -> float:
        """Part of the limit that is used."""
        return self.used / self.limit if self.limit else 0.0


def forecast_day(budget: DayBudget, *, last_hour: int, last_day: int) -> DayForecast:
    """Return what a day's calls will come to.

    Args:
        budget: The day's allowance as last learned.
        last_hour: Our own calls of the last hour, over all processes.
        last_day: Our own calls of the last 24 hours.
    """
    if budget.resets_in is None:  # ours of yesterday come back as today's are made; what others use stays as it is
        expected = max(budget.used - last_day, 0) + last_hour * _DAY / _HOUR
    else:
        expected = budget.used + last_hour * budget.resets_in / _HOUR
    then = DayBudget(budget.limit, round(expected), budget.reserve_share)
    stopping = tuple(purpose for purpose in Purpose if not then.allows(1, purpose))
    return DayForecast(
        budget.limit, budget.used, budget.reserve, last_hour, round(expected), stopping, budget.resets_in is None
    )
