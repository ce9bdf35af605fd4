"""A connection's audit trail as a whole: one digest over all its entries, and an export that verifies by itself.

    digest = SHA-256( digest before + newline + hash of the entry ), from 64 zeros on, in order of sequence

Every entry's hash binds its content and its chain, so the digest at an entry stands for the heads of all chains at that moment.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from typing import Final, TextIO

from hintsync.core.errors import StopRun
from hintsync.state.chain import GENESIS, to_text
from hintsync.state.port import StateStore, StoredAudit

#: Entries read at once.
_PAGE: Final = 1_000
#: Moves when the lines of an export do.
EXPORT_VERSION: Final = 1


def trail_name(fingerprint_key: bytes) -> str:
    """Return what a connection's trail is called: eight signs that no other connection and no store set up anew comes to."""
    return hmac.digest(fingerprint_key, b"hintsync anchors of", "sha256").hex()[:8]


def figure_of(fingerprint_key: bytes, entries: object, digest: object) -> str:
    """Return what a trail came to as one line, such as people keep elsewhere: whose trail, how many entries, the digest."""
    return f"audit trail {trail_name(fingerprint_key)}:{entries}:{digest}"


def advance(digest: str, entry_hash: str) -> str:
    """Return the digest of a trail with one more entry."""
    return hashlib.sha256(f"{digest}\n{entry_hash}".encode()).hexdigest()


class TrailReader:
    """Reads a trail and notes its digest on the way."""

    def __init__(
        self,
        store: StateStore,
        connection_id: str,
        *,
        marks: Collection[int] = (),
        behind: tuple[int, str] = (0, GENESIS),
    ) -> None:
        """Put a reader together.

        Args:
            store: Holds the trail.
            connection_id: Whose trail.
            marks: Sequences at which the digest is wanted.
            behind: Entry to go on behind, and the digest there; from the beginning if not given.
        """
        self._store = store
        self._connection_id = connection_id
        self.name = trail_name(store.fingerprint_key(connection_id))
        self._marks = frozenset(marks)
        #: Sequence of the last entry read.
        self.last, self.digest = behind
        self.chains: set[str] = set()
        #: Digests at the wanted sequences that were reached.
        self.shown = dict([behind])

    async def read(self) -> Mapping[int, str]:
        """Read the trail to its end; return the digests at the wanted sequences that it reaches."""
        async for _ in self.entries():
            pass
        return self.shown

    async def entries(self) -> AsyncIterator[StoredAudit]:
        """Yield every entry in order of sequence.

        Raises:
            StopRun: an entry cannot be read: it was written over by something else than hintsync.
        """
        while page := await self._page():
            for entry in page:
                self._note(entry)
                yield entry

    async def _page(self) -> Iterable[StoredAudit]:
        try:
            return await self._store.audit(self._connection_id, after=self.last, limit=_PAGE)
        except (ValueError, TypeError, KeyError):  # the text of one is no audit event
            raise StopRun(f"audit trail: an entry behind {self.last} cannot be read; it was changed") from None

    def _note(self, entry: StoredAudit) -> None:
        self.last, self.digest = entry.sequence, advance(self.digest, entry.hash)
        self.chains.add(entry.event.chain)
        if entry.sequence in self._marks:
            self.shown[entry.sequence] = self.digest


async def export_trail(
    store: StateStore, connection_id: str, out: TextIO, *, at: str, reports: Iterable[Mapping[str, object]] = ()
) -> TrailReader:
    """Write a trail as JSON lines; see `export_lines`.

    Returns:
        The reader: how many entries there are, and the digest of all.
    """
    reader = TrailReader(store, connection_id)
    async for line in export_lines(reader, connection_id, at=at, reports=reports):
        out.write(line)
    return reader


async def export_lines(
    reader: TrailReader, connection_id: str, *, at: str, reports: Iterable[Mapping[str, object]] = ()
) -> AsyncIterator[str]:
    """Yield a trail as JSON lines: a head, one line an entry with the very text that was hashed, reports, an end.

    Args:
        reader: Reads the trail; knows its length and digest afterwards.
        connection_id: Whose trail.
        at: When it is written; ISO 8601, UTC.
        reports: What signed reports say of the trail: `run`, `seal`, `entries`, `digest`.
    """
    head = {
        "kind": "audit-export",
        "version": EXPORT_VERSION,
        "connection": connection_id,
        "trail": reader.name,
        "at": at,
    }
    yield _line(head)
    async for entry in reader.entries():
        yield _line(_shape(entry))
    for report in reports:
        yield _line({"kind": "report", **report})
    yield _line({"kind": "end", "entries": reader.last, "chains": len(reader.chains), "digest": reader.digest})


def _shape(entry: StoredAudit) -> Mapping[str, object]:
    return {
        "kind": "entry",
        "sequence": entry.sequence,
        "chain": entry.event.chain,
        "previous": entry.previous,
        "hash": entry.hash,
        "event": to_text(entry.event),
    }


def _line(members: Mapping[str, object]) -> str:
    return json.dumps(members, separators=(",", ":")) + "\n"
