"""Keeps the engine of every connection open while the service runs: new ones within seconds, failed ones tried again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

from hintsync.bootstrap import Service, open_engine
from hintsync.core.errors import HintsyncError, NotConnected
from hintsync.engine.context import Engine
from hintsync.logins import CREDENTIALS_FACT
from hintsync.redact import safe_text
from hintsync.state.port import Connection
from hintsync.surfaces.log_keeper import logged_for

_log = logging.getLogger(__name__)

#: Opens the engine of a connection.
Opener: TypeAlias = Callable[[Service, Connection], AbstractAsyncContextManager[Engine]]

#: Works an open engine until the event is set; then finishes what it has begun and returns.
Attendant: TypeAlias = Callable[[Engine, asyncio.Event], Awaitable[None]]

#: Seconds between two looks for new or changed connections.
EVERY = 2.0
#: Seconds after which an engine that could not be opened is tried again: at first, and at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0
#: Seconds that a start waits for the engines; the service answers without those that take longer, and says so.
_START = 5.0
#: Seconds for which it is believed that no connection was added.
_BELIEVED = 1.0
#: Seconds after which an attendant that failed begins again.
_ATTEND_AGAIN = 5.0


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
    #: Set when the engine is about to be closed.
    leaving: asyncio.Event = field(default_factory=asyncio.Event)
    attended: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        """Let the attendant finish, then close the engine."""
        self.leaving.set()
        if self.attended is not None:
            await asyncio.wait([self.attended])
        await self.stack.aclose()

    def is_for(self, connection: Connection) -> bool:
        """Say whether the engine fits a connection as it is stored now; what processes learn on the way is no matter."""
        return _essence(self.connection) == _essence(connection)


def _essence(connection: Connection) -> tuple[object, ...]:
    """Return what an engine cannot go on without noticing: whom it joins, by which credentials, as it was set."""
    credentials = connection.facts.get(CREDENTIALS_FACT)
    return connection.name, connection.org_id, connection.practice_id, connection.settings, credentials


class Engines:
    """The engines of all connections of a service."""

    def __init__(self, service: Service, *, opener: Opener = open_engine, attendant: Attendant | None = None) -> None:
        """Take the service; nothing is opened yet.

        Args:
            service: its store tells the connections.
            opener: how an engine is opened.
            attendant: works each engine for as long as it is open; begun again if it fails.
        """
        self._service = service
        self._opener = opener
        self._attendant = attendant
        self._places: dict[str, _Place] = {}
        self._turn = asyncio.Lock()
        #: Monotonic seconds of the latest look at the store's connections.
        self._looked_at = float("-inf")

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

    async def refresh(self, *, at_once: bool = False) -> None:
        """Open what is new or changed, close what is gone. A connection that cannot be opened is no error here.

        Args:
            at_once: also try those again whose pause after a failure is not over.

        Raises:
            HintsyncError: the store does not answer.
        """
        async with self._turn:
            known = {connection.id: connection for connection in await self._service.store.connections()}
            gone = [key for key, place in self._places.items() if key not in known or not place.is_for(known[key])]
            left = [self._places.pop(key) for key in gone]
            # Before the old one is closed, which may take its time: who asks meanwhile is told "not open", not "unknown".
            for key, connection in known.items():
                self._places.setdefault(key, _Place(connection)).connection = connection
            self._looked_at = self._service.clock.monotonic()
            await asyncio.gather(*(place.aclose() for place in left))
            await asyncio.gather(
                *(self._open(place) for place in self._places.values() if self._is_due(place, at_once))
            )

    async def recognise(self) -> None:
        """Learn of connections that are not known yet, without opening them; asks the store at most once a second.

        Raises:
            HintsyncError: the store does not answer.
        """
        now = self._service.clock.monotonic()
        if now - self._looked_at < _BELIEVED:
            return
        for connection in await self._service.store.connections():
            self._places.setdefault(connection.id, _Place(connection))
        self._looked_at = now

    async def aclose(self) -> None:
        """Close every engine, once its attendant has finished."""
        places = list(self._places.values())
        self._places.clear()
        self._looked_at = float("-inf")
        await asyncio.gather(*(place.aclose() for place in places))

    def _is_due(self, place: _Place, at_once: bool) -> bool:
        return place.engine is None and (at_once or self._service.clock.monotonic() >= place.not_before)

    async def _open(self, place: _Place) -> None:
        with logged_for(place.connection.id):
            await self._try_to_open(place)

    async def _try_to_open(self, place: _Place) -> None:
        try:
            place.engine = await place.stack.enter_async_context(self._opener(self._service, place.connection))
            place.problem, place.pause = "", _FIRST_PAUSE
            if self._attendant is not None:
                place.attended = asyncio.create_task(self._attend(self._attendant, place, place.engine))
        except Exception as error:  # one connection's fault must not keep the others from being served
            level = logging.INFO if isinstance(error, NotConnected) else logging.WARNING
            _log.log(level, "connection %s cannot be opened: %s", place.connection.id, safe_text(error))
            place.problem = error.code if isinstance(error, HintsyncError) else "unforeseen"
            place.not_before = self._service.clock.monotonic() + place.pause
            place.pause = min(place.pause * 2, _LONGEST_PAUSE)

    async def _attend(self, attendant: Attendant, place: _Place, engine: Engine) -> None:
        """Keep an engine attended until it is closed; what an attendant leaves undone lies in the store."""
        while not place.leaving.is_set():
            try:
                await attendant(engine, place.leaving)
            except Exception as error:
                code = error.code if isinstance(error, HintsyncError) else type(error).__name__
                _log.error("work on connection %s failed (%s); it begins again", place.connection.id, code)
                await self._service.clock.sleep(_ATTEND_AGAIN)

    async def _keep(self) -> None:
        while True:
            await self._service.clock.sleep(EVERY)
            try:
                await self.refresh()
            except Exception as error:  # the next round may do better; who looks at /readyz sees it
                _log.warning("the connections cannot be read: %s", safe_text(error))
