"""Finds changes by asking: for orgs without change events, for the time these are out of order, and beside them as a check.

A poll reads what changed since the cursor, less an overlap, because rows turn up late and several share a second. What it saw
within the overlap is remembered as fingerprints, in this process only, so that the same rows are not marked again and again.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol
from weakref import WeakKeyDictionary

from hintsync.core.records import RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import TakenIn, take_in
from hintsync.engine.detect.notices import Notice
from hintsync.engine.detect.positions import OVERLAP, caught_up_name, load_position, moment_of, newest_of, position_name
from hintsync.engine.detect.reading import notice_of
from hintsync.metrics import count, succeeded
from hintsync.state.port import StateStore
from hintsync.turns import in_turns

#: How far before the cursor a poll reads: rows turn up as much as ten seconds late (observed by others), so this is enough
#: for nearly all of them, and cheap enough for a poll a second.
NEAR: Final = timedelta(seconds=15)
#: How far before the cursor a poll reads once nothing can turn up late any more: it stands at the second of the latest stamp.
AT_REST: Final = timedelta(0)
#: Seconds after which a poll reads the whole overlap again, for rows that a long transaction kept back.
FAR_EVERY: Final = 60.0
#: Seconds after which a record that looks the same is known to have been read after the second of its stamp was over.
SETTLED: Final = 2.0
#: Seconds between two notes of how far we are by our own clock, if nothing else is to be stored.
NOTE_EVERY: Final = 600.0


class TakeIn(Protocol):
    """What takes events in (`engine.detect.intake.take_in`)."""

    def __call__(
        self, engine: Engine, notices: Sequence[Notice], *, cursors: Mapping[str, str] | None = None
    ) -> Awaitable[TakenIn]:
        """Mark what may matter and store the cursors, in one transaction."""
        ...


#: Records taken in at a time: judging more would keep webhooks waiting that the same process answers.
_AT_ONCE: Final = 200

#: Polls a side once (`poll_once`).
Poll = Callable[[Engine, Side], Awaitable[int]]


@dataclass(slots=True)
class _Seen:
    """A record as a poll saw it."""

    digest: bytes
    moment: datetime | None
    #: Monotonic seconds when it was first seen like this.
    first: float
    #: It was taken in once more after the second of its stamp was surely over: what is the same now, is the same edit.
    settled: bool = False


@dataclass(slots=True)
class PollMemory:
    """What polls of one side in this process have seen within the overlap."""

    seen: dict[RecordId, _Seen] = field(default_factory=dict)
    #: Monotonic seconds when the whole overlap was last read.
    far_at: float | None = None
    #: Monotonic seconds when at least what is near was last read.
    near_at: float | None = None
    #: The latest stamp that any of them saw.
    newest: datetime | None = None
    #: Monotonic seconds when a later stamp was last seen, or the side first read by this process.
    moved_at: float | None = None
    #: Monotonic seconds when the store was last told that we are up to date.
    noted_at: float | None = None
    #: Held by the poll under way: polls of one side follow one another.
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def is_far(self, now: float) -> bool:
        """Say whether it is time to read the whole overlap.

        Not again once it was read when nothing later had come for longer than rows are late: whatever comes now is newer.
        """
        if self.far_at is None or self.moved_at is None:
            return True
        settled = self.far_at - self.moved_at > OVERLAP.total_seconds()
        return not settled and now - self.far_at >= FAR_EVERY

    def reach(self, now: float) -> timedelta:
        """Return how far before the position a poll reads now.

        While nothing later comes, less and less: what was read after rows can still turn up late need not be read again.
        """
        if self.is_far(now):
            return OVERLAP
        return AT_REST if self.is_at_rest() else NEAR

    def is_at_rest(self) -> bool:
        """Say whether what is near was read once more when nothing later had come for as long as rows are late."""
        if self.near_at is None or self.moved_at is None:
            return False
        return self.near_at - self.moved_at > NEAR.total_seconds()

    def see(self, newest: datetime | None, now: float) -> None:
        """Note the latest stamp that a poll saw. The position says less: it also moves when a reading takes less time."""
        later = newest is not None and (self.newest is None or newest > self.newest)
        self.newest = newest if later else self.newest
        if later or self.moved_at is None:
            self.moved_at = now

    def is_note_due(self, now: float) -> bool:
        """Say whether it is time to store how far we are, whatever was seen."""
        return self.noted_at is None or now - self.noted_at >= NOTE_EVERY

    def is_known(self, record: Snapshot, digest: bytes) -> bool:
        """Say whether the same edit was taken in by an earlier poll."""
        seen = self.seen.get(record.id)
        return seen is not None and seen.settled and seen.digest == digest

    def remember(self, record: Snapshot, digest: bytes, now: float) -> None:
        """Keep what was taken in."""
        seen = self.seen.get(record.id)
        if seen is None or seen.digest != digest:
            self.seen[record.id] = _Seen(digest, moment_of(record.stamp), now)
        elif now - seen.first >= SETTLED:
            seen.settled = True

    def forget(self, before: datetime) -> None:
        """Drop what no later poll will read again unless it changes."""
        self.seen = {key: seen for key, seen in self.seen.items() if seen.moment is not None and seen.moment >= before}


_memories: WeakKeyDictionary[StateStore, dict[tuple[str, Side], PollMemory]] = WeakKeyDictionary()


def memory_of(engine: Engine, side: Side) -> PollMemory:
    """Return this process's memory of the polls of a side."""
    return _memories.setdefault(engine.store, {}).setdefault((engine.connection.id, side), PollMemory())


