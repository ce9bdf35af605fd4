"""Contacts that are read before it is their turn, while the org is still being scanned.

A scan is a chain of pages, each of which waits for the one before. The first batch of a connection uses that time: a
contact who alone holds the key of one patient will most probably be compared with that patient. Who turns out to be
another's after all was read in vain: nothing is decided by what was read ahead, and it is used only while it is fresh.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from hintsync.core.records import RecordId, Snapshot
from hintsync.engine.context import Engine
from hintsync.engine.population import Contacts, Patients, read_contacts

#: Patients up to which it is done: what was read ahead for more would be too old, or too much, once it is used.
MOST = 20_000
#: Seconds for which it is used: an edit made meanwhile may be overwritten, so a third of what a batch may take at most
#: (semantics section 8).
FRESH = 20.0
#: Contacts noted between two looks at who has matched.
STEP = 4_000
#: Calls under way at once: each one more would let the scan wait longer for its next page.
AT_ONCE = 2


class Ahead:
    """What was read ahead; each contact is given out once."""

    def __init__(self, engine: Engine, patients: Patients) -> None:
        """Begin with nothing; `patients` grows while it is looked at."""
        self._replica = engine.salesforce
        self._clock = engine.clock
        self._patients = patients
        self._looked_at = 0
        self._asked: set[RecordId] = set()
        self._held: dict[RecordId, Snapshot] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._reading: list[asyncio.Task[None]] = []

    def look(self, contacts: Contacts) -> None:
        """Begin to read who has matched so far, in whole calls; to be called after every page of contacts."""
        if contacts.count - self._looked_at >= STEP:
            self._looked_at = contacts.count
            self._begin(contacts, whole=True)

    async def finish(self, contacts: Contacts) -> None:
        """Read who is left, now that everybody is known, and wait for all of them.

        Raises:
            HintsyncError: the org could not be read.
        """
        self._begin(contacts, whole=False)
        await asyncio.gather(*self._reading)

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    def take(self, ids: Sequence[RecordId], max_age: float = FRESH) -> dict[RecordId, Snapshot]:
        """Give out those of these contacts that were read ahead, no longer ago than so many seconds."""
        oldest = self._clock.monotonic() - max_age
        found = [self._held.pop(record_id) for record_id in ids if record_id in self._held]
        return {record.id: record for record in found if record.read_at >= oldest}

    def _begin(self, contacts: Contacts, *, whole: bool) -> None:
        size = self._replica.capabilities.read_size
        ids = [] if self._too_many() else list(self._matched(contacts))
        for start in range(0, len(ids) - len(ids) % size if whole else len(ids), size):
            group = ids[start : start + size]
            self._asked.update(group)
            self._reading.append(asyncio.create_task(self._read(group)))

    def _too_many(self) -> bool:
        return max(self._patients.expected, len(self._patients.seen)) > MOST

    def _matched(self, contacts: Contacts) -> Iterator[RecordId]:
        """Yield the free contacts who alone hold the key of one live patient, as far as is known, and were not read yet."""
        for patient_id, contact_id in self._patients.index.one_to_one(contacts.index):
            taken = contact_id in self._asked or contact_id in contacts.marked or contact_id in contacts.person_accounts
            if not taken and patient_id not in self._patients.archived:
                yield contact_id

    async def _read(self, ids: Sequence[RecordId]) -> None:
        async with self._turns:
            self._held.update(await read_contacts(self._replica, ids))
