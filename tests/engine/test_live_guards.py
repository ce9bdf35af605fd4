"""The guards in live work: T12, T15 and G7 as workers meet them."""

from __future__ import annotations

import pytest

from hintsync.core.records import HoldKind, LinkStatus
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.guards.approvals import acknowledge, approve
from hintsync.engine.guards.stops import pause, resume, stops_in_force
from hintsync.engine.live.work import Worked, work_once
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import sync_by_hand
from hintsync.state.live import Lane, Mark, Stop
from hintsync.state.port import ReviewKind
from tests.engine.guarded import Clinic
from tests.engine.world import World


async def mark(clinic: Clinic, *numbers: int, side: Side = Side.HINT, lane: Lane = Lane.LIVE) -> None:
    at = clinic.world.clock.now().timestamp()
    ids = clinic.patients if side is Side.HINT else clinic.contacts
    await clinic.world.store.mark("main", [Mark(side, ids[number], "webhook", at, lane) for number in numbers])


async def drain(clinic: Clinic, engine: Engine | None = None) -> list[Worked]:
    """Work until nothing is due."""
    engine = engine or await clinic.engine()
    worked = []
    while (group := await work_once(engine, "worker")).claimed:
        worked.append(group)
        assert len(worked) < 100
    return worked


async def only_stop(clinic: Clinic) -> Stop:
    (stop,) = (await stops_in_force(await clinic.engine())).in_force
    return stop


async def waiting(clinic: Clinic) -> int:
    return len(await clinic.world.store.dirty("main", parked=False))


@pytest.mark.parametrize("side", list(Side))
async def test_t12_g3_every_record_changed_halts_that_side_and_loses_nothing(side: Side):
    clinic = await Clinic.of(30)
    clinic.move(*range(30), side=side)
    await mark(clinic, *range(30), side=side)
    await drain(clinic)
    assert clinic.moved(side=side.other) == 0
    stop = await only_stop(clinic)
    assert (stop.guard, stop.side) == ("G3", side)
    assert "30 of 30 links" in stop.reason
    assert len(await clinic.rows(str(stop.run_id))) == 30
    assert await waiting(clinic) == 30
    assert await clinic.world.store.dirty("main", parked=True) == []


async def test_g3_what_a_plan_keeps_is_not_read_again_and_again():
    clinic = await Clinic.of(30)
    clinic.move(*range(22))
    await mark(clinic, *range(22))
    worker = await clinic.engine()
    await drain(clinic, worker)
    clinic.world.clock.push(600)
    await drain(clinic, worker)  # asks who the systems are and what their fields are
    calls = clinic.world.org.calls + clinic.world.practice.calls
    clinic.world.clock.push(590)
    await drain(clinic, worker)
    assert clinic.world.org.calls + clinic.world.practice.calls == calls
    clinic.world.clock.push(7200)
    await drain(clinic, worker)
    assert clinic.moved() == 0, "it is still held back when it is looked at again"
    assert await waiting(clinic) == 22


async def test_t12_g3_the_other_side_and_people_go_on_while_one_side_is_stopped():
    clinic = await Clinic.of(30)
    clinic.move(*range(22))
    await mark(clinic, *range(22))
    await drain(clinic)
    clinic.move(25, side=Side.SALESFORCE)
    await mark(clinic, 25, side=Side.SALESFORCE)
    await mark(clinic, 3, lane=Lane.INTERACTIVE)
    await drain(clinic)
    assert clinic.city(25, Side.HINT) == "Reno"
    assert clinic.city(3) == "Reno", "a person waits for it"
    assert (await sync_by_hand(await clinic.engine(), Side.HINT, clinic.patients[4])).done
    assert clinic.moved() == 3


async def test_t12_g3_approved_work_is_done_and_what_changed_since_is_judged_anew():
    clinic = await Clinic.of(30)
    clinic.move(*range(22))
    await mark(clinic, *range(22))
    await drain(clinic)
    clinic.move(*range(20, 30), to="Ely")
    await mark(clinic, *range(20, 30))
    assert await approve(await clinic.engine(), str((await only_stop(clinic)).run_id)) == 22
    await drain(clinic)
    assert (clinic.moved(), clinic.moved("Ely")) == (20, 10), "ten more are within what is tolerated"
    assert (await stops_in_force(await clinic.engine())).in_force == ()
    assert await waiting(clinic) == 0


