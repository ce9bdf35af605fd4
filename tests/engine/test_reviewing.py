"""What a person decides about a review, and what settles itself."""

from __future__ import annotations

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.plan import Outcome
from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.engine.reviews.deciding import allow_overlay, choose, decline, keep_side
from hintsync.state.port import Review, ReviewKind, ReviewStatus
from tests.engine.world import World

BORN = "1980-05-06"


async def only_review(world: World) -> Review:
    (review,) = await world.store.reviews("main")
    return review


async def conflict(world: World) -> tuple[str, str, Review]:
    contact, patient = world.both("Ann", "Moor", BORN, city="Boston")
    await batch_patients(await world.engine())
    world.org.edit(contact, {"city": "Salem"})
    world.practice.edit(patient, {"city": "Lynn"})
    await sync_all(await world.engine())
    return contact, patient, await only_review(world)


@pytest.mark.parametrize(("side", "city"), [(Side.HINT, "Lynn"), (Side.SALESFORCE, "Salem")])
async def test_b2_a_held_conflict_ends_with_the_side_a_person_keeps(side: Side, city: str):
    world = World()
    contact, patient, review = await conflict(world)
    result = await keep_side(await world.engine(), review.id, side)
    assert result.held == ()
    assert world.org.shown(contact).values["city"] == world.practice.shown(patient).values["city"] == city
    decided = await world.store.review(review.id)
    assert decided is not None
    assert (decided.status, decided.decision) == (ReviewStatus.DECIDED, f"keep {side}")
    assert await world.store.reviews("main") == []
    assert (await world.store.audit("main"))[-1].event.action == "decided"


async def test_a_conflict_that_people_settle_themselves_closes_its_review():
    world = World()
    _, patient, review = await conflict(world)
    world.practice.edit(patient, {"city": "Salem"})
    await sync_all(await world.engine())
    closed = await world.store.review(review.id)
    assert closed is not None
    assert closed.status is ReviewStatus.OBSOLETE


async def test_b4_an_ambiguous_patient_is_linked_with_the_candidate_a_person_chooses():
    world = World()
    first, second = world.contact("Ann", "Moor", BORN), world.contact("Ann", "Moor", BORN)
    patient = world.patient("Ann", "Moor", BORN)
    await batch_patients(await world.engine())
    review = await only_review(world)
    assert set(review.candidates) == {first, second}
    assert (await choose(await world.engine(), review.id, second)).outcome is Outcome.LINKED
    assert world.org.shown(second).peer_id == patient
    assert await world.store.reviews("main") == []


async def test_u4_declined_candidates_are_not_linked_or_suggested_again():
    world = World()
    contact = world.contact("Katherine", "Zabriskie", BORN)
    patient = world.patient("Kathryn", "Zabriskie", BORN)
    await batch_patients(await world.engine())
    review = await only_review(world)
    assert (review.kind, review.candidates) == (ReviewKind.NEAR_MATCH, (contact,))
    await decline(await world.engine(), review.id)
    run = await batch_patients(await world.engine())
    assert (await world.rows(run))[patient].outcome is Outcome.NO_MATCH
    assert await world.store.reviews("main") == []


async def test_g4_an_overlay_goes_on_when_it_is_the_same_person():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    await batch_patients(await world.engine())
    world.practice.edit(patient, {"first_name": "Zoe", "birth_date": "1981-06-07"})
    await sync_all(await world.engine())
    review = await only_review(world)
    assert review.kind is ReviewKind.OVERLAY
    assert (await allow_overlay(await world.engine(), review.id)).outcome is Outcome.SYNCED
    assert world.org.shown(contact).values["first_name"] == "Zoe"
    (link,) = await world.store.live_pairs("main")
    assert link.status is LinkStatus.ACTIVE
    await sync_all(await world.engine())
    assert await world.store.reviews("main") == []


async def test_g4_an_overlay_that_was_undone_only_thaws():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    await batch_patients(await world.engine())
    world.practice.edit(patient, {"first_name": "Zoe", "birth_date": "1981-06-07"})
    await sync_all(await world.engine())
    review = await only_review(world)
    world.practice.edit(patient, {"first_name": "Ann", "birth_date": BORN})
    await allow_overlay(await world.engine(), review.id)
    (link,) = await world.store.live_pairs("main")
    assert link.status is LinkStatus.ACTIVE
    assert world.org.shown(contact).values["first_name"] == "Ann"


async def test_linking_by_hand_closes_what_was_asked_about_either_record():
    world = World()
    contact, _ = world.contact("Ann", "Moor", BORN), world.contact("Ann", "Moor", BORN)
    patient = world.patient("Ann", "Moor", BORN)
    await batch_patients(await world.engine())
    await link_by_hand(await world.engine(), contact, patient)
    assert await world.store.reviews("main") == []


async def test_a_decision_of_the_wrong_kind_or_twice_is_refused():
    world = World()
    _, _, review = await conflict(world)
    with pytest.raises(BadInput, match="decided in another way"):
        await decline(await world.engine(), review.id)
    with pytest.raises(BadInput, match="no review rev-none"):
        await keep_side(await world.engine(), "rev-none", Side.HINT)
    await keep_side(await world.engine(), review.id, Side.HINT)
    with pytest.raises(BadInput, match="decided already"):
        await keep_side(await world.engine(), review.id, Side.HINT)
