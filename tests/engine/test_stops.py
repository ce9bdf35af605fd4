"""Stops: put in force by guards and people, seen by every worker, ended by people only."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput, RetryLater, SafetyStop
from hintsync.core.values import Side
from hintsync.engine.guards.stops import (
    Desk,
    Stops,
    acknowledge_identity,
    ensure_pinned,
    ensure_running,
    lift,
    may_write,
    pause,
    repin,
    resume,
    stops_in_force,
    trip,
)
from hintsync.engine.pairs.by_hand import sync_by_hand
from hintsync.state.live import Stop
from tests.engine.guarded import Clinic
from tests.engine.world import World


def stop(guard: str, side: Side | None = None) -> Stop:
    return Stop("main", guard, side, "told to", "2026-03-02T09:00:00Z")


def test_a_stop_of_one_side_leaves_the_other_and_people_alone():
    stops = Stops((stop("G3", Side.HINT),))
    assert stops.of_changes(Side.HINT) == stop("G3", Side.HINT)
    assert stops.of_changes(Side.SALESFORCE) is None
    assert stops.of_work is None
    assert stops.of_people is None


@pytest.mark.parametrize(("guard", "people"), [("G1", True), ("pause", False), ("G2", False)])
def test_a_stop_without_a_side_holds_all_automatic_work(guard: str, people: bool):
    stops = Stops((stop(guard),))
    assert stops.of_work == stops.of_changes(Side.HINT) == stop(guard)
    assert (stops.of_people is not None) is people


async def test_a_pause_is_seen_by_another_worker_within_a_second():
    world = World()
    worker, desk = await world.engine(), await world.engine()
    assert (await may_write(worker)).of_work is None
    assert await pause(desk, "the office moves")
    world.clock.push(1.0)
    seen = (await may_write(worker)).of_work
    assert seen is not None
    assert (seen.guard, seen.reason) == ("pause", "the office moves")
    assert await resume(desk)
    world.clock.push(1.0)
    assert (await may_write(worker)).of_work is None


async def test_pausing_twice_keeps_the_first_reason_and_resuming_twice_does_nothing():
    engine = await World().engine()
    assert await pause(engine, "first")
    assert not await pause(engine, "second")
    (kept,) = (await stops_in_force(engine)).in_force
    assert kept.reason == "first"
    assert await resume(engine)
    assert not await resume(engine)


async def test_within_a_second_nothing_is_asked_again():
    world = World()
    engine = await world.engine()
    await may_write(engine)
    calls = world.org.calls + world.practice.calls
    await world.store.put_stop(stop("pause"))
    assert (await may_write(engine)).in_force == ()
    assert world.org.calls + world.practice.calls == calls


async def test_a_pause_stops_a_pass_and_people_go_on():
    clinic = await Clinic.of(1)
    engine = await clinic.engine()
    await pause(engine)
    with pytest.raises(SafetyStop, match="pause"):
        await ensure_running(engine)
    clinic.move(0)
    assert (await sync_by_hand(engine, Side.HINT, clinic.patients[0])).done
    assert clinic.city(0) == "Reno"


async def test_a_desk_pauses_although_neither_system_answers():
    world = World()
    engine = await world.engine()
    world.org.faults.revoke()
    world.practice.faults.revoke()
    desk = Desk(engine.connection, world.store, world.clock, "ada")
    assert await pause(desk, "key revoked")
    (kept,) = await world.store.stops("main")
    assert kept.reason == "key revoked"
    assert await resume(desk)


async def test_stops_are_logged_and_audited_with_who_did_it():
    world = World()
    engine = await world.engine()
    engine.actor = "ada"
    await pause(engine, "the office moves")
    await resume(engine)
    told = [(each.event.action, each.event.actor) for each in await world.store.audit("main", chain="connection")]
    assert told == [("paused", "ada"), ("resumed", "ada")]
    assert {entry.event for entry in await world.store.log("main")} == {
        "automatic-work-paused",
        "automatic-work-resumed",
    }


async def test_g1_identity_is_asked_before_the_first_write_and_then_every_ten_minutes():
    world = World()
    engine = await world.engine()
    before = world.org.calls, world.practice.calls
    await may_write(engine)
    assert (world.org.calls, world.practice.calls) == (before[0] + 1, before[1] + 1)
    world.clock.push(599)
    await may_write(engine)
    assert (world.org.calls, world.practice.calls) == (before[0] + 1, before[1] + 1)
    world.clock.push(1)
    await may_write(engine)
    assert (world.org.calls, world.practice.calls)[0] > before[0] + 1


async def test_g1_a_system_that_does_not_answer_is_no_other_system():
    world = World()
    engine = await world.engine()
    world.org.faults.fail()
    with pytest.raises(RetryLater):
        await may_write(engine)
    assert await world.store.stops("main") == []
    assert (await may_write(engine)).in_force == ()


@pytest.mark.parametrize("what", ["org", "sandbox", "practice"])
async def test_g1_another_system_stops_everything_people_included_until_it_is_pinned_anew(what: str):
    clinic = await Clinic.of(1)
    world = clinic.world
    if what == "org":
        world.org.identity = replace(world.org.identity, id="00D000000000009AAA")
    elif what == "sandbox":
        world.org.identity = replace(world.org.identity, sandbox=not world.org.identity.sandbox)
    else:
        world.practice.identity = replace(world.practice.identity, id="prac-9")
    engine = await clinic.engine()
    clinic.move(0)
    with pytest.raises(SafetyStop, match="G1"):
        await sync_by_hand(engine, Side.HINT, clinic.patients[0])
    other = await clinic.engine()  # another process learns of it without asking who answers
    with pytest.raises(SafetyStop, match="G1"):
        await ensure_pinned(other)
    assert clinic.city(0) == "Elko"
    with pytest.raises(BadInput, match="--repin"):
        await acknowledge_identity(other)
    await repin(other)
    assert (await sync_by_hand(other, Side.HINT, clinic.patients[0])).done
    assert clinic.city(0) == "Reno"
    assert (await sync_by_hand(await clinic.engine(), Side.HINT, clinic.patients[0])).done


async def test_g1_who_pins_anew_takes_back_nothing_that_others_learned_meanwhile():
    world = World()
    engine = await world.engine()
    stored = await world.store.connection("main")
    assert stored is not None
    await world.store.put_connection(replace(stored, facts={**stored.facts, "learned": "since"}))
    world.org.identity = replace(world.org.identity, id="00D000000000009AAA")
    pinned = await repin(engine)
    after = await world.store.connection("main")
    assert after == pinned == engine.connection
    assert (after.org_id, after.facts["learned"]) == ("00D000000000009AAA", "since")


async def test_g1_the_stop_stays_although_the_right_system_is_back_until_someone_looks():
    world = World()
    pinned = world.org.identity
    engine = await world.engine()
    world.org.identity = replace(pinned, id="00D000000000009AAA")
    assert (await may_write(engine)).of_people is not None
    world.org.identity = pinned
    world.clock.push(3600)
    assert (await may_write(engine)).of_people is not None
    assert await acknowledge_identity(engine)
    assert (await may_write(engine)).of_people is None


async def test_lifting_a_stop_that_is_not_in_force_tells_nobody():
    world = World()
    engine = await world.engine()
    assert not await lift(engine, "G3", Side.HINT)
    assert await world.store.audit("main", chain="connection") == []


async def test_a_stop_that_is_in_force_already_is_told_once():
    world = World()
    engine = await world.engine()
    assert await trip(engine, stop("G3", Side.HINT))
    assert not await trip(engine, stop("G3", Side.HINT))
    assert await trip(engine, stop("G3", Side.SALESFORCE))
    assert len(await world.store.audit("main", chain="connection")) == 2
