"""Histories of one run: uninterrupted, or broken off and resumed until it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from hintsync.engine.batch_contacts import batch_contacts
from hintsync.engine.batch_patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.csv_ids import CsvIds, CsvRow
from hintsync.engine.sync_all import sync_all
from hintsync.replicas.memory_faults import Crash
from hintsync.state.port import Run, RunStatus, StateStore
from tests.crash.endings import Ending, differences, ending, written_state
from tests.crash.points import Points, bury
from tests.crash.population import Town, fill

#: Attempts after which a run that is not done never will be.
MOST = 5

Batch: TypeAlias = Callable[[Town, Engine, str | None], Awaitable[Run]]


async def patients(town: Town, engine: Engine, resume: str | None) -> Run:
    """Run patients to contacts."""
    return await batch_patients(engine, resume=resume)


async def contacts(town: Town, engine: Engine, resume: str | None) -> Run:
    """Run contacts to patients over every contact, with what a report brings along besides."""
    if resume:
        return await batch_contacts(engine, resume=resume)
    ids = [*town.contacts, "003000000000999AAA", town.contacts[0]]
    rows = [CsvRow(line, contact_id) for line, contact_id in enumerate(ids, start=2)]
    return await batch_contacts(engine, CsvIds((*rows, CsvRow(len(rows) + 2, None, "not an id")), True, None))


async def linked_pairs(town: Town, engine: Engine, resume: str | None) -> Run:
    """Sync all linked pairs."""
    return await sync_all(engine, resume=resume)


BATCHES: dict[str, Batch] = {"patients": patients, "contacts": contacts, "linked pairs": linked_pairs}


@dataclass(slots=True)
class History:
    """What came of one."""

    ending: Ending
    #: The points of the first attempt.
    points: list[str]
    #: Attempts that it took.
    attempts: int
    #: What a further run changed (see `written_state`), if one was made.
    after: Ending | None = None


async def live(
    store: StateStore,
    name: str,
    batch: Batch,
    *crashes: int,
    further: bool = True,
    several: int = 1,
    trouble: Callable[[Town], None] | None = None,
) -> History:
    """Live through one history.

    Args:
        store: Where it is remembered, among others.
        name: Of its connection, new.
        batch: What is run.
        crashes: The points at which the first attempts die, one each; the next attempt resumes.
        further: Run once more when all is done.
        several: How often the ordinary cases occur.
        trouble: Makes trouble in either system before the first attempt.
    """
    town = Town(store, name)
    fill(town, several)
    await town.open()
    if trouble:
        trouble(town)
    first: Points | None = None
    run, attempts = None, 0
    while run is None:
        assert attempts < MOST, "it does not end"
        points = Points(crashes[attempts] if attempts < len(crashes) else None)
        first, attempts = first or points, attempts + 1
        run = await _attempt(town, batch, points)
    assert run.status is RunStatus.DONE, run.reason
    found = await ending(town, run)
    history = History(found, first.names if first else [], attempts)
    if further:
        again = await batch(town, await town.engine(), None)
        assert again.status is RunStatus.DONE, again.reason
        history.after = await ending(town, again)
    return history


async def _attempt(town: Town, batch: Batch, points: Points) -> Run | None:
    """Start or resume the run as a fresh process; None if it died or was stopped by trouble that passes."""
    runs = await town.store.runs(town.name)
    resume = runs[0].id if runs else None
    if resume and batch is contacts and await town.store.get_cursor(town.name, f"input:{resume}") is None:
        resume = None  # it died before its list was stored, and says so: start anew with the file
    if runs and runs[0].status is RunStatus.DONE:
        return runs[0]  # it died after its last breath
    engine = await town.engine(points)
    try:
        run = await batch(town, engine, resume)
        return None if run.status is RunStatus.STOPPED else run
    except Crash:
        return None
    finally:
        await bury()


def wrong(expected: History, found: History) -> list[str]:
    """Name what is wrong with a history, against the one that was not interrupted."""
    problems = differences(expected.ending, found.ending)
    if found.after is not None:
        problems += [
            f"further run: {line}" for line in differences(written_state(found.ending), written_state(found.after))
        ]
    return problems
