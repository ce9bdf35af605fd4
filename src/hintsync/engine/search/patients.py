"""Keeps a practice's patients at hand for searches, for as long as the process runs: read once, then fresh by events and re-reads.

Every process that answers searches keeps an index of its own, in its memory alone (decision 0087). It is fed by the webhooks
that this process receives; what other processes heard is found by reading what changed since, whenever somebody is about to
search. Until it is filled, a search finds those who were read so far, and everybody born on the day that is looked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from weakref import WeakKeyDictionary

from hintsync.core.errors import HintsyncError, RetryLater
from hintsync.core.near import Grade, NearMatch
from hintsync.core.person import Person
from hintsync.core.records import RecordId, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.poll import FAR_EVERY, NEAR
from hintsync.engine.detect.positions import OVERLAP, moment_of, newest_of
from hintsync.engine.search.index import Entry, Found, SearchIndex
from hintsync.engine.search.sides import Hit, entry_of
from hintsync.engine.search.text import understand
from hintsync.engine.waiting import rest
from hintsync.ports import Demographics
from hintsync.state.port import StateStore

_log = logging.getLogger(__name__)

#: Grades of patients that are probably the very person who is searched for.
_VERY_PERSON: Final = frozenset({Grade.CERTAIN, Grade.PROBABLE})
_GONE = frozenset({RecordState.DELETED, RecordState.MERGED})
#: Seconds for which an index is believed to be fresh; who searches later starts a look at what changed since.
FRESH: Final = 10.0
#: Seconds after which everybody is read again, for what no event and no list of changes tells: patients that were destroyed.
WHOLE_AGAIN: Final = 24 * 3600.0
#: The same for a practice whose API has no list of changes.
WHOLE_AGAIN_WITHOUT_CHANGES: Final = 1800.0
#: Seconds after a failure before Hint is asked again.
PAUSE: Final = 15.0
#: Seconds between two looks whether an index is due, while a process keeps it warm.
_TICK: Final = 30.0
#: Events that wait to be filed; with more, they are dropped and what changed is read.
_MOST_HEARD: Final = 1000


@dataclass(frozen=True, slots=True)
class Likely:
    """A patient that was found. Holds a person's data."""

    hit: Hit
    #: How the patient compares with the contact that somebody is searched for; None without one.
    match: NearMatch | None


@dataclass(frozen=True, slots=True)
class Looked:
    """What a search found, and how much it could search through."""

    found: tuple[Likely, ...]
    #: Patients that could be searched.
    searched: int
    #: Everybody was read; if not, more may be found in a moment.
    complete: bool
    #: Patients there are in all, as far as Hint said.
    total: int | None = None
    #: Code of what keeps Hint from being read, if anything does.
    trouble: str | None = None
    #: Although not everybody was read, everybody born on a day that is looked for was.
    by_birth_date: bool = False
    #: Everybody was read once, and what changed of late is just being read.
    catching_up: bool = False


