"""How one contact stands, read for the contact panel."""

from __future__ import annotations

from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.pairs.by_hand import link_by_hand, sync_by_hand
from hintsync.engine.pairs.standing import pair_of, standing_of
from hintsync.state.live import Lane, Mark
from hintsync.state.port import ReviewKind
from tests.engine.world import World

BORN = "1980-05-06"


async def test_a_contact_without_a_link_stands_alone():
    world = World()
    contact = world.contact("Ann", "Moor", BORN)
    standing = await standing_of(await world.engine(), contact)
    assert (standing.state, standing.patient, standing.trail) == (None, None, ())
    assert standing.contact is not None
    assert await pair_of(await world.engine(), contact) == {Side.SALESFORCE: contact}


async def test_a_linked_contact_is_read_with_its_patient_its_conflict_and_its_trail():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN, city="Boston")
    await link_by_hand(await world.engine(), contact, patient)
    world.org.edit(contact, {"city": "Salem"})
    world.practice.edit(patient, {"city": "Lynn"})
    await sync_by_hand(await world.engine(), Side.SALESFORCE, contact)
    standing = await standing_of(await world.engine(), contact)
    assert standing.patient is not None
    assert standing.patient.values["city"] == "Lynn"
    assert [each.kind for each in standing.reviews] == [ReviewKind.CONFLICT]
    assert {"linked", "held"} <= {event.action for event in standing.trail}
    assert await pair_of(await world.engine(), contact) == {Side.SALESFORCE: contact, Side.HINT: patient}


async def test_the_candidates_of_a_review_are_read_with_it():
    world = World()
    contact = world.contact("Ann", "Moor", BORN)
    twins = {world.patient("Ann", "Moor", BORN), world.patient("Ann", "Moor", BORN)}
    await batch_patients(await world.engine())
    reviews = await world.store.reviews("main")
    assert {review.kind for review in reviews} == {ReviewKind.AMBIGUOUS}
    standing = await standing_of(await world.engine(), contact)
    asked = {candidate for review in standing.reviews for candidate in review.candidates}
    assert {record_id for _, record_id in standing.candidates} == asked & twins


async def test_other_peoples_parked_records_are_left_out():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    other = world.contact("Bea", "Hill", BORN)
    engine = await world.engine()
    await link_by_hand(engine, contact, patient)
    marks = [Mark(Side.HINT, patient, "webhook", 0.0, Lane.LIVE), Mark(Side.SALESFORCE, other, "poll", 0.0, Lane.LIVE)]
    await world.store.mark("main", marks)
    claimed = await world.store.claim("main", "w", 1.0, 9.0, limit=9)
    await world.store.put_off(claimed, 2.0, parked="FIELD_INTEGRITY_EXCEPTION")
    (parked,) = (await standing_of(engine, contact)).parked
    assert (parked.record_id, parked.parked) == (patient, "FIELD_INTEGRITY_EXCEPTION")


async def test_a_side_that_does_not_answer_leaves_the_rest_to_be_shown():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    engine = await world.engine()
    await link_by_hand(engine, contact, patient)
    world.practice.faults.spend_budget()
    standing = await standing_of(engine, contact)
    assert standing.silent == {Side.HINT}
    assert standing.patient is None
    assert standing.contact is not None
