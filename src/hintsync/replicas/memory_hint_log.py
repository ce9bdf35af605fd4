"""The Hint Log of an org in memory, with the faults of the replica it belongs to and room to order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import count

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.core.records import RecordId
from hintsync.hint_log import GROUP, OrgEntry, Storage, StorageSpent
from hintsync.replicas.memory_faults import Faults

#: Entries that one call reads.
_PAGE = 2_000


class MemoryHintLog:
    """Holds entries by the id that the org would give them.

    Attributes:
        rows: The entries by id, in the order of their creation.
        missing: The org has no such object.
        room: What `storage` tells; None: our user may not know. Once nothing is left, new entries are refused.
        refused: Key to the code with which an entry is refused.
    """

    def __init__(self, faults: Faults, lives: Callable[[RecordId], bool]) -> None:
        """Start empty; `lives` tells whether the org still has a contact."""
        self._faults = faults
        self._lives = lives
        self._numbers = count(1)
        self._calls = 0
        self.rows: dict[RecordId, OrgEntry] = {}
        self.missing = False
        self.room: Storage | None = Storage(10_240, 10_240)
        self.refused: dict[str, str] = {}

    @property
    def calls(self) -> int:
        """Requests made so far."""
        return self._calls

    async def put(self, entries: Sequence[OrgEntry]) -> Mapping[str, str]:
        """Store entries by key."""
        assert len(entries) <= GROUP
        assert len({entry.key for entry in entries}) == len(entries)
        with self._call():
            self._store(entries)
        return {entry.key: self.refused[entry.key] for entry in entries if entry.key in self.refused}

    async def count(self, prefix: str) -> int:
        """Count entries."""
        with self._call():
            return len(self._found(prefix))

    async def oldest(self, prefix: str, *, before: str | None = None, limit: int = GROUP) -> Sequence[RecordId]:
        """Return ids, oldest first."""
        with self._call():
            found = [row for row in self._found(prefix) if before is None or self.rows[row].at < before]
        return sorted(found, key=lambda row: (self.rows[row].at, self.rows[row].key))[:limit]

    async def drop(self, ids: Sequence[RecordId]) -> int:
        """Delete entries."""
        assert len(ids) <= GROUP
        if not ids:
            return 0
        with self._call():
            return sum(self.rows.pop(each, None) is not None for each in ids)

    async def entries(self, prefix: str) -> Sequence[OrgEntry]:
        """Return entries by key."""
        found = sorted((self.rows[row] for row in self._found(prefix)), key=lambda entry: entry.key)
        for _ in range(0, max(len(found), 1), _PAGE):
            with self._call():
                pass
        return found

    async def storage(self) -> Storage | None:
        """Say how much room there is."""
        with self._call():
            return self.room

    @contextmanager
    def _call(self) -> Iterator[None]:
        """Carry out one call, with what is to go wrong about it."""
        self._calls += 1
        self._faults.begin()
        if self.missing:
            raise FixConfiguration("salesforce: the org has no Hint Log: run hintsync install")
        yield
        if self._faults.end():
            raise RetryLater(self._faults.side, "the reply was lost")

    def _found(self, prefix: str) -> list[RecordId]:
        return [row for row, entry in self.rows.items() if entry.key.startswith(prefix)]

    def _store(self, entries: Sequence[OrgEntry]) -> None:
        known = {entry.key: row for row, entry in self.rows.items()}
        for entry in entries:
            if entry.key in self.refused:
                continue
            if entry.key not in known and self.room is not None and self.room.left <= 0:
                raise StorageSpent("salesforce: the org has no room for another record")
            gone = entry.contact_id is not None and not self._lives(entry.contact_id)
            row = known.get(entry.key) or f"a00{next(self._numbers):015d}"
            self.rows[row] = replace(entry, contact_id=None) if gone else entry
