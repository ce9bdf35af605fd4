"""Runs and the rows of their results."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.errors import BadInput
from hintsync.core.plan import Outcome
from hintsync.state import changes
from hintsync.state.port import Run, RunKind, RunRow, RunStatus
from hintsync.state.sql import codec, tables
from hintsync.state.sql.bulk import Lot
from hintsync.state.sql.connections import know_connections
from hintsync.state.sql.database import Database
from hintsync.state.sql.part import Part, uninterrupted

_TABLE = tables.runs
_ROWS = tables.run_rows

# Made once: to put such a statement together takes longer than to run it.
_ONE = select(_TABLE).where(_TABLE.c.id == bindparam("wanted"))
_LOCKED = _ONE.with_for_update()
_SAVED = update(_TABLE).where(_TABLE.c.id == bindparam("wanted"))
#: Members of a run that no change sets: SQLite visits every row of the run if the id is set, even to what it is.
_FIXED = frozenset({"id", "connection_id"})

#: Rows read at once while a run's rows are streamed.
_PAGE = 1000


class RunsPart(Part):
    """The port's methods about runs."""

    @uninterrupted
    async def start_run(self, run: Run) -> None:
        """Insert a run, without a lease."""
        try:
            async with self._database.writing() as sql:
                await know_connections(sql, [run.connection_id])
                await sql.execute(_TABLE.insert().values(codec.run_row(changes.new_run(run))))
        except IntegrityError:
            if await self.run(run.id) is None:
                raise
            raise BadInput(f"run {run.id}: exists already") from None

    @uninterrupted
    async def run(self, run_id: str) -> Run | None:
        """Return one run."""

        async def read(sql: AsyncConnection) -> Run | None:
            found = (await sql.execute(_ONE, {"wanted": run_id})).one_or_none()
            return codec.run_of(found) if found else None

        return await self._database.read(read)

    @uninterrupted
    async def runs(
        self,
        connection_id: str,
        *,
        kinds: Sequence[RunKind] = (),
        statuses: Sequence[RunStatus] = (),
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Run]:
        """Return the latest runs, newest first; see the port."""
        wanted = select(_TABLE).filter_by(connection_id=connection_id).order_by(_TABLE.c.number.desc()).limit(limit)
        if kinds:
            wanted = wanted.where(_TABLE.c.kind.in_([str(kind) for kind in kinds]))
        if statuses:
            # Few runs are under way among many: by status first, then by number; not the other way round.
            wanted = wanted.where(_TABLE.c.status.in_([str(status) for status in statuses]))
            wanted = wanted.order_by(None).order_by((_TABLE.c.number + 0).desc())
        if before is not None:
            wanted = wanted.where(_TABLE.c.number < select(_TABLE.c.number).filter_by(id=before).scalar_subquery())
        async with self._database.reading() as sql:
            return [codec.run_of(row) for row in await sql.execute(wanted)]

    @uninterrupted
    async def save_run(self, run: Run) -> None:
        """Store status, progress and details; see the port."""
        await self._database.write(lambda sql: save_run(sql, run))

    @uninterrupted
    async def lease_run(self, run_id: str, worker: str, now: float, until: float) -> Run:
        """Take or extend the lease of a run by compare-and-set."""
        return await self._database.write(
            lambda sql: _change(sql, run_id, lambda stored: changes.leased_run(stored, worker, now, until))
        )

    @uninterrupted
    async def ask_abort(self, run_id: str) -> bool:
        """Mark a running run to be aborted; false if it is not running."""
        worked = _TABLE.c.status.in_([RunStatus.RUNNING.value, RunStatus.ABORTING.value])
        statement = update(_TABLE).where(_TABLE.c.id == run_id, worked).values(status=RunStatus.ABORTING.value)
        async with self._database.writing() as sql:
            return (await sql.execute(statement)).rowcount > 0

    async def rows(
        self,
        run_id: str,
        *,
        outcomes: Sequence[Outcome] = (),
        reason: str | None = None,
        after: int = -1,
        limit: int | None = None,
    ) -> AsyncIterator[RunRow]:
        """Yield the rows of a run by position; see the port.

        Reads page by page, so that no transaction stays open while the caller works.
        """
        wanted = select(_ROWS).filter_by(run_id=run_id).order_by(_ROWS.c.position)
        if outcomes:
            wanted = wanted.where(_ROWS.c.outcome.in_([str(outcome) for outcome in outcomes]))
        if reason is not None:
            wanted = wanted.where(_ROWS.c.reason == reason)
        left = limit
        while left is None or left > 0:
            size = _PAGE if left is None else min(left, _PAGE)
            page = await self._page(wanted.where(_ROWS.c.position > after).limit(size))
            for row in page:
                yield row
            if len(page) < size:
                return
            after, left = page[-1].position, None if left is None else left - size

    @uninterrupted
    async def row_positions(self, run_id: str) -> frozenset[int]:
        """Return the positions that have a row: what a resumed run need not do again."""
        async with self._database.reading() as sql:
            return frozenset((await sql.execute(select(_ROWS.c.position).filter_by(run_id=run_id))).scalars())

    @uninterrupted
    async def outcome_counts(self, run_id: str) -> Mapping[Outcome, int]:
        """Count a run's rows by outcome."""
        wanted = select(_ROWS.c.outcome, func.count()).filter_by(run_id=run_id).group_by(_ROWS.c.outcome)
        async with self._database.reading() as sql:
            return {Outcome(outcome): count for outcome, count in await sql.execute(wanted)}

    @uninterrupted
    async def reason_counts(self, run_id: str) -> Mapping[tuple[Outcome, str | None], int]:
        """Count a run's rows by outcome and reason."""
        both = (_ROWS.c.outcome, _ROWS.c.reason)
        async with self._database.reading() as sql:
            found = await sql.execute(select(*both, func.count()).filter_by(run_id=run_id).group_by(*both))
            return {(Outcome(outcome), reason): count for outcome, reason, count in found}

    @uninterrupted
    async def prune_rows(self, run_id: str, *, limit: int) -> int:
        """Forget rows of a run; see the port."""
        first = select(_ROWS.c.position).filter_by(run_id=run_id).order_by(_ROWS.c.position).limit(limit)
        async with self._database.writing() as sql:
            gone = delete(_ROWS).where(_ROWS.c.run_id == run_id, _ROWS.c.position.in_(first))
            return (await sql.execute(gone)).rowcount

    @uninterrupted
    async def _page(self, wanted: Select[tuple[Any, ...]]) -> Sequence[RunRow]:
        async with self._database.reading() as sql:
            return [codec.result_of(row) for row in await sql.execute(wanted)]


