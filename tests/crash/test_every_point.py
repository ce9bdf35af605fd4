"""A process dies before or after every remote call and every write of the store; resumed, the end is the same (T5)."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence

import pytest

from hintsync.state.memory import MemoryStore
from hintsync.state.port import StateStore
from tests.crash.conftest import FIGURES
from tests.crash.histories import BATCHES, live, wrong

pytestmark = pytest.mark.usefixtures("small_chunks")

Record = Callable[[str, object], None]

#: Seed of the second crashes.
SEED = 20261122
#: One history in so many dies a second time.
AGAIN = 3
#: One history in so many is followed by a further run that must find nothing to do.
FURTHER = 8


async def die_at_points(
    store: StateStore, kind: str, record: Record, *, every: int = 1, several: int = 1, all_points: bool = False
) -> None:
    """Live through one history for each point (or each nth), and compare it with the uninterrupted one."""
    batch, dice = BATCHES[kind], random.Random(SEED)
    expected = await live(store, f"{kind}-0", batch, several=several)
    assert wrong(expected, expected) == []
    problems: list[str] = []
    chosen = (range(1, len(expected.points) + 1) if all_points else telling(expected.points))[::every]
    twice = 0
    for number, point in enumerate(chosen):
        second = [dice.randint(1, len(expected.points) // 2)] if number % AGAIN == 0 else []
        further = number % FURTHER == 0
        found = await live(store, f"{kind}-{point}", batch, point, *second, further=further, several=several)
        assert found.attempts > 1, f"point {point} was not reached"
        twice += found.attempts > 2
        where = f"died {expected.points[point - 1]} (point {point}, then {second})"
        problems += [f"{where}: {line}" for line in wrong(expected, found)]
    assert problems == [], "\n".join(problems[:20])
    record(FIGURES, figures(store, kind, expected.points, chosen, twice))


def telling(points: Sequence[str]) -> list[int]:
    """Number the points (from 1) that leave different worlds: nothing happens outside from after a call to before the next."""
    pairs = enumerate(itertools.pairwise(["before all", *points]), start=1)
    return [number for number, (last, this) in pairs if not (last.startswith("after") and this.startswith("before"))]


def figures(store: StateStore, kind: str, points: Sequence[str], chosen: Sequence[int], twice: int) -> str:
    """Return the line that the summary shows."""
    name = {"MemoryStore": "memory"}.get(type(store).__name__) or ("sqlite" if is_sqlite(store) else "postgresql")
    return (
        f"T5 {kind} on {name}: {len(points)} points, {len(telling(points))} of them leave different worlds; "
        f"died at {len(chosen)}, in {twice} of those histories twice (seed {SEED})"
    )


def is_sqlite(store: StateStore) -> bool:
    """Say whether a store on SQL is one on SQLite."""
    return bool(store._database.is_sqlite)  # type: ignore[attr-defined]


async def test_t5_patients_to_contacts_survives_a_crash_at_every_point_on_sqlite(
    hasty_sqlite: StateStore, record_property: Record
) -> None:
    await die_at_points(hasty_sqlite, "patients", record_property)


async def test_t5_contacts_to_patients_survives_a_crash_at_every_point_on_sqlite(
    hasty_sqlite: StateStore, record_property: Record
) -> None:
    await die_at_points(hasty_sqlite, "contacts", record_property)


@pytest.mark.parametrize("kind", ["patients", "contacts"])
async def test_t5_batches_survive_a_crash_at_every_fourth_point_on_postgresql(
    postgres_store: StateStore, kind: str, record_property: Record
) -> None:
    await die_at_points(postgres_store, kind, record_property, every=4)


async def test_t5_a_sync_of_all_pairs_survives_a_crash_at_every_point_in_memory(record_property: Record) -> None:
    await die_at_points(MemoryStore(), "linked pairs", record_property)


@pytest.mark.torture
@pytest.mark.parametrize("kind", sorted(BATCHES))
async def test_t5_every_point_in_memory(kind: str, record_property: Record) -> None:
    await die_at_points(MemoryStore(), kind, record_property, several=3, all_points=True)


@pytest.mark.torture
@pytest.mark.parametrize("kind", sorted(BATCHES))
async def test_t5_every_point_on_sqlite(hasty_sqlite: StateStore, kind: str, record_property: Record) -> None:
    await die_at_points(hasty_sqlite, kind, record_property, several=3, all_points=True)


@pytest.mark.torture
@pytest.mark.parametrize("kind", sorted(BATCHES))
async def test_t5_every_point_on_postgresql(postgres_store: StateStore, kind: str, record_property: Record) -> None:
    await die_at_points(postgres_store, kind, record_property, several=3, all_points=True)