class PatientIndex:
    """The patients of one practice."""

    def __init__(self, placeholders: frozenset[str]) -> None:
        """Start empty; nothing is read before somebody asks for it."""
        self._index = SearchIndex(placeholders)
        self._stamps: dict[RecordId, str] = {}
        #: What events said since the last search; None: the patient is gone.
        self._heard: dict[RecordId, Snapshot | None] = {}
        #: Patients filed or forgotten by others while everybody is read.
        self._touched: set[RecordId] = set()
        #: Birth dates that were asked for while everybody is read for the first time.
        self._asked: set[str] = set()
        self._task: asyncio.Task[None] | None = None
        #: Held while the index is changed or searched in a thread.
        self._turn = asyncio.Lock()
        #: Latest moment, by Hint's stamps, up to which changes were read.
        self._read_to: datetime | None = None
        #: Monotonic seconds of the last look at what changed, of the last reading of everybody, of the last failure.
        self._looked_at = self._whole_at = self._failed_at = float("-inf")
        #: Monotonic seconds of the last look that went back by the whole overlap, for rows that turn up late.
        self._far_at = float("-inf")
        self.total: int | None = None
        self.complete = False
        self.trouble: str | None = None

    def __len__(self) -> int:
        """Count the patients."""
        return len(self._index)

    def hear(self, snapshot: Snapshot) -> None:
        """Take what an event shows of a patient; filed before the next search."""
        if self._is_wanted:
            self._note(snapshot.id, None if snapshot.state in _GONE else snapshot)

    def forget(self, patient_id: RecordId) -> None:
        """Take it that a patient is gone."""
        if self._is_wanted:
            self._note(patient_id, None)

    def stale(self) -> None:
        """Have the next search look at what changed, however fresh the index is."""
        self._looked_at = float("-inf")

    def freshen(self, engine: Engine) -> None:
        """Begin to read what is missing, unless it is fresh or being read; returns at once."""
        now = engine.clock.monotonic()
        if (self._task is not None and not self._task.done()) or now - self._failed_at < PAUSE:
            return
        changes = engine.hint.capabilities.changed_since
        lasts = WHOLE_AGAIN if changes else WHOLE_AGAIN_WITHOUT_CHANGES
        if not self.complete or now - self._whole_at >= lasts:
            self._task = asyncio.create_task(self._guarded(engine, self._read_everybody(engine)))
        elif changes and now - self._looked_at >= FRESH:
            self._task = asyncio.create_task(self._guarded(engine, self._read_changes(engine)))

    async def settled(self, seconds: float, *, once_complete: float | None = None) -> None:
        """Wait for what is being read.

        Args:
            seconds: at most.
            once_complete: at most, where everybody was read and only what changed of late is to come.
        """
        if self._task is not None:
            most = once_complete if self.complete and once_complete is not None else seconds
            await asyncio.wait([self._task], timeout=most)

    async def search(self, engine: Engine, text: str, like: Person | None = None, *, limit: int = 8) -> Looked:
        """Find patients for what was typed, best first, with the contact that each is linked with now.

        Args:
            engine: The connection.
            text: What was typed. Of the contact's own name, people like the contact come first.
            like: The contact that a patient is searched for; the evidence compares with it.
            limit: Most results.
        """
        self.freshen(engine)
        if not self.complete:
            await self._ask_by_birth_date(engine, text, like)
        async with self._turn:
            found = await asyncio.to_thread(self._search, text, like, limit)
        by_birth_date = not self.complete and bool(self._asked)
        likely = await _with_peers(engine, found)
        catching_up = self.complete and self._task is not None and not self._task.done()
        return Looked(likely, len(self), self.complete, self.total, self.trouble, by_birth_date, catching_up)

    async def pause(self) -> None:
        """Stop reading; what was read stays."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
            self._task = None

    @property
    def _is_wanted(self) -> bool:
        return self._task is not None or self.complete

    def _note(self, patient_id: RecordId, snapshot: Snapshot | None) -> None:
        if len(self._heard) >= _MOST_HEARD:
            self._heard.clear()
            self.stale()
        self._heard[patient_id] = snapshot

    # Reading

    async def _guarded(self, engine: Engine, reading: Coroutine[None, None, None]) -> None:
        try:
            await reading
            self.trouble = None
        except Exception as error:  # nobody waits for this task: who searches next is told, and it is tried again
            self.trouble = error.code if isinstance(error, HintsyncError) else type(error).__name__
            self._failed_at = engine.clock.monotonic()
            _log.warning("the patients of %s could not be read for searches (%s)", engine.connection.id, self.trouble)

    async def _read_everybody(self, engine: Engine) -> None:
        started = engine.clock.monotonic()
        self._touched.clear()
        before, seen, newest = set(self._stamps), set[RecordId](), None
        async for page in engine.hint.scan():
            self.total = page.total if self.total is None else max(self.total, page.total or 0)
            seen.update(record.id for record in page.records)
            newest = newest_of(page.records, newest)
            await self._file(page.records)
        await self._drop(before - seen - self._touched)
        self.complete, self._whole_at, self._looked_at = True, started, started
        self._reach(newest, engine.clock.monotonic() - started)

    async def _read_changes(self, engine: Engine) -> None:
        started, newest = engine.clock.monotonic(), None
        is_far = started - self._far_at >= FAR_EVERY
        since = None if self._read_to is None else self._read_to - (OVERLAP if is_far else NEAR)
        async for page in engine.hint.scan(since=since):
            newest = newest_of(page.records, newest)
            await self._file(page.records)
        self._looked_at = started
        if is_far:
            self._far_at = started
        self._reach(newest, engine.clock.monotonic() - started)

    def _reach(self, newest: datetime | None, took: float) -> None:
        """Move on to the latest stamp, less what the reading took: a record read early may have changed meanwhile."""
        reached = None if newest is None else newest - timedelta(seconds=took)
        if reached is not None and (self._read_to is None or reached > self._read_to):
            self._read_to = reached

    async def _ask_by_birth_date(self, engine: Engine, text: str, like: Person | None) -> None:
        """File everybody born on the day that is looked for, while the list is still being read."""
        typed = {day for mask in understand(text).whole_dates if (day := _day(mask))}
        wanted = typed | ({like.birth_date} if like and like.birth_date else set())
        days = sorted(wanted - self._asked)
        if not days or not engine.hint.capabilities.find_by_birth_date:
            return
        try:
            found = await engine.hint.find([Demographics("", "", day) for day in days])
        except RetryLater as error:
            self.trouble = error.code
            return
        self._asked.update(days)
        await self._file(found)
        self._touched.update(record.id for record in found)

    # Filing and searching, in a thread: a page takes longer than others may wait.

    async def _file(self, records: Iterable[Snapshot]) -> None:
        async with self._turn:
            await asyncio.to_thread(self._file_now, list(records))

    async def _drop(self, ids: Collection[RecordId]) -> None:
        async with self._turn:
            await asyncio.to_thread(self._drop_now, ids)

    def _file_now(self, records: Iterable[Snapshot]) -> None:
        newer = [record for record in records if self._is_newer(record)]
        self._drop_now([record.id for record in newer if record.state in _GONE])
        there = [record for record in newer if record.state not in _GONE]
        self._index.put_many(entry_of(record, None) for record in there)
        self._stamps.update((record.id, record.stamp) for record in there)

    def _is_newer(self, record: Snapshot) -> bool:
        """Say whether a record is not older than what is filed: events come late, and in any order."""
        filed, shown = moment_of(self._stamps.get(record.id, "")), moment_of(record.stamp)
        return filed is None or shown is None or shown >= filed

    def _drop_now(self, ids: Iterable[RecordId]) -> None:
        for each in ids:
            self._index.remove(each)
            self._stamps.pop(each, None)

    def _file_heard(self) -> None:
        heard, self._heard = self._heard, {}
        self._file_now([record for record in heard.values() if record is not None])
        self._drop_now([patient_id for patient_id, record in heard.items() if record is None])
        self._touched.update(heard)

    def _search(self, text: str, like: Person | None, limit: int) -> list[tuple[Found, NearMatch | None]]:
        self._file_heard()
        found = self._alike(text, like, limit) if like is not None else []
        seen = {each.entry.record_id for each in found}
        typed = self._index.search(text, limit)
        found += [each for each in typed if each.entry.record_id not in seen]
        return [(each, self._compared(like, each.entry)) for each in found[:limit]]

    def _alike(self, text: str, like: Person, limit: int) -> list[Found]:
        """Return who goes before what was typed: for the contact's own name everybody like the contact, best first; for a
        beginning or a part of it, such as the family name alone, those who are probably this very person.
        """
        typed, own = text.casefold().split(), name_of(like).casefold().split()
        if typed == own:
            return self._index.search(like, limit)
        if not typed or not all(any(word.startswith(part) for word in own) for part in typed):
            return []
        alike = [(each, self._index.compare(like, each.entry)) for each in self._index.search(like, limit)]
        return [each for each, match in alike if match is not None and match.grade in _VERY_PERSON]

    def _compared(self, like: Person | None, entry: Entry) -> NearMatch | None:
        return self._index.compare(like, entry) if like is not None else None


def _day(mask: str) -> str | None:
    """Return eight digits, year first, as a date; None if there is no such day."""
    try:
        return date.fromisoformat(mask).isoformat()
    except ValueError:
        return None


def name_of(person: Person) -> str:
    """Return a person's name in one line, as the Search Key is filled with it."""
    return " ".join(part for part in (person.first, person.middle, person.last) if part)


