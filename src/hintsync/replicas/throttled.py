"""Keeps the requests to one service under its rate and its number of concurrent calls.

One `Throttle` is shared by all clients whose requests the service adds up (all tenants of a partner key, say).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext

from hintsync.ports import Clock


class Slot:
    """One request's turn; a class of its own, for a context made of a generator costs more than the turn."""

    __slots__ = ("_running", "_turn")

    def __init__(
        self, running: AbstractAsyncContextManager[object | None], turn: Callable[[], Awaitable[None]]
    ) -> None:
        self._running = running
        self._turn = turn

    async def __aenter__(self) -> None:
        await self._running.__aenter__()
        try:
            await self._turn()
        except BaseException:
            await self._running.__aexit__(None, None, None)
            raise

    async def __aexit__(self, *_: object) -> None:
        await self._running.__aexit__(None, None, None)


class Throttle:
    """Lets requests start no faster than a rate, and no more at a time than a number; first come, first served."""

    def __init__(
        self, clock: Clock, *, per_second: float | None = None, concurrency: int | None = None, burst: int = 1
    ) -> None:
        """Set the limits.

        Args:
            clock: measures and waits.
            per_second: requests that may start in a second, in the long run; `None` for no limit.
            concurrency: requests that may run at a time; `None` for no limit.
            burst: requests that may start at once after a pause.
        """
        if (per_second is not None and per_second <= 0) or (concurrency is not None and concurrency < 1) or burst < 1:
            raise ValueError("a throttle needs a positive rate, concurrency and burst")
        self._clock = clock
        self._interval = 1 / per_second if per_second else 0.0
        self._credit = (burst - 1) * self._interval
        #: Requests that may run at a time; `None` for no limit.
        self.concurrency = concurrency
        self._running = asyncio.Semaphore(concurrency) if concurrency else nullcontext()
        #: When the next request would start if all came evenly spaced; lies ahead of now by what was taken in advance.
        self._due = 0.0
        self._held_until = 0.0

    def slot(self) -> Slot:
        """Wait for a turn, and hold it while the request runs: `async with throttle.slot():`."""
        return Slot(self._running, self._turn)

    def hold_off(self, seconds: float) -> None:
        """Let nothing start for a while: the service said that we are too fast. Running requests go on."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)
        self._due = max(self._due, self._held_until + self._credit)

    async def _turn(self) -> None:
        start = self._reserve()
        while (wait := start - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait)
            if self._held_until > start:
                start = self._reserve()

    def _reserve(self) -> float:
        """Take the next place in the schedule and return when it starts (generic cell rate algorithm)."""
        place = max(self._due, self._clock.monotonic())
        self._due = place + self._interval
        return place - self._credit