async def test_t12_g3_what_is_held_back_later_joins_the_plan_until_it_is_approved_and_then_a_new_one_begins():
    clinic = await Clinic.of(60)
    clinic.move(*range(22))
    await mark(clinic, *range(22))
    await drain(clinic)
    first = await only_stop(clinic)
    clinic.move(22, 23)
    await mark(clinic, 22, 23)
    await drain(clinic)
    assert len(await clinic.rows(str(first.run_id))) == 24
    await approve(await clinic.engine(), str(first.run_id))
    await drain(clinic)
    assert clinic.moved() == 24
    clinic.move(*range(30, 60))
    await mark(clinic, *range(30, 60))
    await drain(clinic)
    second = await only_stop(clinic)
    assert second.run_id != first.run_id
    assert len(await clinic.rows(str(second.run_id))) == 30
    assert clinic.moved() == 24


async def test_t12_g3_a_stop_that_is_lifted_without_an_approval_comes_again():
    clinic = await Clinic.of(30)
    clinic.move(*range(22))
    await mark(clinic, *range(22))
    await drain(clinic)
    first = await only_stop(clinic)
    await acknowledge(await clinic.engine(), "G3")
    await drain(clinic)
    assert (await only_stop(clinic)).run_id != first.run_id
    assert clinic.moved() == 0
    clinic.move(*range(5), to="Elko")  # somebody takes some of it back
    await acknowledge(await clinic.engine(), "G3")
    await drain(clinic)
    assert clinic.moved() == 17
    assert await waiting(clinic) == 0


@pytest.mark.parametrize("gone", list(Side))
async def test_t12_g3_more_than_a_twentieth_of_the_links_vanish(gone: Side):
    clinic = await Clinic.of(30)
    replica, ids = (
        (clinic.world.practice, clinic.patients) if gone is Side.HINT else (clinic.world.org, clinic.contacts)
    )
    for record_id in ids[:22]:
        replica.delete(record_id)
    await mark(clinic, *range(22), side=gone)
    await drain(clinic)
    assert {link.status for link in await clinic.world.store.live_pairs("main")} == {LinkStatus.ACTIVE}
    stop = await only_stop(clinic)
    assert (stop.guard, stop.side) == ("G3", gone)
    await approve(await clinic.engine(), str(stop.run_id))
    await drain(clinic)
    statuses = [link.status for link in await clinic.world.store.live_pairs("main")]
    assert statuses.count(LinkStatus.SUSPENDED) == 22


async def test_t12_g1_another_org_is_not_written_to_and_nothing_is_claimed():
    clinic = await Clinic.of(2)
    clinic.move(0, 1)
    await mark(clinic, 0, 1)
    await mark(clinic, 1, lane=Lane.INTERACTIVE)
    clinic.world.org.identity = type(clinic.world.org.identity)(Side.SALESFORCE, "00D9", "Copy", sandbox=True)
    assert await drain(clinic) == []
    assert (await only_stop(clinic)).guard == "G1"
    assert (clinic.moved(), await waiting(clinic)) == (0, 2)


async def test_a_pause_lets_only_people_go_on_and_loses_nothing():
    clinic = await Clinic.of(2)
    clinic.move(0, 1)
    await mark(clinic, 0)
    await mark(clinic, 1, lane=Lane.INTERACTIVE)
    worker = await clinic.engine()
    await pause(await clinic.engine())
    await drain(clinic, worker)
    assert (clinic.city(0), clinic.city(1)) == ("Elko", "Reno")
    await resume(await clinic.engine())
    clinic.world.clock.push(1)
    await drain(clinic, worker)
    assert clinic.moved() == 2


