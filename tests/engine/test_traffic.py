"""Lag and volume by the hour, added up in the store over all processes."""

from __future__ import annotations

import pytest

from hintsync.core.values import Side
from hintsync.engine.health.traffic import LAG_WORDS, TrafficNotes, by_hour, last_day, percentile, whole
from hintsync.metrics import LAG_BUCKETS, Metrics
from hintsync.state.memory import MemoryStore
from hintsync.state.port import Connection
from hintsync.state.traffic import Tally

NOON = 1_772_193_600.0  # a full hour


async def a_store() -> MemoryStore:
    store = MemoryStore()
    await store.put_connection(Connection("con-1", "Oak", "00D1", False, "prac-1"))
    return store


async def test_two_processes_count_into_the_same_hour() -> None:
    store = await a_store()
    for _ in range(2):
        metrics = Metrics()
        notes = TrafficNotes(store, metrics)
        metrics.count("written", "con-1", Side.HINT, 3)
        metrics.observe_lag("con-1", Side.SALESFORCE, 0.4)
        await notes.add_up(NOON)
    hours = await last_day(store, "con-1", NOON + 60)
    assert len(hours) == 24
    assert hours[-1].at == NOON
    assert hours[-1].count("written", Side.HINT) == 6
    assert sum(hours[-1].lags[Side.SALESFORCE]) == 2


async def test_what_was_told_is_not_told_again_and_what_came_before_is_not_told_at_all() -> None:
    store, metrics = await a_store(), Metrics()
    metrics.count("worked", "con-1", None, 100)
    notes = TrafficNotes(store, metrics)
    metrics.count("worked", "con-1", None, 2)
    for minute in range(3):
        await notes.add_up(NOON + 60 * minute)
    assert (await last_day(store, "con-1", NOON))[-1].count("worked") == 2


async def test_counts_of_no_connection_and_of_one_that_is_gone_harm_nothing() -> None:
    store, metrics = await a_store(), Metrics()
    notes = TrafficNotes(store, metrics)
    metrics.count("webhook-unknown-practice")
    metrics.count("worked", "con-404")
    metrics.count("worked", "con-1")
    await notes.add_up(NOON)
    assert (await last_day(store, "con-1", NOON))[-1].count("worked") == 1


def test_slots_sum_up_to_their_hours() -> None:
    tallies = [Tally(int(NOON) + 300 * number, "marked", Side.HINT, 1) for number in range(24)]
    assert [hour.count("marked") for hour in by_hour(tallies, int(NOON), 3)] == [12, 12, 0]
    assert whole(by_hour(tallies, int(NOON), 3)).count("marked", Side.HINT) == 24


def buckets(**counts: int) -> list[int]:
    made = [0] * len(LAG_WORDS)
    for name, count in counts.items():
        made[int(name.removeprefix("at"))] = count
    return made


def test_a_percentile_lies_within_the_bucket_that_holds_it() -> None:
    assert percentile(buckets(), 0.5) is None
    assert percentile(buckets(at0=10), 0.5) == pytest.approx(0.05)
    assert percentile(buckets(at4=1), 1.0) == pytest.approx(1.0)
    assert percentile(buckets(at0=50, at5=50), 0.95) == pytest.approx(1.0 + 0.5 * 0.9)
    assert percentile(buckets(at0=95, at7=5), 0.95) == pytest.approx(0.1)


def test_what_takes_longer_than_the_last_bound_counts_as_that_bound() -> None:
    last = len(LAG_WORDS) - 1
    assert percentile(buckets(**{f"at{last}": 3}), 0.5) == LAG_BUCKETS[-1]
