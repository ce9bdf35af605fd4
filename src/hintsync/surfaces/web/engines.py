"""Keeps the engine of every connection open while the service runs: new ones within seconds, failed ones tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from hintsync.bootstrap import Service, open_engine
from hintsync.core.errors import HintsyncError
from hintsync.engine.context import Engine
from hintsync.redact import safe_text
from hintsync.state.port import Connection

_log = logging.getLogger(__name__)

#: Opens the engine of a connection.
Opener: TypeAlias = Callable[[Service, Connection], AbstractAsyncContextManager[Engine]]

#: Seconds between two looks for new or changed connections.
EVERY = 2.0
#: Seconds after which an engine that could not be opened is tried again: at first, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
#: Seconds that a start waits for the engines; the service answers without those that take longer, and says so.
_START = 5.0


@dataclass(slots=True)
class _Place:
    """Where the engine of one connection is kept."""

    connection: Connection
    engine: Engine | None = None
    #: Closes the engine.
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    #: Code of the error that keeps it closed.
    problem: str = "opening"
    pause: float = _FIRST_PAUSE
    #: Monotonic seconds before which it is not tried again.
    not_before: float = 0.0

    def is_for(self, connection: Connection) -> bool:
        """Say whether the engine fits a connection as it is stored now; what processes learn on the way is no matter."""
        mine = self.connection
        return (mine.name, mine.org_id, mine.practice_id, mine.settings) == (
            connection.name,
            connection.org_id,
            connection.practice_id,
            connection.settings,
        )


class Engines:
    """The engines of all connections of a service."""

    def __init__(self, service: Service, *, opener: Opener = open_engine) -> None:
        """Take the service; nothing is opened yet.

        Args:
            service: its store tells the connections.
            opener: how an engine is opened.
        """
        self._service = service
        self._opener = opener
        self._places: dict[str, _Place] = {}
        self._turn = asyncio.Lock()

    @property
    def open(self) -> Sequence[Engine]:
        """The engines that are open, by name of their connection."""
        return [place.engine for _, place in sorted(self._places.items()) if place.engine is not None]

    @property
    def connections(self) -> Sequence[Connection]:
        """Every connection that is known, open or not."""
        return [place.connection for place in self._places.values()]

    @property
    def closed(self) -> dict[str, str]:
        """Why an engine is not open: connection id to the code of the error, or "opening"."""
        return {key: place.problem for key, place in sorted(self._places.items()) if place.engine is None}

    def engine(self, connection_id: str) -> Engine | None:
        """Return the open engine of a connection."""
        place = self._places.get(connection_id)
        return place.engine if place else None

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Open all, and keep them open until the end of the block."""
        keeper = asyncio.create_task(self._keep())
        first = asyncio.create_task(self.refresh())
        try:
            await asyncio.wait([first], timeout=_START)
            yield
        finally:
            for task in (keeper, first):
                task.cancel()
            await asyncio.gather(keeper, first, return_exceptions=True)
            await self.aclose()

    async def refresh(self) -> None:
        """Open what is new or changed, close what is gone. A connection that cannot be opened is no error here.

        Raises:
            HintsyncError: the store does not answer.
        """
        async with self._turn:
            known = {connection.id: connection for connection in await self._service.store.connections()}
            gone = [key for key, place in self._places.items() if key not in known or not place.is_for(known[key])]
            for key in gone:
                await self._places.pop(key).stack.aclose()
            for key, connection in known.items():
                self._places.setdefault(key, _Place(connection)).connection = connection
            await asyncio.gather(*(self._open(place) for place in self._places.values() if self._is_due(place)))

    async def aclose(self) -> None:
        """Close every engine."""
        while self._places:
            _, place = self._places.popitem()
            await place.stack.aclose()

    def _is_due(self, place: _Place) -> bool:
        return place.engine is None and self._service.clock.monotonic() >= place.not_before

    async def _open(self, place: _Place) -> None:
        try:
            place.engine = await place.stack.enter_async_context(self._opener(self._service, place.connection))
            place.problem, place.pause = "", _FIRST_PAUSE
        except HintsyncError as error:
            _log.warning("connection %s cannot be opened: %s", place.connection.id, safe_text(error))
            place.problem = error.code
            place.not_before = self._service.clock.monotonic() + place.pause
            place.pause = min(place.pause * 2, _LONGEST_PAUSE)

    async def _keep(self) -> None:
        while True:
            await self._service.clock.sleep(EVERY)
            try:
                await self.refresh()
            except HintsyncError as error:
                _log.warning("the connections cannot be read: %s", safe_text(error))
