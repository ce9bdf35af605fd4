"""The ledger of Hint's daily requests: one sum for all workers, connections and databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from hintsync.core.errors import BudgetSpent
from hintsync.core.values import Side
from hintsync.ledger import Ledger
from hintsync.replicas.hint.budget import DailyBudget
from hintsync.state.keys import MasterKeys
from hintsync.state.memory import MemoryStore
from hintsync.state.open import open_store
from hintsync.state.port import Connection, StateStore
from tests.replicas.clock import HeldClock

DAY = "2026-03-02"


def connection(name: str) -> Connection:
    return Connection(name, name, f"org-{name}", False, f"prac-{name}")


async def test_calls_of_all_workers_and_connections_are_one_sum() -> None:
    store, clock = MemoryStore(), HeldClock()
    await store.put_connection(connection("mill"))
    first, second = Ledger(store, clock), Ledger(store, clock)
    assert await first.add(DAY, 100) == 100
    assert await second.add(DAY, 100) == 200
    assert await first.add(DAY, -40) == 160
    assert await first.add("2026-03-03", 1) == 1


async def test_what_was_counted_at_another_connection_counts_on() -> None:
    store, clock = MemoryStore(), HeldClock()
    await store.put_connection(connection("mill"))
    await Ledger(store, clock).add(DAY, 100)
    await store.put_connection(connection("brook"))
    assert await Ledger(store, clock).add(DAY, 10) == 110


async def test_calls_made_before_the_first_connection_are_counted_with_the_next() -> None:
    store, clock = MemoryStore(), HeldClock()
    ledger = Ledger(store, clock)
    assert await ledger.add(DAY, 5) == 5
    await store.put_connection(connection("mill"))
    assert await ledger.add(DAY, 1) == 6
    assert await store.add_calls("mill", Side.HINT, DAY, 0) == 6


@pytest.fixture
async def workers(postgres_upgraded_url: str, master_keys: MasterKeys) -> AsyncIterator[list[StateStore]]:
    """Several stores on one PostgreSQL database, as several processes would open it."""
    stores = [await open_store(postgres_upgraded_url, master_keys) for _ in range(4)]
    yield stores
    for store in stores:
        await store.aclose()


async def test_t15_workers_on_postgresql_never_exceed_the_cap_together(workers: list[StateStore]) -> None:
    await workers[0].put_connection(connection("mill"))
    clock = HeldClock()
    budgets = [DailyBudget(clock, per_day=500, book=Ledger(store, clock)) for store in workers]
    sent = await asyncio.gather(*(_send(budget, 200) for budget in budgets))
    assert sum(sent) == 500
    assert await workers[0].add_calls("mill", Side.HINT, "2026-03-02", 0) == 500


async def _send(budget: DailyBudget, wanted: int) -> int:
    for sent in range(wanted):
        try:
            await budget.take()
        except BudgetSpent:
            return sent
    return wanted
