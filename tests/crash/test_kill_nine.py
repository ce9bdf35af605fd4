"""Workers are killed with signal 9 at random steps and resumed by others, against real emulators and databases (T5)."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres
from tests.crash.conftest import FIGURES
from tests.crash.endings import differences
from tests.crash.killing import PEOPLE, Tally, in_processes, kill_and_resume, run_again, run_in_peace, workers
from tests.crash.test_every_point import Record

SEED = 20261122


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Iterator[str]:
    """URL of an empty database; empty for SQLite in the state folder."""
    if request.param == "sqlite":
        yield ""
        return
    with postgres.database(request.getfixturevalue("postgres_server")) as url:
        yield url


async def kill_in_a_world(folder: Path, database_url: str, seed: int, kills: int) -> Tally:
    """Compare a world of killed workers with the same world in peace."""
    systems, memory = await run_in_peace(folder / "peace", seed)
    (folder / "killed").mkdir()
    async with in_processes(folder / "killed", seed, database_url) as scene:
        with workers() as forks:
            tally = await kill_and_resume(scene, forks, random.Random(seed), kills)
        expected = {"systems": systems, "memory": memory}
        found = {"systems": await scene.systems(), "memory": await scene.memory()}
        further = await run_again(scene)
    problems = differences(expected, found)
    problems += [f"further run: {line}" for line in differences(expected["systems"], further)]
    assert problems == [], "\n".join(problems[:20])
    return tally


def figures(database_url: str, seeds: range, tallies: list[Tally]) -> str:
    """Return the line that the summary shows."""
    kills, runs = sum(tally.kills for tally in tallies), sum(tally.runs for tally in tallies)
    name = "postgresql" if database_url else "sqlite"
    return (
        f"T5 kill -9 on {name}: {kills} workers killed in {runs} runs over {len(tallies)} worlds of {PEOPLE} people "
        f"(seeds {seeds.start} to {seeds.stop - 1})"
    )


async def test_t5_ten_workers_killed_change_nothing_in_the_end(
    tmp_path: Path, database: str, record_property: Record
) -> None:
    tally = await kill_in_a_world(tmp_path, database, SEED, kills=10)
    record_property(FIGURES, figures(database, range(SEED, SEED + 1), [tally]))


@pytest.mark.torture
async def test_t5_two_hundred_workers_killed_change_nothing_in_the_end(
    tmp_path: Path, database: str, postgres_server: str, record_property: Record
) -> None:
    seeds, tallies = range(SEED, SEED + 20), []
    for seed in seeds:
        folder = tmp_path / str(seed)
        folder.mkdir()
        with postgres.database(postgres_server) as url:
            tallies.append(await kill_in_a_world(folder, url if database else "", seed, kills=10))
    record_property(FIGURES, figures(database, seeds, tallies))
