"""What live sync remembers, in memory: a part of the store in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import nsmallest

from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.state import changes, marks, pace
from hintsync.state.live import Backlog, Dirty, Intent, Lane, Mark, SidePrints, Stop
from hintsync.state.port import Connection


@dataclass(slots=True)
class _Lease:
    """Who works a link, until when, and what is about to be written to it."""

    worker: str
    until: float
    pending: SidePrints = field(default_factory=dict)


class MemoryLive:
    """A LiveStore of dictionaries. No method waits between its first check and its last change, so each is atomic."""

    def __init__(self) -> None:
        """Start empty."""
        self._connections: dict[str, Connection] = {}
        self._cursors: dict[tuple[str, str], str] = {}
        self._dirty: dict[str, dict[marks.Place, Dirty]] = {}
        self._inbox: dict[str, dict[str, float]] = {}
        self._leases: dict[tuple[str, str], _Lease] = {}
        self._intents: dict[str, list[Intent]] = {}
        self._stops: dict[tuple[str, str, Side | None], Stop] = {}
        self._known: dict[str, set[RecordId]] = {}
        self._paces: dict[str, pace.Pace] = {}

    # --- the dirty set
    async def mark(self, connection_id: str, marks: Sequence[Mark], *, cursors: Mapping[str, str] | None = None) -> int:
        """Mark records dirty and store cursors; see the port."""
        self._know(connection_id)
        new = [mark for mark in marks if self._take_in(connection_id, mark)]
        for mark in new:
            self._mark(connection_id, mark)
        self._cursors.update({(connection_id, name): value for name, value in (cursors or {}).items()})
        return len(new)

    async def claim(
        self,
        connection_id: str,
        worker: str,
        now: float,
        until: float,
        *,
        limit: int,
        lanes: Collection[Lane] = tuple(Lane),
    ) -> Sequence[Dirty]:
        """Lease the most urgent records that are due, unparked and free; see the port."""
        free = (
            dirty
            for dirty in self._dirty_of(connection_id)
            if dirty.parked is None and dirty.lane in lanes and marks.free_at(dirty) <= now
        )
        taken = [marks.claimed(dirty, worker, until) for dirty in nsmallest(limit, free, key=marks.urgency)]
        for dirty in taken:
            self._put(dirty)
        return taken

    async def finish_marks(self, done: Sequence[Dirty]) -> int:
        """Drop records that were worked; see the port."""
        return self._finish(done)

    async def put_off(
        self, dirty: Sequence[Dirty], due: float, *, failed: bool = True, parked: str | None = None
    ) -> None:
        """Release records to be tried again later; see the port."""
        for stored, given in self._held(dirty):
            self._put(marks.put_off(stored, given, due, failed=failed, parked=parked))

    async def renew_leases(self, connection_id: str, worker: str, until: float) -> None:
        """Extend every lease that a worker holds."""
        for dirty in self._worked_by(connection_id, worker):
            self._put(replace(dirty, leased_until=max(dirty.leased_until, until)))
        for _, lease in self._leases_of(connection_id, worker):
            lease.until = max(lease.until, until)

    async def drop_leases(self, connection_id: str, worker: str) -> None:
        """Let go of everything that a worker holds."""
        for dirty in self._worked_by(connection_id, worker):
            self._put(marks.released(dirty))
        for key, _ in self._leases_of(connection_id, worker):
            del self._leases[key]

    async def dirty(self, connection_id: str, *, parked: bool | None = None, limit: int = 1000) -> Sequence[Dirty]:
        """Return dirty records in the order of `claim`."""
        wanted = (
            dirty for dirty in self._dirty_of(connection_id) if parked is None or parked is (dirty.parked is not None)
        )
        return nsmallest(limit, wanted, key=marks.urgency)

    async def replay(
        self, connection_id: str, now: float, records: Collection[tuple[Side, RecordId]] | None = None
    ) -> int:
        """Let parked records be worked again at once; return how many."""
        parked = [dirty for dirty in self._dirty_of(connection_id) if dirty.parked is not None]
        wanted = [dirty for dirty in parked if records is None or marks.place(dirty) in records]
        for dirty in wanted:
            self._put(marks.replayed(dirty, now))
        return len(wanted)

    async def backlog(self, connection_id: str) -> Backlog:
        """Count what waits."""
        everything = list(self._dirty_of(connection_id))
        waiting = [dirty for dirty in everything if dirty.parked is None]
        by_side = {side: [dirty.since for dirty in waiting if dirty.side is side] for side in Side}
        return Backlog(
            waiting=dict(Counter(dirty.lane for dirty in waiting)),
            oldest={side: min(moments) for side, moments in by_side.items() if moments},
            leased=sum(dirty.worker is not None for dirty in waiting),
            parked=len(everything) - len(waiting),
        )

    async def next_due(self, connection_id: str) -> float | None:
        """Return the earliest moment at which a record can be claimed; None if none waits."""
        waiting = (dirty for dirty in self._dirty_of(connection_id) if dirty.parked is None)
        return min(map(marks.free_at, waiting), default=None)

    async def prune_inbox(self, connection_id: str, before: float) -> int:
        """Forget event ids that were taken in before a moment; return how many."""
        inbox = self._inbox.get(connection_id, {})
        kept = {event_id: at for event_id, at in inbox.items() if at >= before}
        self._inbox[connection_id] = kept
        return len(inbox) - len(kept)

    # --- leases of links
    async def lease_links(
        self, connection_id: str, link_ids: Collection[str], worker: str, now: float, until: float
    ) -> frozenset[str]:
        """Lease links by compare-and-set; return those that are now this worker's."""
        self._know(connection_id)
        return frozenset(
            link_id
            for link_id in link_ids
            if self._lease((connection_id, link_id), worker, now, until).worker == worker
        )

    async def release_links(self, connection_id: str, link_ids: Collection[str], worker: str) -> None:
        """Let go of links and of what they were about to write."""
        for key, _ in self._leases_of(connection_id, worker):
            if key[1] in link_ids:
                del self._leases[key]

    async def intend(self, connection_id: str, intents: Sequence[Intent]) -> None:
        """Store what is about to be written; see the port."""
        self._know(connection_id)
        copies = [replace(intent, prints=dict(changes.checked_prints(intent.prints))) for intent in intents]
        self._intents.setdefault(connection_id, []).extend(copies)
        for intent in copies:
            lease = self._leases.get((connection_id, intent.link_id))
            if lease is not None:
                lease.pending = changes.with_intent(lease.pending, intent)

    async def withdraw(self, connection_id: str, intents: Sequence[Intent]) -> None:
        """Take back intents that were not carried out."""
        own = self._intents.get(connection_id, [])
        for intent in intents:
            latest = max((at for at, stored in enumerate(own) if stored == intent), default=None)
            if latest is not None:
                del own[latest]
            if (lease := self._leases.get((connection_id, intent.link_id))) is not None:
                lease.pending = changes.without_intent(lease.pending, intent)

    async def pending(self, connection_id: str, link_ids: Collection[str]) -> Mapping[str, SidePrints]:
        """Return what leased links are about to write, by link; one that announced nothing comes empty."""
        leases = {link_id: self._leases.get((connection_id, link_id)) for link_id in link_ids}
        return {link_id: lease.pending for link_id, lease in leases.items() if lease is not None}

    async def intents(
        self, connection_id: str, *, since: float, link_ids: Collection[str] | None = None
    ) -> Sequence[Intent]:
        """Return the intents since a moment, oldest first: of all links, or of these."""
        wanted = [
            intent
            for intent in self._intents.get(connection_id, ())
            if intent.at >= since and (link_ids is None or intent.link_id in link_ids)
        ]
        return sorted(wanted, key=lambda intent: intent.at)

    async def forget_intents(self, connection_id: str, *, before: float, side: Side | None = None) -> int:
        """Forget intents older than a moment, of one written side if it is named; return how many."""
        own = self._intents.get(connection_id, [])
        kept = [intent for intent in own if intent.at >= before or side not in (None, intent.side)]
        self._intents[connection_id] = kept
        return len(own) - len(kept)

    # --- stops
    async def put_stop(self, stop: Stop) -> bool:
        """Store a stop; an earlier one of its guard and side stays as it is. Returns whether it is new."""
        self._know(stop.connection_id)
        return self._stops.setdefault((stop.connection_id, stop.guard, stop.side), stop) is stop

    async def stops(self, connection_id: str) -> Sequence[Stop]:
        """Return the stops in force, oldest first."""
        own = [stop for stop in self._stops.values() if stop.connection_id == connection_id]
        return sorted(own, key=lambda stop: (stop.at, stop.guard, stop.side or ""))

    async def clear_stop(self, connection_id: str, guard: str, side: Side | None) -> bool:
        """End a stop; false if there was none."""
        return self._stops.pop((connection_id, guard, side), None) is not None

    # --- patients that were there when we connected
    async def take_known(self, connection_id: str, patient_ids: Collection[RecordId]) -> None:
        """Remember patients as those taken at connect."""
        self._know(connection_id)
        self._known.setdefault(connection_id, set()).update(patient_ids)

    async def known(self, connection_id: str, patient_ids: Collection[RecordId]) -> frozenset[RecordId]:
        """Return those of these patients that were taken at connect."""
        return frozenset(patient_ids) & self._known.get(connection_id, set())

    # --- pace shared by all workers
    async def take_turn(self, name: str, now: float, *, interval: float, burst: int, turns: int = 1) -> float:
        """Take the next places in a shared schedule; return the seconds to wait."""
        kept = self._paces.get(name, pace.Pace())
        self._paces[name], wait = pace.take(kept, now, interval=interval, burst=burst, turns=turns)
        return wait

    async def hold_turns(self, name: str, now: float, seconds: float) -> None:
        """Let no place of a schedule begin for some seconds."""
        self._paces[name] = pace.hold(self._paces.get(name, pace.Pace()), now, seconds)

    # --- within
    def _know(self, connection_id: str) -> None:
        if connection_id not in self._connections:
            raise changes.unknown_connection(connection_id)

    def _take_in(self, connection_id: str, mark: Mark) -> bool:
        """Remember the id of a mark's event; false if it was taken in before."""
        if mark.event_id is None:
            return True
        inbox = self._inbox.setdefault(connection_id, {})
        seen = inbox.get(mark.event_id)
        if seen is not None and seen > mark.at - marks.EVENT_MEMORY:
            return False
        inbox[mark.event_id] = mark.at
        return True

    def _mark(self, connection_id: str, mark: Mark) -> None:
        stored = self._dirty.get(connection_id, {}).get(marks.place(mark))
        self._put(marks.marked(stored, connection_id, mark))

    def _finish(self, done: Sequence[Dirty]) -> int:
        after = [(given, marks.finished(stored, given)) for stored, given in self._held(done)]
        for given, left in after:
            if left is None:
                del self._dirty[given.connection_id][marks.place(given)]
            else:
                self._put(left)
        return sum(left is None for _, left in after)

    def _put(self, dirty: Dirty) -> None:
        self._dirty.setdefault(dirty.connection_id, {})[marks.place(dirty)] = dirty

    def _dirty_of(self, connection_id: str) -> Collection[Dirty]:
        return self._dirty.get(connection_id, {}).values()

    def _held(self, given: Sequence[Dirty]) -> list[tuple[Dirty, Dirty]]:
        """Return stored records, each with what it was when it was claimed; those of other workers are left out."""
        pairs = {
            (each.connection_id, marks.place(each)): (
                self._dirty.get(each.connection_id, {}).get(marks.place(each)),
                each,
            )
            for each in given
        }
        return [(stored, each) for stored, each in pairs.values() if stored is not None and marks.is_held(stored, each)]

    def _worked_by(self, connection_id: str, worker: str) -> Iterable[Dirty]:
        return [dirty for dirty in self._dirty_of(connection_id) if dirty.worker == worker]

    def _leases_of(self, connection_id: str, worker: str) -> Iterable[tuple[tuple[str, str], _Lease]]:
        return [
            (key, lease) for key, lease in self._leases.items() if key[0] == connection_id and lease.worker == worker
        ]

    def _lease(self, key: tuple[str, str], worker: str, now: float, until: float) -> _Lease:
        """Take or extend a link's lease; return the lease that is in force."""
        lease = self._leases.get(key)
        if lease is None or (lease.worker != worker and lease.until <= now):
            # What a dead worker was about to write is no echo any more: it may land after we have read.
            lease = self._leases[key] = _Lease(worker, until)
        elif lease.worker == worker:
            lease.until = max(lease.until, until)
        return lease