async def save_run(sql: AsyncConnection, run: Run) -> None:
    """Save a run's progress within a transaction; see the port."""
    await _change(sql, run.id, lambda stored: changes.saved_run(stored, run))


async def write_rows(sql: AsyncConnection, database: Database, rows: Sequence[RunRow]) -> None:
    """Write results, each in place of what the run had at that position; a run must be known."""
    # The last one counts where a position comes twice.
    latest = {(row.run_id, row.position): row for row in changes.checked_rows(rows)}
    await database.bulk.upsert(
        sql, _ROWS, Lot(codec.RESULT_COLUMNS, [codec.result_values(row) for row in latest.values()])
    )


async def know_runs(sql: AsyncConnection, wanted: Iterable[str]) -> None:
    """Make sure that runs are in the store.

    Raises:
        BadInput: one is not.
    """
    ids = set(wanted)
    unknown = ids - set((await sql.execute(select(_TABLE.c.id).where(_TABLE.c.id.in_(ids)))).scalars())
    if unknown:
        raise changes.unknown_run(min(unknown))


async def _change(sql: AsyncConnection, run_id: str, change: Callable[[Run], Run]) -> Run:
    found = (await sql.execute(_LOCKED, {"wanted": run_id})).one_or_none()
    if found is None:
        raise changes.unknown_run(run_id)
    changed = change(codec.run_of(found))
    values = {name: value for name, value in codec.run_row(changed).items() if name not in _FIXED}
    await sql.execute(_SAVED, {"wanted": run_id, **values})
    return changed
