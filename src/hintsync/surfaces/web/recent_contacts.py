"""Contacts that pages showed a moment ago, so that a search need not read them again at every key; in memory, for minutes."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakKeyDictionary

from hintsync.core.errors import HintsyncError
from hintsync.core.person import Person
from hintsync.core.records import RecordId, RecordState
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.search.sides import whole_person
from hintsync.state.port import StateStore

#: Seconds for which a contact is remembered.
KEPT: Final = 300.0
#: Seconds for which Salesforce is not asked again after it did not answer.
FAILED: Final = 30.0
#: Contacts that are remembered; the oldest go first.
MOST: Final = 500


@dataclass(slots=True)
class RecentContacts:
    """The contacts of one connection that were shown of late."""

    #: Person (None: no such contact) and monotonic seconds until which it is believed, oldest first.
    _known: dict[RecordId, tuple[Person | None, float]] = field(default_factory=dict)
    _reading: set[asyncio.Task[None]] = field(default_factory=set)

    async def people(
        self, engine: Engine, ids: Collection[RecordId], *, patience: float | None = None
    ) -> Mapping[RecordId, Person | None]:
        """Return contacts as people; those that are not known are read, all in one call.

        Args:
            engine: The connection.
            ids: Contacts.
            patience: Seconds to wait for those that must be read; what comes later is there for the next who ask.
        """
        now = engine.clock.monotonic()
        unknown = [each for each in dict.fromkeys(ids) if self._known.get(each, (None, now))[1] <= now]
        if unknown:
            task = asyncio.create_task(self._read(engine, unknown))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)
            await asyncio.wait([task], timeout=patience)
        return {each: self._known[each][0] for each in ids if each in self._known}

    def keep(self, engine: Engine, contact_id: RecordId, person: Person | None, *, seconds: float = KEPT) -> None:
        """Remember a contact that was just read."""
        self._known.pop(contact_id, None)
        self._known[contact_id] = (person, engine.clock.monotonic() + seconds)
        while len(self._known) > MOST:
            self._known.pop(next(iter(self._known)))

    async def _read(self, engine: Engine, ids: list[RecordId]) -> None:
        try:
            found = await engine.replicas[Side.SALESFORCE].read(ids)
        except HintsyncError:  # a name is a courtesy: without it the id is shown
            for each in ids:
                self.keep(engine, each, None, seconds=FAILED)
            return
        for each in ids:
            record = found.get(each)
            there = record is not None and record.state is RecordState.LIVE
            self.keep(engine, each, whole_person(record) if record is not None and there else None)


_recent: WeakKeyDictionary[StateStore, dict[str, RecentContacts]] = WeakKeyDictionary()


def recent_contacts(engine: Engine) -> RecentContacts:
    """Return this process's memory of a connection's contacts."""
    return _recent.setdefault(engine.store, {}).setdefault(engine.connection.id, RecentContacts())
