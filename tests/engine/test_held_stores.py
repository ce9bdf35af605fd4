"""Kept plans on real databases: many workers add to one while an administrator approves it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hintsync.core.guards import Trip
from hintsync.core.values import Side
from hintsync.engine.batch.sealing import seal_run
from hintsync.engine.guards.approvals import approve, approved_prints
from hintsync.engine.guards.held import HeldWrite, keep_back, start_plan
from hintsync.engine.guards.stops import may_write, stop_of, trip
from hintsync.engine.guards.window import admit
from hintsync.state.keys import MasterKeys
from hintsync.state.live import Lane, Mark
from hintsync.state.open import open_store
from hintsync.state.port import RunStatus, StateStore
from tests.engine.guarded import Clinic
from tests.engine.world import World

PEOPLE, WORKERS = 24, 3


@pytest.fixture(params=["sqlite_upgraded_url", "postgres_upgraded_url"])
def url(request: pytest.FixtureRequest) -> str:
    """URL of a database with all tables and no rows."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
async def stores(url: str, master_keys: MasterKeys) -> AsyncIterator[list[StateStore]]:
    """Several stores on one database, as several processes would open it."""
    opened = [await open_store(url, master_keys) for _ in range(WORKERS)]
    yield opened
    for store in opened:
        await store.aclose()


async def test_a_plan_is_sealed_with_all_of_its_rows_and_takes_none_afterwards(stores: list[StateStore]):
    clinic = await Clinic.of(PEOPLE, World(store=stores[0]))
    engines = [await clinic.engine() for _ in stores]
    for engine, store in zip(engines, stores, strict=True):
        engine.store = store
    plan = await start_plan(engines[0], Side.HINT)
    stop = stop_of(engines[0], Trip("G3", "too many"), Side.HINT, plan.id)
    assert await trip(engines[0], stop)
    writes = []
    for number in range(PEOPLE):
        intent = await clinic.intent(number)
        writes.append(HeldWrite((await clinic.state(number)).link, Side.SALESFORCE, intent.prints))

    async def add(start: int) -> int:
        kept = 0
        for write in writes[start::WORKERS]:
            kept += await keep_back(engines[start], stop, [write])
        return kept

    async def sign() -> int:
        await asyncio.sleep(0)
        return await approve(engines[0], plan.id)

    *added, marked = await asyncio.gather(*(add(start) for start in range(WORKERS)), sign())
    rows = await clinic.rows(plan.id)
    run = await clinic.run(plan.id)
    assert len(rows) == sum(added) == marked
    assert (run.status, run.seal) == (RunStatus.DONE, await seal_run(engines[1], run))
    fresh = await clinic.engine()
    approved = [await approved_prints(fresh, write.link.id) for write in writes]
    assert sum(found is not None for found in approved) == len(rows)


async def test_stops_windows_and_approvals_work_on_a_database_as_in_memory(stores: list[StateStore]):
    clinic = await Clinic.of(PEOPLE, World(store=stores[0]))
    worker, other = await clinic.engine(), await clinic.engine()
    other.store = stores[1]
    early = [await clinic.intent(number) for number in range(20)]
    assert len((await admit(worker, early)).noted) == 20
    late = [await clinic.intent(number) for number in range(20, PEOPLE)]
    judged = await admit(other, late)
    assert judged.noted == ()
    stop = judged.stop(late[0].link_id, Side.SALESFORCE)
    assert stop is not None
    clinic.world.clock.push(1)
    assert (await may_write(worker)).of_changes(Side.HINT) == stop
    held = [
        HeldWrite((await clinic.state(20 + place)).link, Side.SALESFORCE, intent.prints)
        for place, intent in enumerate(late)
    ]
    assert await keep_back(other, stop, held)
    at = clinic.world.clock.now().timestamp()
    await stores[0].mark("main", [Mark(Side.HINT, clinic.patients[20], "webhook", at, Lane.LIVE)])
    assert await approve(worker, str(stop.run_id)) == len(late)
    clinic.world.clock.push(1)
    assert len((await admit(other, late)).noted) == len(late)
    assert (await may_write(other)).in_force == ()
