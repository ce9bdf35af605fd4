"""What a person does with one pair: link, re-link, move, unlink, create, sync (M9 to M12, M17; rows L and U)."""

from __future__ import annotations

import pytest

from hintsync.core.errors import AskPerson, BadInput
from hintsync.core.link_by_hand import Step, Warned
from hintsync.core.plan import Outcome
from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.pairs.by_hand import create_by_hand, link_by_hand, sync_by_hand, unlink_by_hand
from hintsync.engine.pairs.considering import preview
from hintsync.engine.pairs.parting import NotReleased, finish_parting
from hintsync.replicas.memory_faults import Crash
from hintsync.state.port import ReviewKind
from tests.engine.world import World

BORN = "1980-05-06"


async def linked(world: World, **values: str) -> tuple[str, str]:
    contact, patient = world.both("Ann", "Moor", BORN, **values)
    assert (await link_by_hand(await world.engine(), contact, patient)).outcome is Outcome.LINKED
    return contact, patient


async def test_m11_the_contact_wins_and_is_marked():
    world = World()
    contact = world.contact("Ann", "Moor", BORN, email="contact@example.org")
    patient = world.patient("Anne", "Moor", BORN, email="patient@example.org", city="Lynn", membership_status="active")
    result = await link_by_hand(await world.engine(), contact, patient)
    assert result.done
    assert result.written == {Side.SALESFORCE: ("city", "membership_status"), Side.HINT: ("email", "first_name")}
    shown = world.org.shown(contact)
    assert (shown.marked, shown.peer_id, shown.values["city"]) == (True, patient, "Lynn")
    assert shown.values["membership_status"] == "active"
    assert world.practice.shown(patient).values["first_name"] == "Ann"


async def test_a_preview_names_what_will_change_and_writes_nothing():
    world = World()
    contact = world.contact("Ann", "Moor", BORN, city="Boston")
    patient = world.patient("Ann", "Moor", BORN, city="Lynn", zip="01901")
    before = world.practice.shown(patient).stamp
    planned = await preview(await world.engine(), contact, patient)
    assert planned.plan.writes == {Side.HINT: {"city": "Boston"}, Side.SALESFORCE: {"zip": "01901"}}
    assert world.practice.shown(patient).stamp == before
    assert await world.store.live_pairs("main") == []


async def test_u3_a_relink_asks_first_and_never_gives_the_new_patient_the_old_ones_data():
    world = World()
    contact, old = await linked(world, email="ann@example.org")
    new = world.patient("Bea", "Hill", "1991-02-03", zip="02110")
    world.org.edit(contact, {"city": "Boston"})
    asked = await link_by_hand(await world.engine(), contact, new)
    assert (asked.step, asked.warnings, asked.linked_to) == (Step.ASK, (Warned.RELINK,), old)
    assert world.org.shown(contact).peer_id == old
    done = await link_by_hand(await world.engine(), contact, new, confirmed=[Warned.RELINK])
    assert (done.step, done.outcome) == (Step.RELINK, Outcome.LINKED)
    shown, patient = world.org.shown(contact), world.practice.shown(new)
    assert (shown.values["first_name"], shown.values["email"]) == ("Bea", None)
    assert (patient.values["first_name"], patient.values["email"]) == ("Bea", None)
    assert patient.values["city"] == "Boston"
    assert world.practice.shown(old).peer_id is None
    assert await world.store.declined("main", contact, old)


