"""Both populations as a batch sees them: who holds which key, and every patient's page kept small in memory.

Nothing of this touches a disk. A million contacts are kept as key hashes and as compressed rows; patients in the pages
they came in, so that each can be worked within its own: as they were read in a small practice, compressed in a large one.
"""

from __future__ import annotations

import asyncio
import pickle
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from hintsync.core.match import KeyIndex, match_key
from hintsync.core.records import KeyRow, RecordId, RecordState, Snapshot
from hintsync.engine.context import Engine
from hintsync.ports import PageRef, Replica

#: Patients of a page that are read one by one at most; more are read by their page, in one call.
SINGLE_READS = 2
#: Key rows that are noted before other tasks have a turn; a page holds 2,000.
ROWS_OF_A_TURN = 200
#: Seconds after which a patient's page is read again before it is worked (semantics section 8).
FRESH = 60.0
#: Patients up to which a practice is small: kept as they were read they take some 50 megabytes.
SMALL = 20_000


class Packed:
    """Snapshots, pickled and compressed; unpacked anew on every use, so that only one page is large at a time."""

    __slots__ = ("_bytes", "count")

    def __init__(self, records: Sequence[Snapshot]) -> None:
        """Pack records that came from one page."""
        self.count = len(records)
        self._bytes = zlib.compress(pickle.dumps(tuple(records), protocol=5), level=1)

    def unpack(self) -> tuple[Snapshot, ...]:
        """Return the records."""
        records: tuple[Snapshot, ...] = pickle.loads(zlib.decompress(self._bytes))  # our own bytes
        return records


class Loose:
    """Snapshots as they were read: what `Packed` costs twice, in time, is saved where there is room for them."""

    __slots__ = ("_records",)

    def __init__(self, records: Sequence[Snapshot]) -> None:
        """Take records that came from one page."""
        self._records = tuple(records)

    def unpack(self) -> tuple[Snapshot, ...]:
        """Return the records, the very same every time."""
        return self._records


class PackedRows:
    """Key rows, kept as `Packed` keeps snapshots; by columns, which takes a tenth of the time that rows take."""

    __slots__ = ("_bytes",)

    def __init__(self, rows: Sequence[KeyRow]) -> None:
        """Pack rows that came from one page."""
        self._bytes = zlib.compress(pickle.dumps(tuple(zip(*rows, strict=True)), protocol=5), level=1)

    def unpack(self) -> Iterator[KeyRow]:
        """Yield the rows."""
        return map(KeyRow._make, zip(*pickle.loads(zlib.decompress(self._bytes)), strict=True))  # our own bytes


@dataclass(slots=True)
class Contacts:
    """What a whole org's scan leaves behind for matching."""

    index: KeyIndex = field(default_factory=KeyIndex)
    #: Contacts whose Synced to Hint is checked or that name a patient, with that patient's id (empty: none).
    marked: dict[RecordId, str] = field(default_factory=dict)
    person_accounts: set[RecordId] = field(default_factory=set)
    pages: list[PackedRows] = field(default_factory=list)
    count: int = 0
    #: The whole org was scanned, not just some contacts looked up.
    whole: bool = True

    def rows(self) -> Iterator[KeyRow]:
        """Yield the key rows again."""
        for page in self.pages:
            yield from page.unpack()


@dataclass(slots=True)
class HeldPage:
    """One page of patients as it was scanned."""

    #: None if the page is no page of a scan but came from a look-up.
    ref: PageRef | None
    packed: Packed | Loose
    #: On the engine's monotonic clock, in seconds.
    read_at: float
    #: Ids of the patients in `packed`.
    ids: tuple[RecordId, ...]


@dataclass(slots=True)
class Patients:
    """What a whole practice's scan leaves behind."""

    index: KeyIndex = field(default_factory=KeyIndex)
    archived: set[RecordId] = field(default_factory=set)
    pages: list[HeldPage] = field(default_factory=list)
    seen: set[RecordId] = field(default_factory=set)
    #: How many there are, as far as the system says.
    expected: int = 0
    #: Those of the pages that are kept as they were read.
    loose: dict[RecordId, Snapshot] = field(default_factory=dict)

    @property
    def small(self) -> bool:
        """Whether, as far as is known, they are few enough to be kept as they were read."""
        return max(self.expected, len(self.seen)) <= SMALL


