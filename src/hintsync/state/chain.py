"""The audit chain: every event is bound by a hash to the one before it in its chain, so that tampering shows.

    hash = SHA-256( previous hash + newline + sequence + newline + event as canonical JSON )

in lower-case hex. The first event of a chain follows 64 zeros. Canonical JSON: keys sorted, no white space, UTF-8, empty
members left out. Sequences count from 1 over all chains of a connection without a hole, so that a whole chain cannot vanish.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from operator import attrgetter

import orjson

from hintsync.core.quick import quick
from hintsync.core.values import Side
from hintsync.state.port import AuditEvent, StoredAudit

GENESIS = "0" * 64

#: In the order of canonical JSON.
_MEMBERS = tuple(sorted(member.name for member in fields(AuditEvent)))
_values = attrgetter(*_MEMBERS)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a chain, kept apart from its events so that a cut shows."""

    sequence: int
    hash: str
    #: Events in the chain.
    length: int


@quick
@dataclass(frozen=True, slots=True)
class Chained:
    """An event ready to be stored: the text that was hashed, and its place."""

    sequence: int
    chain: str
    text: str
    previous: str
    hash: str


EMPTY = Head(0, GENESIS, 0)


def to_text(event: AuditEvent) -> str:
    """Return an event as canonical JSON."""
    return orjson.dumps({name: value for name, value in zip(_MEMBERS, _values(event), strict=True) if value}).decode()


def from_text(text: str) -> AuditEvent:
    """Return the event that `to_text` wrote."""
    members = orjson.loads(text)
    members["fields"] = tuple(members.get("fields", ()))
    if "side" in members:
        members["side"] = Side(members["side"])
    return AuditEvent(**members)


def names(event: AuditEvent, wanted: str) -> bool:
    """Say whether an event names an id: of a contact, a patient, a link or a run."""
    return wanted in (event.contact_id, event.patient_id, event.link_id, event.run_id)


def entry_hash(previous: str, sequence: int, text: str) -> str:
    """Return the hash that binds an event to its predecessor and its place."""
    return hashlib.sha256(f"{previous}\n{sequence}\n{text}".encode()).hexdigest()


def extend(events: Sequence[AuditEvent], last: int, heads: dict[str, Head]) -> Iterator[Chained]:
    """Chain events in order behind sequence `last`, moving `heads` (by chain name) along."""
    for sequence, event in enumerate(events, start=last + 1):
        head = heads.get(event.chain, EMPTY)
        text = to_text(event)
        digest = entry_hash(head.hash, sequence, text)
        heads[event.chain] = Head(sequence, digest, head.length + 1)
        yield Chained(sequence, event.chain, text, head.hash, digest)


def stored(entry: Chained) -> StoredAudit:
    """Return a chained event as the port shows it."""
    return StoredAudit(entry.sequence, from_text(entry.text), entry.previous, entry.hash)


class Verifier:
    """Reads a connection's entries in order of sequence and tells the first fault of each chain."""

    def __init__(self, connection_id: str) -> None:
        """Start before the first entry of a connection."""
        self._connection_id = connection_id
        self._last = 0
        self._heads: dict[str, Head] = {}
        self._faults: dict[str, str] = {}

    def read(self, entries: Iterable[Chained]) -> None:
        """Check the next entries."""
        for entry in entries:
            if entry.sequence != self._last + 1:
                self._fault("sequence", f"no entry {self._last + 1}: entry {entry.sequence} follows {self._last}")
            self._last = entry.sequence
            head = self._heads.get(entry.chain, EMPTY)
            if fault := self._check(entry, head):
                self._fault(entry.chain, fault)
            self._heads[entry.chain] = Head(entry.sequence, entry.hash, head.length + 1)

    def finish(self, last: int, heads: Mapping[str, Head]) -> tuple[str, ...]:
        """Compare with the stored count of entries and heads of chains; return one sentence for each broken chain."""
        if self._last != last:
            self._fault("sequence", f"entries end at {self._last}, {last} were written")
        for chain in sorted(self._heads.keys() | heads.keys()):
            found, kept = self._heads.get(chain, EMPTY), heads.get(chain, EMPTY)
            if found != kept:
                self._fault(
                    chain,
                    f"ends at entry {found.sequence} after {found.length}, its head says {kept.sequence} after {kept.length}",
                )
        return tuple(f"{chain}: {fault}" for chain, fault in self._faults.items())

    def _check(self, entry: Chained, head: Head) -> str | None:
        if entry.previous != head.hash:
            return f"entry {entry.sequence} does not follow entry {head.sequence}"
        if entry_hash(entry.previous, entry.sequence, entry.text) != entry.hash:
            return f"entry {entry.sequence} was changed"
        event = from_text(entry.text)
        if (event.connection_id, event.chain) != (self._connection_id, entry.chain):
            return f"entry {entry.sequence} belongs to another chain"
        return None

    def _fault(self, chain: str, text: str) -> None:
        self._faults.setdefault(chain, text)
