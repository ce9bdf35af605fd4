"""Stops, known patients and shared pace, in every store."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.values import Side
from hintsync.state.pace import Pace, hold, take
from hintsync.state.port import Connection, StateStore
from hintsync.state.sql.store import SqlStore
from tests.contract.live_examples import T, a_stop

# --- stops


async def test_a_stop_is_in_force_until_it_is_cleared(store: StateStore) -> None:
    stop = a_stop()
    assert await store.put_stop(stop) is True
    assert await store.stops("con-1") == [stop]
    assert await store.clear_stop("con-1", "G3", Side.HINT) is True
    assert await store.clear_stop("con-1", "G3", Side.HINT) is False
    assert await store.stops("con-1") == []


async def test_an_earlier_stop_of_the_same_guard_and_side_stays_as_it_is(store: StateStore) -> None:
    first = a_stop()
    await store.put_stop(first)
    assert await store.put_stop(replace(first, reason="another", at="2026-03-02T09:00:00Z", run_id=None)) is False
    assert await store.stops("con-1") == [first]


async def test_stops_are_one_a_guard_and_side_and_come_oldest_first(store: StateStore, connection: Connection) -> None:
    await store.put_connection(replace(connection, id="con-2"))
    given = [
        a_stop("G3", Side.SALESFORCE, at="2026-03-03T09:00:00Z"),
        a_stop("G3", Side.HINT, at="2026-03-02T09:00:00Z"),
        a_stop("pause", None, at="2026-03-04T09:00:00Z"),
        a_stop("G1", None, at="2026-03-01T09:00:00Z"),
    ]
    for stop in given:
        assert await store.put_stop(stop)
    assert await store.put_stop(a_stop("pause", None, connection_id="con-2"))
    assert await store.stops("con-1") == [given[3], given[1], given[0], given[2]]
    assert await store.clear_stop("con-1", "pause", Side.HINT) is False
    assert await store.clear_stop("con-1", "pause", None) is True
    assert len(await store.stops("con-2")) == 1


async def test_stops_and_known_patients_of_an_unknown_connection_are_refused(store: StateStore) -> None:
    with pytest.raises(BadInput, match="con-9"):
        await store.put_stop(a_stop(connection_id="con-9"))
    with pytest.raises(BadInput, match="con-9"):
        await store.take_known("con-9", ["pat-1"])


# --- patients taken at connect


async def test_l8_patients_taken_at_connect_are_known(store: StateStore, connection: Connection) -> None:
    await store.put_connection(replace(connection, id="con-2"))
    await store.take_known("con-1", ["pat-1", "pat-2", "pat-2"])
    await store.take_known("con-1", {"pat-2", "pat-3"})
    assert await store.known("con-1", ["pat-1", "pat-3", "pat-4"]) == {"pat-1", "pat-3"}
    assert await store.known("con-1", []) == frozenset()
    assert await store.known("con-2", ["pat-1"]) == frozenset()


async def test_l8_thousands_of_patients_are_known(store: StateStore) -> None:
    ids = [f"pat-{number}" for number in range(2500)]
    await store.take_known("con-1", ids)
    assert await store.known("con-1", [*ids, "pat-x"]) == frozenset(ids)


# --- pace: the algorithm


def waits(count: int, *, burst: int = 1, turns: int = 1, now: float = T, pace: Pace | None = None) -> list[float]:
    """Take places one after another at one moment, ten a second; return the waits."""
    found, pace = [], pace or Pace()
    for _ in range(count):
        pace, wait = take(pace, now, interval=0.1, burst=burst, turns=turns)
        found.append(wait)
    return found


def seconds(wanted: list[float]) -> object:
    """Return seconds as near as a moment since the epoch can tell them."""
    return pytest.approx(wanted, abs=1e-5)


def test_places_follow_an_interval_apart() -> None:
    assert waits(4) == seconds([0, 0.1, 0.2, 0.3])


def test_a_burst_goes_at_once_and_is_paid_for_afterwards() -> None:
    assert waits(5, burst=3) == seconds([0, 0, 0, 0.1, 0.2])


def test_several_places_are_taken_in_a_row() -> None:
    assert waits(3, turns=5) == seconds([0, 0.5, 1.0])


def test_a_rest_gives_back_the_burst_and_no_more() -> None:
    pace, _ = take(Pace(), T, interval=0.1, burst=3, turns=50)
    assert waits(4, burst=3, now=T + 3600, pace=pace) == seconds([0, 0, 0, 0.1])


def test_a_held_schedule_begins_again_at_its_pace() -> None:
    held = hold(Pace(), T, 30)
    assert waits(4, burst=2, pace=held) == seconds([30, 30, 30.1, 30.2])
    assert hold(held, T, 5) == held


def test_a_clock_set_back_does_not_make_everybody_wait() -> None:
    pace, _ = take(Pace(), T, interval=0.1, burst=1, turns=3)
    assert waits(2, now=T - 3600, pace=pace) == seconds([0.3, 0.4])
    assert waits(1, now=T - 3600, pace=hold(pace, T, 30)) == seconds([30])


def test_calls_that_cross_do_not_give_places_away_twice() -> None:
    pace, _ = take(Pace(), T, interval=0.1, burst=1, turns=3)
    assert waits(1, now=T - 0.5, pace=pace) == seconds([0.8])


# --- pace: in the stores


async def test_a_schedule_is_shared_by_name(store: StateStore) -> None:
    taken = [await store.take_turn("hint", T, interval=10.0, burst=2) for _ in range(4)]
    # PostgreSQL counts by its own clock, which goes on meanwhile.
    assert taken == pytest.approx([0, 0, 10, 20], abs=5)
    assert taken[2:] <= [10.0, 20.0]
    assert await store.take_turn("salesforce", T, interval=10.0, burst=1) == 0


async def test_several_places_of_a_schedule_are_taken_at_once(store: StateStore) -> None:
    assert await store.take_turn("hint", T, interval=10.0, burst=1, turns=5) == 0
    assert await store.take_turn("hint", T, interval=10.0, burst=1) == pytest.approx(50, abs=5)


async def test_no_place_of_a_held_schedule_begins_before_the_hold_is_over(store: StateStore) -> None:
    await store.hold_turns("hint", T, 100.0)
    await store.hold_turns("hint", T, 20.0)
    taken = [await store.take_turn("hint", T, interval=10.0, burst=2) for _ in range(3)]
    assert taken == pytest.approx([100, 100, 110], abs=5)
    await store.hold_turns("hint", T, 500.0)
    assert await store.take_turn("hint", T, interval=10.0, burst=2) == pytest.approx(500, abs=5)


async def test_sqlite_and_memory_agree_on_every_place_whatever_the_clock_does(
    sqlite_store: SqlStore, memory_store: StateStore
) -> None:
    for step, now in enumerate([T, T, T + 0.05, T + 9, T + 8.5, T + 3, T + 3, T - 7200, T + 1e6, T + 1e6]):
        for store in (sqlite_store, memory_store):
            if step == 6:
                await store.hold_turns("hint", now, 3.0)
        found = [
            await store.take_turn("hint", now, interval=0.1, burst=3, turns=1 + step % 3)
            for store in (sqlite_store, memory_store)
        ]
        assert [found[0]] == seconds([found[1]])


async def test_postgresql_counts_by_its_own_clock(postgres_store: SqlStore) -> None:
    assert await postgres_store.take_turn("hint", 0.0, interval=1000.0, burst=1) == 0
    assert await postgres_store.take_turn("hint", 9e9, interval=1000.0, burst=1) == pytest.approx(1000, abs=60)
