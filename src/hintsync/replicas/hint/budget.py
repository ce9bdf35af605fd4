"""Hint's allowance of requests for a day, which all practices of one partner account share."""

from __future__ import annotations

from datetime import datetime, timedelta

from hintsync.core.errors import BudgetSpent
from hintsync.core.values import Side
from hintsync.ports import Clock

#: Requests a day and partner (https://docs.hint.com/docs/rate-limits, read August 2026).
PER_DAY = 500_000


class DailyBudget:
    """Counts requests against the day's allowance; the day begins at 00:00 UTC.

    Hint tells neither what is used nor what is left, so this counts what this process sent. Others who use the same
    partner account are not seen: give the process a share of the allowance then.
    """

    def __init__(self, clock: Clock, per_day: int = PER_DAY, *, reserve_share: float = 0.1) -> None:
        self._clock = clock
        #: Requests that batches leave over for live work (guard G6).
        self.reserve = int(per_day * reserve_share)
        self.per_day = per_day
        self._used = 0
        self._ends = clock.monotonic()

    @property
    def left(self) -> int:
        """Requests that may still be sent today."""
        self._turn_over()
        return max(self.per_day - self._used, 0)

    def take(self) -> None:
        """Count one request about to be sent.

        Raises:
            BudgetSpent: the allowance is used up; `after` tells the seconds until the next day begins.
        """
        self._turn_over()
        if self._used >= self.per_day:
            raise BudgetSpent(Side.HINT, "the day's requests are used up", after=self._ends - self._clock.monotonic())
        self._used += 1

    def spare_for_batch(self, calls: int) -> None:
        """Let a batch go on only while its next calls leave the reserve untouched.

        Raises:
            BudgetSpent: they would not; live work may go on.
        """
        if self.left - calls < self.reserve:
            reason = f"batch would go below the reserve of {self.reserve} of {self.per_day} daily requests"
            raise BudgetSpent(Side.HINT, reason, after=self._ends - self._clock.monotonic())

    def _turn_over(self) -> None:
        """Start a new day when the old one is over; a look at the monotonic clock is all that most requests cost."""
        if self._clock.monotonic() >= self._ends:
            self._used = 0
            self._ends = self._clock.monotonic() + _seconds_to_midnight(self._clock.now())


def _seconds_to_midnight(now: datetime) -> float:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight - now).total_seconds()
