"""Runs that were ordered and wait for a worker: which is next, and working it to its end.

Whoever works a run holds its lease, so any number of workers may look here; one that dies leaves the run to the next.
"""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum

from hintsync.core.errors import HintsyncError
from hintsync.engine.context import Engine
from hintsync.engine.guards.stops import Place
from hintsync.engine.runs.life import is_held, let_go, reopen, settle_abort
from hintsync.engine.runs.resuming import resume_run
from hintsync.state.port import Commit, Json, LogEntry, LogLevel, Run, RunHeld, RunKind, RunStatus

_log = logging.getLogger(__name__)

#: Detail of a run that the workers go on with: who ordered it last.
ORDERED_BY = "ordered_by"
#: Times that a run is taken up without getting any further before it is left to people: it may be what its workers die of.
TRIES = 3
#: Runs that are looked at for orders; more than a few are never under way.
_MOST = 100


class Standing(StrEnum):
    """Where a run stands, as people see it."""

    #: Ordered; no worker has it yet, or its worker died and the next one takes over.
    WAITING = "waiting"
    #: A worker has it.
    WORKED = "worked"
    #: Its process ended before it did, and nobody goes on by itself.
    LEFT = "left"
    #: Waits for an approval, not for a worker: what a guard kept.
    KEPT = "kept"
    ENDED = "ended"


def standing_of(run: Run, now: float) -> Standing:
    """Return where a run stands at a moment (seconds since the epoch)."""
    if run.status not in (RunStatus.RUNNING, RunStatus.ABORTING):
        return Standing.ENDED
    if run.kind is RunKind.HELD:
        return Standing.KEPT
    if is_held(run, now):
        return Standing.WORKED
    return Standing.WAITING if is_ordered(run) else Standing.LEFT


def is_ordered(run: Run) -> bool:
    """Say whether the workers go on with a run by themselves until it has ended."""
    return isinstance(run.details.get(ORDERED_BY), str)


def orderer_of(run: Run) -> str:
    """Return who ordered a run last: in their name it is worked."""
    found = run.details.get(ORDERED_BY)
    return found if isinstance(found, str) else run.started_by


async def next_ordered(place: Place) -> Run | None:
    """Return the ordered run that waits longest, if one waits; ends those on the way that were aborted meanwhile."""
    active, now = (RunStatus.RUNNING, RunStatus.ABORTING), place.clock.now().timestamp()
    known = await place.store.runs(place.connection.id, statuses=active, limit=_MOST)
    for run in reversed(known):
        if standing_of(run, now) is not Standing.WAITING:
            continue
        if run.status is RunStatus.ABORTING:
            await settle_abort(place, run.id)
        else:
            return run
    return None


async def take_up(place: Place, run: Run) -> bool:
    """Take an ordered run for this process; false if it is not to be worked: taken, or given up after several tries."""
    if not await _is_wanted(place, run):
        return False
    try:
        taken = await reopen(place, run.id, run.kind)
    except (RunHeld, HintsyncError):
        return False
    tries = _tries(taken) + 1
    if tries > TRIES:
        await stop_ordered(place, taken, f"worker-died: {TRIES} times its worker ended without getting any further")
        return False
    details: dict[str, Json] = {**taken.details, "tries": tries, "tries_at": taken.done}
    await place.store.save_run(replace(taken, details=details))
    return True


async def _is_wanted(place: Place, run: Run) -> bool:
    """Say whether nobody has aborted a run since it was read; opening an engine for it takes seconds."""
    stored = await place.store.run(run.id)
    if stored is not None and stored.status is RunStatus.ABORTING:
        await settle_abort(place, run.id)
    return stored is not None and stored.status is RunStatus.RUNNING


async def work_ordered(engine: Engine, run: Run) -> None:
    """Work a run that was taken up until it has ended; whatever happens, it does not come back by itself.

    Args:
        engine: Serves this run alone: its calls are counted, and it takes over what the run was started with.
        run: As `next_ordered` gave it.
    """
    if not await _is_wanted(engine, run):
        return
    try:
        await resume_run(engine, run)
    except RunHeld:
        _log.info("run %s went to another worker", run.id)
    except HintsyncError as error:
        await stop_ordered(engine, run, f"{error.code}: {error}")
    except Exception as error:
        incident = secrets.token_hex(4)
        _log.error("run %s failed, incident %s: %s", run.id, incident, type(error).__name__)
        await stop_ordered(engine, run, f"unforeseen: {type(error).__name__}, incident {incident}")


async def stop_ordered(place: Place, run: Run, reason: str) -> None:
    """Mark a run as stopped, with why; it may be resumed."""
    stored = await place.store.run(run.id)
    if stored is None or stored.status not in (RunStatus.RUNNING, RunStatus.ABORTING):
        return
    entry = LogEntry(place.connection.id, place.now(), LogLevel.ERROR, "run-stopped", reason, run_id=run.id)
    await place.store.commit(Commit(logs=[entry]))
    await place.store.save_run(replace(stored, status=RunStatus.STOPPED, reason=reason, finished_at=place.now()))


async def put_back(place: Place, run_id: str) -> None:
    """Leave a run that was cut off in order to whoever comes next, at once."""
    stored = await place.store.run(run_id)
    if stored is None or stored.status is not RunStatus.RUNNING:
        return
    with suppress(RunHeld):  # somebody has it already
        await place.store.save_run(replace(stored, details={**stored.details, "tries": 0}))
        await let_go(place, run_id)


def _tries(run: Run) -> int:
    """Return how often a run was taken up in a row without getting any further."""
    tries, then = run.details.get("tries"), run.details.get("tries_at")
    return tries if isinstance(tries, int) and then == run.done else 0
