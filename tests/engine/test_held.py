"""What guard G3 held back: kept without values, approved as it is, done only as far as it still fits."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.guards import Trip
from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.engine.guards.approvals import APPROVAL_AGE, acknowledge, approve, approved_prints, seal_of
from hintsync.engine.guards.held import HeldWrite, drop_plan, keep_back, start_plan
from hintsync.engine.guards.stops import stop_of, stops_in_force, trip
from hintsync.state.live import Lane, Stop
from hintsync.state.port import Commit, RunStatus
from tests.engine.guarded import Clinic


async def stopped(clinic: Clinic) -> Stop:
    """Put a stop with an empty plan in force."""
    engine = await clinic.engine()
    plan = await start_plan(engine, Side.HINT)
    stop = stop_of(engine, Trip("G3", "too many"), Side.HINT, plan.id)
    assert await trip(engine, stop)
    return stop


async def held(clinic: Clinic, number: int, value: str = "Reno") -> HeldWrite:
    intent = await clinic.intent(number, value)
    return HeldWrite((await clinic.state(number)).link, Side.SALESFORCE, intent.prints, {Side.HINT: "stamp#print"})


async def test_a_kept_plan_has_a_row_a_pair_with_names_and_prints_and_grows():
    clinic = await Clinic.of(3)
    stop = await stopped(clinic)
    await keep_back(await clinic.engine(), stop, [await held(clinic, 0), await held(clinic, 1)])
    await keep_back(await clinic.engine(), stop, [await held(clinic, 1, "Ely"), await held(clinic, 2)])
    rows = {row.record_id: row for row in await clinic.rows(str(stop.run_id))}
    assert set(rows) == set(clinic.patients)
    row = rows[clinic.patients[1]]
    assert (row.outcome, row.rule, row.peers) == (Outcome.SYNCED, "G3", (clinic.contacts[1],))
    assert row.written == {Side.SALESFORCE: ("city",)}
    assert row.versions == {Side.HINT: "stamp#print"}
    assert row.prints == {Side.SALESFORCE: (await clinic.intent(1, "Ely")).prints}, "the latest plan counts"


async def test_two_workers_add_to_one_plan_at_once_and_nothing_is_lost():
    clinic = await Clinic.of(40)
    stop = await stopped(clinic)
    writes = [await held(clinic, number) for number in range(40)]
    engines = [await clinic.engine() for _ in range(4)]
    await asyncio.gather(*(keep_back(engine, stop, writes[start::4]) for start, engine in enumerate(engines)))
    assert len(await clinic.rows(str(stop.run_id))) == 40


async def test_a_plan_that_is_held_by_another_worker_is_waited_for():
    clinic = await Clinic.of(1)
    stop = await stopped(clinic)
    run_id, now = str(stop.run_id), clinic.world.clock.now().timestamp()
    await clinic.world.store.lease_run(run_id, "another", now, now + 5)
    await keep_back(await clinic.engine(), stop, [await held(clinic, 0)])
    assert clinic.world.clock.now().timestamp() >= now + 5
    assert len(await clinic.rows(run_id)) == 1


async def test_an_approval_ends_the_stop_seals_the_plan_and_marks_its_records():
    clinic = await Clinic.of(2)
    stop = await stopped(clinic)
    await clinic.world.store.intend("main", [await clinic.intent(0), await clinic.intent(1, side=Side.HINT)])
    await keep_back(await clinic.engine(), stop, [await held(clinic, 0)])
    admin = await clinic.engine()
    admin.actor = "ada"
    seen = await seal_of(admin, str(stop.run_id))
    assert await approve(admin, str(stop.run_id), seal=seen) == 1
    run = await clinic.run(str(stop.run_id))
    assert (run.status, run.approved_by, run.seal) == (RunStatus.DONE, "ada", seen)
    assert (await stops_in_force(await clinic.engine())).in_force == ()
    (dirty,) = await clinic.world.store.dirty("main")
    assert (dirty.side, dirty.record_id, dirty.lane) == (Side.HINT, clinic.patients[0], Lane.CATCH_UP)
    left = await clinic.world.store.intents("main", since=0.0)
    assert [intent.side for intent in left] == [Side.HINT], "only the stopped side's window is forgotten"
    audits = await clinic.world.store.audit("main", chain=f"run:{run.id}")
    assert [(each.event.action, each.event.actor) for each in audits] == [("approved", "ada")]


async def test_an_approval_of_what_was_not_seen_is_refused():
    clinic = await Clinic.of(2)
    stop = await stopped(clinic)
    engine, run_id = await clinic.engine(), str(stop.run_id)
    await keep_back(engine, stop, [await held(clinic, 0)])
    seen = await seal_of(engine, run_id)
    await keep_back(engine, stop, [await held(clinic, 1)])
    with pytest.raises(BadInput, match="not what was seen"):
        await approve(engine, run_id, seal=seen)
    assert (await stops_in_force(engine)).in_force
    assert await approve(engine, run_id, seal=await seal_of(engine, run_id)) == 2


async def test_an_approval_that_was_cut_off_is_finished_by_approving_again():
    clinic = await Clinic.of(1)
    stop = await stopped(clinic)
    run_id = str(stop.run_id)
    await keep_back(await clinic.engine(), stop, [await held(clinic, 0)])
    run = await clinic.run(run_id)
    seal = await seal_of(await clinic.engine(), run_id)
    ended = replace(run, status=RunStatus.DONE, seal=seal, approved_by="ada", finished_at="2026-03-02T11:00:00Z")
    await clinic.world.store.save_run(ended)
    assert await approve(await clinic.engine(), run_id) == 1
    assert (await stops_in_force(await clinic.engine())).in_force == ()
    with pytest.raises(BadInput, match="approved already"):
        await approve(await clinic.engine(), run_id)


async def test_a_plan_takes_no_more_once_it_is_approved_or_dropped():
    clinic = await Clinic.of(2)
    stop = await stopped(clinic)
    engine, run_id = await clinic.engine(), str(stop.run_id)
    assert await keep_back(engine, stop, [await held(clinic, 0)])
    await approve(engine, run_id)
    assert not await keep_back(engine, stop, [await held(clinic, 1)])
    assert len(await clinic.rows(run_id)) == 1
    assert await approved_prints(await clinic.engine(), (await clinic.state(1)).link.id) is None
    other = await stopped(clinic)
    await drop_plan(engine, str(other.run_id), "looked at")
    await keep_back(engine, other, [await held(clinic, 1)])
    assert await clinic.rows(str(other.run_id)) == []
    with pytest.raises(BadInput, match="aborted: looked at"):
        await approve(engine, str(other.run_id))


async def test_no_run_but_a_kept_plan_is_approved_so():
    clinic = await Clinic.of(1)
    (batch,) = await clinic.world.store.runs("main")
    with pytest.raises(BadInput, match="not a plan that a guard kept"):
        await approve(await clinic.engine(), batch.id)
    with pytest.raises(BadInput, match="no run run-none"):
        await approve(await clinic.engine(), "run-none")


async def test_a_stop_that_is_acknowledged_drops_its_plan_and_lets_the_guards_look_anew():
    clinic = await Clinic.of(2)
    stop = await stopped(clinic)
    engine, run_id = await clinic.engine(), str(stop.run_id)
    await clinic.world.store.intend("main", [await clinic.intent(1)])
    await keep_back(engine, stop, [await held(clinic, 0)])
    with pytest.raises(BadInput, match="no stop of G3 for salesforce"):
        await acknowledge(engine, "G3", Side.SALESFORCE)
    assert await acknowledge(engine, "G3") == [stop]
    assert (await clinic.run(run_id)).status is RunStatus.ABORTED
    assert (await stops_in_force(engine)).in_force == ()
    assert await clinic.world.store.intents("main", since=0.0) == []
    assert [dirty.record_id for dirty in await clinic.world.store.dirty("main")] == [clinic.patients[0]]
    assert await approved_prints(await clinic.engine(), (await clinic.state(0)).link.id) is None


async def approved_one(clinic: Clinic) -> str:
    """Approve the move of the first pair; return the plan's id."""
    stop = await stopped(clinic)
    await keep_back(await clinic.engine(), stop, [await held(clinic, 0)])
    await approve(await clinic.engine(), str(stop.run_id))
    return str(stop.run_id)