async def test_g7_a_two_way_field_that_goes_in_circles_is_held_and_reviewed_and_others_go_on():
    clinic = await Clinic.of(1)
    for city in ("Reno", "Ely", "Fallon", "Minden"):
        clinic.move(0, to=city)
        clinic.world.practice.edit(clinic.patients[0], {"email": f"{city.lower()}@example.org"})
        await mark(clinic, 0)
        await drain(clinic)
        clinic.world.clock.push(60)
    contact = clinic.world.org.shown(clinic.contacts[0])
    assert (contact.values["city"], contact.values["email"]) == ("Fallon", "fallon@example.org")
    holds = (await clinic.state(0)).holds
    assert {name: (hold.kind, hold.row) for name, hold in holds.items()} == {
        "city": (HoldKind.LOOP, "G7"),
        "email": (HoldKind.LOOP, "G7"),
    }
    reviews = await clinic.world.store.reviews("main", kind=ReviewKind.CONFLICT)
    assert {review.field_name for review in reviews} == {"city", "email"}
    clinic.world.clock.push(3600)
    clinic.world.practice.edit(clinic.patients[0], {"city": "Elko", "email": "ann@example.org"})
    await mark(clinic, 0)
    await drain(clinic)
    assert clinic.city(0) == "Elko", "a new value an hour later is an ordinary edit"
    assert (await clinic.state(0)).holds == {}


async def test_g7_a_one_way_field_is_left_and_reported():
    clinic = await Clinic.of(1)
    name = next(row.name for row in (await clinic.engine()).table if row.one_way)
    said = clinic.world.practice.shown(clinic.patients[0]).values[name]
    clinic.world.practice.edit(clinic.patients[0], {name: "active"})
    for _ in range(5):
        clinic.world.org.edit(clinic.contacts[0], {name: "tampered"})
        await mark(clinic, 0, side=Side.SALESFORCE)
        await drain(clinic)
        clinic.world.clock.push(60)
    assert clinic.world.org.shown(clinic.contacts[0]).values[name] == "tampered"
    assert (await clinic.state(0)).holds == {}
    told = [entry for entry in await clinic.world.store.log("main") if entry.event == "written-in-circles"]
    assert told
    assert told[0].fields == (name,)
    clinic.world.clock.push(3600)
    clinic.world.org.edit(clinic.contacts[0], {name: "again"})
    await mark(clinic, 0, side=Side.SALESFORCE)
    await drain(clinic)
    assert clinic.world.org.shown(clinic.contacts[0]).values[name] == "active", said


async def test_t15_the_budget_runs_down_in_order_and_people_are_last():
    clinic = await Clinic.of(8, World(options=Options(salesforce_reserve=0.2)))
    clinic.move(*range(8))
    for number, lane in enumerate((Lane.PARITY, Lane.CATCH_UP, Lane.LIVE, Lane.INTERACTIVE)):
        await mark(clinic, number, lane=lane)
    worker = await clinic.engine()
    used = clinic.world.practice.calls
    clinic.world.practice.faults.limit_day(used + 3, reserve_share=0.9)
    await drain(clinic, worker)
    assert [clinic.city(number) for number in range(4)] == ["Elko", "Elko", "Elko", "Reno"]
    assert await waiting(clinic) == 3
    clinic.world.practice.faults.limit_day(10**6)
    clinic.world.clock.push(7200)
    await drain(clinic, worker)
    assert [clinic.city(number) for number in range(4)] == ["Reno"] * 4
    assert await waiting(clinic) == 0


async def test_t15_a_budget_that_falls_to_zero_in_the_middle_loses_nothing():
    clinic = await Clinic.of(15)
    clinic.move(*range(15))
    await mark(clinic, *range(15))
    worker = await clinic.engine()
    limit = clinic.world.practice.calls + 7
    clinic.world.practice.faults.limit_day(limit, reserve_share=0.0)
    await drain(clinic, worker)
    assert clinic.world.practice.calls <= limit
    assert clinic.moved() + await waiting(clinic) >= 15, "what was not done still waits"
    clinic.world.practice.faults.limit_day(10**6)
    for _ in range(5):
        clinic.world.clock.push(7200)
        await drain(clinic, worker)
    assert (clinic.moved(), await waiting(clinic)) == (15, 0)
