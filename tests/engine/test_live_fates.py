"""Rows D1 to D9 live: records deleted, destroyed, archived, merged, not found, back again."""

from __future__ import annotations

from contextlib import suppress

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.detect.intake import take_in
from hintsync.engine.reviews.deciding import choose, decline
from hintsync.replicas.memory_faults import Crash
from hintsync.state.live import Lane, Mark
from hintsync.state.port import ReviewKind
from tests.engine.living import BORN, LiveWorld


async def events(world: LiveWorld) -> list[str]:
    return [entry.event for entry in await world.store.log("main")]


async def actions(world: LiveWorld, contact: str, link_id: str) -> list[tuple[str, str | None]]:
    stored = await world.store.audit("main", chain=f"link:{link_id}")
    return [(each.event.action, each.event.rule) for each in stored]


async def test_d1_a_deleted_contact_suspends_the_link_and_leaves_the_patient_alone():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    before = world.practice.shown(patient)
    world.org.delete(contact)
    await world.quiet()
    state = await world.link_of(contact)
    assert (state.link.status, state.link.reason) == (LinkStatus.SUSPENDED, "contact deleted")
    assert world.practice.shown(patient).stamp == before.stamp
    assert await events(world) == ["link-suspended"]
    assert ("suspended", "D1") in await actions(world, contact, state.link.id)
    assert await world.store.reviews("main") == []
    assert await world.dirty() == []


async def test_d1_an_undelete_resumes_the_link_with_what_changed_meanwhile():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.org.delete(contact)
    await world.quiet()
    world.practice.edit(patient, {"city": "Reno"})
    await world.quiet()
    assert world.shown(Side.SALESFORCE, contact, "city") == "Lynn"
    world.org.undelete(contact)
    await world.quiet()
    state = await world.link_of(contact)
    assert (state.link.status, state.link.reason) == (LinkStatus.ACTIVE, None)
    assert world.shown(Side.SALESFORCE, contact, "city") == "Reno"
    assert ("resumed", "D1") in await actions(world, contact, state.link.id)


async def test_d1_an_undelete_after_which_nothing_differs_resumes_the_link_too():
    world = LiveWorld()
    contact, _ = await world.linked(city="Lynn")
    world.org.delete(contact)
    await world.quiet()
    world.org.undelete(contact)
    await world.quiet()
    assert (await world.link_of(contact)).link.status is LinkStatus.ACTIVE
    assert "link-fields-reverted" not in await events(world)


async def test_d2_a_destroyed_patient_suspends_the_link_and_unticks_the_contact_that_stays():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.practice.delete(patient)
    await world.quiet()
    state, shown = await world.link_of(contact), world.org.shown(contact)
    assert (state.link.status, state.link.reason) == (LinkStatus.SUSPENDED, "patient destroyed")
    assert (shown.marked, shown.peer_id, shown.values["city"]) == (False, patient, "Lynn")
    assert await world.store.reviews("main") == []
    assert world.events == []
    assert (await world.quiet())[0].claimed == 0  # the box that we switched off is no edit by hand


async def test_d2_a_destroyed_patient_with_a_namesake_is_reviewed_for_a_merge_may_be_behind_it():
    world = LiveWorld()
    _, patient = await world.linked()
    namesake = world.patient("Ann", "Moor", BORN)
    world.patient("Bea", "Moor", BORN)
    await world.quiet()
    world.practice.delete(patient)
    await world.quiet()
    (review,) = await world.store.reviews("main", kind=ReviewKind.MERGE)
    assert (review.record_id, review.candidates, review.details["rule"]) == (patient, (namesake,), "D2")


async def test_d3_an_archived_patient_stays_linked_and_its_status_is_shown():
    world = LiveWorld()
    contact, patient = await world.linked()
    world.practice.archive(patient)
    world.practice.edit(patient, {"membership_status": "inactive"})
    await world.quiet()
    assert (await world.link_of(contact)).link.status is LinkStatus.ACTIVE
    assert world.shown(Side.SALESFORCE, contact, "membership_status") == "inactive"


async def test_d4_the_link_goes_to_the_contact_that_won_a_merge_and_its_blanks_are_filled():
    world = LiveWorld()
    loser, patient = await world.linked(city="Lynn", zip="01901", email="ann@example.org")
    winner = world.contact("Ann", "Moor", BORN, city="Reno")
    before = await world.link_of(loser)
    world.org.merge(loser, winner)
    await world.quiet()
    state, shown = await world.link_of(winner), world.org.shown(winner)
    assert await world.link_of(loser) is None
    assert (state.link.id, state.link.salt, state.link.status) == (before.link.id, before.link.salt, LinkStatus.ACTIVE)
    assert state.link.reason is None
    assert (shown.peer_id, shown.marked) == (patient, True)
    assert (shown.values["zip"], shown.values["email"]) == ("01901", "ann@example.org")  # filled, not cleared
    assert world.shown(Side.HINT, patient, "zip") == "01901"
    assert world.shown(Side.HINT, patient, "city") == "Reno"  # three-way: only Salesforce left the base
    assert world.practice.shown(patient).peer_id == winner
    assert ("moved", "D4") in await actions(world, winner, state.link.id)
    assert "link-fields-reverted" not in await events(world)


