"""The stream of events in the org's database: what was sent when, and under which replay id."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass

import orjson

from hintsync_emulators.salesforce.storage import Storage

_TABLE = """CREATE TABLE IF NOT EXISTS _events (
    position INTEGER PRIMARY KEY, moment INTEGER NOT NULL, object TEXT, id TEXT, schema_id TEXT, payload BLOB,
    times INTEGER NOT NULL DEFAULT 1
)"""
#: A stream in which nothing happens still moves on, so that a replay id that is renewed in time never expires.
_MARK_EVERY = 600


@dataclass(frozen=True, slots=True)
class Event:
    """An event that can be sent."""

    object: str
    #: UUID.
    id: str
    schema_id: str
    payload: bytes
    #: How often it is delivered.
    times: int = 1


@dataclass(frozen=True, slots=True)
class Placed:
    """An event with its place in the stream."""

    position: int
    event: Event


class EventLog:
    """Events of all objects in one order; positions grow by leaps, so that nobody can count on the next one."""

    def __init__(self, storage: Storage, chance: random.Random) -> None:
        self._storage, self._chance = storage, chance
        self._last, self._ready = 0, False

    def append(self, event: Event, moment: int) -> None:
        """Add an event that was committed at an epoch second."""
        values = (event.object, event.id, event.schema_id, event.payload, event.times)
        self._add(moment, values)

    def tip(self, now: int) -> int:
        """Return the position after which everything lies that is still to come."""
        self._open()
        found = self._storage.rows("SELECT position, moment FROM _events ORDER BY position DESC LIMIT 1")
        if not found or now - int(str(found[0][1])) >= _MARK_EVERY:
            return self._add(now, (None, None, None, None, 1))
        return int(str(found[0][0]))

    def after(self, position: int, objects: Collection[str], most: int) -> list[Placed]:
        """Return the next events of some objects."""
        self._open()
        sql = (
            "SELECT position, object, id, schema_id, payload, times FROM _events"
            " WHERE position > ? AND object IN (SELECT value FROM json_each(?)) ORDER BY position LIMIT ?"
        )
        names = orjson.dumps(sorted(objects)).decode()
        return [Placed(row[0], Event(*row[1:])) for row in self._storage.rows(sql, (position, names, most))]  # type: ignore[arg-type]

    def holds(self, position: int) -> bool:
        """Say whether a position was given out and is not forgotten yet."""
        self._open()
        return bool(self._storage.rows("SELECT 1 FROM _events WHERE position = ?", (position,)))

    def forget(self, before: int) -> None:
        """Drop what is older than an epoch second."""
        self._open()
        self._storage.rows("DELETE FROM _events WHERE moment < ?", (before,))

    def _add(self, moment: int, values: tuple[object, ...]) -> int:
        self._open()
        self._last += self._chance.randrange(1, 30)
        self._storage.rows("INSERT INTO _events VALUES (?, ?, ?, ?, ?, ?, ?)", (self._last, moment, *values))
        return self._last

    def reopen(self) -> None:
        """Look at the database again: it may have been put back to an earlier state; positions still only grow."""
        self._ready = False

    def _open(self) -> None:
        """Make the table at the first use; positions go on where a kept database left off."""
        if self._ready:
            return
        self._storage.rows(_TABLE)
        self._storage.rows("CREATE INDEX IF NOT EXISTS _events_moment ON _events (moment)")
        kept = self._storage.rows("SELECT max(position) FROM _events")[0][0]
        self._last = max(self._last, int(str(kept or 0))) or self._chance.randrange(10**6, 10**8)
        self._ready = True
