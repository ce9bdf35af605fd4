"""A world that lives under faults: events are lost, doubled, late and out of order, processes die, replies are lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from hintsync.core.errors import HintsyncError
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.records import FieldName, LinkStatus, RecordId, RecordState
from hintsync.core.values import ABSENT, Seen, Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import take_in
from hintsync.engine.detect.notices import Notice
from hintsync.engine.guards.approvals import acknowledge, approve
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.live.work import work_once
from hintsync.engine.pairs.parting import intent_of
from hintsync.ports import Update, WriteAnswer, WriteMode, Written
from hintsync.replicas.memory import CAPABILITIES, MemoryReplica
from hintsync.replicas.memory_faults import Crash, Faults
from hintsync.replicas.memory_records import Change, ChangeKind
from tests.crash.points import LIVE_WRITES, WRITES, Points, WatchedFaults, WatchedStore, bury
from tests.engine.living import LiveWorld
from tests.live.oracle import Oracle

#: Seconds that a dead worker's leases need to run out.
TAKEOVER = 20.0
#: Passes after which a town that is not quiet never will be.
MOST_PASSES = 200


class _Org(MemoryReplica):
    """Salesforce in memory, with a contact that whoever writes it may die of."""

    deadly: RecordId | None = None

    def _update(self, update: Update, mode: WriteMode) -> WriteAnswer:
        if update.record_id == self.deadly:
            raise Crash
        return super()._update(update, mode)


class _Practice(MemoryReplica):
    """Hint in memory, which tells the oracle of every write that is carried out, whether it changes something or not."""

    #: Tells of an update that was carried out.
    told: Callable[[Update], None]

    def _update(self, update: Update, mode: WriteMode) -> WriteAnswer:
        answer = super()._update(update, mode)
        if isinstance(answer, Written):
            self.told(update)
        return answer


@dataclass(slots=True)
class LiveTown(LiveWorld):
    """Both systems, their events on the way, one process after the other, and what people wanted."""

    oracle: Oracle = field(default_factory=Oracle)
    #: Records of which an event was lost on the way.
    lost: set[RecordId] = field(default_factory=set)
    #: Our own writes by side, as the systems counted them.
    written: Counter[Side] = field(default_factory=Counter)
    #: Contacts that we made, by the patient each was made for.
    made: Counter[RecordId] = field(default_factory=Counter)
    #: Contacts that were deleted at some time: what was released meanwhile could not be written to them.
    were_deleted: set[RecordId] = field(default_factory=set)
    #: The contact that we wrote to last of those that show a patient, by patient.
    named: dict[RecordId, RecordId] = field(default_factory=dict)
    #: Seconds by which the clock was set back: leases of before then last so much longer.
    set_back: float = 0.0
    #: A system says that it is another one, so nothing may be written (guard G1).
    foreign: bool = False
    #: What was done although it must not be.
    trespasses: list[str] = field(default_factory=list)
    deaths: int = 0
    processes: int = 0
    #: The points of the latest attempt.
    points_before: Points = field(default_factory=Points)
    _points: Points = field(default_factory=Points)

    def __post_init__(self) -> None:
        LiveWorld.__post_init__(self)
        table = self.options.table()
        small = {
            Side.SALESFORCE: replace(CAPABILITIES[Side.SALESFORCE], read_size=3, page_size=5, write_size=2),
            Side.HINT: replace(CAPABILITIES[Side.HINT], page_size=4),
        }
        self.org = _Org(Side.SALESFORCE, table, self.clock, capabilities=small[Side.SALESFORCE])
        self.practice = _Practice(Side.HINT, table, self.clock, capabilities=small[Side.HINT])
        self.practice.told = self._wrote_to_hint
        for replica in (self.org, self.practice):
            replica.faults = WatchedFaults(replica.side)
            replica.watch(self._heard)
            replica.watch(self._count)

    def _count(self, change: Change) -> None:
        if change.ours:
            self.written[change.side] += 1
            if self.foreign:
                self.trespasses.append(f"T12 G1: {change.record_id} was written although it is another system's")
            if change.kind is ChangeKind.CREATED and change.side is Side.SALESFORCE:
                self.made[self.org.shown(change.record_id).peer_id or ""] += 1
            if change.side is Side.SALESFORCE and (shown := self.org.shown(change.record_id)).marked:
                self.named[shown.peer_id or ""] = change.record_id
        elif change.kind is ChangeKind.DELETED:
            self.were_deleted.add(change.record_id)

    def _wrote_to_hint(self, update: Update) -> None:
        phones = {row.name for row in self.practice.table.phones}
        beside = phones if phones & set(update.values) else ()
        self.oracle.overwrote(Side.HINT, update.record_id, frozenset(update.values), beside, self.show)

    def side(self, side: Side) -> MemoryReplica:
        """Return one system."""
        return self.org if side is Side.SALESFORCE else self.practice

    # --- processes
    async def live(self) -> Engine:
        """Return the engine of the process that runs now; a fresh one if the last died."""
        if self._engine is None:
            self.processes += 1
            engine = await self._built()
            self._engine = replace(engine, store=WatchedStore(self.store, self._points, WRITES | LIVE_WRITES))  # type: ignore[arg-type]
        self._watch(self._points)
        return self._engine

    async def _built(self) -> Engine:
        """Build an engine while nothing goes wrong: what comes before its work is no part of it."""
        sides = (self.org, self.practice)
        made_for_work = [replica.faults for replica in sides]
        for replica in sides:
            replica.faults = Faults(replica.side)
        try:
            engine = await self.engine()
            await take_known_patients(engine)
        finally:
            for replica, faults in zip(sides, made_for_work, strict=True):
                replica.faults = faults
        return engine

    def _watch(self, points: Points) -> None:
        for replica in (self.org, self.practice):
            assert isinstance(replica.faults, WatchedFaults)
            replica.faults.points = points

    async def attempt(
        self,
        work: Callable[[Engine], Awaitable[object]],
        crash_at: int | None = None,
        meanwhile: Mapping[int, Callable[[], None]] | None = None,
    ) -> bool:
        """Let a process do something, and perhaps die at a point of it; false if it died or met an error of the order."""
        self._points = Points(crash_at, meanwhile=meanwhile)
        self.restart()
        engine, deaths = await self.live(), self.deaths
        try:
            await work(engine)
        except Crash:
            self.deaths += 1
            return False
        except HintsyncError:
            return False
        finally:
            await bury()
            self.points_before, self._points = self._points, Points()
            self.oracle.no_pass(died=self.deaths > deaths)
            self.restart()
            self.look()
        return True

    async def pass_once(
        self, crash_at: int | None = None, meanwhile: Mapping[int, Callable[[], None]] | None = None
    ) -> bool:
        """Let a worker of its own name work one group."""
        name = f"worker-{self.processes}"
        return await self.attempt(lambda engine: work_once(engine, name, limit=7), crash_at, meanwhile)

    async def take(self, events: list[Notice], crash_at: int | None = None) -> bool:
        """Deliver events; what a process that died did not acknowledge is delivered again later."""
        if await self.attempt(lambda engine: take_in(engine, events), crash_at):
            return True
        self.events = events + self.events
        return False

    # --- what guards are for
    def pretend(self, side: Side | None = None) -> None:
        """Let a side say that it is another system, or none."""
        for replica in (self.org, self.practice):
            own = f"memory-{replica.side}"
            replica.identity = replace(replica.identity, id="another" if replica.side is side else own)
        self.foreign = side is not None

    def hide_everybody(self, side: Side) -> None:
        """Let the lists of a side be empty."""
        self.side(side)._listed = lambda since: []  # type: ignore[method-assign]

    def everybody_there(self) -> None:
        """Let lists show who is there again."""
        for replica in (self.org, self.practice):
            replica.__dict__.pop("_listed", None)

    def shows_nobody(self, side: Side) -> bool:
        """Say whether the lists of a side are empty."""
        return not self.side(side)._listed(None)

    # --- what people see
    def show(self, side: Side, record_id: RecordId, name: FieldName) -> Seen:
        """Return what a side shows of a field."""
        replica = self.side(side)
        record = replica._records[record_id]
        of_type = [number for kind, number in record.phones if f"{kind}_phone" == name]
        if len(of_type) > 1 and (contact := self.peer_of(Side.HINT, record_id)):
            agreed = self.org._records[contact].values.get(name)  # several of a type: the mapped one is what was agreed
            return agreed if agreed in of_type else of_type[0]
        return replica._seen(record, name)

    def peer_of(self, side: Side, record_id: RecordId) -> RecordId | None:
        """Return the other record of a pair, as the contact names it; None if there is none.

        A contact that was in the recycle bin while its link ended comes back with its marks: the one we wrote to later counts.
        """
        there = {r.id for r in self.practice.records()}
        live = (r for r in self.org.records() if r.state is RecordState.LIVE and r.marked and r.peer_id in there)
        contacts = dict[RecordId, RecordId]()
        for contact in live:
            patient = contact.peer_id or ""
            if patient not in contacts or self.named.get(patient) == contact.id:
                contacts[patient] = contact.id
        if side is Side.HINT:
            return contacts.get(record_id)
        return next((patient for patient, contact in contacts.items() if contact == record_id), None)

    async def is_no_edit(self, side: Side, record_id: RecordId, name: FieldName, value: Seen) -> str:
        """Say why an edit is none to the tables of semantics; empty: it is one.

        Who has no link yet is edited before the first sync, whose winner is settled (section 3). Who sets a field back to what
        both sides agreed on last has changed nothing (rows F1 to F3): only here the oracle asks the store.
        """
        state = (await self.store.live_links("main", side, [record_id])).get(record_id)
        if state is None or state.link.status is LinkStatus.RESERVED:
            return "not linked yet"
        if value is None and intent_of(state.link) is not None:
            return "not linked yet"  # a re-link was cut off: its first sync fills blanks (row I4)
        fp = Fingerprinter(self.store.fingerprint_key("main"), state.link.salt)
        return "taken back" if value is not ABSENT and state.base.get(name) == fp.of(name, value) else ""

    def look(self) -> None:
        """Let the oracle see both sides."""
        self.oracle.look(self.show, self.peer_of)

    # --- quiet
    async def settle(self) -> None:
        """Work until nothing waits any more, letting time pass over pauses and leases of the dead."""
        for _ in range(MOST_PASSES):
            events, self.events = self.events, []
            if events:
                await self.take(events)
            await self.pass_once()
            due = await self.store.next_due("main")
            if due is None and not self.events:
                return
            await self.let_go_on()
            wait = (due or 0.0) - self.clock.now().timestamp()
            self.clock.push(max(wait, 0.0) + 0.001)
        waiting = [(d.side, d.record_id, d.attempts) for d in await self.store.dirty("main", parked=False)]
        raise AssertionError(f"it never becomes quiet: {waiting}")

    async def let_go_on(self) -> None:
        """Let an administrator look at every stop, and let work go on."""
        for stop in await self.store.stops("main"):
            if stop.guard == "G3" and stop.run_id:
                await approve(await self.live(), stop.run_id)
            else:
                await acknowledge(await self.live(), stop.guard, stop.side)

    async def live_pairs(self) -> list[tuple[str, LinkStatus, RecordId | None, RecordId | None]]:
        """Return every live link: id, status, contact, patient."""
        return [(k.id, k.status, k.contact_id, k.patient_id) for k in await self.store.live_pairs("main")]