async def test_d4_a_clear_after_the_first_pass_travels_again():
    world = LiveWorld()
    loser, patient = await world.linked(city="Lynn")
    winner = world.contact("Ann", "Moor", BORN)
    world.org.merge(loser, winner)
    await world.quiet()
    world.org.edit(winner, {"city": None})
    await world.quiet()
    assert world.shown(Side.HINT, patient, "city") is None


async def test_d4_a_chain_of_merges_is_followed_to_its_end():
    world = LiveWorld()
    loser, patient = await world.linked(city="Lynn")
    middle, winner = world.contact("Ann", "Moor", BORN), world.contact("Ann", "Moor", BORN)
    world.org.merge(loser, middle)
    world.org.merge(middle, winner)
    await world.quiet()
    assert (await world.link_of(winner)).link.patient_id == patient


async def test_d4_a_winner_that_is_deleted_gets_the_link_and_suspends_it():
    world = LiveWorld()
    loser, patient = await world.linked(city="Lynn")
    winner = world.contact("Ann", "Moor", BORN)
    world.org.merge(loser, winner)
    world.org.delete(winner)
    await world.quiet()
    assert (await world.link_of(winner)).link.status is LinkStatus.SUSPENDED
    world.org.undelete(winner)
    await world.quiet()
    assert (await world.link_of(winner)).link.status is LinkStatus.ACTIVE
    assert world.practice.shown(patient).peer_id == winner


async def test_d5_a_linked_winner_of_a_merge_gets_the_ordinary_sync():
    world = LiveWorld()
    winner, patient = await world.linked(city="Lynn")
    loser = world.contact("Ann", "Moor", BORN, city="Reno")
    world.org.merge(loser, winner)
    world.org.edit(winner, {"city": "Reno"})
    await world.quiet()
    assert (await world.link_of(winner)).link.patient_id == patient
    assert world.shown(Side.HINT, patient, "city") == "Reno"


async def test_d6_contacts_merged_that_are_linked_to_different_patients_freeze_both_links():
    world = LiveWorld()
    loser, first = await world.linked(city="Lynn")
    winner, second = await world.linked("Anne", "Moor", BORN, city="Reno")
    world.org.merge(loser, winner)
    world.org.edit(winner, {"city": "Elko"})
    await world.quiet()
    states = await world.store.links("main", statuses=[LinkStatus.FROZEN])
    assert {(state.link.patient_id, state.link.reason) for state in states} == {(first, "D6"), (second, "D6")}
    (review,) = await world.store.reviews("main", kind=ReviewKind.MERGE)
    assert (review.side, review.record_id, set(review.candidates)) == (Side.SALESFORCE, winner, {first, second})
    assert world.shown(Side.HINT, second, "city") == "Reno"  # nothing travels any more
    for patient in (first, second):
        (record,) = [each for each in world.practice.records() if each.id == patient]
        assert record.beside["error_message"] == "hintsync: this patient waits for a decision before anything is synced"
    for state in states:
        assert ("frozen", "D6") in await actions(world, winner, state.link.id)


async def test_d7_the_link_goes_to_the_patient_that_a_merge_left():
    world = LiveWorld()
    contact, loser = await world.linked(city="Lynn", zip="01901", mobile_phone="+16175550101")
    survivor = world.patient("Ann", "Moor", BORN, city="Reno")
    world.practice.merge(loser, survivor)
    await world.quiet()
    state = await world.link_of(contact)
    assert (state.link.patient_id, state.link.status) == (survivor, LinkStatus.ACTIVE)
    shown = world.practice.shown(survivor)
    assert (shown.values["zip"], shown.values["mobile_phone"]) == ("01901", "+16175550101")
    assert world.shown(Side.SALESFORCE, contact, "city") == "Reno"
    assert world.shown(Side.SALESFORCE, contact, "zip") == "01901"
    assert world.org.shown(contact).peer_id == survivor
    assert "link-fields-reverted" not in await events(world)