async def scan_contacts(engine: Engine, after_page: Callable[[Contacts], None] = lambda found: None) -> Contacts:
    """Read the least that matching needs of every contact, once."""
    found = Contacts()
    placeholders = engine.options.placeholder_dates
    async with aclosing(engine.salesforce.scan_keys()) as pages:  # type: ignore[type-var]  # async generators
        async for rows in pages:
            await _note_in_turns(found, rows, placeholders)
            found.pages.append(PackedRows(rows))
            after_page(found)
    return found


async def _note_in_turns(found: Contacts, rows: Sequence[KeyRow], placeholders: frozenset[str]) -> None:
    for start in range(0, len(rows), ROWS_OF_A_TURN):
        for row in rows[start : start + ROWS_OF_A_TURN]:
            note_contact(found, row, placeholders)
        await asyncio.sleep(0)  # the next page is on its way meanwhile


def note_contact(found: Contacts, row: KeyRow, placeholders: frozenset[str]) -> None:
    """Count one contact in; reading it twice is harmless."""
    found.count += 1
    key = match_key(row.first_name, row.last_name, row.birth_date, placeholders)
    if key is not None:
        found.index.add(key, row.id)
    if row.marked or row.peer_id:
        found.marked[row.id] = row.peer_id or ""
    if row.person_account:
        found.person_accounts.add(row.id)


async def scan_patients(engine: Engine, into: Patients | None = None) -> Patients:
    """Read every patient once, archived ones included, and keep the pages."""
    found = Patients() if into is None else into
    async for page in engine.hint.scan():
        found.expected = page.total or 0
        hold(engine, found, page.records, page.ref)
    return found


def hold(engine: Engine, found: Patients, records: Sequence[Snapshot], ref: PageRef | None) -> None:
    """Count patients in and keep them as one page; ones that were seen before are left out."""
    fresh = tuple(record for record in records if record.id not in found.seen)
    for record in fresh:
        found.seen.add(record.id)
        key = engine.key_of(record)
        if key is not None:
            found.index.add(key, record.id)
        if record.state is not RecordState.LIVE:
            found.archived.add(record.id)
    ids = tuple([record.id for record in fresh])
    if found.small:
        found.loose.update(zip(ids, fresh, strict=True))
    read_at = min((record.read_at for record in records), default=engine.clock.monotonic())
    found.pages.append(HeldPage(ref, Loose(fresh) if found.small else Packed(fresh), read_at, ids))


async def fresh_page(
    engine: Engine, held: HeldPage, *, max_age: float, wanted: Collection[RecordId] | None = None
) -> tuple[Snapshot, ...]:
    """Return a page's patients, read again if they were read longer ago than `max_age` seconds.

    Args:
        engine: The connection.
        held: The page.
        max_age: Seconds; infinite for a dry run.
        wanted: The patients that are needed; all if not given. A few are read singly, more by their page.

    Returns:
        The wanted patients that still exist, in page order. Patients that left the page meanwhile are read singly; ones
        that entered it belong to another page and are dropped.
    """
    known = [record for record in held.packed.unpack() if wanted is None or record.id in wanted]
    if engine.clock.monotonic() - held.read_at <= max_age:
        return tuple(known)
    again: dict[RecordId, Snapshot] = {}
    if held.ref is not None and len(known) > SINGLE_READS:
        again = {record.id: record for record in (await engine.hint.reread(held.ref)).records}
    strayed = [record.id for record in known if record.id not in again]
    if strayed:
        again.update(await engine.hint.read(strayed))
    return tuple(again[record.id] for record in known if record.id in again)


async def read_contacts(replica: Replica, ids: Sequence[RecordId]) -> dict[RecordId, Snapshot]:
    """Read contacts by id, as many in a call as the system takes."""
    found: dict[RecordId, Snapshot] = {}
    size = replica.capabilities.read_size
    for start in range(0, len(ids), size):
        found.update(await replica.read(ids[start : start + size]))
    return found
