"""Keeps the requests of all workers, on all hosts, under the rate of one service: a throttle whose schedule is in the store.

Same interface as `throttled.Throttle`. One look at the store takes as many places as there are requests waiting, up to what
fits in a second, so that at full rate a place costs a fraction of a look.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Protocol

from hintsync.core.errors import HintsyncError
from hintsync.ports import Clock

_log = logging.getLogger(__name__)

#: Seconds of the schedule that one process takes at a time, and how long ahead: what it takes, others wait behind.
_AHEAD = 1.0
#: Seconds that requests are gathered at most while the schedule is full anyway.
_GATHER = 0.5


class Limiter(Protocol):
    """Lets requests start when their service allows it."""

    def slot(self) -> AbstractAsyncContextManager[None]:
        """Wait for a turn, and hold it while the request runs."""
        ...

    def hold_off(self, seconds: float) -> None:
        """Let nothing start for a while: the service said that we are too fast."""
        ...


class Turns(Protocol):
    """Schedules shared by all workers; the store has this shape."""

    async def take_turn(self, name: str, now: float, *, interval: float, burst: int, turns: int = 1) -> float:
        """Take the next places in a schedule; return the seconds to wait before the first, the others follow an interval apart."""
        ...

    async def hold_turns(self, name: str, now: float, seconds: float) -> None:
        """Let no place of a schedule begin for some seconds."""
        ...


class SharedThrottle:
    """Lets requests of all workers start no faster than a rate, and those of this one no more at a time than a number."""

    def __init__(
        self,
        turns: Turns,
        clock: Clock,
        name: str,
        *,
        per_second: float,
        concurrency: int | None = None,
        burst: int = 1,
    ) -> None:
        """Set the limits; the same name means the same schedule.

        Args:
            turns: where the schedules are.
            clock: measures and waits.
            name: of the schedule; all workers give it the same rate and burst.
            per_second: requests that may start in a second, over all workers, in the long run.
            concurrency: requests of this process that may run at a time; `None` for no limit.
            burst: requests that may start at once after a pause.
        """
        if per_second <= 0 or (concurrency is not None and concurrency < 1) or burst < 1:
            raise ValueError("a throttle needs a positive rate, concurrency and burst")
        self._turns, self._clock, self._name, self._burst = turns, clock, name, burst
        self._interval = 1 / per_second
        self._at_once = max(1, math.floor(_AHEAD * per_second))
        self._running = asyncio.Semaphore(concurrency) if concurrency else nullcontext()
        self._taking = asyncio.Lock()
        #: Requests that wait for a place, and the places that were taken for them: starts, in monotonic seconds.
        self._waiting = 0
        self._places: deque[float] = deque()
        #: Start of the place taken last, and until when the schedule was given away at the last look.
        self._last = 0.0
        self._full_until = 0.0
        self._held_until = 0.0
        self._telling: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a turn, and hold it while the request runs."""
        async with self._running:
            await self._turn()
            yield

    def hold_off(self, seconds: float) -> None:
        """Let nothing start for a while, here at once and elsewhere as soon as the store knows; running requests go on."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)
        task = asyncio.ensure_future(self._tell(seconds))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, seconds: float) -> None:
        try:
            await self._turns.hold_turns(self._name, self._clock.now().timestamp(), seconds)
        except HintsyncError as error:  # the other workers will be told by the service itself
            _log.warning("pace %s: a pause could not be shared (%s)", self._name, error.code)

    async def _turn(self) -> None:
        start = await self._place()
        while (wait := start - self._clock.monotonic()) > 0:
            await self._clock.sleep(wait)
            if self._held_until > start:
                start = await self._place()

    async def _place(self) -> float:
        """Return when the next place begins; places that a pause or a request given up has left behind are not used."""
        self._waiting += 1
        try:
            async with self._taking:
                while not self._places:
                    await self._take()
                    self._drop_stale()
                return self._places.popleft()
        finally:
            self._waiting -= 1
            self._drop_stale()

    async def _take(self) -> None:
        """Take a place for everybody who waits, as far as they fit into a second; not much before they begin."""
        if (pause := self._pause()) > 0:
            await self._clock.sleep(pause)
        if self._telling:  # so that the schedule knows of the pause before more of it is taken
            await asyncio.wait(self._telling)
        count = max(1, min(self._waiting, self._at_once))
        asked = self._clock.monotonic()
        wait = await self._turns.take_turn(
            self._name, self._clock.now().timestamp(), interval=self._interval, burst=self._burst, turns=count
        )
        self._full_until = asked + wait
        self._places.extend(asked + wait + number * self._interval for number in range(count))
        self._last = self._places[-1]

    def _pause(self) -> float:
        """Return how long the next look can wait: the schedule is given away for a while, and more requests may come."""
        now = self._clock.monotonic()
        given = self._full_until - now
        gather = min(given / 2, _GATHER) if given > 2 * self._interval else 0.0
        return max(gather, self._last - now - _AHEAD)

    def _drop_stale(self) -> None:
        oldest = max(self._held_until, self._clock.monotonic() - self._interval)
        while self._places and self._places[0] < oldest:
            self._places.popleft()