async def test_d7_a_survivor_that_cannot_be_read_now_is_not_taken_for_lost():
    world = LiveWorld()
    contact, loser = await world.linked(city="Lynn")
    survivor = world.patient("Ann", "Moor", BORN)
    world.practice.merge(loser, survivor)
    world.events = [event for event in world.events if event.record_id == loser]
    await world.deliver()
    world.practice.faults.lose_reply(2)  # the first read shows the loser, the second is of the survivor
    assert (await world.work()).put_off == 1
    assert (await world.link_of(contact)).link.status is LinkStatus.ACTIVE
    await world.quiet()
    assert (await world.link_of(contact)).link.patient_id == survivor


async def test_d8_a_survivor_that_is_linked_elsewhere_freezes_both_links():
    world = LiveWorld()
    first, loser = await world.linked(city="Lynn")
    second, survivor = await world.linked("Anne", "Moor", BORN)
    world.practice.merge(loser, survivor)
    await world.quiet()
    states = await world.store.links("main", statuses=[LinkStatus.FROZEN])
    assert {(state.link.contact_id, state.link.reason) for state in states} == {(first, "D8"), (second, "D8")}
    (review,) = await world.store.reviews("main", kind=ReviewKind.MERGE)
    assert (review.side, review.record_id, set(review.candidates)) == (Side.HINT, survivor, {first, second})
    (told,) = [each for each in world.practice.records() if each.id == survivor]
    assert told.beside["error_message"] == "hintsync: this patient waits for a decision before anything is synced"


async def test_d6_the_survivor_s_link_in_another_worker_s_hands_is_waited_for():
    world = LiveWorld()
    loser, _ = await world.linked(city="Lynn")
    winner, _ = await world.linked("Anne", "Moor", BORN)
    other = await world.link_of(winner)
    now = world.clock.now().timestamp()
    world.org.merge(loser, winner)
    world.events = [event for event in world.events if event.record_id == loser]
    await world.deliver()
    await world.store.lease_links("main", [other.link.id], "somebody", now, now + 15)
    assert (await world.work()).put_off == 1
    assert await world.store.links("main", statuses=[LinkStatus.FROZEN]) == []
    await world.store.release_links("main", [other.link.id], "somebody")
    await world.quiet()
    assert len(await world.store.links("main", statuses=[LinkStatus.FROZEN])) == 2


async def mark(world: LiveWorld, side: Side, record_id: str) -> None:
    now = world.clock.now().timestamp()
    await world.store.mark("main", [Mark(side, record_id, "catch-up", now, Lane.CATCH_UP)])


async def test_d9_a_patient_that_nobody_saw_destroyed_is_suspended_reviewed_and_never_created_again():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    world.practice.delete(patient)
    world.events.clear()
    await mark(world, Side.HINT, patient)
    await world.quiet()
    state = await world.link_of(contact)
    assert (state.link.status, state.link.reason) == (LinkStatus.SUSPENDED, "record not found")
    assert world.org.shown(contact).marked  # nobody knows what happened
    (review,) = await world.store.reviews("main", kind=ReviewKind.MERGE)
    assert (review.record_id, review.details["rule"]) == (patient, "D9")
    assert len(world.practice.records()) == 0


async def test_d9_a_contact_that_the_recycle_bin_does_not_hold_any_more_is_suspended_and_reviewed():
    world = LiveWorld()
    contact, _ = await world.linked(city="Lynn")
    del world.org._records[contact]  # emptied
    await mark(world, Side.SALESFORCE, contact)
    await world.quiet()
    assert (await world.link_of(contact)).link.status is LinkStatus.SUSPENDED
    (review,) = await world.store.reviews("main", kind=ReviewKind.MERGE)
    assert (review.side, review.record_id) == (Side.SALESFORCE, contact)


async def test_d9_a_record_that_turns_up_again_resumes_the_link_and_closes_the_review():
    world = LiveWorld()
    contact, patient = await world.linked(city="Lynn")
    kept = world.practice._records.pop(patient)
    await mark(world, Side.HINT, patient)
    await world.quiet()
    assert len(await world.store.reviews("main")) == 1
    world.practice._records[patient] = kept
    await mark(world, Side.HINT, patient)
    await world.quiet()
    assert (await world.link_of(contact)).link.status is LinkStatus.ACTIVE
    assert await world.store.reviews("main") == []


