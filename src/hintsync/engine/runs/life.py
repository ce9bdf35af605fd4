"""The life of a run: started, leased, advanced, asked to abort, stopped with a reason, resumed, finished."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from hintsync.core.errors import BadInput, BudgetSpent, HintsyncError, StopRun
from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.guards.stops import Place, ensure_running
from hintsync.engine.guards.stops import ensure_pinned as check_identity
from hintsync.engine.workers import is_dead, worker_name
from hintsync.state.port import (
    AuditEvent,
    Commit,
    Json,
    LinkChange,
    LogEntry,
    LogLevel,
    Review,
    Run,
    RunHeld,
    RunKind,
    RunRow,
    RunStatus,
)

_log = logging.getLogger(__name__)

#: Seconds after which a run whose worker died may be taken over, if nobody can see that it died.
LEASE = 30.0

#: Runs that this process works: a lease names the process, so it cannot keep two of its tasks apart.
_at_work: set[str] = set()

#: Runs that mark records and write nothing themselves; they go on while automatic writes are stopped.
_ONLY_LOOKS = frozenset({RunKind.CATCH_UP, RunKind.PARITY})

RESUMABLE = frozenset({RunStatus.RUNNING, RunStatus.STOPPED, RunStatus.ABORTED, RunStatus.ABORTING})


#: Reason of a run that a person stopped.
ABORTED = "aborted by a person"


class Aborted(StopRun):
    """A person asked the run to stop."""

    code = "aborted"


class RunKeeper:
    """Holds a run while it is worked: every commit saves progress, keeps the lease and looks for an abort."""

    def __init__(self, engine: Engine, run: Run, on_progress: Callable[[Run], None] | None = None) -> None:
        """Take a run that this worker has leased."""
        self.engine = engine
        self.run = run
        self._tell = on_progress or (lambda run: None)
        self._calls_before = {side: replica.calls for side, replica in engine.replicas.items()}
        self._calls_earlier = {side: _calls_of(run, side) for side in engine.replicas}
        self._saving = asyncio.Lock()
        #: When `breathe` renewed the lease last, in seconds on the monotonic clock.
        self._leased_at = float("-inf")
        #: Records that have a row from before (a resumed run), and the next free position.
        self.finished: frozenset[RecordId] = frozenset()
        self.next_position = 0

    async def load_finished(self) -> None:
        """Learn which records a run that is resumed has done already."""
        done: set[RecordId] = set()
        async for row in self.engine.store.rows(self.run.id):
            done.add(row.record_id)
            self.next_position = max(self.next_position, row.position + 1)
        self.finished = frozenset(done)

    def take_position(self) -> int:
        """Return the next free position."""
        self.next_position += 1
        return self.next_position - 1

    async def phase(self, name: str, *, total: int | None = None) -> None:
        """Say what the run is doing now, and how much there is of it."""
        self.run = replace(self.run, total=self.run.total if total is None else total)
        await self.note(phase=name)

    async def note(self, **details: Json) -> None:
        """Save details of the run."""
        async with self._saving:
            self.run = replace(self.run, details={**self.run.details, **details, "calls": self.calls()})
            await self.engine.store.save_run(self.run)
        self._tell(self.run)

    async def commit(
        self,
        rows: Sequence[RunRow],
        *,
        links: Sequence[LinkChange] = (),
        reviews: Sequence[Review] = (),
        audits: Sequence[AuditEvent] = (),
        logs: Sequence[LogEntry] = (),
        cursors: Mapping[str, str] | None = None,
    ) -> None:
        """Write rows and what belongs with them in one transaction, with the run's progress."""
        async with self._saving:
            details = {**self.run.details, "calls": self.calls()}
            advanced = replace(self.run, done=self.run.done + len(rows), details=details)
            await self.engine.store.commit(Commit(links, rows, reviews, audits, logs, advanced, cursors or {}))
            self.run = advanced
        self._tell(self.run)

    async def breathe(self) -> None:
        """Keep the lease and stop if a person asked for it; called between chunks.

        Raises:
            Aborted: the run was asked to stop.
            RunHeld: another worker took the run over.
            SafetyStop: automatic work is stopped, by a guard or a person.
        """
        now = self.engine.clock.monotonic()
        if now - self._leased_at < LEASE / 3:
            stored = await self.engine.store.run(self.run.id)  # a read: spares a commit between any two chunks
        else:
            stored = await _extend(self.engine, self.run.id)
            self._leased_at = now
        if stored is None or stored.worker not in (None, self.run.worker):
            raise RunHeld(self.run.id)
        if stored.status is RunStatus.ABORTING:
            raise Aborted(ABORTED)
        if not self.run.dry and self.run.kind not in _ONLY_LOOKS:
            await ensure_running(self.engine)

    def calls(self) -> dict[str, Json]:
        """Return the calls sent for this run by side, earlier attempts of a resumed run included."""
        return {
            str(side): self._calls_earlier[side] + replica.calls - self._calls_before[side]
            for side, replica in self.engine.replicas.items()
        }


