"""Hint's allowance of requests for a day, which all practices of one partner account share, and all our workers."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Protocol

from hintsync.core.errors import BudgetSpent
from hintsync.core.limits import DayBudget
from hintsync.core.values import Side
from hintsync.ports import Clock

#: Requests a day and partner (https://docs.hint.com/docs/rate-limits, read August 2026).
PER_DAY = 500_000

#: Requests drawn at a time from what all workers share, at most: one look at the book for so many.
_DRAW = 100


class Book(Protocol):
    """Where all workers add up their requests."""

    async def add(self, day: str, calls: int) -> int:
        """Add to the requests of a UTC day (YYYY-MM-DD), or take back what is negative; return the sum over all workers."""
        ...


class OwnBook:
    """The book of a process that is alone."""

    def __init__(self) -> None:
        """Start empty."""
        self._days: dict[str, int] = {}

    async def add(self, day: str, calls: int) -> int:
        """Add to the requests of a day."""
        self._days = {day: self._days.get(day, 0) + calls}
        return self._days[day]


class DailyBudget:
    """Counts requests against the day's allowance; the day begins at 00:00 UTC.

    Hint tells neither what is used nor what is left, so workers count together: each draws some requests at a time from the
    book before it sends them, and never sends more than it drew. What a process has drawn and not sent when it is killed is
    lost for the day.
    """

    def __init__(
        self, clock: Clock, per_day: int = PER_DAY, *, reserve_share: float = 0.1, book: Book | None = None
    ) -> None:
        """Draw nothing yet.

        Args:
            clock: tells the day.
            per_day: requests a day.
            reserve_share: part of it that batches leave over for live work (guard G6).
            book: shared by all workers; the process is alone without it.
        """
        self._clock = clock
        self._reserve_share = reserve_share
        self._book = book or OwnBook()
        self.per_day = per_day
        self._draw = max(1, min(_DRAW, per_day // 1000))
        self._drawing = asyncio.Lock()
        self._day = ""
        self._ends = clock.monotonic()
        #: Requests drawn and not sent yet, and the sum over all workers as last heard, what they have drawn included.
        self._drawn = 0
        self._sum = 0

    @property
    def today(self) -> DayBudget:
        """The day's allowance as known: all that was sent, and what other workers have drawn."""
        self._turn_over()
        return DayBudget(
            self.per_day, self._sum - self._drawn, self._reserve_share, resets_in=self._ends - self._clock.monotonic()
        )

    async def take(self) -> None:
        """Count one request about to be sent.

        Raises:
            BudgetSpent: the allowance is used up; `after` tells the seconds until the next day begins.
        """
        self._turn_over()
        while not self._drawn:  # others may have sent what was drawn while this one waited
            if not await self._draw_more():
                after = self._ends - self._clock.monotonic()
                raise BudgetSpent(Side.HINT, "the day's requests are used up", after=after)
        self._drawn -= 1

    async def give_back(self) -> None:
        """Give back what was drawn and not sent: the process ends."""
        self._turn_over()
        spare, self._drawn = self._drawn, 0
        if spare:
            self._sum = await self._book.add(self._day, -spare)

    async def _draw_more(self) -> bool:
        """Draw requests and say whether there were any; another task may have done so meanwhile.

        They are counted before they are sent, so all workers together never exceed the allowance.
        """
        async with self._drawing:
            if self._drawn:
                return True
            day = self._day
            total = await self._book.add(day, self._draw)
            granted = self._draw - min(max(total - self.per_day, 0), self._draw)
            if granted < self._draw:
                total = await self._book.add(day, granted - self._draw)
            if day == self._day:
                self._drawn, self._sum = granted, total
            return granted > 0

    def _turn_over(self) -> None:
        """Start a new day when the old one is over; a look at the monotonic clock is all that most requests cost."""
        if self._clock.monotonic() >= self._ends:
            now = self._clock.now()
            self._day = now.date().isoformat()
            self._ends = self._clock.monotonic() + _seconds_to_midnight(now)
            self._drawn = self._sum = 0


def _seconds_to_midnight(now: datetime) -> float:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return (midnight - now).total_seconds()
