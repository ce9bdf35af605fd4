"""Everything that may happen in a town, as single steps: what people do, what the wire does, what the machine does."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, field

from hintsync.core.link_by_hand import Warned
from hintsync.core.records import FieldName, LinkStatus, RecordId, RecordState
from hintsync.core.values import Canonical, Side
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.detect.catch_up import catch_up
from hintsync.engine.detect.notices import Notice
from hintsync.engine.guards.stops import pause
from hintsync.engine.pairs.by_hand import link_by_hand, sync_by_hand, unlink_by_hand
from hintsync.engine.parity.check import check_parity
from hintsync.engine.reviews.deciding import keep_side
from hintsync.state.port import ReviewKind
from tests.live.town import LiveTown

#: What people write. Few values, so that both sides often write the same, and go back to what was.
VALUES: Mapping[FieldName, tuple[Canonical, ...]] = {
    "city": ("Alton", "Dover", "Lynn", None),
    "email": ("ann@example.org", "moor@example.org", None),
    "mobile_phone": ("+14155550111", "+14155550122", None),
    "home_phone": ("+14155550133", "+14155550144", None),
    "middle_name": ("B.", "Cleo", None),
    "street": ("1 Elm Street", "2 Oak Lane", None),
    "last_name": ("Moor", "Hill", "Reed"),
    "gender": ("female", "male"),
}
#: Fields that only Hint's people may change.
ONE_WAY: Mapping[FieldName, tuple[Canonical, ...]] = {
    "insurance_payer": ("Granite", "Birch", None),
    "member_contract_accepted": (True, False),
}
#: Steps after which a pair is synced no more, mostly; each happens in some histories only.
RARE = (
    "overlay",
    "delete contact",
    "merge contacts",
    "merge patients",
    "destroy patient",
    "unlink",
    "link",
    "edit marks",
    "archive",
    "another system",
    "empty side",
    "everybody",
    "pause",
)
TROUBLES = ("lose reply", "lose request", "fail", "lock", "refuse", "stamps", "spend", "revoke", "over", "over")
FAMILY = ("Ann", "Bea", "Cai", "Dov", "Eli", "Fay", "Gus", "Hal")


def _at_once(work: Coroutine[object, None, None]) -> None:
    """Run a coroutine that waits for nothing, in the middle of another task."""
    try:
        work.send(None)
    except StopIteration:
        return
    raise AssertionError("a store in memory does not wait")


@dataclass(slots=True)
class Actions:
    """The steps of one history, chosen by a random source; the same source makes the same history."""

    town: LiveTown
    random: random.Random
    #: What was done, to be read when something is wrong.
    told: list[str] = field(default_factory=list)
    _newcomers: int = 0
    _rare: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Let only some of the rare things happen in a history, so that most of its pairs stay alive."""
        self._rare = frozenset(name for name in RARE if self.random.random() < 0.3)

    async def open(self, pairs: int = 4) -> None:
        """Begin with some linked pairs that are in step, and somebody unlinked on each side."""
        town = self.town
        for number in range(pairs):
            contact, patient = town.both(
                FAMILY[number], "Moor", f"19{60 + number}-03-04", city="Lynn", email="old@example.org"
            )
            await link_by_hand(await town.live(), contact, patient)
        town.contact("Ida", "Lark", "1951-07-08")
        town.patient("Jon", "Wren", "1952-07-08")
        town.restart()
        await town.settle()

    def steps(self) -> dict[str, tuple[int, Callable[[], Awaitable[None]]]]:
        """Return every step with its weight."""
        return {
            "edit": (14, self.edit),
            "edit both alike": (2, self.edit_alike),
            "edit one-way": (2, self.edit_one_way),
            "edit marks": (1, self.edit_marks),
            "overlay": (1, self.overlay),
            "deliver": (10, self.deliver),
            "lose events": (2, self.lose_events),
            "double events": (2, self.double_events),
            "work": (12, self.work),
            "edit meanwhile": (6, self.edit_meanwhile),
            "die at work": (5, self.die),
            "die delivering": (2, self.die_delivering),
            "trouble": (5, self.trouble),
            "time": (3, self.time),
            "clock jump": (1, self.clock_jump),
            "another system": (1, self.another_system),
            "empty side": (1, self.empty_side),
            "everybody": (1, self.everybody),
            "pause": (1, self.pause),
            "let go on": (2, self.let_go_on),
            "catch up": (2, self.catch_up),
            "parity": (1, self.parity),
            "sync all": (1, self.sync_all),
            "batch": (1, self.batch),
            "by hand": (2, self.by_hand),
            "decide": (2, self.decide),
            "delete contact": (1, self.delete_contact),
            "undelete contact": (2, self.undelete_contact),
            "merge contacts": (1, self.merge_contacts),
            "merge patients": (1, self.merge_patients),
            "archive": (1, self.archive),
            "destroy patient": (1, self.destroy),
            "new patient": (1, self.newcomer),
            "unlink": (1, self.unlink),
            "link": (2, self.link),
        }

    async def step(self) -> None:
        """Do one thing."""
        steps = {name: step for name, step in self.steps().items() if name not in RARE or name in self._rare}
        name = self.random.choices(list(steps), [weight for weight, _ in steps.values()])[0]
        self.told.append(name)
        await steps[name][1]()

    # --- what people do in the systems
    def _record(self, side: Side) -> RecordId | None:
        live = [r.id for r in self.town.side(side).records() if r.state in (RecordState.LIVE, RecordState.ARCHIVED)]
        return self.random.choice(sorted(live)) if live else None

    async def _edit(
        self, side: Side, record_id: RecordId, values: Mapping[FieldName, Canonical], *, in_pass: bool = False
    ) -> None:
        town = self.town
        town.look()  # what has arrived by now may well be changed again
        for name, value in values.items():
            if town.show(side, record_id, name) != value:
                no_edit = await town.is_no_edit(side, record_id, name, value)
                town.oracle.edited(side, record_id, name, value, no_edit, in_pass=in_pass)
        town.side(side).edit(record_id, values)
        town.clock.push(0.0 if in_pass else self.random.choice((0.0, 1.0, 30.0)))
        self.told[-1] += f" {side} {record_id} {sorted(values)}"

    def _target(self) -> tuple[Side, RecordId | None, FieldName]:
        """Choose what is edited next; often something that is on its way already, on either side."""
        waiting = [edit for edit in self.town.oracle.open() if edit.field in VALUES]
        if waiting and self.random.random() < 0.4:
            edit = self.random.choice(waiting)
            if self.random.random() < 0.3:
                return edit.side, edit.record_id, edit.field
            return edit.side.other, self.town.peer_of(edit.side, edit.record_id), edit.field
        side = self.random.choice(list(Side))
        return side, self._record(side), self.random.choice(list(VALUES))

    async def edit(self) -> None:
        side, record_id, name = self._target()
        if record_id and self._state(side, record_id) in (RecordState.LIVE, RecordState.ARCHIVED):
            await self._edit(side, record_id, {name: self.random.choice(VALUES[name])})

    async def edit_alike(self) -> None:
        contact = self._record(Side.SALESFORCE)
        patient = self.town.peer_of(Side.SALESFORCE, contact) if contact else None
        if contact and patient:
            name = self.random.choice(list(VALUES))
            value = self.random.choice(VALUES[name])
            await self._edit(Side.SALESFORCE, contact, {name: value})
            await self._edit(Side.HINT, patient, {name: value})

    async def edit_one_way(self) -> None:
        side, name = self.random.choice(list(Side)), self.random.choice(list(ONE_WAY))
        record_id = self._record(side)
        if record_id:  # an edit in Salesforce is to be reverted, so the oracle does not follow it
            self.town.side(side).edit(record_id, {name: self.random.choice(ONE_WAY[name])})

    async def edit_marks(self) -> None:
        contact = self._record(Side.SALESFORCE)
        if contact and self.town.peer_of(Side.SALESFORCE, contact):
            self.town.look()
            self.town.org.edit(contact, **self.random.choice(({"marked": False}, {"peer_id": "pat-nobody"})))

    async def overlay(self) -> None:
        side = self.random.choice(list(Side))
        record_id = self._record(side)
        if record_id:
            born = f"19{self.random.randrange(30, 50)}-01-02"
            await self._edit(side, record_id, {"first_name": "Zoe", "last_name": "Quill", "birth_date": born})

    async def delete_contact(self) -> None:
        if contact := self._record(Side.SALESFORCE):
            self.town.oracle.release(Side.SALESFORCE, contact, "deleted")
            self.town.org.delete(contact)

    async def undelete_contact(self) -> None:
        gone = sorted(r for r in self._all(Side.SALESFORCE) if self._state(Side.SALESFORCE, r) is RecordState.DELETED)
        if gone:
            self.town.org.undelete(self.random.choice(gone))

    def _all(self, side: Side) -> list[RecordId]:
        return list(self.town.side(side)._records)

    def _state(self, side: Side, record_id: RecordId) -> RecordState:
        return self.town.side(side).shown(record_id).state

    async def merge_contacts(self) -> None:
        await self._merge(Side.SALESFORCE)

    async def merge_patients(self) -> None:
        await self._merge(Side.HINT)

    async def _merge(self, side: Side) -> None:
        live = sorted(r.id for r in self.town.side(side).records() if r.state is RecordState.LIVE)
        if len(live) > 3:
            loser, winner = self.random.sample(live, 2)
            self.town.look()
            for each in (loser, winner):
                self.town.oracle.release(side, each, "merged")
                if peer := self.town.peer_of(side, each):
                    self.town.oracle.release(side.other, peer, "merged")
            self.town.side(side).merge(loser, winner)
            self.told[-1] += f" {loser} into {winner}"

    async def archive(self) -> None:
        if patient := self._record(Side.HINT):
            self.town.practice.archive(patient)

    async def destroy(self) -> None:
        if patient := self._record(Side.HINT):
            self.town.oracle.release(Side.HINT, patient, "destroyed")
            self.town.practice.delete(patient)

    async def newcomer(self) -> None:
        self._newcomers += 1
        born = f"20{self._newcomers:02}-05-06"
        self.town.patient(f"Nia{self._newcomers}", "Vale", born, city="Dover")
        if self.random.random() < 0.5:
            self.town.contact(f"Nia{self._newcomers}", "Vale", born, email="nia@example.org")

    # --- what the wire does
    def _some(self) -> list[Notice]:
        chosen, left = list[Notice](), list[Notice]()
        for event in self.town.events:
            (chosen if self.random.random() < 0.7 else left).append(event)
        self.town.events = left
        self.random.shuffle(chosen)
        return chosen

    async def deliver(self) -> None:
        if events := self._some():
            await self.town.take(events)

    async def lose_events(self) -> None:
        self.town.lost.update(event.record_id for event in self._some())

    async def double_events(self) -> None:
        self.town.events += [event for event in self.town.events if self.random.random() < 0.5]

    async def trouble(self) -> None:
        faults = self.town.side(self.random.choice(list(Side))).faults
        n = self.random.randrange(1, 6)
        what = self.random.choice(
            ("lose reply", "lose request", "fail", "lock", "refuse", "stamps", "spend", "revoke", "over", "over")
        )
        self.told[-1] += f" {what} {n} {faults.side}"
        match what:
            case "lose reply":
                faults.lose_reply(n)
            case "lose request":
                faults.lose_request(n)
            case "fail":
                faults.fail(n)
            case "lock":
                if record_id := self._record(faults.side):
                    faults.lock(record_id, n)
            case "refuse":
                faults.refuse(self.random.choice(list(VALUES)), "FIELD_CUSTOM_VALIDATION_EXCEPTION")
            case "stamps":
                faults.restless_stamps = not faults.restless_stamps
            case "spend":
                faults.spend_budget()
            case "revoke":
                faults.revoke()
            case "over":
                self.town.org.faults.clear()
                self.town.practice.faults.clear()

    # --- what the machine does
    async def work(self) -> None:
        await self.town.pass_once()

    async def edit_meanwhile(self) -> None:
        """An edit is being carried over, perhaps by a worker that dies, while people edit the same in the middle of it."""
        await self.edit()
        if events := self.town.events:
            self.town.events = []
            await self.town.take(events)
        points = self.random.sample(range(1, 30), self.random.randrange(1, 4))
        crash_at = self.random.randrange(1, 40) if self.random.random() < 0.3 else None
        await self.town.pass_once(crash_at, dict.fromkeys(points, self._edit_now))

    def _edit_now(self) -> None:
        side, record_id, name = self._target()
        waiting = [edit for edit in self.town.oracle.open() if edit.field in VALUES]
        if waiting and self.random.random() < 0.7:  # where the worker is about to write
            side, name = waiting[-1].side.other, waiting[-1].field
            record_id = self.town.peer_of(waiting[-1].side, waiting[-1].record_id)
        if record_id and self._state(side, record_id) in (RecordState.LIVE, RecordState.ARCHIVED):
            value = self.random.choice(VALUES[name])
            _at_once(self._edit(side, record_id, {name: value}, in_pass=True))

    async def die(self) -> None:
        await self.town.pass_once(crash_at=self.random.randrange(1, 40))

    async def die_delivering(self) -> None:
        if events := self._some():
            await self.town.take(events, crash_at=self.random.randrange(1, 4))

    async def time(self) -> None:
        self.town.clock.push(self.random.choice((1.0, 20.0, 400.0, 4000.0, 90_000.0)))

    async def clock_jump(self) -> None:
        elapsed, seconds = self.town.clock.elapsed, self.random.choice((-3600.0, -30.0, 7200.0))
        self.town.set_back -= min(seconds, 0.0)
        self.town.clock.push(seconds)
        self.town.clock.elapsed = max(elapsed, self.town.clock.elapsed)

    async def another_system(self) -> None:
        self.town.pretend(self.random.choice((*Side, None)))

    async def empty_side(self) -> None:
        self.town.everybody_there()
        if self.random.random() < 0.6:
            self.town.hide_everybody(self.random.choice(list(Side)))

    async def everybody(self) -> None:
        """One side changes everywhere at once."""
        side, name = self.random.choice(list(Side)), self.random.choice(("city", "email"))
        for record in sorted(r.id for r in self.town.side(side).records() if r.state is RecordState.LIVE):
            await self._edit(side, record, {name: self.random.choice(VALUES[name])})

    async def pause(self) -> None:
        await self.town.attempt(pause)

    async def let_go_on(self) -> None:
        await self.town.attempt(lambda engine: self.town.let_go_on(), self._perhaps())

    def _perhaps(self) -> int | None:
        return self.random.randrange(1, 60) if self.random.random() < 0.3 else None

    async def catch_up(self) -> None:
        side = self.random.choice(list(Side))
        await self.town.attempt(lambda engine: catch_up(engine, side), self._perhaps())

    async def parity(self) -> None:
        await self.town.attempt(check_parity, self._perhaps())

    async def sync_all(self) -> None:
        await self.town.attempt(sync_all, self._perhaps())

    async def batch(self) -> None:
        await self.town.attempt(batch_patients, self._perhaps())

    # --- what people do with hintsync
    async def by_hand(self) -> None:
        if contact := self._record(Side.SALESFORCE):
            await self.town.attempt(lambda engine: sync_by_hand(engine, Side.SALESFORCE, contact), self._perhaps())

    async def unlink(self) -> None:
        contact = self._record(Side.SALESFORCE)
        patient = self.town.peer_of(Side.SALESFORCE, contact) if contact else None
        if contact and patient:
            self.town.look()
            self.town.oracle.release(Side.SALESFORCE, contact, "unlinked")
            self.town.oracle.release(Side.HINT, patient, "unlinked")
            await self.town.attempt(lambda engine: unlink_by_hand(engine, contact), self._perhaps())

    async def link(self) -> None:
        """Link two records that a person chose; what the old and the new partner held is the person's decision."""
        contact, patient = self._record(Side.SALESFORCE), self._record(Side.HINT)
        if not contact or not patient or self.town.peer_of(Side.SALESFORCE, contact) == patient:
            return
        involved = {(Side.SALESFORCE, contact), (Side.HINT, patient)}
        for side, record_id in tuple(involved):
            if peer := self.town.peer_of(side, record_id):
                involved.add((side.other, peer))
        self.town.look()
        for side, record_id in involved:
            self.town.oracle.release(side, record_id, "linked by hand")
        self.told[-1] += f" {contact} {patient}"
        await self.town.attempt(
            lambda engine: link_by_hand(engine, contact, patient, confirmed=tuple(Warned)), self._perhaps()
        )

    async def decide(self) -> None:
        reviews = await self.town.store.reviews("main", kind=ReviewKind.CONFLICT)
        if not reviews:
            return
        review, winner = self.random.choice(list(reviews)), self.random.choice(list(Side))
        loser = winner.other
        state = (await self.town.store.live_links("main", review.side, [review.record_id])).get(review.record_id)
        if state is None or state.link.status is not LinkStatus.ACTIVE:
            return
        loser_id = state.link.patient_id if loser is Side.HINT else state.link.contact_id
        if loser_id:
            self.town.oracle.decided(loser, loser_id, review.field_name)
        await self.town.attempt(lambda engine: keep_side(engine, review.id, winner), self._perhaps())
