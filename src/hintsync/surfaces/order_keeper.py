"""Works the runs of one connection that people ordered, one after the other, for as long as the process runs."""

from __future__ import annotations

import asyncio
import logging

from hintsync.bootstrap import Service, open_engine
from hintsync.core.errors import HintsyncError
from hintsync.engine.context import Engine
from hintsync.engine.runs.ordered import next_ordered, orderer_of, put_back, stop_ordered, take_up, work_ordered
from hintsync.engine.waiting import rest
from hintsync.state.port import Run

_log = logging.getLogger(__name__)

#: Seconds between two looks for orders; one small read of the store.
LOOK = 1.0
#: Seconds that a run has for the chunk in hand when the process is told to stop.
GRACE = 3.0


class OrderKeeper:
    """Takes orders up for one connection, and works each with an engine of its own."""

    def __init__(self, service: Service, engine: Engine) -> None:
        """Put the keeper together.

        Args:
            service: opens an engine for each run: calls are counted by engine, and a run may have choices of its own.
            engine: of the connection, to find orders by.
        """
        self._service = service
        self._engine = engine

    async def keep(self, leaving: asyncio.Event) -> None:
        """Look for orders and work them, until it is time to leave."""
        while not leaving.is_set():
            try:
                worked = await self.work_next(leaving)
            except HintsyncError as error:
                _log.warning("orders of connection %s: %s", self._engine.connection.id, error.code)
                worked = False
            if not worked:
                await rest(self._engine.clock, LOOK, leaving)

    async def work_next(self, leaving: asyncio.Event) -> bool:
        """Work the order that waits longest to its end, or until it is time to leave; return whether there was one."""
        run = await next_ordered(self._engine)
        if run is None or not await take_up(self._engine, run):
            return False
        work = asyncio.create_task(self._work(run))
        gone = asyncio.create_task(leaving.wait())
        try:
            await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                await asyncio.wait([work], timeout=GRACE)
        finally:
            gone.cancel()
            work.cancel()
            await asyncio.wait([work, gone])
        if work.cancelled():
            await put_back(self._engine, run.id)
        else:
            work.result()
        return True

    async def _work(self, run: Run) -> None:
        connection = await self._service.store.connection(run.connection_id)
        try:
            async with open_engine(
                self._service, connection or self._engine.connection, actor=orderer_of(run)
            ) as engine:
                await work_ordered(engine, run)
        except HintsyncError as error:  # a system does not let us in
            await stop_ordered(self._engine, run, f"{error.code}: {error}")