async def test_an_approval_is_good_for_two_days():
    clinic = await Clinic.of(1)
    await approved_one(clinic)
    link_id = (await clinic.state(0)).link.id
    clinic.world.clock.push(APPROVAL_AGE)
    assert await approved_prints(await clinic.engine(), link_id) is not None
    clinic.world.clock.push(1)
    assert await approved_prints(await clinic.engine(), link_id) is None


async def test_an_approval_is_seen_by_workers_that_are_running():
    clinic = await Clinic.of(1)
    worker, link_id = await clinic.engine(), (await clinic.state(0)).link.id
    assert await approved_prints(worker, link_id) is None
    await approved_one(clinic)
    clinic.world.clock.push(1)
    assert await approved_prints(worker, link_id) is not None


async def test_rows_that_were_changed_after_the_seal_are_not_approved():
    clinic = await Clinic.of(1)
    run_id = await approved_one(clinic)
    (row,) = await clinic.rows(run_id)
    forged = replace(row, prints={Side.SALESFORCE: (await clinic.intent(0, "Ely")).prints})
    await clinic.world.store.commit(Commit(rows=[forged]))
    assert await approved_prints(await clinic.engine(), (await clinic.state(0)).link.id) is None


async def test_g5_a_plan_made_with_other_fields_or_another_mapping_is_not_approved():
    clinic = await Clinic.of(1)
    await approved_one(clinic)
    link_id = (await clinic.state(0)).link.id
    assert await approved_prints(await clinic.engine(), link_id) is not None
    clinic.world.org.faults.hidden.add("email")
    assert await approved_prints(await clinic.engine(), link_id) is None
