"""Cases that histories found: each was a bug of the product once."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

import pytest

from hintsync.core.link_by_hand import Warned
from hintsync.core.records import LinkStatus, RecordState
from hintsync.core.values import Canonical, Side
from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.csv_ids import parse_csv_ids
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import take_in
from hintsync.engine.detect.notices import Notice
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import link_by_hand, unlink_by_hand
from hintsync.engine.pairs.creating import new_link
from hintsync.engine.parity.check import check_parity
from hintsync.ports import Update, WriteAnswer, WriteMode
from hintsync.replicas.memory import MemoryReplica
from hintsync.replicas.memory_faults import Crash
from hintsync.state.port import ReviewKind
from tests.live.history import calm
from tests.live.town import LiveTown


@pytest.mark.parametrize("dies_at", range(1, 40, 2))
async def test_u3_an_edit_made_while_a_relink_is_cut_off_is_not_taken_for_the_former_patients_value(dies_at: int):
    town = LiveTown()
    contact, old = town.both("Bea", "Moor", "1961-03-04", city="Lynn")
    new = town.patient("Jon", "Wren", "1952-07-08", city="Dover")
    await link_by_hand(await town.live(), contact, old)
    await town.settle()
    done = await town.attempt(
        lambda engine: link_by_hand(engine, contact, new, confirmed=tuple(Warned)), crash_at=dies_at
    )
    town.org.edit(contact, {"city": "Alton"})
    await calm(town)
    if town.peer_of(Side.SALESFORCE, contact) == new or done:
        assert (town.show(Side.SALESFORCE, contact, "city"), town.show(Side.HINT, new, "city")) == ("Alton", "Alton")
        assert town.show(Side.SALESFORCE, contact, "last_name") == "Wren"
    else:  # nothing was said of it yet when the process died
        assert town.peer_of(Side.SALESFORCE, contact) == old
        assert town.show(Side.HINT, old, "city") == "Alton"


@pytest.mark.parametrize("dies_at", range(1, 40, 3))
@pytest.mark.parametrize("what", ["re-link", "unlink"])
async def test_u1_u3_what_a_person_began_and_nobody_finished_is_finished_by_the_parity_check(what: str, dies_at: int):
    """No event tells of it, so an unlink or a re-link that was cut off waited until somebody acted again."""
    town = LiveTown()
    contact, old = town.both("Bea", "Moor", "1961-03-04", city="Lynn")
    new = town.patient("Jon", "Wren", "1952-07-08", city="Dover")
    await link_by_hand(await town.live(), contact, old)
    await town.settle()

    async def begin(engine: Engine) -> None:
        if what == "unlink":
            await unlink_by_hand(engine, contact)
        else:
            await link_by_hand(engine, contact, new, confirmed=tuple(Warned))

    await town.attempt(begin, crash_at=dies_at)
    town.events.clear()
    town.clock.push(90.0)
    await check_parity(await town.live())
    await town.settle()
    left = {(link.status, link.patient_id) for link in await town.store.live_pairs("main")}
    assert left in ({(LinkStatus.ACTIVE, old)}, {(LinkStatus.ACTIVE, new)} if what == "re-link" else set())


@pytest.mark.parametrize("dies_at", range(1, 40, 2))
async def test_u3_d7_a_relink_cut_off_whose_patient_is_merged_away_leaves_no_mark_without_a_link(dies_at: int):
    """The contact showed the new patient already; its reservation was given up, and nobody took that back."""
    town = LiveTown()
    contact, old = town.both("Bea", "Moor", "1961-03-04", city="Lynn")
    new = town.patient("Jon", "Wren", "1952-07-08", city="Dover")
    await link_by_hand(await town.live(), contact, old)
    await town.settle()
    await town.attempt(lambda engine: link_by_hand(engine, contact, new, confirmed=tuple(Warned)), crash_at=dies_at)
    town.practice.merge(new, old)
    await calm(town)
    seen = town.org.shown(contact)
    linked = any(
        link.contact_id == contact for link in await town.store.live_pairs("main")
    )  # or frozen: an overlay (G4)
    assert bool(seen.peer_id) == seen.marked == linked


async def test_u3_a_relink_that_was_cut_off_ends_although_its_new_patient_was_linked_elsewhere():
    """Whoever acted by hand next tried to finish it, and met the other link instead of what they came for."""
    cut_off = 0
    for dies_at in range(1, 40, 2):
        town = LiveTown()
        contact, old = town.both("Bea", "Moor", "1961-03-04", city="Lynn")
        other, new = town.both("Jon", "Wren", "1952-07-08", city="Dover")
        await link_by_hand(await town.live(), contact, old)
        await town.settle()
        await town.attempt(partial(_relink, contact, new), crash_at=dies_at)
        town.clock.push(90.0)
        engine = await town.live()
        frozen = await engine.store.links("main", statuses=[LinkStatus.FROZEN])
        if frozen:  # somebody was about to, and died; a batch does not look whether somebody was
            cut_off += 1
            await engine.store.reserve(new_link(engine, "batch", contact_id=other, patient_id=new))
            await unlink_by_hand(engine, other)
            assert town.peer_of(Side.SALESFORCE, contact) is None
        await calm(town)
    assert cut_off > 3


async def _relink(contact: str, patient: str, engine: Engine) -> None:
    await link_by_hand(engine, contact, patient, confirmed=tuple(Warned))


#: Cities that somebody enters, by side.
_Cities = Mapping[Side, Canonical]


@dataclass(frozen=True, slots=True)
class _Carried:
    """A linked pair, both of Lynn at first, after one pass of a worker."""

    town: LiveTown
    contact: str
    patient: str
    #: Points of the pass, in order.
    points: list[str]

    def shown(self, name: str = "city") -> tuple[object, object]:
        return self.town.show(Side.SALESFORCE, self.contact, name), self.town.show(Side.HINT, self.patient, name)

    async def waiting(self) -> frozenset[str]:
        (state,) = (await self.town.store.live_links("main", Side.SALESFORCE, [self.contact])).values()
        return frozenset(state.holds)


async def _carried_over(before: _Cities, meanwhile: Mapping[int, _Cities]) -> _Carried:
    """Let a worker carry edits over while more is edited at some points of its pass."""
    town = LiveTown()
    contact, patient = town.both("Bea", "Moor", "1961-03-04", city="Lynn")
    await link_by_hand(await town.live(), contact, patient)
    await town.settle()

    def enter(cities: _Cities) -> None:
        for side, city in cities.items():
            town.side(side).edit(contact if side is Side.SALESFORCE else patient, {"city": city})

    enter(before)
    events, town.events = town.events, []
    await town.take(events)
    await town.pass_once(None, {point: partial(enter, cities) for point, cities in meanwhile.items()})
    return _Carried(town, contact, patient, town.points_before.names)


async def test_f4_an_edit_between_the_readings_of_the_two_sides_is_not_taken_for_agreement():
    """The contact was read as blank, was given a city, then the patient became blank: that passed for agreement."""
    cleared: _Cities = {Side.SALESFORCE: None}
    points = (await _carried_over(cleared, {})).points
    reads_patient = points.index("before a call to hint", points.index("after claim")) + 1
    pair = await _carried_over(cleared, {reads_patient: {Side.SALESFORCE: "Alton", Side.HINT: None}})
    await calm(pair.town)
    assert pair.shown() == ("Alton", None)
    assert "city" in await pair.waiting()


async def test_f4_the_same_where_both_sides_are_read_again_after_a_write_that_came_too_late():
    """Here the patient was read first, and a later edit in Salesforce was overwritten by an older one in Hint."""
    moved: _Cities = {Side.HINT: "Dover"}
    points = (await _carried_over(moved, {})).points
    writes = points.index("before a call to salesforce", points.index("after intend")) + 1
    too_late: Mapping[int, _Cities] = {writes: {Side.SALESFORCE: "Alton"}}
    points = (await _carried_over(moved, too_late)).points
    reads_contact = points.index("before a call to salesforce", writes) + 1
    crossing: _Cities = {Side.HINT: "Alton", Side.SALESFORCE: "Dover"}
    pair = await _carried_over(moved, {**too_late, reads_contact: crossing})
    await calm(pair.town)
    assert pair.shown() == ("Dover", "Alton")
    assert "city" in await pair.waiting()


async def test_f4_what_both_sides_still_show_at_the_second_reading_is_agreed_on():
    pair = await _carried_over({Side.SALESFORCE: "Dover", Side.HINT: "Dover"}, {})
    written = dict(pair.town.written)
    await calm(pair.town)
    pair.town.org.edit(pair.contact, {"city": "Alton"})
    await calm(pair.town)
    assert pair.shown() == ("Alton", "Alton")
    assert pair.town.written == {**written, Side.HINT: written.get(Side.HINT, 0) + 1}


@pytest.mark.parametrize("point", range(1, 30))
async def test_f7_a_phone_that_hint_got_while_we_wrote_it_too_is_not_left_behind_by_a_clear(point: int):
    """It stood in the list twice; the clear took one away, and the other was taken for a number nobody had mapped."""
    town = LiveTown()
    contact, patient = town.both("Bea", "Moor", "1961-03-04", home_phone="+14155550144")
    await link_by_hand(await town.live(), contact, patient)
    await town.settle()
    town.org.edit(contact, {"mobile_phone": "+14155550122"})
    events, town.events = town.events, []
    await town.take(events)
    await town.pass_once(None, {point: partial(town.practice.edit, patient, {"mobile_phone": "+14155550122"})})
    await calm(town)
    town.org.edit(contact, {"mobile_phone": None})
    await calm(town)
    shown = [town.show(Side.SALESFORCE, contact, "mobile_phone"), town.show(Side.HINT, patient, "mobile_phone")]
    assert shown == [None, None]


@pytest.mark.parametrize(
    "heard", ["while we write", "later", "later, and more after it", "later, and Salesforce was edited again"]
)
@pytest.mark.parametrize("ours", ["city", "mobile_phone"])
@pytest.mark.parametrize("theirs", ["city", "mobile_phone", "home_phone", "email"])
async def test_f5_an_edit_in_hint_that_our_write_took_away_is_put_to_review(ours: str, theirs: str, heard: str):
    """It was if its event came while the link was held and none came after it, and if its very number had been written.

    Hint takes its phones as one list: who writes the mobile number writes the one at home as it was read.
    """
    town = LiveTown()
    contact, patient = town.both("Bea", "Moor", "1961-03-04", city="Lynn", home_phone="+14155550133")
    await link_by_hand(await town.live(), contact, patient)
    await town.settle()
    town.org.edit(contact, {ours: _ENTERED[ours][0]})
    await town.take(_taken(town))
    write = town.practice.update

    async def edited_before(updates: Sequence[Update], mode: WriteMode) -> Sequence[WriteAnswer]:
        town.practice.edit(patient, {theirs: _ENTERED[theirs][1]})
        answers = await write(updates, mode)
        if heard == "while we write":
            await take_in(await town.live(), _taken(town))
        return answers

    town.practice.update = edited_before  # type: ignore[method-assign]
    await town.pass_once()
    town.practice.update = write  # type: ignore[method-assign]
    if heard == "later, and more after it":
        await town.take(_taken(town))
        town.practice.edit(patient, {"middle_name": "B."})
        await town.take(_taken(town))
    elif heard == "later, and Salesforce was edited again":
        town.org.edit(contact, {ours: "Reno" if ours == "city" else "+14155550177"})
    await calm(town)
    gone = ours == theirs or (ours, theirs) == ("mobile_phone", "home_phone")
    assert (town.show(Side.HINT, patient, theirs) != _ENTERED[theirs][1]) is gone
    reviews = await town.store.reviews("main")
    assert [(each.kind, each.field_name) for each in reviews] == ([(ReviewKind.OVERWRITTEN, theirs)] if gone else [])


async def test_f5_a_number_that_stands_before_the_mapped_one_is_not_taken_for_an_edit_that_our_write_took_away():
    """Events show the first number of a type, and the base is that of the mapped one."""
    town = LiveTown()
    contact, patient = town.both("Bea", "Moor", "1961-03-04", home_phone="+14155550133")
    await link_by_hand(await town.live(), contact, patient)
    await town.settle()
    town.practice.edit(patient, phones=[("home", "+14155550144"), ("home", "+14155550133")])
    await town.settle()
    town.org.edit(contact, {"mobile_phone": "+14155550122"})
    await town.settle()
    assert town.org.shown(contact).values["home_phone"] == "+14155550133"
    assert len(town.practice.shown(patient).phones) == 3
    assert await town.store.reviews("main") == []


@pytest.mark.parametrize("how", ["its reply is lost", "the worker dies"])
async def test_t5_t6_an_edit_that_a_write_took_away_of_which_nobody_knows_is_put_to_review(how: str):
    """The next look finds agreement, and nothing in the audit trail said that it had been written."""
    town = LiveTown()
    contact, patient = town.both("Bea", "Moor", "1961-03-04", city="Lynn")
    await link_by_hand(await town.live(), contact, patient)
    await town.settle()
    town.org.edit(contact, {"city": "Dover"})
    await town.take(_taken(town))
    write = town.practice.update

    async def edited_before(updates: Sequence[Update], mode: WriteMode) -> Sequence[WriteAnswer]:
        town.practice.update = write  # type: ignore[method-assign]
        town.practice.edit(patient, {"city": "Alton"})
        if how == "the worker dies":
            await write(updates, mode)
            raise Crash
        town.practice.faults.lose_reply()
        return await write(updates, mode)

    town.practice.update = edited_before  # type: ignore[method-assign]
    await town.pass_once()
    town.clock.push(20.0)
    events = _taken(town)
    await town.pass_once()
    town.practice.edit(patient, {"email": "ann@example.org"})
    await town.take(events)
    await calm(town)
    assert town.show(Side.SALESFORCE, contact, "city") == town.show(Side.HINT, patient, "city") == "Dover"
    reviews = await town.store.reviews("main")
    assert [(each.kind, each.field_name) for each in reviews] == [(ReviewKind.OVERWRITTEN, "city")]


async def test_f4_the_same_edit_on_both_sides_is_not_taken_for_one_that_our_write_took_away():
    """The event of another edit in Hint shows what both sides had agreed on before."""
    town = LiveTown()
    contact, patient = town.both("Bea", "Moor", "1961-03-04", city="Lynn")
    await link_by_hand(await town.live(), contact, patient)
    await town.settle()
    town.practice.edit(patient, {"email": "ann@example.org"})
    late = _taken(town)
    town.practice.edit(patient, {"city": "Dover"})
    town.org.edit(contact, {"city": "Dover"})
    await town.settle()
    await town.take(late)
    await calm(town)
    assert await town.store.reviews("main") == []


#: What somebody enters in Salesforce and in Hint, by field.
_ENTERED: Mapping[str, tuple[Canonical, Canonical]] = {
    "city": ("Dover", "Alton"),
    "email": ("ann@example.org", "moor@example.org"),
    "mobile_phone": ("+14155550111", "+14155550122"),
    "home_phone": ("+14155550155", "+14155550166"),
}


def _taken(town: LiveTown) -> list[Notice]:
    events, town.events = town.events, []
    return events


@pytest.mark.parametrize("other_is_linked", [True, False])
async def test_d4_d6_a_link_that_a_batch_suspended_for_a_merged_contact_does_not_wait_for_ever(other_is_linked: bool):
    """The event of the merge was lost, and nobody looks at suspended links but for records that are back."""
    town = LiveTown()
    loser, patient = town.both("Bea", "Moor", "1961-03-04", city="Lynn")
    await link_by_hand(await town.live(), loser, patient)
    winner = town.contact("Jon", "Wren", "1952-07-08")
    if other_is_linked:
        await link_by_hand(await town.live(), winner, town.patient("Jon", "Wren", "1952-07-08"))
    await town.settle()
    town.org.merge(loser, winner)
    town.events.clear()
    await batch_patients(await town.live())
    assert len(await town.store.links("main", statuses=[LinkStatus.SUSPENDED])) == 1
    town.events.clear()
    await town.settle()
    links = {(status, contact) for _, status, contact, each in await town.live_pairs() if each == patient}
    assert links == {(LinkStatus.FROZEN, loser if other_is_linked else winner)}, (
        "two that clash (D6), or an overlay (G4)"
    )


async def _marks_without_a_link(town: LiveTown) -> list[str]:
    live = {(link.contact_id, link.patient_id) for link in await town.store.live_pairs("main")}
    contacts = [(r.id, r.peer_id) for r in town.org.records() if r.state is RecordState.LIVE and r.peer_id]
    patients = [(r.peer_id.partition(".")[0], r.id) for r in town.practice.records() if r.peer_id]
    ticked = [(r.id, r.peer_id) for r in town.org.records() if r.state is RecordState.LIVE and r.marked]
    return sorted(str(pair) for pair in {*contacts, *patients, *ticked} - live)


@pytest.mark.parametrize("gone", list(Side))
@pytest.mark.parametrize("how", ["patients", "contacts", "by hand"])
async def test_d1_d2_a_first_sync_whose_other_record_is_gone_leaves_no_mark_of_ours(how: str, gone: Side):
    """Both sides are written at once: the one that was left showed a link that had ended before it began."""
    came_to_nothing = 0
    for point in range(1, 60):
        town = LiveTown()
        contact, patient = _differing(town)
        work = {
            "patients": batch_patients,
            "contacts": partial(_batch_of, contact),
            "by hand": partial(_relink, contact, patient),
        }[how]
        delete = partial(town.side(gone).delete, contact if gone is Side.SALESFORCE else patient)
        await town.attempt(work, meanwhile={point: delete})
        assert await _marks_without_a_link(town) == [], f"gone at point {point}"
        came_to_nothing += bool(await town.store.links("main", statuses=[LinkStatus.ENDED]))
    assert came_to_nothing


@pytest.mark.parametrize("gone", list(Side))
async def test_d1_d2_marks_that_cannot_be_taken_back_at_once_keep_the_reservation_until_they_are(gone: Side):
    """The reservation is what tells that something is left to be done."""
    kept = 0
    for point, later in product(range(5, 40), range(1, 8)):
        town = LiveTown()
        contact, patient = _differing(town)
        left = town.side(gone.other)

        def delete(town: LiveTown = town, contact: str = contact, patient: str = patient) -> None:
            town.side(gone).delete(contact if gone is Side.SALESFORCE else patient)

        def out_of_reach(left: MemoryReplica = left) -> None:
            left.faults.fail(50)

        await town.attempt(batch_patients, meanwhile={point: delete, point + later: out_of_reach})
        assert await _marks_without_a_link(town) == [], f"gone at point {point}"
        shows = contact if gone is Side.HINT else patient
        reserved = await town.store.links("main", statuses=[LinkStatus.RESERVED])
        kept += bool(reserved) and left.shown(shows).peer_id is not None
        await calm(town)
        assert await _marks_without_a_link(town) == [], f"gone at point {point}"
        assert not await town.store.links("main", statuses=[LinkStatus.RESERVED])
    assert kept


def _differing(town: LiveTown) -> tuple[str, str]:
    """Return two people that match and differ in what either side may win."""
    contact, patient = town.both("Bea", "Moor", "1961-03-04", city="Lynn", email="bea@example.org")
    town.practice.edit(patient, {"city": "Dover", "email": None})
    return contact, patient


async def _batch_of(contact: str, engine: Engine) -> None:
    await batch_contacts(engine, parse_csv_ids(f"Id\n{contact}\n".encode(), "one"))


@pytest.mark.parametrize("seed", range(20))
async def test_t5_who_waits_behind_a_record_that_workers_die_of_is_not_parked_with_it(seed: int):
    """What a worker held when it died counted against all of it; pieces that came after the deadly one were never tried."""
    random.seed(seed)
    town = LiveTown(options=Options(guard_at_least=1000))
    pairs = [town.both(f"Ann{number}", "Moor", f"19{60 + number}-03-04") for number in range(5)]
    for contact, patient in pairs:
        await link_by_hand(await town.live(), contact, patient)
    await town.settle()
    deadly = pairs[2][0]
    for _, patient in pairs:
        town.practice.edit(patient, {"city": "Dover"})
    events, town.events = town.events, []
    await town.take(events)
    town.org.deadly = deadly
    for _ in range(30):
        await town.pass_once()
        town.clock.push(20.0)
    waiting = [(each.record_id, each.parked) for each in await town.store.dirty("main")]
    assert waiting == [(pairs[2][1], "its workers died")]
    assert {town.show(Side.SALESFORCE, contact, "city") for contact, _ in pairs if contact != deadly} == {"Dover"}
