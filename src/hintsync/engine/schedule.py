"""Does a connection's regular work when it is due: parity at night, pruning, catch-up after a gap, whatever else is added.

What was done is kept in the store, and whoever works something holds a lease, so that any number of processes may ask at any
time. A process that dies lets go within seconds; the run that it left is gone on with.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hintsync.core.errors import HintsyncError
from hintsync.core.values import Side
from hintsync.engine.confirming import CONFIRM, confirm_links
from hintsync.engine.context import Engine
from hintsync.engine.detect.catch_up import catch_up, resume_catch_up
from hintsync.engine.detect.poll import poll_once
from hintsync.engine.due import Asked, Daily, Every, Noted, Verdict, When, judge
from hintsync.engine.health.alarms import Limits, Pulse, tell_changes
from hintsync.engine.live.surge import surge_of
from hintsync.engine.parity.check import check_parity
from hintsync.engine.retention import prune
from hintsync.engine.workers import worker_name
from hintsync.ports import Alerts
from hintsync.state.port import Run, RunHeld, RunKind, RunStatus

_log = logging.getLogger(__name__)

#: Seconds that the lease of a piece of work lasts, and between two renewals.
LEASE = 15.0
_BEAT = 5.0
#: Seconds before work that failed is tried again; a gap is filled as soon as the side is back.
RETRY = 900.0
RETRY_CATCH_UP = 60.0
#: Seconds between two looks at what people must be told.
WATCH = 60.0
#: Latest runs among which one that was left unfinished is looked for.
_RECENT = 100


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of regular work."""

    #: Word for cursors, leases and logs.
    name: str
    when: When
    #: Does it; false: it could not be done now and is tried again later.
    work: Callable[[Engine], Awaitable[bool]]
    #: Seconds before it is tried again.
    retry: float = RETRY


def jobs_of(engine: Engine) -> tuple[Job, ...]:
    """Return the regular work of a connection as its settings have it."""
    return (
        confirm_job(),
        *(Job(catch_up_name(side), Asked(), _CatchUp(side), RETRY_CATCH_UP) for side in Side),
        Job("parity", Daily(engine.options.parity_hour), nightly_parity),
        Job("prune", Daily((engine.options.parity_hour + 1) % 24), prune),
    )


def confirm_job() -> Job:
    """Return the work of asking after a restore which links still are; nothing to do unless the restore asked for it."""
    return Job(CONFIRM, Asked(), confirm_restored, RETRY_CATCH_UP)


def poll_job(side: Side, seconds: float) -> Job:
    """Return the work of asking a side, again and again, what it has changed."""

    async def poll(engine: Engine) -> bool:
        if not engine.replicas[side].capabilities.changed_since:
            return True  # the side has no list of changes: the nightly check must do
        await poll_once(engine, side)
        await Pulse(engine).beat()
        return True

    return Job(f"poll:{side}", Every(seconds), poll, retry=seconds)


def watch_job(alerts: Alerts, limits: Limits) -> Job:
    """Return the work of telling people what has come up or gone, such as that nothing succeeds any more."""

    async def watch(engine: Engine) -> bool:
        await tell_changes(engine, alerts, limits)
        return True

    return Job("watch", Every(WATCH), watch, retry=WATCH)


def catch_up_name(side: Side) -> str:
    """Return the name of the work that catches up with a side."""
    return f"catch-up:{side}"


async def run_due(engine: Engine, jobs: Sequence[Job] | None = None) -> list[str]:
    """Do what is due now, one after the other, and return the names of what came to its end.

    Cheap when nothing is due: some reads of the store, no remote call. Call it every few seconds from any process. In a
    burst of webhooks nothing is begun.

    Args:
        engine: The connection.
        jobs: The work; what `jobs_of` returns if not given.
    """
    if surge_of(engine).is_short(engine.clock.monotonic()):
        return []
    wanted = jobs_of(engine) if jobs is None else jobs
    return [job.name for job in wanted if await _is_due(engine, job) and await _do_leased(engine, job)]


async def ask_for(engine: Engine, name: str) -> None:
    """Ask for work of the kind `Asked` to be done once more, by whichever process comes first; lasts until it is done."""
    token = f"{engine.now()} {secrets.token_hex(4)}"
    await engine.store.put_cursor(engine.connection.id, _cursor(name, "asked"), token)


async def ask_catch_up(engine: Engine, side: Side) -> None:
    """Ask for a catch-up with a side: after a start, a gap, an overflow, an expired replay."""
    await ask_for(engine, catch_up_name(side))


async def _is_due(engine: Engine, job: Job) -> bool:
    """Judge a piece of work by what is noted of it."""
    now, zone = engine.clock.now(), ZoneInfo(engine.options.time_zone)
    verdict = judge(job.when, await _noted(engine, job), now, zone)
    if verdict is Verdict.NOTE:
        await engine.store.put_cursor(engine.connection.id, _cursor(job.name, "done"), _text(now))
    return verdict is Verdict.DUE


async def _do_leased(engine: Engine, job: Job) -> bool:
    async with _leased(engine, job) as mine:
        if not mine or not await _is_due(engine, job):  # another process may have done it just before
            return False
        asked = await engine.store.get_cursor(engine.connection.id, _cursor(job.name, "asked"))
        began = engine.clock.now()
        done = await _tried(engine, job)
        await _note(engine, job, began, asked, done=done)
        return done


