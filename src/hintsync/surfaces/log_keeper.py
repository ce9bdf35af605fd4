"""Keeps the lines that our own code logs about a connection where its administrators read them (View Log, M18).

A line belongs to the connection at whose work it was logged (`logged_for`); lines of no connection stay in the process's own log.
What is kept is what was logged: codes, ids and field names. Warnings become entries of the level Error; what was not foreseen,
of the level Exception.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from datetime import UTC, datetime

from hintsync.core.errors import BadInput, HintsyncError
from hintsync.engine.options import Options
from hintsync.engine.waiting import rest
from hintsync.ports import Clock
from hintsync.state.port import Commit, LogEntry, LogLevel, StateStore

_log = logging.getLogger(__name__)

#: The logger of all our code.
_OURS = "hintsync"
#: Lines that wait to be stored; the oldest go first if the store is away for long.
_MOST = 1_000
#: Seconds between two times that lines are stored.
_EVERY = 2.0
#: Seconds within which lines of one kind become one.
_ALIKE = 60.0
#: Signs of a line that are kept.
_LONGEST = 500

_at_work: ContextVar[str | None] = ContextVar("hintsync_connection", default=None)


@contextmanager
def logged_for(connection_id: str) -> Iterator[None]:
    """Say for which connection is being worked: what is logged meanwhile, tasks begun in here included, is its."""
    token = _at_work.set(connection_id)
    try:
        yield
    finally:
        _at_work.reset(token)


class LogKeeper(logging.Handler):
    """Gathers lines, and stores them in groups. One a process, while it runs."""

    def __init__(self, store: StateStore, clock: Clock) -> None:
        """Take the store; `kept` begins to gather."""
        super().__init__(logging.DEBUG)
        self._store = store
        self._clock = clock
        self._waiting: deque[LogEntry] = deque(maxlen=_MOST)
        #: When a kind of line was last kept, and how many like it came since.
        self._alike: dict[tuple[str, str, str], tuple[float, int]] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line in if it belongs to a connection; called by `logging`, from any thread."""
        connection_id = _at_work.get()
        if connection_id is None or record.name == __name__:
            return
        entry = _entry(connection_id, record)
        more = self._left_out(connection_id, entry.event, str(record.msg), record.created)
        if more is not None:
            told = f"{entry.message} ({more} more like it before)" if more else entry.message
            self._waiting.append(replace(entry, message=told))

    async def run(self, stop: asyncio.Event) -> None:
        """Store what was gathered, again and again, until told to stop; then once more."""
        logger = logging.getLogger(_OURS)
        logger.addHandler(self)
        try:
            while not stop.is_set():
                await rest(self._clock, _EVERY, stop)
                await self.store()
        finally:
            logger.removeHandler(self)

    async def store(self) -> None:
        """Store what waits; what the store does not take now waits on."""
        entries = list(self._waiting)
        self._waiting.clear()
        own: dict[str, list[LogEntry]] = defaultdict(list)
        for entry in entries:
            own[entry.connection_id].append(entry)
        for connection_id, lines in own.items():
            try:
                await self._store.commit(Commit(logs=await self._wanted(connection_id, lines)))
            except BadInput:
                continue  # a connection that is gone has no readers
            except HintsyncError as error:
                _log.warning("log entries could not be stored (%s)", error.code)
                self._waiting.extendleft(reversed(lines))

    async def _wanted(self, connection_id: str, lines: list[LogEntry]) -> list[LogEntry]:
        """Leave out what is less grave than the connection's settings ask for."""
        connection = await self._store.connection(connection_id)
        if connection is None:
            return []
        dropped = Options.from_json(connection.settings).levels_dropped
        return [line for line in lines if line.level not in dropped]

    def _left_out(self, connection_id: str, event: str, template: str, at: float) -> int | None:
        """Return how many lines of a kind were left out since the last one if this one is kept, else None."""
        key = (connection_id, event, template)
        last, count = self._alike.get(key, (float("-inf"), 0))
        if 0 <= at - last < _ALIKE:
            self._alike[key] = (last, count + 1)
            return None
        self._alike[key] = (at, 0)
        return count


def _entry(connection_id: str, record: logging.LogRecord) -> LogEntry:
    at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = str(record.msg.get("event", "")) if isinstance(record.msg, dict) else record.getMessage()
    message = " ".join(text.split())[:_LONGEST]
    event = str(getattr(record, "code", "") or record.name.rpartition(".")[2].replace("_", "-"))
    incident = getattr(record, "incident", None)
    return LogEntry(connection_id, at, _level(record.levelno), event, message, incident=incident)


def _level(number: int) -> LogLevel:
    if number >= logging.ERROR:
        return LogLevel.EXCEPTION
    return LogLevel.ERROR if number >= logging.WARNING else LogLevel.DEBUG
