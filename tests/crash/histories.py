"""Histories of one run: uninterrupted, or broken off and resumed until it is done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.csv_ids import CsvIds, CsvRow
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
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
    return await batch_patients(engine, resume=resume, on_progress=town.note)


async def contacts(town: Town, engine: Engine, resume: str | None) -> Run:
    """Run contacts to patients over every contact, with what a report brings along besides."""
    if resume:
        return await batch_contacts(engine, resume=resume, on_progress=town.note)
    ids = [*town.contacts, "003000000000999AAA", town.contacts[0]]
    rows = [CsvRow(line, contact_id) for line, contact_id in enumerate(ids, start=2)]
    listed = CsvIds((*rows, CsvRow(len(rows) + 2, None, "not an id")), True, None)
    return await batch_contacts(engine, listed, on_progress=town.note)


async def linked_pairs(town: Town, engine: Engine, resume: str | None) -> Run:
    """Sync all linked pairs."""
    return await sync_all(engine, resume=resume, on_progress=town.note)


BATCHES: dict[str, Batch] = {"patients": patients, "contacts": contacts, "linked pairs": linked_pairs}


@dataclass(slots=True)
class History:
    """What came of one."""

    ending: Ending
    #: The points of the first attempt.
    points: list[str]
    #: Attempts that it took.
    attempts: int
    #: Writes of the store in the first attempt.
    writes: int
    #: The run's `done` at each report of progress, over all attempts.
    progress: list[int]
    #: How each attempt's run ended; None where its process died.
    endings: list[tuple[RunStatus, str | None] | None]
    #: What a further run changed (see `written_state`), if one was made.
    after: Ending | None = None


async def live(
    store: StateStore,
    name: str,
    batch: Batch,
    *crashes: int,
    further: bool = True,
    several: int = 1,
    abort_at: int | None = None,
    trouble: Callable[[Town], None] | None = None,
    relief: Callable[[Town], None] | None = None,
) -> History:
    """Live through one history.

    Args:
        store: Where it is remembered, among others.
        name: Of its connection, new.
        batch: What is run.
        crashes: The points at which the first attempts die, one each; the next attempt resumes.
        further: Run once more when all is done.
        several: How often the ordinary cases occur.
        abort_at: The write of the store, in the first attempt, before which a person aborts the run.
        trouble: Makes trouble in either system before the first attempt.
        relief: Takes it away after the first attempt.
    """
    town = Town(store, name)
    fill(town, several)
    await town.open()
    if trouble:
        trouble(town)
    first: Points | None = None
    endings: list[tuple[RunStatus, str | None] | None] = []
    run: Run | None = None
    while run is None or run.status is not RunStatus.DONE:
        attempts = len(endings)
        assert attempts < MOST, f"it does not end: {endings}"
        points = Points(crashes[attempts] if attempts < len(crashes) else None, None if first else abort_at)
        first = first or points
        run = await _attempt(town, batch, points)
        endings.append((run.status, run.reason) if run else None)
        if relief:
            relief(town)
    assert first is not None
    found = await ending(town, run)
    history = History(found, first.names, len(endings), first.writes, list(town.progress), endings)
    if further:
        again = await batch(town, await town.engine(), None)
        assert again.status is RunStatus.DONE, again.reason
        history.after = await ending(town, again)
    return history


async def _attempt(town: Town, batch: Batch, points: Points) -> Run | None:
    """Start or resume the run as a fresh process; None if it died."""
    runs = await town.store.runs(town.name)
    resume = runs[0].id if runs else None
    if runs and runs[0].status is RunStatus.DONE:
        return runs[0]  # it died after its last breath
    engine = await town.engine(points)
    try:
        return await batch(town, engine, resume)
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
