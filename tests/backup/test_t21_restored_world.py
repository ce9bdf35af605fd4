"""A store that is older than what people did since, put back (T21): nothing that they typed is overwritten."""

from __future__ import annotations

import random
from collections.abc import Mapping

import pytest

from hintsync.core.records import HoldKind, LinkStatus
from hintsync.core.values import Side
from hintsync.engine.confirming import CONFIRM
from hintsync.engine.pairs.by_hand import link_by_hand, unlink_by_hand
from hintsync.engine.reviews.deciding import keep_side
from hintsync.engine.schedule import run_due
from hintsync.replicas.memory_faults import Crash
from hintsync.state.port import ReviewKind
from tests.backup.restorable import FIELDS, Pair, Restorable, confirmed_link, in_step, people, shown, statuses


async def test_t21_no_edit_since_the_backup_is_overwritten_and_what_differs_is_put_to_people(world: Restorable) -> None:
    synced, put_back, refilled, cleared, untouched, both = await people(world, 6)
    backup = await world.back_up()
    world.clock.push(60)
    world.org.edit(synced[0], {"city": "Reno"})
    world.practice.edit(put_back[1], {"city": "Elko"})
    world.org.edit(refilled[0], {"email": None})
    await world.quiet()
    # nobody works any more; people do
    world.clock.push(60)
    world.org.edit(put_back[0], {"city": "Lynn"})  # as the backup has it: a base would take it for the older one
    world.practice.edit(refilled[1], {"email": "ann2@example.org"})  # the same with a clear
    world.org.edit(cleared[0], {"email": None})
    world.org.edit(both[0], {"zip": "10001"})
    world.practice.edit(both[1], {"zip": "10002"})
    pairs = (synced, put_back, refilled, cleared, untouched, both)
    before = {pair: world.values(pair) for pair in pairs}
    await world.lose_and_restore(backup)
    await world.start_again()
    assert {pair: world.values(pair) for pair in pairs} == before
    assert [await world.held(pair) for pair in pairs] == [
        {},
        {"city": HoldKind.RECOVERED},
        {"email": HoldKind.RECOVERED},
        {"email": HoldKind.RECOVERED},
        {},
        {"zip": HoldKind.RECOVERED},
    ]
    reviews = await world.store.reviews("main", kind=ReviewKind.CONFLICT)
    assert {(review.record_id, review.field_name) for review in reviews} == {
        (put_back[0], "city"),
        (refilled[0], "email"),
        (cleared[0], "email"),
        (both[0], "zip"),
    }
    engine = await world.live()
    for review in reviews:
        await keep_side(engine, review.id, Side.SALESFORCE)
    world.practice.edit(untouched[1], {"city": "Mesa"})  # and life goes on with bases that are true
    await world.quiet()
    assert world.shown(Side.SALESFORCE, untouched[0], "city") == "Mesa"
    assert world.shown(Side.HINT, cleared[1], "email") is None
    await in_step(world)


async def test_t21_links_are_what_the_records_say_not_what_the_backup_says(world: Restorable) -> None:
    kept, parted, relinked, moved, deleted, merged = await people(world, 6)
    backup = await world.back_up()
    engine = await world.live()
    await unlink_by_hand(engine, parted[0])
    new = world.patient("Bea", "Hill", "1970-01-01")
    await confirmed_link(world, relinked[0], new)
    other = world.contact("Ann3", "Moor", "1913-03-04")
    await confirmed_link(world, other, moved[1])
    made = world.contact("Cid", "Vale", "1971-02-02"), world.patient("Cid", "Vale", "1971-02-02")
    await link_by_hand(engine, *made)
    await world.quiet()
    world.org.delete(deleted[0])
    survivor = world.contact("Ann5", "Moor", "1915-03-04")
    world.org.merge(merged[0], survivor)
    await world.quiet()
    records = shown(world)
    await world.lose_and_restore(backup)
    await world.start_again()
    assert await statuses(world) == {
        kept: LinkStatus.ACTIVE,
        (relinked[0], new): LinkStatus.ACTIVE,
        (other, moved[1]): LinkStatus.ACTIVE,
        made: LinkStatus.ACTIVE,
        (survivor, merged[1]): LinkStatus.ACTIVE,
        deleted: LinkStatus.SUSPENDED,
    }
    for pair in (parted, relinked, moved, merged):
        assert await world.store.declined("main", *pair)
    assert shown(world) == records
    ended = [entry for entry in await world.store.log("main") if entry.event == "ended-since-backup"]
    assert {(entry.contact_id, entry.patient_id) for entry in ended} == {parted, relinked, moved, merged}


