from __future__ import annotations

import asyncio

import pytest

from hintsync.replicas.throttled import Throttle
from tests.replicas.clock import HeldClock


async def _starts(clock: HeldClock, throttle: Throttle, count: int) -> list[float]:
    started: list[float] = []

    async def request() -> None:
        async with throttle.slot():
            started.append(clock.monotonic())

    await asyncio.gather(*(request() for _ in range(count)))
    return started


async def test_requests_start_no_faster_than_the_rate() -> None:
    clock = HeldClock()
    assert await _starts(clock, Throttle(clock, per_second=8), 5) == [0, 0.125, 0.25, 0.375, 0.5]


async def test_a_burst_may_start_at_once_and_is_earned_again_by_pausing() -> None:
    clock = HeldClock()
    throttle = Throttle(clock, per_second=2, burst=3)
    assert await _starts(clock, throttle, 5) == [0, 0, 0, 0.5, 1.0]
    await clock.sleep(60)
    assert [start - 61 for start in await _starts(clock, throttle, 4)] == [0, 0, 0, 0.5]


async def test_no_more_requests_run_at_a_time_than_allowed() -> None:
    throttle = Throttle(HeldClock(), concurrency=3)
    running, most = 0, 0

    async def request() -> None:
        nonlocal running, most
        async with throttle.slot():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(request() for _ in range(10)))
    assert most == 3


async def test_a_request_that_fails_gives_its_turn_back() -> None:
    throttle = Throttle(HeldClock(), concurrency=1)
    with pytest.raises(ConnectionError):
        async with throttle.slot():
            raise ConnectionError
    async with asyncio.timeout(5), throttle.slot():
        pass


async def test_holding_off_delays_those_who_wait_already_and_keeps_them_apart() -> None:
    clock = HeldClock()
    throttle = Throttle(clock, per_second=1)
    started: list[float] = []

    async def request() -> None:
        async with throttle.slot():
            started.append(clock.monotonic())
            if len(started) == 1:
                throttle.hold_off(10)

    await asyncio.gather(*(request() for _ in range(3)))
    assert started == [0, 10, 11]


@pytest.mark.parametrize("limits", [{"per_second": 0}, {"concurrency": 0}, {"burst": 0}])
def test_limits_that_let_nothing_through_are_refused(limits: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Throttle(HeldClock(), **limits)
