"""A world in memory that lives: every change on either side becomes an event, and a worker takes what events bring."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from hintsync.core.records import RecordId, RecordState
from hintsync.core.values import ABSENT, Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import TakenIn, take_in
from hintsync.engine.detect.notices import Notice, NoticeKind
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.live.work import Worked, work_once
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.replicas.memory_records import Change, ChangeKind
from hintsync.state.live import Dirty
from tests.engine.world import World

BORN = "1980-05-06"
WORKER = "worker-1"

_KINDS = {
    ChangeKind.CREATED: NoticeKind.CREATED,
    ChangeKind.DELETED: NoticeKind.DELETED,
    ChangeKind.UNDELETED: NoticeKind.UNDELETED,
}


@dataclass(slots=True)
class LiveWorld(World):
    """Both systems, their events, and one worker."""

    #: Events that happened and were not delivered yet.
    events: list[Notice] = field(default_factory=list)
    _marks: dict[RecordId, tuple[str | None, bool]] = field(default_factory=dict)
    _engine: Engine | None = None

    def __post_init__(self) -> None:
        World.__post_init__(self)
        self.org.watch(self._heard)
        self.practice.watch(self._heard)

    def _heard(self, change: Change) -> None:
        seen = (self.org if change.side is Side.SALESFORCE else self.practice).shown(change.record_id)
        kind = _KINDS.get(change.kind, NoticeKind.CHANGED)
        merged = change.kind is ChangeKind.MERGED
        if change.side is Side.SALESFORCE:  # a change event: the fields that changed, and a merge is a deletion
            kind = NoticeKind.DELETED if merged else kind
            names = change.fields
        else:  # a webhook: the whole patient
            names = frozenset(seen.values)
        values = {name: value for name in names if (value := seen.values[name]) is not ABSENT}
        marks_changed = self._marks.get(seen.id) != (seen.peer_id, seen.marked)
        self._marks[seen.id] = seen.peer_id, seen.marked
        contact = change.side is Side.SALESFORCE
        self.events.append(
            Notice(
                change.side,
                change.record_id,
                kind,
                "change-event" if contact else "webhook",
                self.clock.now().timestamp(),
                values=values,
                complete=not merged,
                peer_id=seen.peer_id or "" if marks_changed or not contact else None,
                marks_changed=marks_changed and contact,
                marked=seen.marked if contact and marks_changed else None,
            )
        )

    async def live(self) -> Engine:
        """Return the engine of the one worker, its patients taken as known."""
        if self._engine is None:
            self._engine = await self.engine()
            await take_known_patients(self._engine)
        return self._engine

    def restart(self) -> None:
        """Forget the process: the next one is built anew."""
        self._engine = None

    async def deliver(self) -> TakenIn:
        """Take in what happened."""
        events, self.events = self.events, []
        return await take_in(await self.live(), events)

    async def work(self) -> Worked:
        """Work one group."""
        return await work_once(await self.live(), WORKER)

    async def quiet(self, rounds: int = 40) -> list[Worked]:
        """Deliver and work until nothing happens any more, letting time pass over pauses."""
        came = []
        for _ in range(rounds):
            await self.deliver()
            worked = await self.work()
            came.append(worked)
            if worked.claimed:
                continue
            due = await self.store.next_due("main")
            if due is None and not self.events:
                return came
            self.clock.push(max((due or 0.0) - self.clock.now().timestamp(), 0.0) + 0.001)
        raise AssertionError("it never becomes quiet")

    async def linked(self, first: str = "Ann", last: str = "Moor", born: str = BORN, **values: str) -> tuple[str, str]:
        """Return a contact and a patient that are linked and in step, everything delivered."""
        contact, patient = self.both(first, last, born, **values)
        await link_by_hand(await self.live(), contact, patient)
        await self.quiet()
        return contact, patient

    async def population(self, count: int) -> list[tuple[RecordId, RecordId]]:
        """Return many linked pairs, everything delivered."""
        pairs = [self.both(f"Ann{n}", "Moor", f"19{n % 90 + 10}-03-04", city="Lynn") for n in range(count)]
        await batch_patients(await self.live())
        await self.quiet()
        return pairs

    async def dirty(self, *, parked: bool | None = None) -> list[Dirty]:
        """Return what waits."""
        return list(await self.store.dirty("main", parked=parked))

    async def link_of(self, contact: RecordId):
        """Return the live link of a contact, with its memory."""
        return (await self.store.live_links("main", Side.SALESFORCE, [contact])).get(contact)

    def shown(self, side: Side, record_id: RecordId, name: str) -> object:
        """Return what a side shows of a field now."""
        return (self.org if side is Side.SALESFORCE else self.practice).shown(record_id).values[name]

    def calls(self) -> dict[Side, int]:
        """Return the remote calls so far."""
        return {Side.SALESFORCE: self.org.calls, Side.HINT: self.practice.calls}


def without_values(notice: Notice) -> Notice:
    """Return an event that only says that something happened."""
    return replace(notice, values={}, complete=False)


GONE = RecordState.DELETED
