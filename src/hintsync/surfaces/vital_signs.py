"""Tells the store, again and again, that this process is alive, and what it counted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from importlib.metadata import version

from hintsync.bootstrap import Service
from hintsync.core.errors import HintsyncError
from hintsync.core.values import Side
from hintsync.engine.health.traffic import TrafficNotes
from hintsync.engine.waiting import rest
from hintsync.engine.workers import worker_name
from hintsync.metrics import METRICS, Metrics
from hintsync.state.traffic import ProcessSeen
from hintsync.surfaces.supervised import Supervisor
from hintsync.surfaces.web.engines import Engines

_log = logging.getLogger(__name__)

#: Seconds between two signs of life.
EVERY = 10.0


class VitalSigns:
    """The signs of life of one process."""

    def __init__(
        self,
        service: Service,
        engines: Engines,
        roles: Collection[str],
        *,
        metrics: Metrics = METRICS,
        supervisor: Supervisor | None = None,
    ) -> None:
        """Take what the process works with, and who else wants its signs; `run` begins."""
        self._service = service
        self._engines = engines
        self._metrics = metrics
        self._supervisor = supervisor or Supervisor()
        self._roles = tuple(sorted(str(role) for role in roles))
        self._notes = TrafficNotes(service.store, metrics)
        self._started = service.clock.now().timestamp()
        #: Calls that were counted already, by connection and side, and of which engine.
        self._calls: dict[tuple[str, Side], tuple[int, int]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Give signs until told to stop; then a last one."""
        while True:
            await self.give()
            if stop.is_set():
                return
            await rest(self._service.clock, EVERY, stop)

    async def give(self) -> None:
        """Give one sign; a store that does not answer gets the next one."""
        now = self._service.clock.now().timestamp()
        self._supervisor.beat()  # first: that the store does not answer is no reason to restart us
        self._count_calls()
        try:
            await self._notes.add_up(now)
            seen = ProcessSeen(worker_name(), self._roles, version("hintsync"), self._started, now)
            await self._service.store.put_process(seen)
        except HintsyncError as error:
            _log.warning("no sign of life could be given (%s)", error.code)

    def _count_calls(self) -> None:
        """Count the calls that were made to both systems since the last time."""
        for engine in self._engines.open:
            for side, replica in engine.replicas.items():
                key = (engine.connection.id, side)
                owner, before = self._calls.get(key, (id(replica), 0))
                made = replica.calls - (before if owner == id(replica) else 0)
                self._calls[key] = (id(replica), replica.calls)
                if made > 0:
                    self._metrics.count("called", engine.connection.id, side, made)