def _calls_of(run: Run, side: Side) -> int:
    calls = run.details.get("calls")
    count = calls.get(str(side), 0) if isinstance(calls, dict) else 0
    return count if isinstance(count, int) else 0


async def start_run(
    engine: Engine, kind: RunKind, *, dry: bool, details: dict[str, Json], run_id: str | None = None
) -> Run:
    """Insert a new run; its id, the Batch Sync ID, is there at once, and made up unless it is given."""
    run = Run(
        id=run_id or engine.new_id("run"),
        connection_id=engine.connection.id,
        kind=kind,
        status=RunStatus.RUNNING,
        dry=dry,
        started_at=engine.now(),
        started_by=engine.actor,
        details=details,
    )
    await engine.store.start_run(run)
    return run


async def reopen(engine: Place, run_id: str, kind: RunKind) -> Run:
    """Return a run that may go on, marked as running.

    Raises:
        BadInput: there is no such run of this kind, or it is done.
        RunHeld: another worker is at it.
    """
    run = await engine.store.run(run_id)
    if run is None or run.kind is not kind:
        raise BadInput(f"no run {run_id} of the kind {kind}; `hintsync runs` lists them")
    if run.status not in RESUMABLE:
        raise BadInput(f"run {run_id} is {run.status}: nothing to resume")
    if run_id in _at_work:
        raise RunHeld(run_id)
    leased = await _take(engine, run_id)
    if leased.status is RunStatus.ABORTING:  # its worker died before it could stop; it has stopped now
        await engine.store.save_run(replace(leased, status=RunStatus.ABORTED))
        leased = await _take(engine, run_id)
    resumed = replace(leased, status=RunStatus.RUNNING, reason=None, finished_at=None)
    await engine.store.save_run(resumed)
    return resumed


def is_held(run: Run, now: float) -> bool:
    """Say whether a worker that may be alive holds a run at a moment (seconds since the epoch)."""
    return run.worker is not None and run.leased_until > now and not is_dead(run.worker)


async def let_go(place: Place, run_id: str) -> None:
    """Give the lease of a run back that this process holds, so that whoever comes next need not wait for its end."""
    now = place.clock.now().timestamp()
    await place.store.lease_run(run_id, worker_name(), now, now)


async def settle_abort(place: Place, run_id: str) -> bool:
    """End a run that was asked to stop and that nobody works any more; say whether it has ended."""
    run = await place.store.run(run_id)
    if run is None or run.status is not RunStatus.ABORTING or run_id in _at_work:
        return run is not None and run.status is RunStatus.ABORTED
    try:
        taken = await _take(place, run_id)
    except RunHeld:
        return False  # its worker stops at the next chunk
    await place.store.save_run(
        replace(taken, status=RunStatus.ABORTED, reason=ABORTED, finished_at=place.now(), worker=None)
    )
    return True


