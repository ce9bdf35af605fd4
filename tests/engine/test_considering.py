"""What a person sees before linking or creating by hand: the decision, the plan and a seal that moves when either does."""

from __future__ import annotations

from hintsync.core.link_by_hand import Step, Warned
from hintsync.core.plan import Outcome
from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.pairs.by_hand import create_by_hand, link_by_hand, sync_by_hand
from hintsync.engine.pairs.considering import consider, consider_create
from hintsync.engine.pairs.creating import new_link
from tests.engine.world import World

BORN = "1980-05-06"


async def test_what_is_considered_is_what_is_done_and_nothing_is_written_before():
    world = World()
    contact = world.contact("Ann", "Moor", BORN, city="Boston")
    patient = world.patient("Ann", "Moor", BORN, city="Lynn", zip="01901")
    engine = await world.engine()
    considered = await consider(engine, contact, patient)
    assert considered.decision.step is Step.LINK
    assert considered.settled.plan.writes == {Side.HINT: {"city": "Boston"}, Side.SALESFORCE: {"zip": "01901"}}
    assert await world.store.live_pairs("main") == []
    result = await link_by_hand(engine, contact, patient)
    assert {side: set(names) for side, names in result.written.items()} == {
        side: set(values) for side, values in considered.settled.plan.writes.items()
    }


async def test_the_seal_stays_while_nothing_changes():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    first = await consider(await world.engine(), contact, patient)
    assert (await consider(await world.engine(), contact, patient)).seal == first.seal


async def test_the_seal_moves_with_an_edit_on_either_side_and_with_a_link():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    other = world.contact("Anne", "Moor", BORN)
    seals = [(await consider(await world.engine(), contact, patient)).seal]
    world.org.edit(contact, {"city": "Boston"})
    seals.append((await consider(await world.engine(), contact, patient)).seal)
    world.practice.edit(patient, {"zip": "01901"})
    seals.append((await consider(await world.engine(), contact, patient)).seal)
    await link_by_hand(await world.engine(), other, patient)
    seals.append((await consider(await world.engine(), contact, patient)).seal)
    assert len(set(seals)) == 4


async def test_u3_u5_who_stands_in_the_way_is_told_before():
    world = World()
    contact, old = world.both("Ann", "Moor", BORN)
    new = world.patient("Anne", "Moor", BORN)
    await link_by_hand(await world.engine(), contact, old)
    considered = await consider(await world.engine(), contact, new)
    assert considered.decision.step is Step.ASK
    assert considered.decision.warnings == {Warned.RELINK}
    assert considered.decision.linked_to == old


async def test_a_pair_that_was_cut_off_in_its_first_sync_can_be_confirmed_again():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    engine = await world.engine()
    await world.store.reserve(new_link(engine, "manual", contact_id=contact, patient_id=patient, reason="first"))
    assert (await consider(engine, contact, patient)).decision.step is Step.LINK


async def test_m10_a_create_is_shown_with_what_the_patient_is_given():
    world = World()
    contact = world.contact("Ann", "Moor", BORN, email="ann@example.org", membership_status="active")
    engine = await world.engine()
    considered = await consider_create(engine, contact)
    assert considered.match.outcome is Outcome.CREATED
    assert dict(considered.values) == {
        "first_name": "Ann",
        "last_name": "Moor",
        "birth_date": BORN,
        "email": "ann@example.org",
    }
    assert len(world.practice.records()) == 0
    world.org.edit(contact, {"city": "Boston"})
    assert (await consider_create(engine, contact)).seal != considered.seal


async def test_l13_a_create_without_a_first_name_says_so_before():
    world = World()
    contact = world.contact("", "Moor", BORN)
    assert (await consider_create(await world.engine(), contact)).match.outcome is Outcome.FIRST_NAME_NEEDED


async def test_a_contact_that_is_linked_between_the_look_and_the_create_is_left_to_the_other_person():
    world = World()
    contact = world.contact("Ann", "Moor", BORN)
    patient = world.patient("Ann", "Moor", BORN)
    engine = await world.engine()
    await consider_create(engine, contact)
    await link_by_hand(engine, contact, patient)
    result = await create_by_hand(engine, contact)
    assert (result.done, result.outcome) == (False, Outcome.ALREADY_LINKED)
    assert len(world.practice.records()) == 1


async def test_l10_a_frozen_link_refuses_with_its_reason():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    engine = await world.engine()
    await link_by_hand(engine, contact, patient)
    world.practice.edit(patient, {"first_name": "Bea", "birth_date": "1991-02-03"})
    await sync_by_hand(engine, Side.HINT, patient)
    (link,) = await world.store.live_pairs("main")
    assert link.status is LinkStatus.FROZEN
    considered = await consider(engine, world.contact("Cy", "Moor", BORN), patient)
    assert (considered.decision.step, considered.decision.reason) == (Step.REFUSE, "frozen")
