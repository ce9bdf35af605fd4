"""A clock that tests hold: sleeping only moves it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta


class HeldClock:
    """Stands still until someone sleeps; then it moves by that much and the others get their turn."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self.start = start
        self.elapsed = 0.0
        #: Every pause that was asked for, in order.
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        until = self.elapsed + seconds
        self.slept.append(seconds)
        await asyncio.sleep(0)
        self.elapsed = max(self.elapsed, until)
