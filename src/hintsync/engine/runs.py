"""The life of a run: started, leased, advanced, asked to abort, stopped with a reason, resumed, finished."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from hintsync.core.errors import BadInput, BudgetSpent, HintsyncError, SafetyStop, StopRun
from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.state.port import (
    AuditEvent,
    Commit,
    Json,
    LinkChange,
    LogEntry,
    LogLevel,
    Review,
    Run,
    RunKind,
    RunRow,
    RunStatus,
)

#: Seconds after which a run whose worker died may be taken over.
LEASE = 30.0

RESUMABLE = frozenset({RunStatus.RUNNING, RunStatus.STOPPED, RunStatus.ABORTED, RunStatus.ABORTING})


class Aborted(StopRun):
    """A person asked the run to stop."""

    code = "aborted"


def worker_name() -> str:
    """Return a name for this process that another host's cannot have."""
    return f"{socket.gethostname()}:{os.getpid()}"


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
    ) -> None:
        """Write rows and what belongs with them in one transaction, with the run's progress."""
        async with self._saving:
            details = {**self.run.details, "calls": self.calls()}
            advanced = replace(self.run, done=self.run.done + len(rows), details=details)
            await self.engine.store.commit(Commit(links, rows, reviews, audits, logs, advanced))
            self.run = advanced
        self._tell(self.run)

    async def breathe(self) -> None:
        """Keep the lease and stop if a person asked for it; called between chunks.

        Raises:
            Aborted: the run was asked to stop.
            RunHeld: another worker took the run over.
        """
        now = self.engine.clock.now().timestamp()
        leased = await self.engine.store.lease_run(self.run.id, worker_name(), now, now + LEASE)
        if leased.status is RunStatus.ABORTING:
            raise Aborted("aborted by a person")

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


async def start_run(engine: Engine, kind: RunKind, *, dry: bool, details: dict[str, Json]) -> Run:
    """Insert a new run; its id, the Batch Sync ID, is there at once."""
    run = Run(
        id=engine.new_id("run"),
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


async def reopen(engine: Engine, run_id: str, kind: RunKind) -> Run:
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
    now = engine.clock.now().timestamp()
    leased = await engine.store.lease_run(run_id, worker_name(), now, now + LEASE)
    resumed = replace(leased, status=RunStatus.RUNNING, reason=None, finished_at=None)
    await engine.store.save_run(resumed)
    return resumed


@asynccontextmanager
async def keeping(engine: Engine, run: Run, on_progress: Callable[[Run], None] | None) -> AsyncIterator[RunKeeper]:
    """Work a run inside: it ends DONE, ABORTED or STOPPED with its reason, whatever happens.

    Errors of ours that end a run in order (an abort, a guard, a spent budget, a side that is down) are stored as the
    reason and not raised again; others pass through with the run left RUNNING for a resume.
    """
    now = engine.clock.now().timestamp()
    run = await engine.store.lease_run(run.id, worker_name(), now, now + LEASE)
    keeper = RunKeeper(engine, run, on_progress)
    await keeper.load_finished()
    heart = asyncio.create_task(_beat(engine, run.id))
    try:
        yield keeper
    except Aborted as aborted:
        await _finish(keeper, RunStatus.ABORTED, str(aborted))
    except HintsyncError as error:
        await _finish(keeper, RunStatus.STOPPED, f"{error.code}: {error}")
    else:
        await _finish(keeper, RunStatus.DONE, None)
    finally:
        heart.cancel()


async def _beat(engine: Engine, run_id: str) -> None:
    """Keep the lease while a long read is under way."""
    while True:
        await asyncio.sleep(LEASE / 3)
        now = engine.clock.now().timestamp()
        await engine.store.lease_run(run_id, worker_name(), now, now + LEASE)


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


async def check_identity(engine: Engine) -> None:
    """Guard G1: write nothing unless both sides are the ones that the connection is pinned to.

    Raises:
        SafetyStop: another org, another practice, or the sandbox flag differs.
    """
    pinned = engine.connection
    org = await engine.salesforce.identify()
    if (org.id, org.sandbox) != (pinned.org_id, pinned.org_sandbox):
        raise SafetyStop("G1", f"the org is {org.id} (sandbox: {org.sandbox}), pinned is {pinned.org_id}")
    practice = await engine.hint.identify()
    if practice.id != pinned.practice_id:
        raise SafetyStop("G1", f"the practice is {practice.id}, pinned is {pinned.practice_id}")


__all__ = ["Aborted", "BudgetSpent", "RunKeeper", "check_identity", "keeping", "reopen", "start_run"]
