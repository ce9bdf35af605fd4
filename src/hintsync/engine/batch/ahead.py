"""Contacts that are read, and compared with their patient, before it is their turn, while the org is still being scanned.

A scan is a chain of pages, each of which waits for the one before. The first batch of a connection uses that time: a
contact who alone holds the key of one patient will most probably be linked with that patient. Who turns out to be
another's after all was read in vain: nothing is decided by what was read ahead, and it is used only while it is fresh.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from hintsync.core.plan import Mode
from hintsync.core.records import RecordId, Snapshot
from hintsync.engine.batch.foreseen import Foreseen, foresee, sharing
from hintsync.engine.batch.population import Contacts, Patients, read_contacts
from hintsync.engine.context import Engine
from hintsync.turns import in_turns

#: Seconds for which it is used: an edit made meanwhile may be overwritten, so a third of what a batch may take at most
#: (semantics section 8).
FRESH = 20.0
#: Contacts noted between two looks at who has matched.
STEP = 4_000
#: Calls under way at once: each one more would let the scan wait longer for its next page.
AT_ONCE = 2
#: The same once the scan has ended.
AT_ONCE_AFTERWARDS = 6


class Ahead:
    """What was read ahead, in practices that are small: for more it would be too old, or too much, once it is used.

    Each contact is given out once.
    """

    def __init__(self, engine: Engine, patients: Patients, mode: Mode) -> None:
        """Begin with nothing; `patients` grows while it is looked at, `mode` is that of the first syncs to come."""
        self._engine = engine
        self._replica = engine.salesforce
        self._patients = patients
        self._mode = mode
        self._looked_at = 0
        #: The contacts that were asked for, each with the patient that it matches.
        self._asked: dict[RecordId, RecordId] = {}
        self._held: dict[RecordId, Snapshot] = {}
        self._foreseen: dict[RecordId, Foreseen] = {}
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
        for _ in range(AT_ONCE_AFTERWARDS - AT_ONCE):
            self._turns.release()
        self._begin(contacts, whole=False)
        await asyncio.gather(*self._reading)
        self._patients.loose.clear()  # the pages have them, and let go of them as they are worked

    async def stop(self) -> None:
        """Give up what is under way."""
        for task in self._reading:
            task.cancel()
        await asyncio.gather(*self._reading, return_exceptions=True)

    def take(self, ids: Sequence[RecordId], max_age: float = FRESH) -> dict[RecordId, Snapshot]:
        """Give out those of these contacts that were read ahead, no longer ago than so many seconds."""
        oldest = self._engine.clock.monotonic() - max_age
        found = [self._held.pop(record_id) for record_id in ids if record_id in self._held]
        return {record.id: record for record in found if record.read_at >= oldest}

    def foreseen(self, patient: Snapshot, contact: Snapshot) -> Foreseen | None:
        """Give out what was foreseen for two records; None where it was not, or was for records as they were read before."""
        found = self._foreseen.pop(contact.id, None)
        return found if found and found.hint is patient and found.salesforce is contact else None

    def _begin(self, contacts: Contacts, *, whole: bool) -> None:
        size = self._replica.capabilities.read_size
        pairs = list(self._matched(contacts)) if self._patients.small else []
        for start in range(0, len(pairs) - len(pairs) % size if whole else len(pairs), size):
            group = dict(pairs[start : start + size])
            self._asked.update(group)
            self._reading.append(asyncio.create_task(self._read(list(group))))

    def _matched(self, contacts: Contacts) -> Iterator[tuple[RecordId, RecordId]]:
        """Yield the free contacts who alone hold the key of one live patient, as far as is known, each with that patient.

        Who was asked for before is left out.
        """
        for patient_id, contact_id in self._patients.index.one_to_one(contacts.index):
            taken = contact_id in self._asked or contact_id in contacts.marked or contact_id in contacts.person_accounts
            if not taken and patient_id not in self._patients.archived:
                yield contact_id, patient_id

    async def _read(self, ids: Sequence[RecordId]) -> None:
        async with self._turns:
            found = await read_contacts(self._replica, ids)
        async for contact in in_turns(found.values()):
            patient = self._patients.loose.get(self._asked.get(contact.id, ""))
            if patient is None:
                self._held[contact.id] = contact
            else:
                self._held[contact.id] = shared = sharing(contact, patient)
                foreseen = foresee(self._engine, patient, shared, self._mode)
                if foreseen is not None:
                    self._foreseen[contact.id] = foreseen