@pytest.mark.parametrize("lost", [{"peer_id": None}, {"marked": False}])
async def test_t21_a_contact_that_lost_its_id_alone_or_its_tick_alone_was_edited_by_hand(
    world: Restorable, lost: dict[str, object]
) -> None:
    ((contact, patient),) = await people(world, 1)
    backup = await world.back_up()
    world.org.edit(contact, {}, **lost)
    await world.lose_and_restore(backup)
    await world.start_again()
    assert await statuses(world) == {(contact, patient): LinkStatus.ACTIVE}
    seen = world.org.shown(contact)
    assert (seen.peer_id, seen.marked) == (patient, True)


async def test_t21_a_side_that_shows_nobody_ends_no_link(world: Restorable) -> None:
    pairs = await people(world, 3)
    backup = await world.back_up()
    await world.lose_and_restore(backup)
    for contact, _ in pairs:
        world.org.delete(contact)
    engine = await world.live()
    assert CONFIRM not in await run_due(engine)
    assert {link.status for link in await world.store.live_pairs("main")} == {LinkStatus.FROZEN}
    for contact, _ in pairs:
        world.org.undelete(contact)
    world.clock.push(120)
    await world.start_again()
    assert {link.status for link in await world.store.live_pairs("main")} == {LinkStatus.ACTIVE}


async def test_t21_confirming_that_is_cut_off_anywhere_comes_to_the_same_end(
    world: Restorable, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, parted = await people(world, 2)
    backup = await world.back_up()
    await unlink_by_hand(await world.live(), parted[0])
    await world.lose_and_restore(backup)
    calls, reached = 0, True
    while reached:
        calls += 1
        reached = await cut_off_at(world, calls, monkeypatch)
        world.restart()
        world.clock.push(120)
    assert calls > 3
    await world.quiet()
    assert {(link.contact_id, link.status) for link in await world.store.live_pairs("main")} == {
        (kept[0], LinkStatus.ACTIVE)
    }
    state = await world.link_of(kept[0])
    assert "city" in state.base
    await in_step(world)


async def cut_off_at(world: Restorable, wanted: int, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Run what is due and die at the nth write to the store; say whether it came to that."""
    seen, store = [0], world.store

    def dying(method):  # type: ignore[no-untyped-def]
        async def call(*args, **kwargs):  # type: ignore[no-untyped-def]
            seen[0] += 1
            if seen[0] == wanted:
                raise Crash
            return await method(*args, **kwargs)

        return call

    engine = await world.live()
    with monkeypatch.context() as patch:
        for name in ("commit", "mark", "decline"):
            patch.setattr(store, name, dying(getattr(store, name)))
        try:
            await run_due(engine)
        except Crash:
            return True
    return False


@pytest.mark.parametrize("seed", range(4))
async def test_t21_random_lives_around_a_backup(world: Restorable, seed: int) -> None:
    dice = random.Random(seed)
    pairs = await people(world, 4)
    await live_on(world, dice, pairs, synced=True)
    backup = await world.back_up()
    await live_on(world, dice, pairs, synced=True)
    await live_on(world, dice, pairs, synced=False)
    before = {pair: world.values(pair) for pair in pairs}
    await world.lose_and_restore(backup)
    await world.start_again()
    assert {pair: world.values(pair) for pair in pairs} == before
    for pair in pairs:
        differing = {name for name in FIELDS if before[pair][Side.HINT, name] != before[pair][Side.SALESFORCE, name]}
        assert set(await world.held(pair)) == differing


async def live_on(world: Restorable, dice: random.Random, pairs: list[Pair], *, synced: bool) -> None:
    """Let people edit some fields; with `synced`, while the service works."""
    for _ in range(6):
        side, pair, name = dice.choice(list(Side)), dice.choice(pairs), dice.choice(FIELDS)
        replica = world.org if side is Side.SALESFORCE else world.practice
        value: Mapping[str, str | None] = {
            name: dice.choice([None, "Lynn", "Reno", f"{dice.randrange(3)}@example.org"])
        }
        replica.edit(pair[side is Side.HINT], value)
        world.clock.push(30)
        if synced:
            await world.quiet()
