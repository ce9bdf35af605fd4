"""A pace that all workers share: the schedule is the store's, taken in groups, never faster than the rate."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.errors import RetryLater
from hintsync.replicas.shared_pace import SharedThrottle
from hintsync.state.memory import MemoryStore
from tests.replicas.clock import HeldClock


class OrderedClock(HeldClock):
    """Wakes sleepers in order, each at its own moment, once nobody else has anything to do."""

    def __init__(self) -> None:
        super().__init__()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = itertools.count()

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.elapsed + seconds, next(self._count), future))
        await future

    async def run(self, *work: Awaitable[None]) -> None:
        """Let time pass until the work is done."""
        done = asyncio.gather(*work)
        while not done.done():
            for _ in range(10):
                await asyncio.sleep(0)
            if self._sleepers and not done.done():
                self.elapsed, _, future = heapq.heappop(self._sleepers)
                future.set_result(None)
        await done


class CountedStore(MemoryStore):
    """A store that counts the looks at its schedules, and answers after others had their turn."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.broken = False

    async def take_turn(self, name: str, now: float, *, interval: float, burst: int, turns: int = 1) -> float:
        self.looks += 1
        await asyncio.sleep(0)
        return await super().take_turn(name, now, interval=interval, burst=burst, turns=turns)

    async def hold_turns(self, name: str, now: float, seconds: float) -> None:
        if self.broken:
            raise RetryLater(None, "the database does not answer")
        await asyncio.sleep(0)
        await super().hold_turns(name, now, seconds)


async def starts(clock: OrderedClock, throttles: list[SharedThrottle], count: int) -> list[float]:
    """Let each throttle send so many requests at once; return when they started."""
    started: list[float] = []

    async def request(throttle: SharedThrottle) -> None:
        async with throttle.slot():
            started.append(clock.monotonic())

    await clock.run(*(request(throttle) for throttle in throttles for _ in range(count)))
    return started


def workers(
    count: int, per_second: float = 8, **limits: int
) -> tuple[OrderedClock, CountedStore, list[SharedThrottle]]:
    clock, store = OrderedClock(), CountedStore()
    return clock, store, [SharedThrottle(store, clock, "hint", per_second=per_second, **limits) for _ in range(count)]


async def test_workers_together_start_no_faster_than_the_rate() -> None:
    clock, _, throttles = workers(4)
    started = await starts(clock, throttles, 10)
    assert len(started) == 40
    assert all(later - earlier == pytest.approx(0.125) for earlier, later in pairwise(started))


async def test_a_busy_worker_looks_at_the_store_once_for_many_requests() -> None:
    clock, store, throttles = workers(1)
    await starts(clock, throttles, 81)
    assert store.looks <= 12, "the first alone, then a second's worth at a time"


async def test_a_lone_request_takes_one_place_and_does_not_wait() -> None:
    clock, store, throttles = workers(2)
    assert await starts(clock, throttles[:1], 1) == [0]
    clock.elapsed = 10
    assert await starts(clock, throttles[1:], 1) == [10]
    assert store.looks == 2


async def test_no_more_requests_of_a_process_run_at_a_time_than_allowed() -> None:
    clock, _, (throttle,) = workers(1, per_second=1000, concurrency=3)
    running, most = 0, 0

    async def request() -> None:
        nonlocal running, most
        async with throttle.slot():
            running += 1
            most = max(most, running)
            await clock.sleep(1)
            running -= 1

    await clock.run(*(request() for _ in range(10)))
    assert most == 3


async def test_holding_off_delays_all_workers_and_keeps_their_requests_apart() -> None:
    clock, _, throttles = workers(2)
    started: list[float] = []

    async def request(throttle: SharedThrottle) -> None:
        async with throttle.slot():
            started.append(clock.monotonic())

    async def slow_down() -> None:
        await clock.sleep(0.2)
        throttles[0].hold_off(5)

    await clock.run(*(request(throttle) for throttle in throttles for _ in range(12)), slow_down())
    assert len(started) == 24
    late = [start for start in started if start > 2.3]
    assert late[0] >= 5.2, "all but what the other worker had taken within its second"
    assert len(late) >= 10
    assert all(later - earlier >= 0.12 for earlier, later in pairwise(started))


async def test_a_pause_that_cannot_be_shared_still_holds_here(caplog: pytest.LogCaptureFixture) -> None:
    clock, store, (throttle,) = workers(1)
    store.broken = True
    throttle.hold_off(3)
    assert (await starts(clock, [throttle], 1))[0] >= 3
    for _ in range(50):  # told by a task of its own
        await asyncio.sleep(0)
    assert "could not be shared" in caplog.text


async def test_a_request_given_up_while_it_waits_does_not_let_others_bunch() -> None:
    clock, _, (throttle,) = workers(1)
    await starts(clock, [throttle], 1)
    waiting = [asyncio.ensure_future(throttle.slot().__aenter__()) for _ in range(3)]
    await asyncio.sleep(0)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    clock.elapsed = 60
    started = await starts(clock, [throttle], 3)
    assert all(later - earlier == pytest.approx(0.125) for earlier, later in pairwise(started))


@given(
    st.integers(1, 4),
    st.sampled_from([1.0, 4.0, 8.0]),
    st.integers(1, 3),
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6), st.integers(0, 8)), max_size=8),
)
async def test_no_window_of_a_second_holds_more_than_rate_and_burst(
    count: int, per_second: float, burst: int, bursts: list[tuple[int, int, int]]
) -> None:
    clock, _, throttles = workers(count, per_second, burst=burst)
    started: list[float] = []
    for worker, requests, pause in bursts:
        started += await starts(clock, [throttles[worker % count]], requests)
        clock.elapsed += pause / 4
    for first in started:
        inside = [start for start in started if first <= start < first + 1 - 1e-9]
        assert len(inside) <= per_second + burst - 1


@pytest.mark.parametrize(("per_second", "limits"), [(0, {}), (1, {"burst": 0}), (1, {"concurrency": 0})])
def test_limits_that_nothing_could_keep_are_refused(per_second: float, limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        SharedThrottle(MemoryStore(), HeldClock(), "hint", per_second=per_second, **limits)
