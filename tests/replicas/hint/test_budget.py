"""Hint's daily allowance: counted before it is used, over all workers, never exceeded."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.errors import BudgetSpent
from hintsync.core.limits import Purpose
from hintsync.replicas.hint.budget import DailyBudget, OwnBook
from tests.replicas.clock import HeldClock


async def test_the_days_requests_are_counted_until_midnight_utc() -> None:
    clock = HeldClock(datetime(2026, 3, 2, 23, 0, tzinfo=UTC))
    budget = DailyBudget(clock, per_day=2)
    await budget.take()
    assert budget.today.left == 1
    await budget.take()
    with pytest.raises(BudgetSpent) as raised:
        await budget.take()
    assert raised.value.after == 3600.0
    clock.elapsed += 3600
    assert budget.today.left == 2
    await budget.take()


async def test_g6_a_batch_leaves_the_reserve_to_live_work() -> None:
    budget = DailyBudget(HeldClock(), per_day=100, reserve_share=0.1)
    assert budget.today.allows(90, Purpose.BATCH)
    assert not budget.today.allows(91, Purpose.BATCH)
    for _ in range(95):
        await budget.take()
    assert not budget.today.allows(1, Purpose.BATCH)
    assert budget.today.allows(1, Purpose.LIVE)
    await budget.take()


async def test_what_another_worker_drew_is_seen_at_the_next_draw_and_given_back_at_its_end() -> None:
    clock, book = HeldClock(), OwnBook()
    one, two = (DailyBudget(clock, per_day=100_000, book=book) for _ in range(2))
    await one.take()
    await two.take()
    assert (one.today.used, two.today.used) == (1, 101), "what the other drew counts as used"
    await one.give_back()
    await two.give_back()
    assert await book.add("1970-01-01", 0) == 0
    assert two.today.used == 2, "two requests were sent"


async def test_many_tasks_that_wait_for_one_draw_all_get_their_turn() -> None:
    budget = DailyBudget(HeldClock(), per_day=3_000, book=_SlowBook())
    await asyncio.gather(*(budget.take() for _ in range(50)))
    assert budget.today.used == 50


class _SlowBook(OwnBook):
    async def add(self, day: str, calls: int) -> int:
        await asyncio.sleep(0)
        return await super().add(day, calls)


@given(per_day=st.integers(0, 5_000), workers=st.integers(1, 8), wanted=st.integers(1, 900))
async def test_t15_all_workers_together_never_exceed_the_cap(per_day: int, workers: int, wanted: int) -> None:
    clock, book = HeldClock(), _SlowBook()
    budgets = [DailyBudget(clock, per_day=per_day, book=book) for _ in range(workers)]
    sent = await asyncio.gather(*(_send(budget, wanted) for budget in budgets))
    assert sum(sent) <= per_day
    if sum(sent) < workers * wanted:
        assert sum(sent) >= per_day - workers * max(1, per_day // 1000), "no more is lost than what others hold"


async def _send(budget: DailyBudget, wanted: int) -> int:
    for sent in range(wanted):
        try:
            await budget.take()
        except BudgetSpent:
            return sent
    return wanted