async def _tried(engine: Engine, job: Job) -> bool:
    """Do a piece of work; what fails in order is logged and tried again later."""
    try:
        return await job.work(engine)
    except (HintsyncError, RunHeld) as error:
        _log.warning("schedule: %s could not be done: %s", job.name, getattr(error, "code", "held"))
        return False


async def _note(engine: Engine, job: Job, began: datetime, asked: str | None, *, done: bool) -> None:
    store, connection_id = engine.store, engine.connection.id
    if not done:
        again = engine.clock.now() + timedelta(seconds=job.retry)
        await store.put_cursor(connection_id, _cursor(job.name, "not-before"), _text(again))
        return
    if asked is not None:
        await store.put_cursor(connection_id, _cursor(job.name, "answered"), asked)
    await store.put_cursor(connection_id, _cursor(job.name, "done"), _text(began))


async def _noted(engine: Engine, job: Job) -> Noted:
    async def cursor(what: str) -> str | None:
        return await engine.store.get_cursor(engine.connection.id, _cursor(job.name, what))

    if isinstance(job.when, Asked):
        asked, answered = await cursor("asked"), await cursor("answered")
        return Noted(None, _moment(await cursor("not-before")), asked, answered)
    return Noted(_moment(await cursor("done")), _moment(await cursor("not-before")))


@asynccontextmanager
async def _leased(engine: Engine, job: Job) -> AsyncIterator[bool]:
    """Hold a piece of work for this very call, if nobody else does; the lease is renewed while the work goes on."""
    store, connection_id = engine.store, engine.connection.id
    worker, name = f"{worker_name()}/{secrets.token_hex(4)}", _cursor(job.name, connection_id)
    now = engine.clock.now().timestamp()
    mine = name in await store.lease_links(connection_id, [name], worker, now, now + LEASE)
    heart = asyncio.create_task(_beat(engine, worker)) if mine else None
    try:
        yield mine
    finally:
        if heart is not None:
            heart.cancel()
            await asyncio.wait([heart])
            await store.release_links(connection_id, [name], worker)


async def _beat(engine: Engine, worker: str) -> None:
    """Renew the lease again and again; runs have leases of their own, so one that is lost here only costs doubled work."""
    while True:
        await asyncio.sleep(_BEAT)
        try:
            until = engine.clock.now().timestamp() + LEASE
            await engine.store.renew_leases(engine.connection.id, worker, until)
        except HintsyncError as error:
            _log.warning("schedule: a lease could not be renewed (%s)", error.code)


def _cursor(name: str, what: str) -> str:
    return f"schedule:{name}:{what}"


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _moment(cursor: str | None) -> datetime | None:
    return datetime.fromisoformat(cursor) if cursor else None


# --- the work itself


async def confirm_restored(engine: Engine) -> bool:
    """Ask after a restore which links still are; asked for by the restore itself (`hintsync.backup.aging`)."""
    done = await confirm_links(engine)
    _log.warning(
        "after a restore: %d links are what they were, %d had been ended, %d wait for a person, %d made since are looked for",
        done.kept,
        done.ended,
        done.doubted,
        done.made,
    )
    return True


async def nightly_parity(engine: Engine) -> bool:
    """Run the parity check, or go on with one that was left; one that a person aborted is left for the next night."""
    left, asked = await _left_over(engine, RunKind.PARITY), await _asked(engine)
    if left is not None and left.seal is not None:  # cut off behind its signature: it has looked before what was asked
        await check_parity(engine, resume=left.id)
        left = None
    if left is not None and left.details.get("repair") is False:
        left = None  # a person's, who wanted nothing repaired
    return await _came_to_an_end(engine, await check_parity(engine, resume=left.id if left else None), asked)


@dataclass(frozen=True, slots=True)
class _CatchUp:
    side: Side

    async def __call__(self, engine: Engine) -> bool:
        """Catch up with a side from its position, or go on with a run that was left."""
        left, asked = await _left_over(engine, RunKind.CATCH_UP, self.side), await _asked(engine)
        run = await (resume_catch_up(engine, left.id) if left else catch_up(engine, self.side))
        return await _came_to_an_end(engine, run, asked)


async def _asked(engine: Engine) -> Mapping[Side, str | None]:
    """Return the latest request for a catch-up with each side."""
    store, connection_id = engine.store, engine.connection.id
    return {side: await store.get_cursor(connection_id, _cursor(catch_up_name(side), "asked")) for side in Side}


async def _came_to_an_end(engine: Engine, run: Run, asked: Mapping[Side, str | None]) -> bool:
    """Say whether a run needs no other try; who compared everybody has caught up with both sides, as asked until then."""
    if run.status is RunStatus.DONE:
        await Pulse(engine).beat()
    if run.status is RunStatus.DONE and run.kind is RunKind.PARITY:
        for side, token in asked.items():
            if token is not None:
                cursor = _cursor(catch_up_name(side), "answered")
                await engine.store.put_cursor(engine.connection.id, cursor, token)
    return run.status in (RunStatus.DONE, RunStatus.ABORTED)


async def _left_over(engine: Engine, kind: RunKind, side: Side | None = None) -> Run | None:
    """Return the latest run of a kind (and side) if it stopped, or its process died, within the last day."""
    runs = await engine.store.runs(engine.connection.id, limit=_RECENT)
    latest = next((r for r in runs if r.kind is kind and side in (None, r.details.get("side"))), None)
    if latest is None or latest.status not in (RunStatus.STOPPED, RunStatus.RUNNING):
        return None
    age = engine.clock.now() - datetime.fromisoformat(latest.started_at)
    return latest if abs(age) < timedelta(days=1) else None
