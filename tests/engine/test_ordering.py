"""Runs that people order and workers find: begun once, gone on with after a death, aborted wherever they are."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput, RetryLater
from hintsync.engine.batch.contact_list import drop_draft, keep_draft, load_draft
from hintsync.engine.context import Engine
from hintsync.engine.runs import ordering
from hintsync.engine.runs.life import LEASE
from hintsync.engine.runs.ordered import TRIES, Standing, next_ordered, put_back, standing_of, take_up, work_ordered
from hintsync.engine.runs.ordering import BatchOrder, order_abort, order_batch, order_plan, order_resume
from hintsync.engine.workers import worker_name
from hintsync.state.port import Run, RunHeld, RunKind, RunStatus
from tests.engine.world import World, listing

BORN = "1980-05-06"
PATIENTS = BatchOrder(RunKind.BATCH_PATIENTS)
#: Lives on another host, where nobody can see whether it is dead.
ELSEWHERE = "other-host/elsewhere/4711/1"


async def at(world: World) -> Engine:
    return replace(await world.engine(), actor="user:005000000000001AAA")


async def stored(world: World, run: Run) -> Run:
    found = await world.store.run(run.id)
    assert found is not None
    return found


def standing(world: World, run: Run) -> Standing:
    return standing_of(run, world.clock.now().timestamp())


async def test_b3_what_is_ordered_is_a_row_until_a_worker_takes_it():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    run = await order_batch(await at(world), PATIENTS)
    assert standing(world, await stored(world, run)) is Standing.WAITING
    engine = await world.engine()
    assert await next_ordered(engine) == await stored(world, run)
    assert await take_up(engine, run)
    assert standing(world, await stored(world, run)) is Standing.WORKED
    await work_ordered(engine, run)
    ended = await stored(world, run)
    assert (ended.status, ended.started_by) == (RunStatus.DONE, "user:005000000000001AAA")
    assert world.org.shown(contact).peer_id == patient
    assert await next_ordered(engine) is None


@pytest.mark.parametrize("taken", [True, False], ids=["while its engine is opened", "before it is taken up"])
async def test_a_run_that_is_aborted_on_its_way_to_a_worker_is_not_begun(taken: bool):
    world = World()
    contact, _ = world.both("Ann", "Moor", BORN)
    engine = await at(world)
    run = await order_batch(engine, PATIENTS)
    if taken:
        assert await take_up(engine, run)
    await order_abort(engine, run)
    if not taken:
        assert not await take_up(engine, run)
    await work_ordered(engine, run)
    assert (await stored(world, run)).status is RunStatus.ABORTED
    assert world.org.shown(contact).peer_id is None


async def test_orders_are_worked_in_the_order_they_were_given():
    world = World()
    engine = await at(world)
    first = await order_batch(engine, PATIENTS)
    second = await order_batch(engine, BatchOrder(RunKind.BATCH_CONTACTS, listed=listing("003000000000001AAA")))
    found = await next_ordered(engine)
    assert found is not None
    assert found.id == first.id
    await take_up(engine, first)
    await work_ordered(engine, first)
    found = await next_ordered(engine)
    assert found is not None
    assert found.id == second.id


async def test_a_run_that_another_worker_has_is_left_to_it_until_its_lease_runs_out():
    world = World()
    engine = await at(world)
    run = await order_batch(engine, PATIENTS)
    now = world.clock.now().timestamp()
    await world.store.lease_run(run.id, ELSEWHERE, now, now + LEASE)
    assert await next_ordered(engine) is None
    assert not await take_up(engine, run)
    world.clock.push(LEASE + 1)
    assert await next_ordered(engine) is not None
    assert await take_up(engine, run)
    assert (await stored(world, run)).worker == worker_name()


async def test_a_run_that_its_workers_die_of_is_left_to_people_after_some_tries():
    world = World()
    engine = await at(world)
    run = await order_batch(engine, PATIENTS)
    for _ in range(TRIES):
        assert await take_up(engine, run)  # and is never heard of again
    assert not await take_up(engine, run)
    stopped = await stored(world, run)
    assert stopped.status is RunStatus.STOPPED
    assert "worker-died" in (stopped.reason or "")
    await order_resume(engine, stopped)
    assert await take_up(engine, run)
    await work_ordered(engine, run)
    assert (await stored(world, run)).status is RunStatus.DONE


async def test_a_run_that_gets_further_each_time_is_not_given_up():
    world = World()
    engine = await at(world)
    run = await order_batch(engine, PATIENTS)
    for done in range(1, TRIES + 3):
        assert await take_up(engine, run)
        await world.store.save_run(replace(await stored(world, run), done=done))


async def test_a_run_that_is_cut_off_in_order_is_taken_by_the_next_at_once():
    world = World()
    engine = await at(world)
    run = await order_batch(engine, PATIENTS)
    for _ in range(TRIES + 2):
        assert await take_up(engine, run)
        await put_back(engine, run.id)
    now = world.clock.now().timestamp()
    assert (await world.store.lease_run(run.id, ELSEWHERE, now, now + LEASE)).worker == ELSEWHERE


async def test_an_unforeseen_failure_stops_the_run_and_names_an_incident(monkeypatch: pytest.MonkeyPatch):
    world = World()
    engine = await at(world)
    run = await order_batch(engine, PATIENTS)
    monkeypatch.setattr(world.practice, "scan", None)
    await take_up(engine, run)
    await work_ordered(engine, run)
    stopped = await stored(world, run)
    assert stopped.status is RunStatus.STOPPED
    assert (stopped.reason or "").startswith("unforeseen: TypeError, incident ")


async def test_a_second_batch_of_a_kind_is_refused_while_one_waits_or_runs():
    world = World()
    engine = await at(world)
    run = await order_batch(engine, PATIENTS)
    with pytest.raises(BadInput, match=run.id):
        await order_batch(engine, PATIENTS)
    assert await order_abort(engine, await stored(world, run))
    await order_batch(engine, PATIENTS)


async def test_two_orders_at_one_moment_make_one_batch():
    world = World()
    engine = await at(world)
    async with ordering._alone(engine, f"order:{RunKind.BATCH_PATIENTS}"):
        with pytest.raises(RetryLater):
            await order_batch(engine, PATIENTS)
    assert await world.store.runs("main") == []


async def test_an_abort_before_anybody_took_it_ends_it_and_a_worker_finds_nothing():
    world = World()
    engine = await at(world)
    run = await order_batch(engine, PATIENTS)
    assert await order_abort(engine, run)
    ended = await stored(world, run)
    assert (ended.status, ended.reason) == (RunStatus.ABORTED, "aborted by a person")
    assert await next_ordered(engine) is None
    with pytest.raises(BadInput, match="nothing to abort"):
        await order_abort(engine, ended)


async def test_an_abort_while_another_host_works_it_is_left_to_that_host_while_it_may_live():
    world = World()
    engine = await at(world)
    run = await order_batch(engine, PATIENTS)
    now = world.clock.now().timestamp()
    await world.store.lease_run(run.id, ELSEWHERE, now, now + LEASE)
    assert not await order_abort(engine, run)
    assert (await stored(world, run)).status is RunStatus.ABORTING
    world.clock.push(LEASE + 1)  # that host died
    assert await next_ordered(engine) is None
    assert (await stored(world, run)).status is RunStatus.ABORTED


async def test_a_run_of_the_command_line_is_not_taken_over_by_itself_and_may_be_resumed():
    world = World()
    world.both("Ann", "Moor", BORN)
    engine = await at(world)
    left = Run("run-left", "main", RunKind.BATCH_PATIENTS, RunStatus.RUNNING, False, engine.now(), "command line")
    await world.store.start_run(left)
    assert standing(world, left) is Standing.LEFT
    assert await next_ordered(engine) is None
    await order_resume(engine, left)
    found = await next_ordered(engine)
    assert found is not None
    assert await take_up(engine, found)
    await work_ordered(engine, found)
    assert (await stored(world, left)).status is RunStatus.DONE


async def test_a_run_that_is_worked_or_of_another_kind_is_not_resumed():
    world = World()
    engine = await at(world)
    run = await order_batch(engine, PATIENTS)
    with pytest.raises(BadInput, match="under way already"):
        await order_resume(engine, run)
    parity = Run("run-parity", "main", RunKind.PARITY, RunStatus.STOPPED, False, engine.now(), "hintsync")
    await world.store.start_run(parity)
    with pytest.raises(BadInput, match="by itself"):
        await order_resume(engine, await stored(world, parity))


async def test_b3_a_plan_is_started_by_its_seal_only_and_notes_who_approved_it():
    world = World()
    contact, patient = world.both("Ann", "Moor", BORN)
    engine = await at(world)
    plan = await order_batch(engine, BatchOrder(RunKind.BATCH_CONTACTS, dry=True, listed=listing(contact)))
    with pytest.raises(BadInput, match="not what was seen"):
        await order_plan(engine, plan.id, "")
    await take_up(engine, plan)
    await work_ordered(await world.engine(), plan)
    sealed = await stored(world, plan)
    assert world.org.shown(contact).peer_id is None
    with pytest.raises(BadInput, match="not what was seen"):
        await order_plan(engine, plan.id, "0" * 64)
    run = await order_plan(engine, plan.id, sealed.seal or "")
    assert (await stored(world, plan)).approved_by == engine.actor
    await take_up(engine, run)
    await work_ordered(await world.engine(), run)
    assert world.org.shown(contact).peer_id == patient
    actions = [each.event.action for each in await world.store.audit("main", chain=f"run:{plan.id}")]
    assert "approved" in actions


async def test_b7_a_draft_is_kept_per_person_and_the_next_takes_its_place():
    world = World()
    engine = await at(world)
    other = replace(engine, actor="user:005000000000002AAA")
    first = await keep_draft(engine, listing("003000000000001AAA"))
    theirs = await keep_draft(other, listing("003000000000002AAA"))
    assert (await load_draft(engine, first)).ids == ("003000000000001AAA",)
    with pytest.raises(BadInput, match="not kept any more"):
        await load_draft(engine, theirs)
    await keep_draft(engine, listing("003000000000003AAA"))
    with pytest.raises(BadInput, match="choose it again"):
        await load_draft(engine, first)
    await drop_draft(other)
    with pytest.raises(BadInput):
        await load_draft(other, theirs)


async def test_a_run_that_went_to_another_worker_is_let_alone():
    world = World()
    engine = await at(world)
    run = await order_batch(engine, PATIENTS)
    await take_up(engine, run)
    now = world.clock.now().timestamp()
    with pytest.raises(RunHeld):
        await world.store.lease_run(run.id, ELSEWHERE, now, now + LEASE)
    world.clock.push(LEASE + 1)
    now = world.clock.now().timestamp()
    await world.store.lease_run(run.id, ELSEWHERE, now, now + LEASE)
    await work_ordered(engine, run)
    assert ((await stored(world, run)).status, (await stored(world, run)).worker) == (RunStatus.RUNNING, ELSEWHERE)
