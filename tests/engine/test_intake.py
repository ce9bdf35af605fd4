"""Events become marks, or are dropped by value: echoes, rows L8 and L9, what cannot concern us."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from hintsync.core.records import LinkState
from hintsync.core.values import Side
from hintsync.engine.detect.echoes import Verdict, judge_linked
from hintsync.engine.detect.intake import TakenIn, take_in
from hintsync.engine.detect.notices import TOLD_GONE, Notice, NoticeKind
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.options import Options
from hintsync.state.live import Intent, Lane
from hintsync.state.memory import MemoryStore
from tests.engine.living import BORN, LiveWorld, without_values


def change(record_id: str, side: Side = Side.SALESFORCE, **values: str | None) -> Notice:
    return Notice(side, record_id, NoticeKind.CHANGED, "change-event", 1.0, values=values, complete=True)


async def test_an_edit_marks_its_record_and_an_event_that_shows_what_was_agreed_is_an_echo():
    world = LiveWorld()
    contact, _ = await world.linked(city="Lynn")
    engine = await world.live()
    assert await take_in(engine, [change(contact, city="Lynn")]) == TakenIn(0, 1, 0)
    assert await take_in(engine, [change(contact, city="Reno")]) == TakenIn(1, 0, 0)
    assert [(d.side, d.record_id, d.lane) for d in await world.dirty()] == [(Side.SALESFORCE, contact, Lane.LIVE)]


async def test_an_event_with_one_value_that_is_not_agreed_marks_whatever_else_it_shows():
    world = LiveWorld()
    contact, _ = await world.linked(city="Lynn")
    assert (await take_in(await world.live(), [change(contact, city="Lynn", zip="01901")])).marked == 1


async def test_a_gap_marks_even_if_it_shows_nothing():
    world = LiveWorld()
    contact, _ = await world.linked()
    assert (await take_in(await world.live(), [without_values(change(contact))])).marked == 1


async def test_a_complete_event_without_fields_of_ours_is_ignored():
    world = LiveWorld()
    contact, _ = await world.linked()
    assert await take_in(await world.live(), [change(contact)]) == TakenIn(0, 0, 1)


async def test_f9_any_change_of_a_record_that_was_refused_as_a_whole_marks_it():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.faults.refuse_record(contact, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    world.practice.edit(patient, {"city": "Reno"})
    await world.quiet()
    assert (await take_in(await world.live(), [change(contact)])).marked == 1


@pytest.mark.parametrize("kind", list(NoticeKind))
async def test_l9_an_unlinked_contact_concerns_nobody_whatever_happens_to_it(kind: NoticeKind):
    world = LiveWorld()
    contact = world.contact("Ann", "Moor", BORN)
    notice = replace(change(contact, city="Lynn"), kind=kind)
    assert await take_in(await world.live(), [notice, without_values(notice)]) == TakenIn(0, 0, 2)


async def test_l8_an_unlinked_patient_is_marked_unless_it_was_there_at_connect():
    world = LiveWorld()
    old = world.patient("Ann", "Moor", BORN)
    engine = await world.live()
    new = world.patient("Bea", "Hill", BORN)
    taken = await take_in(engine, [change(old, Side.HINT), change(new, Side.HINT)])
    assert taken == TakenIn(1, 0, 1)
    assert [dirty.record_id for dirty in await world.dirty()] == [new]


async def test_l8_a_patient_is_marked_while_nobody_knows_which_were_there_at_connect():
    world = LiveWorld()
    patient = world.patient("Ann", "Moor", BORN)
    engine = await world.engine()
    assert (await take_in(engine, [change(patient, Side.HINT)])).marked == 1


async def test_an_unlinked_patient_that_was_destroyed_is_ignored():
    world = LiveWorld()
    patient = world.patient("Ann", "Moor", BORN)
    await take_known_patients(await world.live())
    notice = Notice(Side.HINT, patient, NoticeKind.DELETED, "webhook", 1.0)
    assert await take_in(await world.live(), [notice]) == TakenIn(0, 0, 1)


async def test_a_deletion_of_a_linked_record_marks_it_and_says_what_it_heard():
    world = LiveWorld()
    contact, _ = await world.linked()
    await take_in(await world.live(), [replace(change(contact), kind=NoticeKind.DELETED)])
    assert [dirty.cause for dirty in await world.dirty()] == ["change-event" + TOLD_GONE]


@pytest.mark.parametrize(
    ("peer_id", "marked", "marks"),
    [("ours", True, 0), ("ours", None, 0), (None, True, 0), ("pat-other", True, 1), ("", True, 1), ("ours", False, 1)],
)
async def test_u2_marks_that_changed_must_fit_the_link(peer_id: str | None, marked: bool | None, marks: int):
    world = LiveWorld()
    contact, patient = await world.linked()
    shown = patient if peer_id == "ours" else peer_id
    notice = replace(change(contact), peer_id=shown, marked=marked, marks_changed=True)
    assert (await take_in(await world.live(), [notice])).marked == marks


async def test_u2_marks_that_changed_and_are_not_shown_are_looked_at():
    world = LiveWorld()
    contact, _ = await world.linked()
    assert (await take_in(await world.live(), [replace(change(contact), marks_changed=True)])).marked == 1


async def test_the_id_that_hint_shows_is_looked_at_only_where_it_is_ours():
    for write_back, marks in ((True, 1), (False, 0)):
        world = LiveWorld(options=Options(write_back=write_back))
        _, patient = await world.linked(city="Lynn")
        notice = replace(change(patient, Side.HINT, city="Lynn"), peer_id="somebody-elses")
        assert (await take_in(await world.live(), [notice])).marked == marks


async def test_an_event_id_marks_once():
    world = LiveWorld()
    contact, _ = await world.linked()
    notice = replace(change(contact, city="Reno"), event_id="evt-1")
    assert await take_in(await world.live(), [notice]) == TakenIn(1, 0, 0)
    assert await take_in(await world.live(), [notice]) == TakenIn(0, 0, 1)


async def test_the_cursor_is_stored_even_if_every_event_is_dropped():
    world = LiveWorld()
    contact, _ = await world.linked(city="Lynn")
    await take_in(await world.live(), [change(contact, city="Lynn")], cursors={"salesforce:replay": "0a"})
    assert await world.store.get_cursor("main", "salesforce:replay") == "0a"


async def test_an_event_about_a_suspended_link_marks_whatever_it_shows():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.delete(contact)
    await world.quiet()
    assert (await take_in(await world.live(), [change(patient, Side.HINT, city="Lynn")])).marked == 1


async def test_a_held_field_that_goes_back_to_what_was_agreed_is_looked_at():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.edit(contact, {"city": "Reno"})
    world.practice.edit(patient, {"city": "Elko"})
    await world.quiet()
    engine = await world.live()
    assert (await take_in(engine, [change(contact, city="Reno")])).echoes == 1
    assert (await take_in(engine, [change(contact, city="Lynn")])).marked == 1


class TestWhileAWorkerHoldsTheLink:
    """A worker may have read the record before the edit, and is about to move the base to what it read."""

    async def test_nothing_is_an_echo_before_it_says_what_it_writes(self):
        world = LiveWorld()
        contact, _ = await world.linked(city="Lynn")
        state = await world.link_of(contact)
        await world.store.lease_links("main", [state.link.id], "other", 0.0, 1e12)
        assert (await take_in(await world.live(), [change(contact, city="Lynn")])).marked == 1

    async def test_what_it_writes_is_an_echo_and_what_was_agreed_before_is_not(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn", zip="01901")
        state = await world.link_of(contact)
        engine = await world.live()
        await world.store.lease_links("main", [state.link.id], "other", 0.0, 1e12)
        prints = {"city": engine.fingerprinter(state.link.salt).of("city", "Reno")}
        await world.store.intend("main", [Intent(state.link.id, Side.SALESFORCE, 1.0, prints)])
        assert (await take_in(engine, [change(contact, city="Reno")])).echoes == 1
        assert (await take_in(engine, [change(patient, Side.HINT, city="Reno", zip="01901")])).echoes == 1
        assert (await take_in(engine, [change(contact, city="Lynn")])).marked == 1

    async def test_an_edit_back_to_the_base_between_read_and_commit_is_not_lost(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        world.org.edit(contact, {"city": "Reno"})
        await world.deliver()
        seen = []

        def edit_back(change) -> None:
            if change.ours and not seen:
                seen.append(change)
                world.org.edit(contact, {"city": "Lynn"})

        world.practice.watch(edit_back)
        await world.work()
        assert world.shown(Side.HINT, patient, "city") == "Reno"
        await world.quiet()
        assert world.shown(Side.HINT, patient, "city") == world.shown(Side.SALESFORCE, contact, "city") == "Lynn"


class MovingStore(MemoryStore):
    """A store in which somebody else works on links between any two looks."""

    looks = 0

    async def live_links(self, connection_id: str, side: Side, ids: Sequence[str]) -> Mapping[str, LinkState]:
        found = await super().live_links(connection_id, side, ids)
        self.looks += 1
        return {key: at_revision(state, self.looks) for key, state in found.items()}


def at_revision(state: LinkState, revision: int) -> LinkState:
    return LinkState(replace(state.link, revision=revision), state.base, state.holds)


async def test_an_event_is_no_echo_if_its_link_moved_between_two_looks():
    world = LiveWorld()
    contact, _ = await world.linked(city="Lynn")
    moving = MovingStore()
    moving.__dict__.update(world.store.__dict__)
    world.store = moving
    world.restart()
    assert (await take_in(await world.live(), [change(contact, city="Lynn")])).marked == 1


class OvertakenStore(MemoryStore):
    """A store in which a worker commits what it wrote right after the first look."""

    looks = 0

    async def live_links(self, connection_id: str, side: Side, ids: Sequence[str]) -> Mapping[str, LinkState]:
        found = await super().live_links(connection_id, side, ids)
        self.looks += any(True for _ in found)
        return {key: at_revision(state, min(self.looks, 2)) for key, state in found.items()}


async def test_an_echo_is_recognised_although_its_link_moved_between_two_looks():
    world = LiveWorld()
    contact, _ = await world.linked(city="Lynn")
    for city, marked in (("Lynn", 0), ("Reno", 1)):
        overtaken = OvertakenStore()
        overtaken.__dict__.update(world.store.__dict__)
        world.store = overtaken
        world.restart()
        taken = await take_in(await world.live(), [change(contact, city=city)])
        assert (taken.marked, taken.echoes) == (marked, 1 - marked)


async def test_a_link_that_is_not_active_never_has_echoes():
    world = LiveWorld()
    contact, _ = await world.linked(city="Lynn")
    state = await world.link_of(contact)
    engine = await world.live()
    fp = engine.fingerprinter(state.link.salt)
    judged = [
        judge_linked(change(contact, city="Lynn"), replace_status(state, status), engine.table, fp, None, marks=True)
        for status in ("reserved", "frozen", "suspended")
    ]
    assert judged == [Verdict.MARK] * 3


def replace_status(state: LinkState, status: str) -> LinkState:
    return LinkState(replace(state.link, status=type(state.link.status)(status)), state.base, state.holds)