@pytest.mark.parametrize("dies_at", range(1, 12))
async def test_u3_a_relink_that_is_cut_off_reaches_the_same_end(dies_at: int):
    world = World()
    contact, _ = await linked(world, email="ann@example.org")
    new = world.patient("Bea", "Hill", "1991-02-03")
    engine = await world.engine()
    replica = world.org if dies_at % 2 else world.practice
    replica.faults.crash_after((dies_at + 1) // 2)
    try:
        await link_by_hand(engine, contact, new, confirmed=[Warned.RELINK])
    except Crash:
        replica.faults.clear()
    await finish_parting(await world.engine())
    result = await link_by_hand(await world.engine(), contact, new, confirmed=[Warned.RELINK])
    assert result.outcome in (Outcome.LINKED, Outcome.SYNCED)
    assert world.org.shown(contact).values["first_name"] == "Bea"
    assert world.practice.shown(new).values["email"] is None
    (link,) = await world.store.live_pairs("main")
    assert (link.status, link.patient_id) == (LinkStatus.ACTIVE, new)


async def test_u1_a_contact_that_is_not_let_go_of_keeps_nobody_else_from_being_worked():
    world = World()
    contact, patient = await linked(world)
    other = world.contact("Bea", "Hill", "1991-02-03")
    other_patient = world.patient("Bea", "Hill", "1991-02-03")
    world.org.faults.refuse_record(contact, "FIELD_CUSTOM_VALIDATION_EXCEPTION")
    with pytest.raises(NotReleased, match="FIELD_CUSTOM_VALIDATION_EXCEPTION"):
        await unlink_by_hand(await world.engine(), contact)
    done = await link_by_hand(await world.engine(), other, other_patient)
    assert (done.step, done.outcome) == (Step.LINK, Outcome.LINKED)
    world.org.faults.clear()
    assert await finish_parting(await world.engine()) == 1
    assert (world.org.shown(contact).marked, world.practice.shown(patient).peer_id) == (False, None)


async def test_u1_an_id_of_somebody_elses_is_left_on_the_patient():
    world = World()
    contact, patient = await linked(world)
    world.practice.edit(patient, {}, peer_id="legacy-77")
    await unlink_by_hand(await world.engine(), contact)
    assert world.practice.shown(patient).peer_id == "legacy-77"
    assert world.org.shown(contact).peer_id is None
    assert await world.store.live_pairs("main") == []


async def test_u5_a_patient_is_moved_after_a_warning():
    world = World()
    first, patient = await linked(world)
    second = world.contact("Ann", "Moor-Hill", BORN)
    asked = await link_by_hand(await world.engine(), second, patient)
    assert (asked.step, asked.warnings, asked.linked_to) == (Step.ASK, (Warned.MOVE,), first)
    await link_by_hand(await world.engine(), second, patient, confirmed=[Warned.MOVE])
    assert (world.org.shown(first).marked, world.org.shown(first).peer_id) == (False, None)
    assert world.org.shown(second).peer_id == patient
    assert world.practice.shown(patient).values["last_name"] == "Moor-Hill"


async def test_u1_an_unlink_clears_marks_and_mirrors_and_keeps_demographics():
    world = World()
    contact, patient = await linked(world, email="ann@example.org")
    world.practice.edit(patient, {"membership_status": "active", "member_contract_accepted": True})
    await sync_by_hand(await world.engine(), Side.HINT, patient)
    assert world.org.shown(contact).values["membership_status"] == "active"
    await unlink_by_hand(await world.engine(), contact)
    shown = world.org.shown(contact)
    assert (shown.marked, shown.peer_id) == (False, None)
    assert (shown.values["membership_status"], shown.values["member_contract_accepted"]) == (None, False)
    assert shown.values["email"] == world.practice.shown(patient).values["email"] == "ann@example.org"
    assert world.practice.shown(patient).peer_id is None


async def test_u1_mirrors_stay_if_the_box_is_not_ticked():
    world = World()
    contact, patient = await linked(world)
    world.practice.edit(patient, {"membership_status": "active"})
    await sync_by_hand(await world.engine(), Side.HINT, patient)
    await unlink_by_hand(await world.engine(), contact, clear_mirrors=False)
    assert world.org.shown(contact).values["membership_status"] == "active"


async def test_u2_hand_edits_of_the_marks_are_set_back_and_logged():
    world = World()
    contact, patient = await linked(world)
    world.org.edit(contact, peer_id="pat-000000000099", marked=False)
    await sync_by_hand(await world.engine(), Side.SALESFORCE, contact)
    assert (world.org.shown(contact).marked, world.org.shown(contact).peer_id) == (True, patient)
    assert [entry.event for entry in await world.store.log("main")] == ["link-fields-reverted"]


async def test_u4_a_parted_pair_needs_a_confirmation():
    world = World()
    contact, patient = await linked(world)
    await unlink_by_hand(await world.engine(), contact)
    asked = await link_by_hand(await world.engine(), contact, patient)
    assert asked.warnings == (Warned.DECLINED,)
    again = await link_by_hand(await world.engine(), contact, patient, confirmed=[Warned.DECLINED])
    assert again.outcome is Outcome.LINKED


async def test_m10_create_new_patient_makes_one_and_links_it():
    world = World()
    contact = world.contact("Ann", "Moor", BORN, email="ann@example.org", mobile_phone="+14155550132")
    result = await create_by_hand(await world.engine(), contact)
    assert result.outcome is Outcome.CREATED
    (record,) = world.practice.records()
    patient = world.practice.shown(record.id)
    assert (patient.values["email"], patient.values["mobile_phone"]) == ("ann@example.org", "+14155550132")
    assert world.org.shown(contact).peer_id == record.id
    assert patient.peer_id is not None
    assert patient.peer_id.startswith(contact)
    again = await create_by_hand(await world.engine(), contact)
    assert again.outcome is Outcome.ALREADY_LINKED


async def test_t6_a_create_whose_reply_was_lost_makes_no_second_patient():
    world = World()
    contact = world.contact("Ann", "Moor", BORN)
    engine = await world.engine()
    world.practice.faults.lose_reply(2)
    result = await create_by_hand(engine, contact)
    assert result.outcome is Outcome.CREATED
    assert len(world.practice.records()) == 1


async def test_t6_a_create_that_never_arrived_stays_reserved_and_is_made_once_later():
    world = World()
    contact = world.contact("Ann", "Moor", BORN)
    engine = await world.engine()
    world.practice.faults.lose_request(2)
    assert (await create_by_hand(engine, contact)).outcome is Outcome.FAILED
    (review,) = await world.store.reviews("main")
    assert review.kind is ReviewKind.CREATE_UNKNOWN
    assert (await create_by_hand(await world.engine(), contact)).outcome is Outcome.CREATED
    assert len(world.practice.records()) == 1


async def test_l13_a_contact_without_a_first_name_is_refused_in_words():
    world = World()
    contact = world.org.put({"last_name": "Moor", "birth_date": BORN})
    result = await create_by_hand(await world.engine(), contact)
    assert (result.outcome, result.rule) == (Outcome.FIRST_NAME_NEEDED, "L13")


async def test_d1_a_suspended_link_goes_on_when_its_contact_is_back():
    world = World()
    contact, patient = await linked(world)
    world.org.delete(contact)
    assert (await sync_by_hand(await world.engine(), Side.HINT, patient)).outcome is Outcome.NOT_FOUND
    world.org.undelete(contact)
    world.practice.edit(patient, {"city": "Lynn"})
    assert (await sync_by_hand(await world.engine(), Side.HINT, patient)).outcome is Outcome.SYNCED
    assert world.org.shown(contact).values["city"] == "Lynn"


async def test_what_is_not_linked_or_frozen_is_said():
    world = World()
    contact, patient = await linked(world)
    with pytest.raises(BadInput, match="not linked"):
        await sync_by_hand(await world.engine(), Side.SALESFORCE, "003000000000099AAA")
    world.practice.edit(patient, {"first_name": "Zoe", "birth_date": "1999-09-09"})
    assert (await sync_by_hand(await world.engine(), Side.SALESFORCE, contact)).outcome is Outcome.FROZEN
    with pytest.raises(AskPerson, match="frozen"):
        await sync_by_hand(await world.engine(), Side.SALESFORCE, contact)


async def test_a_hint_text_is_shown_once_and_stored_nowhere():
    world = World()
    contact, patient = await linked(world)
    world.practice.faults.refuse("email", "422")
    world.org.edit(contact, {"email": "odd@example.org"})
    result = await sync_by_hand(await world.engine(), Side.SALESFORCE, contact)
    assert result.held == ("email",)
    assert "odd@example.org" not in repr(await world.store.reviews("main"))
    assert "odd@example.org" not in repr(await world.store.audit("main"))
    assert world.practice.shown(patient).values["email"] is None
