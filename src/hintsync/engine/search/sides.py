"""Search for a person on one side (M9): an index filled from the side's list pages, and results with who holds them.

The index lives in memory and dies with the process. Every filling reads the whole side; keeping it fresh from events is
for whoever runs for longer than one search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hintsync.core.errors import BadInput
from hintsync.core.person import Person
from hintsync.core.records import RecordId, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.search.index import Entry, Found, SearchIndex

_PHONES = ("mobile_phone", "home_phone", "office_phone")
_GONE = frozenset({RecordState.DELETED, RecordState.MERGED})


@dataclass(frozen=True, slots=True)
class Hit:
    """One result: the record, why it was found, and who it is linked with now. Holds a person's data."""

    side: Side
    found: Found
    #: The record of the other side that it is linked with, as the store says at this moment.
    linked_to: RecordId | None

    @property
    def record_id(self) -> RecordId:
        """Id of the record that was found."""
        return self.found.entry.record_id


async def fill_index(engine: Engine, side: Side, index: SearchIndex | None = None) -> SearchIndex:
    """Read everybody on one side and return them as an index; costs the pages of the side's list.

    Args:
        engine: The connection.
        side: Whom to search among.
        index: One to be filled or refreshed; records that are gone leave it.

    Raises:
        RetryLater: the list kept moving while it was read.
    """
    filled = index if index is not None else SearchIndex(engine.options.placeholder_dates)
    links = await engine.store.live_pairs(engine.connection.id)
    ends = [(link.contact_id, link.patient_id) for link in links]
    peers = dict(ends) if side is Side.SALESFORCE else {p: c for c, p in ends}
    async for page in engine.replicas[side].scan():
        filled.put_many(entry_of(record, peers.get(record.id)) for record in page.records if record.state not in _GONE)
        for record in page.records:
            if record.state in _GONE:
                filled.remove(record.id)
    return filled


async def find_people(
    engine: Engine, index: SearchIndex, side: Side, wanted: Person | str, *, limit: int = 5
) -> list[Hit]:
    """Return the best records for a person or for what was typed, best first, with whom they are linked now."""
    found = index.search(wanted, limit)
    ids: Sequence[RecordId] = [each.entry.record_id for each in found]
    states = await engine.store.live_links(engine.connection.id, side, ids) if ids else {}
    hits = []
    for each in found:
        state = states.get(each.entry.record_id)
        peer = None
        if state is not None:
            peer = state.link.patient_id if side is Side.SALESFORCE else state.link.contact_id
        hits.append(Hit(side, each, peer))
    return hits


async def person_at(engine: Engine, side: Side, record_id: RecordId) -> Person:
    """Read one record as the person to search for on the other side.

    Raises:
        BadInput: there is no such record.
    """
    record = (await engine.replicas[side].read([record_id])).get(record_id)
    if record is None or record.state in _GONE:
        raise BadInput(f"no {'contact' if side is Side.SALESFORCE else 'patient'} {record_id}")
    return whole_person(record)


def entry_of(record: Snapshot, linked_to: RecordId | None) -> Entry:
    """Return a record as the index files it."""
    return Entry(record.id, whole_person(record), linked_to, archived=record.state is RecordState.ARCHIVED)


def whole_person(record: Snapshot) -> Person:
    """Return everything that a snapshot says of who somebody is; every number of Hint's phone list counts."""

    def text(name: str) -> str | None:
        value = record.values.get(name)
        return value if isinstance(value, str) else None

    numbers = [entry.canonical for entry in record.phones] + [text(name) for name in _PHONES]
    return Person(
        first=text("first_name"),
        last=text("last_name"),
        middle=text("middle_name"),
        birth_date=text("birth_date"),
        email=text("email"),
        phones=tuple(dict.fromkeys(number for number in numbers if number)),
        street=text("street"),
        city=text("city"),
        zip=text("zip"),
    )
