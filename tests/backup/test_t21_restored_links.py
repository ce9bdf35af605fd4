"""Links that waited for something when the backup was taken: after a restore (T21) nobody is linked to the wrong person by them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from hintsync.core.errors import AskPerson
from hintsync.core.records import LinkStatus, RecordId
from hintsync.core.restored import DOUBTED
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import sync_by_hand, unlink_by_hand
from hintsync.engine.pairs.parting import Intent
from hintsync.engine.reviews.deciding import allow_overlay, choose, part_overlay
from hintsync.state.port import Commit, LinkChange, Review, ReviewKind
from tests.backup.restorable import Pair, Restorable, confirmed_link, in_step, people, shown, statuses


async def relinked(world: Restorable, contact: RecordId) -> RecordId:
    """Unlink a contact and link it with somebody else, as people do; return the new patient."""
    await unlink_by_hand(await world.live(), contact)
    patient = world.patient("Bea", "Hill", "1970-01-01")
    await confirmed_link(world, contact, patient)
    return patient


async def restored(world: Restorable, backup: object) -> None:
    """Lose everything, put the backup back and start; nothing may come of that on either side."""
    before = shown(world)
    await world.lose_and_restore(backup)  # type: ignore[arg-type]
    await world.start_again()
    assert shown(world) == before


async def test_t21_a_suspended_link_never_takes_back_a_contact_that_was_linked_anew(world: Restorable) -> None:
    anew, waiting, back = pairs = await people(world, 3)
    for contact, _ in pairs:
        world.org.delete(contact)
    await world.quiet()
    reason = (await world.link_of(waiting[0])).link.reason
    backup = await world.back_up()
    world.clock.push(60)
    for contact in (anew[0], back[0]):
        world.org.undelete(contact)
    await world.quiet()
    patient = await relinked(world, anew[0])
    await restored(world, backup)
    assert await statuses(world) == {
        (anew[0], patient): LinkStatus.ACTIVE,
        waiting: LinkStatus.SUSPENDED,
        back: LinkStatus.ACTIVE,
    }
    assert (await world.link_of(waiting[0])).link.reason == reason
    assert await world.store.declined("main", *anew)


async def test_t21_a_suspended_link_is_not_resumed_before_both_sides_were_asked(world: Restorable) -> None:
    (pair,) = await people(world, 1)
    world.org.delete(pair[0])
    await world.quiet()
    backup = await world.back_up()
    world.org.undelete(pair[0])
    await world.quiet()
    await relinked(world, pair[0])
    before = shown(world)
    await world.lose_and_restore(backup)
    world.org.edit(pair[0], {"city": "Reno"})  # a worker that hears of the contact before the service asked
    await world.quiet()
    assert await statuses(world) == {pair: LinkStatus.FROZEN}
    world.org.edit(pair[0], {"city": "Lynn"})
    assert shown(world) == before


async def overlaid(world: Restorable, pair: Pair) -> None:
    world.org.edit(pair[0], {"first_name": "Zoe", "last_name": "Quill", "birth_date": "1950-01-01"})
    await world.quiet()
    assert (await world.link_of(pair[0])).link.status is LinkStatus.FROZEN


async def test_t21_a_link_that_waited_for_a_person_is_ended_if_people_parted_it_and_waits_on_if_not(
    world: Restorable,
) -> None:
    anew, waiting = pairs = await people(world, 2)
    for pair in pairs:
        await overlaid(world, pair)
    backup = await world.back_up()
    world.clock.push(60)
    patient = await relinked(world, anew[0])
    await restored(world, backup)
    assert await statuses(world) == {(anew[0], patient): LinkStatus.ACTIVE, waiting: LinkStatus.FROZEN}
    assert (await world.link_of(waiting[0])).link.reason == "G4"
    (review,) = await world.store.reviews("main", kind=ReviewKind.OVERLAY)
    assert review.record_id == waiting[0]


async def merged(world: Restorable) -> tuple[Pair, Pair]:
    """Return two pairs of one person whose contacts were merged."""
    apart, loser, winner = await people(world, 3)
    for values in ({"first_name": "Ann1"}, {"birth_date": "1911-03-04"}):
        world.org.edit(winner[0], values)
        await world.quiet()
    world.org.merge(loser[0], winner[0])
    await world.quiet()
    await unlink_by_hand(
        await world.live(), apart[0]
    )  # its patient was there when we connected, so that the others are new ones
    assert await statuses(world) == {loser: LinkStatus.FROZEN, winner: LinkStatus.FROZEN}
    return loser, winner


async def test_t21_two_links_that_a_merge_froze_wait_for_the_same_answer(world: Restorable) -> None:
    loser, winner = await merged(world)
    backup = await world.back_up()
    world.org.edit(winner[0], {}, peer_id=loser[1])  # taken from the loser by whoever merged; nobody decided
    await restored(world, backup)
    links = await world.store.live_pairs("main")
    assert {(link.contact_id, link.patient_id, link.reason) for link in links} == {(*loser, "D6"), (*winner, "D6")}
    (review,) = await world.store.reviews("main", kind=ReviewKind.MERGE)
    done = await choose(await world.live(), review.id, loser[1])
    assert done.done
    await world.quiet()
    assert await statuses(world) == {(winner[0], loser[1]): LinkStatus.ACTIVE}


async def test_t21_a_merge_that_was_decided_since_is_asked_about_no_more(world: Restorable) -> None:
    loser, winner = await merged(world)
    backup = await world.back_up()
    (review,) = await world.store.reviews("main", kind=ReviewKind.MERGE)
    await choose(await world.live(), review.id, loser[1])
    await world.quiet()
    await restored(world, backup)
    assert await statuses(world) == {(winner[0], loser[1]): LinkStatus.ACTIVE}
    assert list(await world.store.reviews("main", kind=ReviewKind.MERGE)) == []


async def begun(world: Restorable, pair: Pair, intent: Intent) -> None:
    """Begin to end a link and die at once."""
    link = (await world.link_of(pair[0])).link
    link = replace(link, status=LinkStatus.FROZEN, reason=intent.text())
    await world.store.commit(Commit(links=[LinkChange(link)]))


async def test_t21_an_unlink_that_was_begun_is_finished(world: Restorable) -> None:
    parted, anew, other = await people(world, 3)
    free = world.patient("Bea", "Hill", "1970-01-01")
    await begun(world, parted, Intent())
    await begun(world, anew, Intent(True, free, "first-salesforce-wins"))
    backup = await world.back_up()
    await world.lose_and_restore(backup)
    await world.start_again()
    assert await statuses(world) == {(anew[0], free): LinkStatus.ACTIVE, other: LinkStatus.ACTIVE}
    seen = world.org.shown(parted[0])
    assert (seen.peer_id, seen.marked, world.practice.shown(parted[1]).peer_id) == (None, False, None)
    for pair in (parted, anew):
        assert await world.store.declined("main", *pair)


async def test_t21_the_link_that_was_to_follow_is_not_made_with_somebody_elses_patient(world: Restorable) -> None:
    (pair,) = await people(world, 1)
    free, other = world.patient("Bea", "Hill", "1970-01-01"), world.contact("Bea", "Hill", "1970-01-01")
    await begun(world, pair, Intent(True, free, "first-salesforce-wins"))
    backup = await world.back_up()
    world.org.edit(other, {}, peer_id=free, marked=True)  # linked since, as both show
    world.practice.edit(free, {}, peer_id=other)
    await world.lose_and_restore(backup)
    await world.start_again()
    assert await statuses(world) == {(other, free): LinkStatus.ACTIVE}
    assert world.shown(Side.HINT, free, "first_name") == "Bea"
    assert [entry.contact_id for entry in await world.store.log("main") if entry.event == "relink-dropped"] == [pair[0]]


async def unlinked_but_kept_by_hint(world: Restorable) -> tuple[Pair, Review]:
    """Restore from before an unlink after which Hint kept our id; return the pair and what is asked about it."""
    (pair,) = await people(world, 1)
    backup = await world.back_up()
    await unlink_by_hand(await world.live(), pair[0])
    world.practice.edit(pair[1], {}, peer_id=pair[0])
    await restored(world, backup)
    link = (await world.link_of(pair[0])).link
    assert (link.status, link.reason) == (LinkStatus.FROZEN, DOUBTED)
    (review,) = await world.store.reviews("main")
    assert (review.record_id, review.candidates) == (pair[0], (pair[1],))
    return pair, review


async def test_t21_an_unlink_after_which_hint_kept_our_id_is_not_undone_a_person_may_say_so(world: Restorable) -> None:
    pair, review = await unlinked_but_kept_by_hint(world)
    await part_overlay(await world.live(), review.id)
    await world.quiet()
    assert await statuses(world) == {}
    assert await world.store.declined("main", *pair)


async def test_t21_a_person_may_say_that_a_doubted_link_goes_on(world: Restorable) -> None:
    pair, review = await unlinked_but_kept_by_hint(world)
    await allow_overlay(await world.live(), review.id)
    await world.quiet()
    assert await statuses(world) == {pair: LinkStatus.ACTIVE}
    seen = world.org.shown(pair[0])
    assert (seen.peer_id, seen.marked) == (pair[1], True)
    await in_step(world)


async def test_t21_an_id_that_somebody_typed_on_a_contact_is_no_link(world: Restorable) -> None:
    (pair,) = await people(world, 1)
    stranger = world.patient("Bea", "Hill", "1970-01-01")
    backup = await world.back_up()
    world.org.edit(pair[0], {}, peer_id=stranger)
    await restored(world, backup)
    assert await statuses(world) == {pair: LinkStatus.FROZEN}
    (review,) = await world.store.reviews("main", kind=ReviewKind.OVERLAY)
    assert (review.record_id, review.details["reason"]) == (pair[0], DOUBTED)


Act = Callable[[Engine, Pair, str], Awaitable[object]]
ACTS: dict[str, Act] = {
    "sync": lambda engine, pair, _: sync_by_hand(engine, Side.SALESFORCE, pair[0]),
    "unlink": lambda engine, pair, _: unlink_by_hand(engine, pair[0]),
    "same person": lambda engine, _, review: allow_overlay(engine, review),
    "another person": lambda engine, _, review: part_overlay(engine, review),
}


@pytest.mark.parametrize("act", ACTS)
async def test_t21_nobody_decides_about_a_link_before_both_sides_were_asked(world: Restorable, act: str) -> None:
    (pair,) = await people(world, 1)
    await overlaid(world, pair)
    (review,) = await world.store.reviews("main")
    backup = await world.back_up()
    before = shown(world)
    await world.lose_and_restore(backup)
    with pytest.raises(AskPerson, match="restored"):
        await ACTS[act](await world.live(), pair, review.id)
    assert shown(world) == before
