"""T12 of the reliability tests: before a pass does a lot of harm it stops, writes nothing, and says why."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.fields import ConflictPolicy
from hintsync.core.plan import Outcome
from hintsync.core.records import LinkStatus, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.guards.approvals import approve
from hintsync.engine.guards.stops import pause, resume, stops_in_force
from hintsync.engine.pairs.by_hand import sync_by_hand
from hintsync.state.port import Run, RunKind, RunStatus
from tests.engine.guarded import Clinic
from tests.engine.world import World

Pass = Callable[[Engine], Awaitable[Run]]
PASSES = pytest.mark.parametrize("go", [sync_all, batch_patients], ids=["sync", "batch"])


async def stopped(clinic: Clinic, go: Pass, guard: str) -> Run:
    """Let a pass run into a guard; nothing may have been written on either side, and no link touched."""
    before = await links(clinic), shown(clinic)
    run = await go(await clinic.engine())
    assert run.status is RunStatus.STOPPED
    assert run.reason is not None
    assert run.reason.startswith(f"safety-stop: {guard}: ")
    assert (await links(clinic), shown(clinic)) == before
    return run


async def links(clinic: Clinic) -> list[tuple[str, LinkStatus, int]]:
    known = await clinic.world.store.live_pairs("main")
    return [(link.id, link.status, link.revision) for link in known]


def shown(clinic: Clinic) -> list[Snapshot]:
    """Return everything both sides show, change stamps included."""
    org = [clinic.world.org.shown(record_id) for record_id in clinic.contacts]
    practice = [clinic.world.practice.shown(record_id) for record_id in clinic.patients]
    return [replace(snapshot, read_at=0.0) for snapshot in (*org, *practice)]


@pytest.mark.parametrize(
    ("go", "empty"), [(batch_patients, Side.HINT), (batch_patients, Side.SALESFORCE), (sync_all, Side.HINT)]
)
async def test_t12_g2_one_side_empty(go: Pass, empty: Side):
    clinic = await Clinic.of(30)
    replica, ids = (
        (clinic.world.practice, clinic.patients) if empty is Side.HINT else (clinic.world.org, clinic.contacts)
    )
    for record_id in ids:
        replica.delete(record_id)
    run = await stopped(clinic, go, "G2")
    assert f"{empty} shows nobody" in str(run.reason)


@pytest.mark.parametrize("gone", list(Side))
async def test_t12_g3_more_than_a_twentieth_of_the_links_vanish(gone: Side):
    clinic = await Clinic.of(30)
    replica, ids = (
        (clinic.world.practice, clinic.patients) if gone is Side.HINT else (clinic.world.org, clinic.contacts)
    )
    for record_id in ids[:21]:
        replica.delete(record_id)
    run = await stopped(clinic, sync_all, "G3")
    assert "21 of 30 links" in str(run.reason)
    (stop,) = (await stops_in_force(await clinic.engine())).in_force
    assert stop.side is gone
    rows = await clinic.rows(str(stop.run_id))
    assert {row.outcome for row in rows} == {Outcome.SUSPENDED}
    assert {row.record_id for row in rows} == set(ids[:21])


@PASSES
@pytest.mark.parametrize("side", list(Side))
async def test_t12_g3_every_record_changed(go: Pass, side: Side):
    clinic = await Clinic.of(30)
    clinic.move(*range(30), side=side)
    run = await stopped(clinic, go, "G3")
    assert "30 of 30 links" in str(run.reason)
    assert "city 30" in str(run.reason)


@PASSES
async def test_t12_g3_what_was_held_back_is_done_once_an_administrator_approves_it(go: Pass):
    clinic = await Clinic.of(30)
    clinic.move(*range(25))
    run = await stopped(clinic, go, "G3")
    (stop,) = (await stops_in_force(await clinic.engine())).in_force
    clinic.move(0, to="Ely")  # edited after the plan was kept
    assert await approve(await clinic.engine(), str(stop.run_id)) == 25
    resumed = await (
        sync_all(await clinic.engine(), resume=run.id)
        if go is sync_all
        else batch_patients(await clinic.engine(), resume=run.id)
    )
    assert resumed.status is RunStatus.DONE
    assert clinic.moved() == 24
    assert clinic.city(0) == "Ely", "one change more than was approved is within what is tolerated"


async def test_t12_g3_a_batch_counts_the_pairs_it_syncs_and_not_those_it_links():
    clinic = await Clinic.of(25)
    for number in range(40):
        clinic.world.contact(f"Bea{number:03}", "Hill", "1990-05-06", city="Ely")
        clinic.world.patient(f"Bea{number:03}", "Hill", "1990-05-06", city="Reno")
    clinic.move(*range(20))
    run = await batch_patients(await clinic.engine())
    assert run.status is RunStatus.DONE
    assert clinic.moved() == 20
    clinic.world.clock.push(60)
    clinic.move(20, 21, to="Ely")
    run = await sync_all(await clinic.engine())
    assert str(run.reason).startswith("safety-stop: G3: changes in Hint: 22 of 65 links")


async def test_t12_g3_a_dry_run_stops_nothing_and_its_approval_lifts_the_guard():
    clinic = await Clinic.of(30)
    clinic.move(*range(30))
    plan = await batch_patients(await clinic.engine(), dry=True)
    assert plan.status is RunStatus.DONE
    assert (await stops_in_force(await clinic.engine())).in_force == ()
    run = await batch_patients(await clinic.engine(), approved=plan.id)
    assert run.status is RunStatus.DONE
    assert clinic.moved() == 30


@PASSES
@pytest.mark.parametrize("what", ["org", "sandbox", "practice"])
async def test_t12_g1_the_org_its_kind_or_the_practice_changed(go: Pass, what: str):
    clinic = await Clinic.of(2)
    world = clinic.world
    if what == "org":
        world.org.identity = replace(world.org.identity, id="00D000000000009AAA")
    elif what == "sandbox":
        world.org.identity = replace(world.org.identity, sandbox=not world.org.identity.sandbox)
    else:
        world.practice.identity = replace(world.practice.identity, id="prac-9")
    clinic.move(0, 1)
    await stopped(clinic, go, "G1")
    await stopped(clinic, go, "G1")


async def test_t12_g5_a_plan_is_not_carried_out_after_the_mapping_was_edited():
    clinic = await Clinic.of(1)
    clinic.move(0)
    plan = await batch_patients(await clinic.engine(), dry=True)
    clinic.world.options = replace(clinic.world.options, policies={"email": ConflictPolicy.HINT})
    with pytest.raises(BadInput, match="G5"):
        await batch_patients(await clinic.engine(), approved=plan.id)
    assert clinic.moved() == 0


async def test_t12_g5_a_plan_is_not_carried_out_after_a_systems_fields_changed():
    clinic = await Clinic.of(1)
    clinic.move(0)
    plan = await batch_patients(await clinic.engine(), dry=True)
    clinic.world.org.faults.max_length["city"] = 3
    with pytest.raises(BadInput, match="G5"):
        await batch_patients(await clinic.engine(), approved=plan.id)
    assert clinic.moved() == 0


@PASSES
async def test_a_pause_stops_a_pass_and_it_is_resumed_afterwards(go: Pass):
    clinic = await Clinic.of(3)
    clinic.move(0, 1, 2)
    await pause(await clinic.engine(), "the office moves")
    run = await stopped(clinic, go, "pause")
    assert "the office moves" in str(run.reason)
    await resume(await clinic.engine())
    engine = await clinic.engine()
    await (sync_all(engine, resume=run.id) if go is sync_all else batch_patients(engine, resume=run.id))
    assert clinic.moved() == 3


async def test_a_pause_lets_dry_runs_go_on():
    clinic = await Clinic.of(1)
    await pause(await clinic.engine())
    assert (await batch_patients(await clinic.engine(), dry=True)).status is RunStatus.DONE
    kinds = {run.kind for run in await clinic.world.store.runs("main")}
    assert kinds == {RunKind.BATCH_PATIENTS}


async def test_t15_a_batch_pauses_at_the_reserve_people_go_on_and_the_rest_is_done_later():
    world = World()
    pairs = [world.both(f"Ann{number:03}", "Moor", "1980-02-03", city="Elko") for number in range(900)]
    faults = world.practice.faults
    faults.limit_day(1_400, reserve_share=0.3)
    run = await batch_patients(await world.engine())
    assert run.status is RunStatus.STOPPED
    assert str(run.reason).startswith("budget-spent: hint: batch would go below the reserve of 420")
    linked = await world.store.live_pairs("main")
    assert 0 < len(linked) < 900
    assert world.practice.calls <= 980, "the reserve is untouched"
    contact = next(link.contact_id for link in linked if link.contact_id)
    world.org.edit(contact, {"city": "Reno"})
    assert (await sync_by_hand(await world.engine(), Side.SALESFORCE, contact)).done
    faults.limit_day(10**6)
    resumed = await batch_patients(await world.engine(), resume=run.id)
    assert resumed.status is RunStatus.DONE
    assert len(await world.store.live_pairs("main")) == len(pairs)


async def test_t15_a_dry_run_says_how_many_calls_the_day_lacks():
    world = World()
    for number in range(900):
        world.both(f"Ann{number:03}", "Moor", "1980-02-03")
    world.practice.faults.limit_day(3_000, reserve_share=0.1)
    fits = await batch_patients(await world.engine(), dry=True)
    assert fits.details["short_of"] == {}
    world.practice.faults.limit_day(world.practice.calls + 800, reserve_share=0.0)
    short = await batch_patients(await world.engine(), dry=True)
    cost = short.details["cost"]
    assert isinstance(cost, dict)
    left = world.practice.faults.budget
    assert left is not None
    assert short.details["short_of"] == {"hint": cost["hint"] - left.left}