async def _with_peers(engine: Engine, found: Sequence[tuple[Found, NearMatch | None]]) -> tuple[Likely, ...]:
    ids = [each.entry.record_id for each, _ in found]
    states = await engine.store.live_links(engine.connection.id, Side.HINT, ids) if ids else {}
    peers = {patient_id: state.link.contact_id for patient_id, state in states.items()}
    return tuple(Likely(Hit(Side.HINT, each, peers.get(each.entry.record_id)), match) for each, match in found)


_indexes: WeakKeyDictionary[StateStore, dict[str, PatientIndex]] = WeakKeyDictionary()


def patient_index(engine: Engine) -> PatientIndex:
    """Return this process's index of a connection's patients."""
    indexes = _indexes.setdefault(engine.store, {})
    if engine.connection.id not in indexes:
        indexes[engine.connection.id] = PatientIndex(engine.options.placeholder_dates)
    return indexes[engine.connection.id]


async def keep_index(engine: Engine, leaving: asyncio.Event) -> None:
    """Fill a connection's index before anybody searches, and see that it gets filled; returns once `leaving` is set."""
    index = patient_index(engine)
    try:
        while not leaving.is_set():
            if not index.complete:
                index.freshen(engine)
            await rest(engine.clock, _TICK, leaving)
    finally:
        await index.pause()
