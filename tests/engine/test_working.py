"""A crew claims until nothing is due, waits for the bell, keeps its leases, and ends in order."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.live.crew import LEASE, Crew, Pacing
from hintsync.state.live import Mark
from tests.engine.world import World
from tests.replicas.clock import HeldClock

#: Seconds before a test is given up; none waits for them to pass.
PATIENCE = 20.0


@pytest.fixture
async def engine() -> Engine:
    """A connection on a store in memory, whose clock moves when it is slept on."""
    return replace(await World().engine(), clock=HeldClock())


class Desk:
    """Claims as live work does, and notes who claimed what."""

    def __init__(self) -> None:
        self.worked: list[str] = []
        self.names: set[str] = set()
        self.failures: list[Exception] = []
        self.reached = asyncio.Event()
        self.wanted = 0
        #: Unset: work begun waits.
        self.go = asyncio.Event()
        self.go.set()
        self.begun = asyncio.Event()

    async def work(self, engine: Engine, name: str, limit: int) -> int:
        if self.failures:
            raise self.failures.pop()
        now = engine.clock.now().timestamp()
        claimed = await engine.store.claim(engine.connection.id, name, now, now + LEASE, limit=limit)
        if claimed:
            self.begun.set()
            await self.go.wait()
        await engine.store.finish_marks(claimed)
        self.worked.extend(dirty.record_id for dirty in claimed)
        self.names.update({name} if claimed else ())
        if len(self.worked) >= self.wanted:
            self.reached.set()
        return len(claimed)


async def nobody() -> None:
    """Wake nobody."""


async def mark(engine: Engine, *ids: str) -> None:
    now = engine.clock.now().timestamp()
    await engine.store.mark(engine.connection.id, [Mark(Side.HINT, each, "webhook", now) for each in ids])


async def until(desk: Desk, wanted: int) -> None:
    desk.wanted = wanted
    if len(desk.worked) < wanted:
        desk.reached.clear()
        async with asyncio.timeout(PATIENCE):
            await desk.reached.wait()


async def test_everything_marked_is_worked_once_by_several_loops(engine: Engine) -> None:
    await mark(engine, *(f"pat-{number:03d}" for number in range(250)))
    desk, stopping = Desk(), asyncio.Event()
    crew = Crew(engine, desk.work, wake_others=nobody, pacing=Pacing(loops=3, group=20))
    working = asyncio.create_task(crew.work_until(stopping))
    await until(desk, 250)
    stopping.set()
    await working
    assert sorted(desk.worked) == [f"pat-{number:03d}" for number in range(250)]


async def test_a_mark_without_a_bell_is_found_by_the_sweep(engine: Engine) -> None:
    desk, stopping = Desk(), asyncio.Event()
    crew = Crew(engine, desk.work, wake_others=nobody)
    working = asyncio.create_task(crew.work_until(stopping))
    await asyncio.sleep(0)
    await mark(engine, "pat-1")
    await until(desk, 1)
    stopping.set()
    await working
    assert desk.worked == ["pat-1"]


async def test_a_full_claim_wakes_others(engine: Engine) -> None:
    await mark(engine, *(f"pat-{number}" for number in range(10)))
    woken = []

    async def wake() -> None:
        woken.append(1)

    desk, stopping = Desk(), asyncio.Event()
    crew = Crew(engine, desk.work, wake_others=wake, pacing=Pacing(loops=1, group=5))
    working = asyncio.create_task(crew.work_until(stopping))
    await until(desk, 10)
    stopping.set()
    await working
    assert len(woken) == 2


@pytest.mark.parametrize("failure", [RetryLater(Side.HINT, "down"), ValueError("Ada Lovelace 1815-12-10")])
async def test_a_pass_that_fails_is_told_without_its_text_and_tried_again(
    engine: Engine, failure: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    await mark(engine, "pat-1")
    desk, stopping = Desk(), asyncio.Event()
    desk.failures = [failure, failure, failure]
    crew = Crew(engine, desk.work, wake_others=nobody, pacing=Pacing(loops=1))
    working = asyncio.create_task(crew.work_until(stopping))
    await until(desk, 1)
    stopping.set()
    await working
    assert desk.worked == ["pat-1"]
    assert caplog.text.count("a pass of connection main failed") == 3
    assert "Ada" not in caplog.text


async def test_stopping_finishes_what_is_begun_and_takes_no_more(engine: Engine) -> None:
    await mark(engine, "pat-1", "pat-2")
    desk, stopping = Desk(), asyncio.Event()
    desk.go.clear()
    crew = Crew(engine, desk.work, wake_others=nobody, pacing=Pacing(loops=1, group=1))
    working = asyncio.create_task(crew.work_until(stopping))
    async with asyncio.timeout(PATIENCE):
        await desk.begun.wait()
    stopping.set()
    desk.go.set()
    await working
    assert len(desk.worked) == 1
    left = await engine.store.dirty("main")
    assert len(left) == 1
    assert left[0].worker is None


async def test_leases_are_kept_while_work_lasts_longer_than_they_do(engine: Engine) -> None:
    await mark(engine, "pat-1")
    desk, stopping = Desk(), asyncio.Event()
    desk.go.clear()
    crew = Crew(engine, desk.work, wake_others=nobody, pacing=Pacing(loops=1))
    working = asyncio.create_task(crew.work_until(stopping))
    async with asyncio.timeout(PATIENCE):
        await desk.begun.wait()
    begun = engine.clock.monotonic()
    for _ in range(500):  # the crew's own sleeping moves the clock
        await asyncio.sleep(0)
    assert engine.clock.monotonic() > begun + 10 * LEASE
    now = engine.clock.now().timestamp()
    assert await engine.store.claim("main", "another", now, now + LEASE, limit=10) == []
    desk.go.set()
    stopping.set()
    await working
    assert desk.worked == ["pat-1"]
