"""A clinic at work for a simulated week: its people, its events on the way, and one process of ours that looks every minute."""

from __future__ import annotations

import gc
import pickle
import random
import sys
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hintsync.core.errors import HintsyncError
from hintsync.core.records import RecordId
from hintsync.core.values import Seen, Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.detect.catch_up import catch_up
from hintsync.engine.detect.intake import take_in
from hintsync.engine.detect.notices import Notice
from hintsync.engine.detect.poll import poll_once
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.live.work import work_once
from hintsync.engine.schedule import Job, ask_catch_up, jobs_of, poll_job, run_due
from hintsync.surfaces.roles import SAFETY_POLL
from hintsync.surfaces.stream_keeper import PACE
from tests.engine.living import LiveWorld
from tests.live.soak_week import CONFLICTS, DELETION, MERGE, NEW_PATIENTS, edit_moments, is_on
from tests.live.town import LiveTown

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
#: Simulated hours between two looks by day, and by night when nobody edits.
STEP, NIGHT_STEP = 1 / 60, 5 / 60
#: Hours that a topic keeps change events (Change Data Capture Developer Guide: three days).
KEPT = 72.0
#: Passes after which a backlog is no longer believed to end.
MOST_PASSES = 500
#: What the store in memory keeps of the past.
_HISTORY = ("_audit", "_log", "_rows")
_FIELDS = ("city", "street", "email")


@dataclass(frozen=True, slots=True)
class Weight:
    """What the process holds at a moment."""

    #: Blocks of Python's allocator.
    blocks: int
    #: Kilobytes resident.
    rss: int


