"""Histories over both emulators, chosen by Hypothesis, with the same oracle as in memory (T1, T2, T3, T5 to T8, T12, T15, T16).

A failure prints the steps that lead to it. Examples begin only within a time, so the count differs from machine to machine.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from tests.live.conftest import FIGURES
from tests.live.runner import Figures
from tests.live.wire_actions import WireActions
from tests.live.wire_runner import count, end, live_through_all
from tests.live.wire_town import WireTown, wire_town

#: Seconds within which examples may begin, and the least number that is worth something.
SECONDS, LEAST = 200.0, 2
#: Histories over the wire of `make torture`.
TORTURE = 300

Record = Callable[[str, object], None]
#: A step's chances; drawn whole, so that what Hypothesis draws never depends on the town.
CHANCE = st.integers(0, 2**32 - 1)


class Driver:
    """Carries out steps one by one in one task, in which the town was opened and will be closed."""

    def __init__(self, seed: int) -> None:
        """Open a town."""
        random.seed(seed)
        self._loop = asyncio.new_event_loop()
        self._asked: asyncio.Queue[tuple[Callable[[], Coroutine[Any, Any, object]] | None, asyncio.Future[Any]]]
        self._asked = asyncio.Queue()
        self._task = self._loop.create_task(self._drive(seed))
        self.town: WireTown = self._loop.run_until_complete(self._ask(self._opened))

    def run(self, step: Callable[[], Coroutine[Any, Any, object]]) -> Any:
        """Carry out a step."""
        return self._loop.run_until_complete(self._ask(step))

    def close(self) -> None:
        """Close the town."""
        self._asked.put_nowait((None, self._loop.create_future()))
        self._loop.run_until_complete(self._task)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _ask(self, step: Callable[[], Coroutine[Any, Any, object]]) -> Any:
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._asked.put_nowait((step, answer))
        return await answer

    async def _opened(self) -> WireTown:
        return self._town

    async def _drive(self, seed: int) -> None:
        with tempfile.TemporaryDirectory() as folder:
            async with wire_town(Path(folder), seed) as self._town:
                while True:
                    step, answer = await self._asked.get()
                    if step is None:
                        return
                    try:
                        answer.set_result(await step())
                    except Exception as error:  # it is the asking side's
                        answer.set_exception(error)


def machine(figures: Figures, until: float) -> type[RuleBasedStateMachine]:
    """Return the machine; examples that begin too late do nothing."""

    class Histories(RuleBasedStateMachine):
        driver: Driver | None = None

        @initialize(seed=st.integers(0, 2**16))
        def open(self, seed: int) -> None:
            if time.monotonic() < until:
                self.driver = Driver(seed)
                self.actions = WireActions(self.driver.town)

        def do(self, name: str, chance: int) -> None:
            if self.driver is not None:
                self.driver.run(lambda: self.actions.step(name, random.Random(chance)))

        def teardown(self) -> None:
            if self.driver is None:
                return
            driver, self.driver = self.driver, None
            try:
                found = driver.run(lambda: end(driver.town))
                figures.histories += 1
                count(figures, driver.town, self.actions)
                assert found == [], found
            finally:
                driver.close()

    for name, (weight, _) in WireActions(None).steps().items():  # type: ignore[arg-type]  # only their names are wanted
        for number in range(
            1 + weight // 6
        ):  # rules are chosen alike, so what is to happen often is there several times
            setattr(Histories, f"{name.replace(' ', '_')}_{number}", _rule(name))
    return Histories


def _rule(name: str) -> object:
    @rule(chance=CHANCE)
    def step(self: Any, chance: int) -> None:
        self.do(name, chance)

    return step


@pytest.mark.timeout(900)
def test_t1_t2_t3_t5_t6_t7_t8_t16_histories_over_both_emulators_end_well(record_property: Record) -> None:
    figures = Figures(steps=Counter(), edits=Counter())
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        machine(figures, time.monotonic() + SECONDS),
        settings=settings(
            max_examples=300,
            stateful_step_count=25,
            deadline=None,
            print_blob=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert figures.histories >= LEAST
    record_property(FIGURES, f"live histories over both emulators, by Hypothesis: {figures.line()}")


@pytest.mark.torture
def test_t1_t2_t3_hundreds_of_histories_over_both_emulators(record_property: Record) -> None:
    figures = live_through_all(range(TORTURE))
    record_property(FIGURES, f"live histories over both emulators, from seed 0: {figures.line()}")
    assert figures.wrong == {}, figures.wrong
