"""A run that may do only what was approved dies at any point; resumed, it does that and no more (section 9, T5)."""

from __future__ import annotations

import pytest

from hintsync.engine.batch.patients import batch_patients
from hintsync.replicas.memory_faults import Crash
from hintsync.state.memory import MemoryStore
from hintsync.state.port import Run, RunStatus, StateStore
from tests.crash.conftest import FIGURES
from tests.crash.endings import Ending, differences, ending
from tests.crash.points import Points, bury
from tests.crash.population import Town, fill
from tests.crash.test_every_point import Record, telling

pytestmark = pytest.mark.usefixtures("small_chunks")


async def approved_history(store: StateStore, name: str, crash_at: int | None) -> tuple[Ending, Points]:
    """Plan, approve, carry out; die at a point and resume if one is given."""
    town, points = Town(store, name), Points(crash_at)
    fill(town)
    await town.open()
    plan = await batch_patients(await town.engine(), dry=True)
    engine = await town.engine(points)
    try:
        run = await batch_patients(engine, approved=plan.id)
    except Crash:
        run = (await store.runs(name))[0]
    await bury()
    return await ending(town, await _finished(town, plan, run)), points


async def _finished(town: Town, plan: Run, run: Run) -> Run:
    if run.id == plan.id:  # it died before there was a run
        return await batch_patients(await town.engine(), approved=plan.id)
    return run if run.status is RunStatus.DONE else await batch_patients(await town.engine(), resume=run.id)


async def test_t5_an_approved_run_survives_a_crash_at_every_third_point_in_memory(record_property: Record) -> None:
    store, problems = MemoryStore(), []
    expected, points = await approved_history(store, "whole", None)
    assert "changed since" not in {row["outcome"] for row in expected["rows"].values()}
    chosen = telling(points.names)[::3]
    for point in chosen:
        found, _ = await approved_history(store, f"died-{point}", point)
        problems += [f"point {point}: {line}" for line in differences(expected, found)]
    assert problems == [], "\n".join(problems[:20])
    record_property(FIGURES, f"T5 approved patients on memory: died at {len(chosen)} of {len(points.names)} points")
