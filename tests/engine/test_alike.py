"""Which decisions a review takes, and deciding all that are alike."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.pairs.by_hand import unlink_by_hand
from hintsync.engine.reviews.alike import alike, decide_alike
from hintsync.engine.reviews.choices import Decision, decide, decisions_of
from hintsync.state.port import ReviewKind, ReviewStatus
from tests.engine.test_reviewing import BORN, conflict, only_review
from tests.engine.world import World

PEOPLE = [("Ann", "Moor"), ("Bea", "North"), ("Cal", "Oates")]


async def conflicts(world: World, *fields: str) -> list[tuple[str, str]]:
    """Link three pairs, and change some of their fields on both sides."""
    pairs = [world.both(first, last, BORN, city="Boston", email="a@x.example") for first, last in PEOPLE]
    await batch_patients(await world.engine())
    for contact, patient in pairs:
        for name in fields:
            world.org.edit(contact, {name: "Salem" if name == "city" else "s@x.example"})
            world.practice.edit(patient, {name: "Lynn" if name == "city" else "h@x.example"})
    await sync_all(await world.engine())
    return pairs


async def test_conflicts_of_one_field_are_alike_and_those_of_another_are_not():
    world = World()
    await conflicts(world, "city", "email")
    reviews = await world.store.reviews("main")
    city = next(each for each in reviews if each.field_name == "city")
    assert {each.field_name for each in await alike(world.store, city)} == {"city"}
    assert len(await alike(world.store, city)) == 3


async def test_all_alike_are_decided_each_by_itself():
    world = World()
    pairs = await conflicts(world, "city")
    engine = await world.engine()
    reviews = await alike(world.store, (await world.store.reviews("main"))[0])
    done = await decide_alike(engine, reviews, Decision.KEEP_HINT)
    assert (done.decided, done.failures, done.left) == (3, (), 0)
    assert {world.org.shown(contact).values["city"] for contact, _ in pairs} == {"Lynn"}
    assert await world.store.reviews("main") == []
    decided = await world.store.reviews("main", status=ReviewStatus.DECIDED)
    assert [each.decision for each in decided] == ["keep hint"] * 3


async def test_what_cannot_be_decided_with_the_others_is_named():
    world = World()
    await conflicts(world, "city")
    engine = await world.engine()
    reviews = await alike(world.store, (await world.store.reviews("main"))[0])
    await decide(engine, reviews[1], Decision.KEEP_SALESFORCE)
    done = await decide_alike(await world.engine(), reviews, Decision.KEEP_SALESFORCE)
    assert done.decided == 2
    ((failure),) = done.failures
    assert failure.review_id == reviews[1].id
    assert "decided already" in failure.reason


async def test_after_the_time_no_further_one_is_begun():
    world = World()
    await conflicts(world, "city")
    reviews = await alike(world.store, (await world.store.reviews("main"))[0])
    done = await decide_alike(await world.engine(), reviews, Decision.KEEP_HINT, seconds=0.0)
    assert (done.decided, done.left) == (0, 3)


async def test_who_is_whom_is_decided_one_by_one():
    world = World()
    with pytest.raises(BadInput, match="one by one"):
        await decide_alike(await world.engine(), [], Decision.LINK)


@pytest.mark.parametrize(
    ("kind", "rule", "expected"),
    [
        (ReviewKind.OVERLAY, "G4", (Decision.SAME_PERSON, Decision.OTHER_PERSON)),
        (ReviewKind.MERGE, "D6", (Decision.LINK,)),
        (ReviewKind.MERGE, "D2", (Decision.LINK, Decision.NONE)),
        (ReviewKind.AMBIGUOUS, "L3", (Decision.LINK, Decision.NONE)),
        (ReviewKind.REFUSED, "F9", ()),
    ],
)
async def test_a_page_is_told_what_may_be_decided(kind: ReviewKind, rule: str, expected: tuple[Decision, ...]):
    world = World()
    _, _, review = await conflict(world)
    assert decisions_of(review) == (Decision.KEEP_SALESFORCE, Decision.KEEP_HINT)
    asked = replace(review, kind=kind, field_name="", details={"rule": rule})
    assert decisions_of(asked) == expected
    assert decisions_of(replace(asked, status=ReviewStatus.DECIDED)) == ()


async def test_a_decision_that_does_not_fit_is_refused():
    world = World()
    _, _, review = await conflict(world)
    with pytest.raises(BadInput, match="cannot be decided"):
        await decide(await world.engine(), review, Decision.SAME_PERSON)


async def test_g4_a_pair_that_turned_out_to_be_two_people_is_parted_and_remembered():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    await batch_patients(await world.engine())
    world.practice.edit(patient, {"first_name": "Zoe", "birth_date": "2001-01-02"})
    await sync_all(await world.engine())
    review = await only_review(world)
    result = await decide(await world.engine(), review, Decision.OTHER_PERSON)
    assert result.done
    assert result.link is not None
    assert result.link.status is LinkStatus.ENDED
    assert await world.store.declined("main", contact, patient)
    decided = await world.store.review(review.id)
    assert decided is not None
    assert (decided.status, decided.decision) == (ReviewStatus.DECIDED, "another person")
    assert world.org.shown(contact).values["first_name"] == "Ann"


async def test_u1_what_was_asked_about_a_pair_is_asked_no_more_once_it_is_parted():
    world = World()
    contact, _, review = await conflict(world)
    await unlink_by_hand(await world.engine(), contact)
    closed = await world.store.review(review.id)
    assert closed is not None
    assert closed.status is ReviewStatus.OBSOLETE


async def test_a_candidate_must_be_named():
    world = World()
    world.contact("Ann", "Moor", BORN)
    world.contact("Ann", "Moor", BORN)
    world.patient("Ann", "Moor", BORN)
    await batch_patients(await world.engine())
    with pytest.raises(BadInput, match="which record"):
        await decide(await world.engine(), await only_review(world), Decision.LINK)
    assert Side.HINT is (await only_review(world)).side