async def _extend(engine: Place, run_id: str) -> Run:
    """Take or keep the lease of a run as this process."""
    now = engine.clock.now().timestamp()
    return await engine.store.lease_run(run_id, worker_name(), now, now + LEASE)


async def _take(engine: Place, run_id: str) -> Run:
    """Take the lease of a run, at once if its holder is known to be dead.

    Raises:
        RunHeld: another worker is at it, or may be.
    """
    try:
        return await _extend(engine, run_id)
    except RunHeld:
        held = await engine.store.run(run_id)
        if held is None or held.worker is None or not is_dead(held.worker):
            raise
    # Compared and set at the dead worker's last moment: whoever else took the run meanwhile holds it beyond that.
    now = engine.clock.now().timestamp()
    return await engine.store.lease_run(run_id, worker_name(), max(now, held.leased_until), now + LEASE)


@asynccontextmanager
async def keeping(engine: Engine, run: Run, on_progress: Callable[[Run], None] | None) -> AsyncIterator[RunKeeper]:
    """Work a run inside: it ends DONE, ABORTED or STOPPED with its reason, whatever happens.

    Errors of ours that end a run in order (an abort, a guard, a spent budget, a side that is down) are stored as the
    reason and not raised again; others pass through with the run left RUNNING for a resume.
    """
    if run.id in _at_work:
        raise RunHeld(run.id)
    _at_work.add(run.id)
    try:
        keeper = RunKeeper(engine, await _take(engine, run.id), on_progress)
        async with _beating(engine, run.id):
            await keeper.load_finished()
            async with _ending(keeper):
                yield keeper
    finally:
        _at_work.discard(run.id)


@asynccontextmanager
async def _ending(keeper: RunKeeper) -> AsyncIterator[None]:
    """Store how the work inside ended."""
    try:
        yield
    except Aborted as aborted:
        await _finish(keeper, RunStatus.ABORTED, str(aborted))
    except HintsyncError as error:
        await _finish(keeper, RunStatus.STOPPED, f"{error.code}: {error}")
    else:
        await _finish(keeper, RunStatus.DONE, None)


@asynccontextmanager
async def _beating(engine: Engine, run_id: str) -> AsyncIterator[None]:
    """Keep the lease while a long read is under way."""
    heart = asyncio.create_task(_beat(engine, run_id))
    try:
        yield
    finally:
        heart.cancel()
        await asyncio.wait([heart])


async def _beat(engine: Engine, run_id: str) -> None:
    """Extend the lease again and again; what fails here will fail the next commit too, and is told there."""
    while True:
        await asyncio.sleep(LEASE / 3)
        try:
            await _extend(engine, run_id)
        except (HintsyncError, RunHeld) as error:
            _log.warning("run %s: its lease could not be extended (%s)", run_id, type(error).__name__)


async def _finish(keeper: RunKeeper, status: RunStatus, reason: str | None) -> None:
    engine = keeper.engine
    if status is RunStatus.STOPPED:
        await engine.store.commit(Commit(logs=[_stop_entry(keeper, reason or "")]))
    details = {**keeper.run.details, "calls": keeper.calls()}
    keeper.run = replace(
        keeper.run,
        status=status,
        reason=reason,
        finished_at=engine.now(),
        details=details,
        worker=None,
        leased_until=0.0,
    )
    await engine.store.save_run(keeper.run)


def _stop_entry(keeper: RunKeeper, reason: str) -> LogEntry:
    return LogEntry(
        connection_id=keeper.engine.connection.id,
        at=keeper.engine.now(),
        level=LogLevel.ERROR,
        event="run-stopped",
        message=reason,
        run_id=keeper.run.id,
    )


__all__ = [
    "ABORTED",
    "Aborted",
    "BudgetSpent",
    "RunKeeper",
    "check_identity",
    "is_held",
    "keeping",
    "let_go",
    "reopen",
    "settle_abort",
    "start_run",
]
