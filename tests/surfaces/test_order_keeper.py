"""Ordered runs in a worker's process: worked with an engine of their own, cut off in order, gone on with by the next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.runs.ordering import BatchOrder, order_batch
from hintsync.logins import HINT_TOKEN
from hintsync.state.port import Run, RunKind, RunStatus
from hintsync.surfaces import order_keeper
from hintsync.surfaces.order_keeper import OrderKeeper
from hintsync.surfaces.roles import Role, open_process
from tests.engine.wire import Wire, wired

BORN = "1980-05-06"


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path) as wire:
        yield wire


def add_pair(wire: Wire, first: str) -> None:
    wire.org.insert("Contact", {"FirstName": first, "LastName": "Moor", "Birthdate": BORN})
    wire.practice.create_patient(first_name=first, last_name="Moor", dob=BORN)


async def stored(wire: Wire, run: Run) -> Run:
    found = await wire.service.store.run(run.id)
    assert found is not None
    return found


async def order(engine: Engine) -> Run:
    return await order_batch(engine, BatchOrder(RunKind.BATCH_PATIENTS))


async def test_a_process_of_workers_takes_orders_up_by_itself(wire: Wire) -> None:
    add_pair(wire, "Ann")
    stop = asyncio.Event()
    async with wire.engine() as engine, open_process(wire.service, [Role.WORKER]) as process:
        running = asyncio.create_task(process.run(stop))
        run = await order(engine)
        async with asyncio.timeout(60):
            while (await stored(wire, run)).status is RunStatus.RUNNING:  # noqa: ASYNC110 - the row is all there is to see
                await asyncio.sleep(0.05)
        stop.set()
        await running
    ended = await stored(wire, run)
    assert (ended.status, ended.done) == (RunStatus.DONE, 1)


async def test_a_batch_counts_its_own_calls_only(wire: Wire) -> None:
    add_pair(wire, "Ann")
    async with wire.engine() as engine:
        for _ in range(5):
            await engine.hint.identify()
        run = await order(engine)
        before = engine.hint.calls
        assert await OrderKeeper(wire.service, engine).work_next(asyncio.Event())
        assert engine.hint.calls == before
    calls = (await stored(wire, run)).details["calls"]
    assert isinstance(calls, dict)
    assert calls[str(Side.HINT)]


async def test_a_batch_is_cut_off_in_order_and_the_next_process_goes_on_at_once(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_pair(wire, "Ann")
    monkeypatch.setattr(order_keeper, "GRACE", 0.05)
    begun, leaving = asyncio.Event(), asyncio.Event()

    async def stuck(engine: Engine, run: Run) -> None:
        begun.set()
        await asyncio.Event().wait()

    async with wire.engine() as engine:
        run = await order(engine)
        keeper = OrderKeeper(wire.service, engine)
        with monkeypatch.context() as patched:
            patched.setattr(order_keeper, "work_ordered", stuck)
            working = asyncio.create_task(keeper.work_next(leaving))
            await begun.wait()
            leaving.set()
            assert await working
        left = await stored(wire, run)
        assert left.status is RunStatus.RUNNING
        assert left.leased_until <= engine.clock.now().timestamp()
        assert await keeper.work_next(asyncio.Event())
    assert (await stored(wire, run)).status is RunStatus.DONE


async def test_a_system_that_lets_nobody_in_stops_the_batch_with_the_reason(wire: Wire) -> None:
    async with wire.engine() as engine:
        run = await order(engine)
        await wire.service.store.put_secret("demo", HINT_TOKEN, b"no-such-token")
        assert await OrderKeeper(wire.service, engine).work_next(asyncio.Event())
    stopped = await stored(wire, run)
    assert stopped.status is RunStatus.STOPPED
    assert (stopped.reason or "").startswith("reconnect-needed: ")
