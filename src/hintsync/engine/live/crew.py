"""Keeps a connection's dirty records being worked in this process: loops that claim and work, woken by a bell or the clock.

Leases make it safe to run any number of crews in any number of processes; a crew that dies is taken over when its leases run
out. Whatever the bell misses, the lookout's sweep finds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from hintsync.core.errors import HintsyncError
from hintsync.engine.context import Engine
from hintsync.engine.waiting import rest
from hintsync.engine.workers import worker_name

_log = logging.getLogger(__name__)

#: Seconds that a lease lasts. A dead worker's records are taken over when it ends; under 30 with a sweep and a heartbeat.
LEASE = 15.0


@dataclass(frozen=True, slots=True)
class Pacing:
    """How a crew works; seconds."""

    #: Loops that claim and work at the same time.
    loops: int = 2
    #: Records that one loop claims at once.
    group: int = 200
    #: Between looks for work whose bell nobody heard.
    sweep: float = 2.0
    #: Between renewals of the leases while something is worked.
    heartbeat: float = LEASE / 3
    #: Pause after a pass that failed as a whole, doubled up to the last one while it goes on failing.
    first_pause: float = 1.0
    longest_pause: float = 60.0


#: Works one group for a worker of this name and limit; returns the records it claimed, 0 if nothing was due.
WorkOnce = Callable[[Engine, str, int], Awaitable[int]]


class Crew:
    """The loops of one connection in this process."""

    def __init__(
        self, engine: Engine, work: WorkOnce, *, wake_others: Callable[[], Awaitable[None]], pacing: Pacing = Pacing()
    ) -> None:
        """Put a crew together.

        Args:
            engine: the connection.
            work: claims and works one group.
            wake_others: rings the bell of other processes; called when a claim was full.
            pacing: numbers and pauses.
        """
        self._engine = engine
        self._work = work
        self._wake_others = wake_others
        self._pacing = pacing
        self._names = [f"{worker_name()}#{engine.connection.id}:{number}" for number in range(pacing.loops)]
        self._bells = {name: asyncio.Event() for name in self._names}
        self._busy: set[str] = set()

    def ring(self) -> None:
        """Let every loop look for work now."""
        for bell in self._bells.values():
            bell.set()

    async def work_until(self, stopping: asyncio.Event) -> None:
        """Work until told to stop; then finish what is begun, take no more, and let go of every lease."""
        helpers = [asyncio.create_task(self._look_out()), asyncio.create_task(self._renew())]
        loops = [asyncio.create_task(self._loop(name, stopping)) for name in self._names]
        self.ring()
        try:
            await stopping.wait()
            self.ring()
            await asyncio.gather(*loops)
        finally:
            for task in (*helpers, *loops):
                task.cancel()
            await asyncio.gather(*helpers, *loops, return_exceptions=True)
            await self._let_go()

    async def _loop(self, name: str, stopping: asyncio.Event) -> None:
        pause = self._pacing.first_pause
        bell = self._bells[name]
        while not stopping.is_set():
            bell.clear()
            self._busy.add(name)
            try:
                claimed = await self._work(self._engine, name, self._pacing.group)
            except Exception as error:
                # Level-triggered: the leases run out, or are let go below, and the same records are worked again.
                code = error.code if isinstance(error, HintsyncError) else type(error).__name__
                _log.error("a pass of connection %s failed (%s)", self._engine.connection.id, code)
                await rest(self._engine.clock, pause, stopping)
                pause = min(pause * 2, self._pacing.longest_pause)
                continue
            finally:
                self._busy.discard(name)
            pause = self._pacing.first_pause
            if claimed >= self._pacing.group:
                await self._wake_others()
            if not claimed and not stopping.is_set():
                await bell.wait()

    async def _look_out(self) -> None:
        """Ring when something has come due: new marks of other processes, pauses that are over, leases that ran out."""
        clock = self._engine.clock
        while True:
            wait = self._pacing.sweep
            try:
                due = await self._engine.store.next_due(self._engine.connection.id)
            except HintsyncError as error:
                _log.warning("the dirty set could not be looked at (%s)", error.code)
            else:
                left = None if due is None else due - clock.now().timestamp()
                if left is not None and left <= 0:
                    self.ring()
                elif left is not None:
                    wait = min(wait, left)
            await clock.sleep(wait)

    async def _renew(self) -> None:
        """Keep the leases of what is being worked, so that only dead workers lose theirs."""
        clock = self._engine.clock
        while True:
            await clock.sleep(self._pacing.heartbeat)
            for name in sorted(self._busy):
                try:
                    until = clock.now().timestamp() + LEASE
                    await self._engine.store.renew_leases(self._engine.connection.id, name, until)
                except HintsyncError as error:
                    _log.warning("leases could not be renewed (%s)", error.code)

    async def _let_go(self) -> None:
        for name in self._names:
            with suppress(HintsyncError):  # they run out by themselves
                await self._engine.store.drop_leases(self._engine.connection.id, name)