@dataclass(slots=True)
class Clinic(LiveTown):
    """Both systems, their people, and our process."""

    chance: random.Random = field(default_factory=lambda: random.Random(24))
    pairs: list[tuple[RecordId, RecordId]] = field(default_factory=list)
    peers: dict[RecordId, RecordId] = field(default_factory=dict)
    #: Change events that the topic keeps, with the hour they happened.
    topic: deque[tuple[float, Notice]] = field(default_factory=deque)
    hour: float = 0.0
    is_up: bool = True
    stream_follows: bool = True
    #: The org is polled every look while its stream is broken, else every quarter of an hour.
    polled_at: float = float("-inf")
    tally: Counter[str] = field(default_factory=Counter)
    #: Hours of the week: when trouble ended and the queue was empty again.
    drained: list[tuple[str, float, float]] = field(default_factory=list)
    #: Seconds that a change waited at most while nothing was wrong and nothing was being caught up.
    oldest_in_peace: float = 0.0
    #: Contact and patient of the pair whose contact was deleted, and of the one that was merged into another.
    deleted: tuple[RecordId, RecordId] = ("", "")
    merged: tuple[RecordId, RecordId] = ("", "")
    #: An org without change events, as it is after the week.
    poll_at_rest: bool = False
    _waiting_for: list[tuple[str, float]] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        """Use systems with the sizes of the real ones."""
        LiveWorld.__post_init__(self)
        self.clock.moment = MONDAY - timedelta(hours=4)
        for replica in (self.org, self.practice):
            replica.watch(self._count)

    # --- the process
    async def live(self) -> Engine:
        """Return the engine of the process that runs."""
        if self._engine is None:
            self.processes += 1
            self._engine = await self.engine()
            await take_known_patients(self._engine)
        return self._engine

    def jobs(self, engine: Engine) -> list[Job]:
        """Return the schedule as a worker process has it."""
        return [*jobs_of(engine), poll_job(Side.HINT, SAFETY_POLL)]

    async def open(self, count: int) -> None:
        """Link everybody, as an administrator does on the first day."""
        for number in range(count):
            born = f"{1930 + number % 80}-{number % 12 + 1:02}-{number % 28 + 1:02}"
            values = {"city": "Lynn", "street": f"{number} Elm Street", "email": f"p{number}@example.org"}
            self.pairs.append(self.both(f"Ann{number}", f"Moor{number % 97}", born, **values))
        self.peers = {one: other for pair in self.pairs for one, other in (pair, pair[::-1])}
        engine = await self.live()
        self.events.clear()
        await batch_patients(engine)
        await self.settle()
        self.clock.push(3600.0)
        for side in Side:
            self.edit(side)
            await catch_up(engine, side)
        await self.settle()
        self.look()

    async def settle(self) -> None:
        """Work until nothing waits, letting time pass over pauses."""
        for _ in range(MOST_PASSES):
            events, self.events = self.events, []
            engine = await self.live()
            if events:
                await take_in(engine, events)
            await work_once(engine, "worker")
            due = await self.store.next_due("main")
            if due is None and not self.events:
                return
            self.clock.push(max((due or 0.0) - self.clock.now().timestamp(), 0.0) + 0.001)
        raise AssertionError("it never becomes quiet")

    # --- what the oracle asks
    def show(self, side: Side, record_id: RecordId, name: str) -> Seen:
        """Return what a side shows of a field."""
        return self.side(side).shown(record_id).values[name]

    def peer_of(self, side: Side, record_id: RecordId) -> RecordId | None:
        """Return the other record of a pair."""
        return self.peers.get(record_id)

    def look(self) -> None:
        """Let the oracle see both sides; edits that have ended are only counted, so that a week of them weighs nothing."""
        self.oracle.look(self.show, self.peer_of)
        self.tally.update(edit.ended for edit in self.oracle.edits if edit.ended)
        self.oracle.edits = list(self.oracle.open())

    # --- what people do
    def edit(self, side: Side, pair: tuple[RecordId, RecordId] | None = None, name: str | None = None) -> None:
        """Change a field of somebody to what it never was before."""
        self._number += 1
        contact, patient = pair or self.chance.choice(self.pairs)
        record_id = contact if side is Side.SALESFORCE else patient
        name = name or self.chance.choice(_FIELDS)
        value = f"e{self._number}@example.org" if name == "email" else f"{self._number} Oak Lane"
        self.oracle.edited(side, record_id, name, value)
        self.side(side).edit(record_id, {name: value})
        self.tally[f"edits in {side}"] += 1

    def new_patient(self) -> None:
        """Register somebody in Hint."""
        self._number += 1
        self.patient(f"Neu{self._number}", "Quill", "1990-05-06", city="Alton")
        self.tally["new patients"] += 1

    def delete_contact(self) -> None:
        """Delete the contact of a pair."""
        contact, patient = self.deleted = self.pairs.pop()
        self.look()
        self.org.delete(contact)
        for side, record_id in ((Side.SALESFORCE, contact), (Side.HINT, patient)):
            self.oracle.release(side, record_id, "deleted")
        self.peers.pop(contact)
        self.peers.pop(patient)

    def merge_contacts(self) -> None:
        """Merge the contact of a pair into a new one of the same values."""
        loser, patient = self.pairs.pop()
        self.look()
        shown = self.org.shown(loser)
        winner = self.org.put({name: value for name, value in shown.values.items() if isinstance(value, str | bool)})
        self.oracle.release(Side.SALESFORCE, loser, "merged")
        self.org.merge(loser, winner)
        self.merged = winner, patient
        self.peers.pop(loser)
        self.peers |= {winner: patient, patient: winner}

    # --- the week
    async def live_on(self, until: float, *, busy: bool = True) -> None:
        """Let the clinic live until an hour of the week; not busy: nobody edits."""
        todo = (
            deque(sorted((moment, what) for moment, what in self._plan() if self.hour <= moment < until))
            if busy
            else deque()
        )
        while self.hour < until:
            self.hour = min(self.hour + self._step(), until)
            self._pass_time()
            while todo and todo[0][0] <= self.hour:
                self._do(todo.popleft()[1])
            await self._minute()

    def _step(self) -> float:
        if self.poll_at_rest:
            return self.options.poll_seconds / 3600
        night = self.hour % 24 < 6 or self.hour % 24 >= 22
        return NIGHT_STEP if night else STEP

    def _plan(self) -> Iterable[tuple[float, str]]:
        chance = random.Random(7)
        for side in Side:
            yield from ((moment, str(side)) for moment in edit_moments(chance))
        yield from ((moment, "new patient") for moment in NEW_PATIENTS)
        yield from ((moment, "conflict") for moment in CONFLICTS)
        yield from ((DELETION, "deletion"), (MERGE, "merge"))

    def _pass_time(self) -> None:
        now = self.clock.now()
        ahead = MONDAY.timestamp() + self.hour * 3600 - now.timestamp()
        self.clock.push(max(ahead, 0.0))  # a check that slept may be ahead already

    def _do(self, what: str) -> None:
        if what in set(Side):
            self.edit(Side(what))
        elif what == "conflict":
            pair = self.chance.choice(self.pairs)
            for side in Side:
                self.edit(side, pair, "city")
        elif what == "new patient":
            self.new_patient()
        elif what == "deletion":
            self.delete_contact()
        else:
            self.merge_contacts()

    async def _minute(self) -> None:
        self._make_trouble()
        await self._start_or_stop()
        heard = self._events_that_arrive()
        if self.is_up:
            engine = await self.live()
            if heard:
                taken = await take_in(engine, heard)
                self.tally["echoes"] += taken.echoes
                self.tally["marked"] += taken.marked
            await self._ask_stream_and_polls(engine)
            self.tally["jobs"] += len(await run_due(engine, self.jobs(engine)))
            await self._work(engine)
        await self._weigh_queue()

    def _make_trouble(self) -> None:
        for replica, what in ((self.practice, "hint down"), (self.org, "salesforce down")):
            times = 10**9 if is_on(what, self.hour) else 0
            if not times and is_on("storm", self.hour):
                times = self.chance.choice((0, 1, 2, 5))
            replica.faults.fail(times)

    async def _start_or_stop(self) -> None:
        up = not is_on("process down", self.hour)
        if up and not self.is_up:
            self.restart()
            for side in Side:
                await ask_catch_up(await self.live(), side)
        self.is_up = up

    def _events_that_arrive(self) -> list[Notice]:
        """Hand over what reaches us: webhooks that find us, and change events from the topic while it is followed."""
        events, self.events = self.events, []
        muted = not self.is_up or is_on("webhooks muted", self.hour)
        heard = []
        for event in events:
            if event.side is Side.SALESFORCE:
                self.topic.append((self.hour, event))
            elif muted or self.chance.random() < 0.03:
                self.tally["webhooks lost"] += 1
            else:
                heard += [event] * (2 if self.chance.random() < 0.03 else 1)
        return heard

    async def _ask_stream_and_polls(self, engine: Engine) -> None:
        """Do what the subscriber does: follow, catch up when the position is lost, poll often while nothing is followed."""
        broken = is_on("stream broken", self.hour)
        if not broken and not self.stream_follows and self.topic and self.hour - self.topic[0][0] > KEPT:
            self.tally["positions lost"] += 1
            self.tally["change events expired"] += len(self.topic)
            self.topic.clear()
            await catch_up(engine, Side.SALESFORCE)
        self.stream_follows = not broken
        if self.stream_follows and self.topic:
            await take_in(engine, [event for _, event in self.topic])
            self.topic.clear()
        often = self.poll_at_rest or not self.stream_follows
        if self.hour - self.polled_at >= (0.0 if often else PACE.beside / 3600):
            self.polled_at = self.hour
            await self._tried(poll_once(engine, Side.SALESFORCE))

    async def _work(self, engine: Engine) -> None:
        """Work what is due, as a crew does."""
        for _ in range(MOST_PASSES):
            due = await self.store.next_due("main")
            if due is None or due > self.clock.now().timestamp():
                break
            worked = await self._tried(work_once(engine, "worker"))
            if not worked or not worked.claimed:
                break
            self.tally["passes"] += 1
        else:
            raise AssertionError("one minute's work never ends")
        if next(self.oracle.open(), None) is not None:
            self.look()

    async def _tried(self, work):  # type: ignore[no-untyped-def]
        try:
            return await work
        except HintsyncError as error:
            self.tally[f"trouble {error.code}"] += 1
            return None

    async def _weigh_queue(self) -> None:
        """Note how long a change has waited, and when a backlog is worked off after trouble."""
        backlog = await self.store.backlog("main")
        going_on = [
            what for what in ("hint down", "salesforce down", "storm", "process down") if is_on(what, self.hour)
        ]
        now = self.clock.now().timestamp()
        if going_on:
            known = {what for what, _ in self._waiting_for}
            self._waiting_for += [(what, 0.0) for what in going_on if what not in known]
            return
        self._waiting_for = [(what, ended or self.hour) for what, ended in self._waiting_for]
        if not sum(backlog.waiting.values()):
            self.drained += [(what, ended, self.hour) for what, ended in self._waiting_for]
            self._waiting_for = []
        elif not self._waiting_for and backlog.oldest:
            self.oldest_in_peace = max(self.oldest_in_peace, now - min(backlog.oldest.values()))

    # --- figures
    def weigh(self) -> Weight:
        """Return what this process holds; left out are garbage and the history, which lies on disk in any other store."""
        history = {name: pickle.dumps(getattr(self.store, name)) for name in _HISTORY}
        for name in _HISTORY:
            getattr(self.store, name).clear()
        gc.collect()
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        weight = Weight(sys.getallocatedblocks(), pages * 4)
        for name, packed in history.items():
            setattr(self.store, name, pickle.loads(packed))
        return weight
