"""Catch-up: after an outage, a gap, an overflow or an expired replay, takes in everything that a side has changed since.

Reads from a little before the position reached (`positions`), deleted records included, page by page, and hands each page to
intake: what is our own echo, or as both sides last agreed, costs nothing; the rest is marked dirty and worked in its lane.
Where a side cannot tell what changed, or no longer keeps what was deleted since, everybody is compared instead (`parity`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from hintsync.core.errors import BadInput, SafetyStop
from hintsync.core.limits import Purpose
from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.intake import TakenIn, take_in
from hintsync.engine.detect.notices import Notice
from hintsync.engine.detect.positions import OVERLAP, load_position, move_position, newest_of
from hintsync.engine.detect.reading import notice_of
from hintsync.engine.guards.budgets import check_budgets
from hintsync.engine.pairs.settling import is_gone
from hintsync.engine.parity.check import check_parity
from hintsync.engine.runs.life import RunKeeper, check_identity, keeping, reopen, start_run
from hintsync.ports import Page
from hintsync.state.port import Json, Run, RunKind

#: Cause of what catch-up takes in.
CAUSE = "catch-up"
#: How long Salesforce keeps deleted records (Help, "View, Restore, and Manage the Recycle Bin": 15 days); Hint tells of none.
KEPT = timedelta(days=15)
#: Linked records that are asked for when a side says that nothing has changed.
_SAMPLE = 5

TakeIn = Callable[[Engine, Sequence[Notice]], Awaitable[TakenIn]]
OnProgress = Callable[[Run], None]


async def catch_up(
    engine: Engine,
    side: Side,
    *,
    since: datetime | None = None,
    take: TakeIn = take_in,
    on_progress: OnProgress | None = None,
) -> Run:
    """Take in everything that a side has changed, and return the run as it ended.

    Args:
        engine: The connection.
        side: The side whose events may have been lost.
        since: The moment from which on they may have been; the position reached if not given. The overlap is subtracted.
        take: The way into the dirty set.
        on_progress: Called with the run after every page.

    Returns:
        A run of the kind CATCH_UP, or PARITY where everybody had to be compared.
    """
    began = await _beginning(engine, side, since)
    if began is None:
        return await check_parity(engine, on_progress=on_progress)  # it has seen both sides, and moves both positions
    started = _Started(side, began, engine.clock.now())
    run = await start_run(engine, RunKind.CATCH_UP, dry=False, details=started.to_json())
    return await _work(engine, run, started, take, on_progress)


async def resume_catch_up(
    engine: Engine, run_id: str, *, take: TakeIn = take_in, on_progress: OnProgress | None = None
) -> Run:
    """Go on with a run that was aborted, stopped or killed: from where it began, for taking something in twice is harmless.

    Raises:
        BadInput: there is no such run to resume.
        RunHeld: another worker is at it.
    """
    run = await reopen(engine, run_id, RunKind.CATCH_UP)
    return await _work(engine, run, _started(run), take, on_progress)


async def _work(engine: Engine, run: Run, started: _Started, take: TakeIn, on_progress: OnProgress | None) -> Run:
    async with keeping(engine, run, on_progress) as keeper:
        await _CatchUp(engine, keeper, started, take).work()
    return keeper.run


async def _beginning(engine: Engine, side: Side, since: datetime | None) -> datetime | None:
    """Return where reading must begin; None if everybody must be compared.

    A position that lies ahead of our clock is the mark of a clock that was set back: nobody knows what it passed over.
    """
    now, position = engine.clock.now(), await load_position(engine, side)
    known = position.caught_up if since is None else since
    wanted = position.read_to if since is None else since
    if known is None or wanted is None or not engine.replicas[side].capabilities.changed_since:
        return None
    if known > now + OVERLAP or known - OVERLAP < now - KEPT:
        return None
    return min(wanted, known) - OVERLAP


@dataclass(frozen=True, slots=True)
class _Started:
    """What a run keeps for its resume."""

    side: Side
    #: Where reading begins, on the side's clock; the overlap is off already.
    since: datetime
    #: When it was started, on ours.
    at: datetime

    def to_json(self) -> dict[str, Json]:
        return {"side": str(self.side), "since": self.since.isoformat(), "began": self.at.isoformat()}


def _started(run: Run) -> _Started:
    """Return what a run kept.

    Raises:
        BadInput: it kept something else.
    """
    side, since, began = (run.details.get(name) for name in ("side", "since", "began"))
    if not (isinstance(side, str) and isinstance(since, str) and isinstance(began, str)):
        raise BadInput(f"run {run.id} does not say where it began; start a new one")
    return _Started(Side(side), datetime.fromisoformat(since), datetime.fromisoformat(began))


@dataclass(slots=True)
class _CatchUp:
    engine: Engine
    keeper: RunKeeper
    started: _Started
    take: TakeIn
    newest: datetime | None = None
    shown: int = 0

    async def work(self) -> None:
        """Take in page after page; the position moves last."""
        await check_identity(self.engine)
        side, before, began = self.started.side, self.keeper.run.done, self.engine.clock.monotonic()
        await self.keeper.phase(f"reading what {side} changed")
        scan = self.engine.replicas[side].scan(since=self.started.since.astimezone(UTC))
        async with aclosing(scan) as pages:  # type: ignore[type-var]  # our replicas are async generators
            async for page in pages:
                await self.keeper.breathe()
                await check_budgets(self.engine, Purpose.CATCH_UP)
                await self._take_page(page, before)
        if not self.shown:
            await self._refuse_outage()
        took = self.engine.clock.monotonic() - began
        await move_position(self.engine, side, self.newest, self.started.at, took)

    async def _take_page(self, page: Page, before: int) -> None:
        taken = await self.take(self.engine, [notice_of(self.engine, record, CAUSE) for record in page.records])
        self.newest = newest_of(page.records, self.newest)
        self.shown += len(page.records)
        run = self.keeper.run
        total = None if page.total is None else before + max(page.total, self.shown)
        self.keeper.run = replace(run, done=run.done + len(page.records), total=total)
        await self.keeper.note(**_added(run, taken))

    async def _refuse_outage(self) -> None:
        """Guard G2: a side that shows no change is asked for some linked records, for it may be showing nobody at all.

        Raises:
            SafetyStop: it shows none of them, and nobody else.
        """
        engine, side = self.engine, self.started.side
        links = await engine.store.links(engine.connection.id, statuses=[LinkStatus.ACTIVE], limit=_SAMPLE)
        both = [(state.link.contact_id, state.link.patient_id) for state in links]
        ids = [record_id for pair in both if (record_id := pair[side is Side.HINT])]
        found = await engine.replicas[side].read(ids) if ids else {}
        if ids and all(map(is_gone, found.values())) and not await self._shows_anybody():
            raise SafetyStop("G2", f"{side} shows no change, and nobody at all although there are links")

    async def _shows_anybody(self) -> bool:
        async with aclosing(self.engine.replicas[self.started.side].scan()) as pages:  # type: ignore[type-var]
            async for page in pages:
                return bool(page.records)
        return False


def _added(run: Run, taken: TakenIn) -> dict[str, Json]:
    """Return the run's counts with a page's added."""
    return {
        name: _count(run, name) + count
        for name, count in (("marked", taken.marked), ("echoes", taken.echoes), ("ignored", taken.ignored))
    }


def _count(run: Run, name: str) -> int:
    count = run.details.get(name, 0)
    return count if isinstance(count, int) else 0
