"""The clock of a town over the wire, and the ways to both emulators, with points on them and people beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta

import httpx

from hintsync.core.values import Side
from hintsync_emulators.clock import Clock
from hintsync_emulators.control import Controlled
from tests.crash.points import Points

#: Whether a process works: only its calls have points, and only it sleeps the clock forward.
AT_WORK: ContextVar[bool] = ContextVar("at_work", default=False)


class TownClock:
    """The product's clock, which may be set back; the emulators' only goes on. Whoever works sleeps both forward."""

    def __init__(self) -> None:
        """Begin on a morning in March."""
        self.shared = Clock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC), running=False)
        self.elapsed = 0.0
        #: Seconds by which the product's clock is behind the emulators'.
        self.behind = 0.0

    def now(self) -> datetime:
        """Return the time of day, as the product has it."""
        return self.shared() - timedelta(seconds=self.behind)

    def monotonic(self) -> float:
        """Return the seconds that have passed; never set back."""
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        if AT_WORK.get():
            self.push(seconds)
            await asyncio.sleep(0)
        else:
            await asyncio.sleep(0.2)

    def push(self, seconds: float) -> None:
        """Move on; a negative number sets the product's time of day back."""
        passed = max(seconds, 0.0)
        self.shared.advance(passed)
        self.elapsed += passed
        self.behind += passed - seconds


class PointedTransport(httpx.AsyncBaseTransport):
    """A way to an emulator with a point before and after each request, and others at work between the two."""

    def __init__(self, side: Side, app: Controlled) -> None:
        """Take the emulator."""
        self.points = Points()
        #: Lets happen what others do before a request, or notes what came of it.
        self.before: Callable[[], Awaitable[None]] = _nothing
        self.after: Callable[[httpx.Request], None] = lambda request: None
        self._side = side
        self._inner = httpx.ASGITransport(app=app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Carry a request out; the process may die before, or once it was carried out."""
        if not AT_WORK.get():
            return await self._inner.handle_async_request(request)
        self.points.reach(f"before a call to {self._side}")
        await self.before()
        await request.aread()
        try:
            answer = await self._inner.handle_async_request(request)
        finally:
            self.after(request)
        self.points.reach(f"after a call to {self._side}")
        return answer


async def _nothing() -> None:
    """Let nothing happen."""
