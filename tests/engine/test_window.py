"""Guards G3 and G7 over the last hour, as live work asks them."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.guards.approvals import approve, approved_prints
from hintsync.engine.guards.held import HeldWrite, keep_back
from hintsync.engine.guards.stops import may_write
from hintsync.engine.guards.window import NOTHING_HELD, Judged, admit, judge
from hintsync.engine.options import Options
from hintsync.state.live import Intent
from hintsync.state.port import RunKind, RunStatus
from tests.engine.guarded import Clinic
from tests.engine.world import World


async def passed(engine: Engine, intents: list[Intent]) -> Judged:
    """Judge intents and store those that may be carried out, as live work does."""
    judged = await judge(engine, intents)
    going_on = [intent for intent in intents if judged.stop(intent.link_id, intent.side) is None]
    await engine.store.intend("main", going_on)
    return judged


async def test_nothing_planned_asks_nobody():
    world = World()
    engine = await world.engine()
    calls = world.org.calls
    assert await judge(engine, []) is NOTHING_HELD
    assert world.org.calls == calls


async def test_g3_over_all_passes_within_an_hour_and_then_no_more():
    clinic = await Clinic.of(25)
    for number in range(20):
        engine = await clinic.engine()  # every pass in another process
        assert not (await passed(engine, [await clinic.intent(number)])).held
        clinic.world.clock.push(60)
    engine = await clinic.engine()
    one_more = await clinic.intent(20)
    judged = await judge(engine, [one_more])
    stop = judged.stop(one_more.link_id, Side.SALESFORCE)
    assert stop is not None
    assert (stop.guard, stop.side) == ("G3", Side.HINT)
    assert "21 of 25 links" in stop.reason
    assert "city 21" in stop.reason
    run = await clinic.run(str(stop.run_id))
    assert (run.kind, run.status, run.dry) == (RunKind.HELD, RunStatus.RUNNING, True)


async def test_g3_the_window_forgets_what_is_older_than_an_hour():
    clinic = await Clinic.of(25)
    engine = await clinic.engine()
    for number in range(20):
        await passed(engine, [await clinic.intent(number)])
    clinic.world.clock.push(3601)
    assert not (await passed(engine, [await clinic.intent(20)])).held


async def test_g3_stops_one_side_and_the_other_goes_on():
    clinic = await Clinic.of(25)
    engine = await clinic.engine()
    many = [await clinic.intent(number) for number in range(21)]
    back = await clinic.intent(24, side=Side.HINT)
    judged = await judge(engine, [*many, back])
    assert set(judged.held) == {(intent.link_id, Side.SALESFORCE) for intent in many}
    later = await judge(await clinic.engine(), [await clinic.intent(22), await clinic.intent(23, side=Side.HINT)])
    assert [side for _, side in later.held] == [Side.SALESFORCE]
    stops = await may_write(engine)
    assert stops.of_people is None


async def test_g3_counts_both_kinds_of_links_touched_and_a_suspension_counts():
    clinic = await Clinic.of(25)
    engine = await clinic.engine()
    await passed(engine, [await clinic.intent(number) for number in range(15)])
    suspended = [replace(await clinic.intent(number), prints={}) for number in range(15, 21)]
    assert len((await judge(engine, suspended)).held) == 6


async def test_g3_the_settings_of_the_connection_are_what_is_tolerated():
    clinic = await Clinic.of(4, World(options=Options(guard_at_least=2)))
    engine = await clinic.engine()
    assert not (await judge(engine, [await clinic.intent(n) for n in range(2)])).held
    assert (await judge(engine, [await clinic.intent(n) for n in range(3)])).held


async def test_g3_intents_that_another_worker_took_back_are_not_counted_although_they_were_seen():
    clinic = await Clinic.of(30)
    engine = await clinic.engine()
    other = [await clinic.intent(number) for number in range(15)]
    await clinic.world.store.intend("main", other)
    assert not (await judge(engine, [await clinic.intent(20)])).held
    clinic.world.clock.push(600)
    await clinic.world.store.withdraw("main", other)
    assert not (await judge(engine, [await clinic.intent(number) for number in range(10, 30)])).held


async def test_g3_two_workers_that_trip_at_once_keep_one_plan():
    clinic = await Clinic.of(25)
    first, second = await clinic.engine(), await clinic.engine()
    await may_write(first)
    await may_write(second)
    many = [await clinic.intent(number) for number in range(21)]
    one = await judge(first, many)
    two = await judge(second, many)
    assert set(one.held.values()) == set(two.held.values())
    waiting = [run for run in await clinic.world.store.runs("main") if run.status is RunStatus.RUNNING]
    assert len(waiting) == 1


async def test_g7_a_field_written_three_times_in_an_hour_is_left_and_others_are_not():
    clinic = await Clinic.of(1)
    engine = await clinic.engine()
    for city in ("Reno", "Elko", "Ely"):
        clinic.world.clock.push(60)
        judged = await passed(engine, [await clinic.intent(0, city)])
        assert not judged.loops
    clinic.world.clock.push(60)
    again = await clinic.intent(0, "Fallon")
    email = {"email": engine.fingerprinter((await clinic.state(0)).link.salt).of("email", "ann@example.org")}
    judged = await judge(engine, [replace(again, prints={**again.prints, **email})])
    assert judged.loops == {again.link_id: {"city"}}
    clinic.world.clock.push(3600)
    assert not (await judge(engine, [await clinic.intent(0, "Fallon")])).loops


async def test_g7_to_and_fro_between_the_sides_is_seen_across_workers():
    clinic = await Clinic.of(1)
    await passed(await clinic.engine(), [await clinic.intent(0, "Reno")])
    clinic.world.clock.push(1)
    await passed(await clinic.engine(), [await clinic.intent(0, "Elko", side=Side.HINT)])
    clinic.world.clock.push(1)
    judged = await judge(await clinic.engine(), [await clinic.intent(0, "Reno")])
    assert list(judged.loops.values()) == [{"city"}]


async def test_what_was_approved_is_neither_held_nor_counted():
    clinic = await Clinic.of(45)
    engine = await clinic.engine()
    many = [await clinic.intent(number) for number in range(21)]
    stop = next(iter((await judge(engine, many)).held.values()))
    links = {(await clinic.state(number)).link.id: (await clinic.state(number)).link for number in range(21)}
    held = [HeldWrite(links[intent.link_id], Side.SALESFORCE, intent.prints) for intent in many]
    await keep_back(engine, stop, held)
    assert await approve(engine, str(stop.run_id)) == 21
    fresh = await clinic.engine()
    assert await approved_prints(fresh, many[0].link_id) == {Side.SALESFORCE: many[0].prints}
    assert not (await passed(fresh, many)).held
    other = [await clinic.intent(number) for number in range(21, 41)]
    assert not (await passed(fresh, other)).held, "twenty more are tolerated on top of what was approved"
    edited = await clinic.intent(0, "Ely")
    assert (await judge(fresh, [edited])).held, "another value was not approved"


async def test_g3_two_workers_that_plan_at_once_cannot_both_pass():
    clinic = await Clinic.of(60)
    first, second = await clinic.engine(), await clinic.engine()
    one = [await clinic.intent(number) for number in range(15)]
    two = [await clinic.intent(number) for number in range(20, 35)]
    judged = await asyncio.gather(admit(first, one), admit(second, two))
    passed = sum(len(each.noted) for each in judged)
    assert passed <= 20
    assert sum(len(each.held) for each in judged) == 30 - passed
    assert len(await clinic.world.store.intents("main", since=0.0)) == passed


async def test_what_is_admitted_is_noted_and_what_is_held_or_goes_in_circles_is_not():
    clinic = await Clinic.of(30)
    engine = await clinic.engine()
    for city in ("Reno", "Elko", "Ely"):
        clinic.world.clock.push(60)
        await admit(engine, [await clinic.intent(0, city)])
    clinic.world.clock.push(60)
    again = await clinic.intent(0, "Fallon")
    email = {"email": engine.fingerprinter((await clinic.state(0)).link.salt).of("email", "ann@example.org")}
    judged = await admit(engine, [replace(again, prints={**again.prints, **email})])
    assert judged.loops == {again.link_id: {"city"}}
    assert [intent.prints for intent in judged.noted] == [email]
    many = [await clinic.intent(number) for number in range(1, 30)]
    assert not (await admit(engine, many)).noted
    stored = await clinic.world.store.intents("main", since=0.0)
    assert {intent.link_id for intent in stored} == {again.link_id}
    assert len(stored) == 4


async def test_nothing_stays_noted_when_the_guards_cannot_be_asked():
    clinic = await Clinic.of(1)
    engine = await clinic.engine()
    clinic.world.org.faults.fail()
    with pytest.raises(RetryLater):
        await admit(engine, [await clinic.intent(0)])
    assert await clinic.world.store.intents("main", since=0.0) == []
