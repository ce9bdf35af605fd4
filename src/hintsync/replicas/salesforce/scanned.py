"""Remembers which contacts each page of a scan brought, in 18 bytes a contact."""

from __future__ import annotations

from collections.abc import Sequence

from hintsync.core.records import Snapshot
from hintsync.ports import PageRef

_ID_LENGTH = 18


class ScannedPages:
    """The pages of one scan."""

    def __init__(self) -> None:
        self._pages: list[bytes] = []
        self._records = 0

    def add(self, records: Sequence[Snapshot]) -> PageRef:
        """Note the next page and return its reference."""
        ref = PageRef(len(self._pages), self._records)
        self._pages.append("".join(record.id for record in records).encode("ascii"))
        self._records += len(records)
        return ref

    def ids(self, ref: PageRef) -> list[str]:
        """Return the ids of a page, in its order; none if it is of a longer scan."""
        if ref.number >= len(self._pages):
            return []
        packed = self._pages[ref.number].decode("ascii")
        return [packed[start : start + _ID_LENGTH] for start in range(0, len(packed), _ID_LENGTH)]