async def poll_once(engine: Engine, side: Side, *, take: TakeIn = take_in) -> int:
    """Take in what a side changed since the last poll; return how many marks were new.

    The first poll reads everything, since only the side's own stamps say from when on to read. The cursor moves with the last
    of the marks, to a moment of the side's own clock. Polls of a side in this process follow one another.

    Args:
        engine: The connection.
        side: The side to ask.
        take: Takes the events in.

    Raises:
        NotImplementedError: the side has no list of changes (`Capabilities.changed_since` is false).
        RetryLater: the side could not be read to the end; the cursor stays.
    """
    if not engine.replicas[side].capabilities.changed_since:
        raise NotImplementedError(f"{side}: it has no list of what changed since a moment")
    memory = memory_of(engine, side)
    async with memory.turn:
        return await _Poll(engine, side, memory, take).run()


@dataclass(slots=True)
class _Poll:
    """One poll under way."""

    engine: Engine
    side: Side
    memory: PollMemory
    take: TakeIn
    newest: datetime | None = None
    marked: int = 0

    async def run(self) -> int:
        clock = self.engine.clock
        started, started_at = clock.monotonic(), clock.now()
        before = (await load_position(self.engine, self.side)).read_to
        reach = OVERLAP if before is None else self.memory.reach(started)
        since = None if before is None else before - reach
        held: list[Snapshot] = []
        async for page in self.engine.replicas[self.side].scan(since=since):
            await self._take(held, started)
            self.newest = newest_of(page.records, self.newest)
            held = list(page.records)
        reached = self._reached(before, clock.monotonic() - started)
        cursors = {} if reached is None or reached == before else {position_name(self.side): _text(reached)}
        if self.memory.is_note_due(started):
            cursors[caught_up_name(self.side)] = _text(started_at)
        await self._take(held, started, cursors)
        if reach >= OVERLAP:
            self.memory.far_at = started
        if reach >= NEAR:
            self.memory.near_at = started
        self.memory.see(self.newest, clock.monotonic())
        if reached is not None:
            self.memory.forget(reached - OVERLAP)
        succeeded(self.engine.connection.id, "poll", clock.now().timestamp())
        return self.marked

    def _reached(self, before: datetime | None, took: float) -> datetime | None:
        """Return the moment up to which everything was seen.

        A record read early may have changed while later ones were read; that was as much before the latest stamp as the
        reading took, so nothing of our clock is compared with the side's. At rest there is no later one: what changes while
        we read is stamped after all that was seen.
        """
        if self.newest is None:
            return before
        still = self.memory.is_at_rest() and self.memory.newest is not None and self.newest <= self.memory.newest
        reached = (self.newest if still else self.newest - timedelta(seconds=took)).replace(microsecond=0)
        return reached if before is None else max(before, reached)

    async def _take(
        self, records: Sequence[Snapshot], started: float, cursors: Mapping[str, str] | None = None
    ) -> None:
        """Take in the records that were not taken in as they are; with cursors, they are the last ones."""
        for first in range(0, len(records) - _AT_ONCE, _AT_ONCE):
            await self._take_some(records[first : first + _AT_ONCE], started)
        await self._take_some(records[(len(records) - 1) // _AT_ONCE * _AT_ONCE if records else 0 :], started, cursors)

    async def _take_some(
        self, records: Sequence[Snapshot], started: float, cursors: Mapping[str, str] | None = None
    ) -> None:
        digests = {record.id: _digest(self.engine, record) async for record in in_turns(records)}
        new = [record for record in records if not self.memory.is_known(record, digests[record.id])]
        if new:
            count("polled", self.engine.connection.id, self.side, len(new))
        if new or cursors:
            notices = [_notice(self.engine, record) for record in new]
            self.marked += (await self.take(self.engine, notices, cursors=cursors)).marked
        for record in new:
            self.memory.remember(record, digests[record.id], started)
        if cursors and caught_up_name(self.side) in cursors:
            self.memory.noted_at = started


def _notice(engine: Engine, record: Snapshot) -> Notice:
    """Return the notice of a record; one with a field that could not be read does not show all that changed."""
    notice = notice_of(engine, record, "poll")
    return replace(notice, complete=False) if record.unreadable else notice


def _digest(engine: Engine, record: Snapshot) -> bytes:
    """Return a keyed fingerprint of all that a poll looks at; the stamp alone may stand still while values move."""
    values = engine.fingerprinter(record.id.encode()).of_all(record.values)
    beside = (record.stamp, record.state, record.peer_id, record.marked, record.merged_into, sorted(record.unreadable))
    return hashlib.sha256(values + repr(beside).encode()).digest()[:16]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