async def test_events_of_a_merge_may_come_twice_late_and_in_any_order():
    world = LiveWorld()
    loser, patient = await world.linked(city="Lynn")
    winner = world.contact("Ann", "Moor", BORN, city="Reno")
    world.org.merge(loser, winner)
    happened = list(world.events)
    await world.quiet()
    settled = world.practice.shown(patient).stamp
    await take_in(await world.live(), list(reversed(happened)) * 2)
    await world.quiet()
    assert world.practice.shown(patient).stamp == settled
    assert (await world.link_of(winner)).link.patient_id == patient


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("call", range(1, 4))
@pytest.mark.parametrize("side", list(Side))
async def test_d4_a_move_that_is_cut_off_fills_blanks_all_the_same(side: Side, call: int, after: bool):
    world = LiveWorld()
    loser, patient = await world.linked(city="Lynn", zip="01901")
    winner = world.contact("Ann", "Moor", BORN, city="Reno")
    world.org.merge(loser, winner)
    await world.deliver()
    await world.live()
    faults = (world.org if side is Side.SALESFORCE else world.practice).faults
    (faults.crash_after if after else faults.crash_before)(call)
    with suppress(Crash):
        await world.work()
    faults.clear()
    world.restart()
    world.clock.push(20)
    await world.quiet()
    assert world.shown(Side.SALESFORCE, winner, "zip") == world.shown(Side.HINT, patient, "zip") == "01901"
    assert world.shown(Side.HINT, patient, "city") == "Reno"


class TestDecidedByAPerson:
    async def merged(self) -> tuple[LiveWorld, str, str, str]:
        world = LiveWorld()
        loser, first = await world.linked(city="Lynn", zip="01901")
        winner, second = await world.linked("Anne", "Moor", BORN, city="Reno")
        world.org.merge(loser, winner)
        await world.quiet()
        return world, winner, first, second

    async def decide(self, world: LiveWorld, kept: str) -> None:
        (review,) = await world.store.reviews("main", kind=ReviewKind.MERGE)
        assert (await choose(await world.live(), review.id, kept)).done
        assert await world.store.reviews("main") == []
        await world.quiet()

    async def test_d6_the_winner_s_own_patient_is_kept_and_the_other_is_let_go(self):
        world, winner, first, second = await self.merged()
        await self.decide(world, second)
        state = await world.link_of(winner)
        assert (state.link.patient_id, state.link.status, state.link.reason) == (second, LinkStatus.ACTIVE, None)
        assert world.practice.shown(first).peer_id is None
        assert (await world.store.live_links("main", Side.HINT, [first])) == {}
        world.practice.edit(second, {"city": "Elko"})
        await world.quiet()
        assert world.shown(Side.SALESFORCE, winner, "city") == "Elko"

    async def test_d6_the_loser_s_patient_is_kept_and_its_link_goes_to_the_winner(self):
        world, winner, first, second = await self.merged()
        await self.decide(world, first)
        state = await world.link_of(winner)
        assert (state.link.patient_id, state.link.status) == (first, LinkStatus.ACTIVE)
        assert world.org.shown(winner).peer_id == first
        assert world.shown(Side.SALESFORCE, winner, "zip") == "01901"  # the winner's blank is filled
        assert world.practice.shown(second).peer_id is None

    async def test_d6_neither_is_no_answer(self):
        world, *_ = await self.merged()
        (review,) = await world.store.reviews("main", kind=ReviewKind.MERGE)
        with pytest.raises(BadInput, match="keep one of"):
            await decline(await world.live(), review.id)

    async def test_d2_a_namesake_takes_the_place_of_a_patient_that_was_merged_away(self):
        world = LiveWorld()
        contact, patient = await world.linked(city="Lynn")
        namesake = world.patient("Ann", "Moor", BORN, zip="01901")
        await world.quiet()
        world.practice.delete(patient)
        await world.quiet()
        await self.decide(world, namesake)
        state, shown = await world.link_of(contact), world.org.shown(contact)
        assert (state.link.patient_id, state.link.status) == (namesake, LinkStatus.ACTIVE)
        assert (shown.marked, shown.peer_id, shown.values["zip"]) == (True, namesake, "01901")
        assert world.shown(Side.HINT, namesake, "city") == "Lynn"

    async def test_d9_nobody_took_its_place_closes_the_review_and_the_link_goes_on_waiting(self):
        world = LiveWorld()
        contact, patient = await world.linked()
        del world.practice._records[patient]
        await mark(world, Side.HINT, patient)
        await world.quiet()
        (review,) = await world.store.reviews("main", kind=ReviewKind.MERGE)
        await decline(await world.live(), review.id)
        assert await world.store.reviews("main") == []
        assert (await world.link_of(contact)).link.status is LinkStatus.SUSPENDED

    async def test_a_record_that_is_linked_elsewhere_cannot_take_the_place(self):
        world = LiveWorld()
        _, patient = await world.linked()
        _, elsewhere = await world.linked("Bea", "Hill", BORN)
        world.practice.delete(patient)
        world.patient("Ann", "Moor", BORN)
        await world.quiet()
        (review,) = await world.store.reviews("main", kind=ReviewKind.MERGE)
        with pytest.raises(BadInput, match="linked already"):
            await choose(await world.live(), review.id, elsewhere)
