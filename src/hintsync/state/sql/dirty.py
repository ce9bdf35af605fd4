"""The dirty set and the inbox in tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache

from sqlalchemy import Executable, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.state import marks as marking
from hintsync.state.live import Backlog, Dirty, Lane, Mark
from hintsync.state.sql import dirty_statements as statements
from hintsync.state.sql import tables
from hintsync.state.sql.connections import write_cursors
from hintsync.state.sql.database import Database
from hintsync.state.sql.dirty_rows import claim_rows, dirty_of, finish_rows, mark_rows, put_off_rows
from hintsync.state.sql.part import Part, uninterrupted
from hintsync.state.sql.setwise import insertion, persist, rows_of

_TABLE = tables.dirty
_INBOX = tables.inbox


class DirtyPart(Part):
    """The port's methods about the dirty set."""

    @uninterrupted
    async def mark(self, connection_id: str, marks: Sequence[Mark], *, cursors: Mapping[str, str] | None = None) -> int:
        """Mark records dirty and store cursors; see the port."""

        async def write(sql: AsyncConnection) -> int:
            new = await _take_in(sql, self._database, connection_id, marks)
            await mark_rows(sql, self._database, marking.folded(connection_id, new).values())
            await write_cursors(sql, self._database, connection_id, cursors or {})
            return len(new)

        return await persist(self._database, write, connection_id=connection_id)

    @uninterrupted
    async def claim(
        self,
        connection_id: str,
        worker: str,
        now: float,
        until: float,
        *,
        limit: int,
        lanes: Collection[Lane] = tuple(Lane),
    ) -> Sequence[Dirty]:
        """Lease the most urgent records that are due, unparked and free; see the port."""
        if not lanes:
            return []
        place = {"own": connection_id, "holder": worker, "moment": now, "end": until}
        return await persist(self._database, lambda sql: claim_rows(sql, lanes, limit, place))

    @uninterrupted
    async def finish_marks(self, done: Sequence[Dirty]) -> int:
        """Drop records that were worked; see the port."""
        return await persist(self._database, lambda sql: finish_rows(sql, self._database, done))

    @uninterrupted
    async def put_off(
        self, dirty: Sequence[Dirty], due: float, *, failed: bool = True, parked: str | None = None
    ) -> None:
        """Release records to be tried again later; see the port."""
        await persist(
            self._database,
            lambda sql: put_off_rows(sql, self._database, dirty, due, failed=failed, parked=parked),
        )

    @uninterrupted
    async def dirty(self, connection_id: str, *, parked: bool | None = None, limit: int = 1000) -> Sequence[Dirty]:
        """Return dirty records in the order of `claim`."""
        wanted = select(_TABLE).filter_by(connection_id=connection_id).order_by(*statements.URGENCY).limit(limit)
        if parked is not None:
            is_parked = _TABLE.c.state == statements.PARKED
            wanted = wanted.where(is_parked if parked else ~is_parked)

        async def read(sql: AsyncConnection) -> Sequence[Dirty]:
            return [dirty_of(row) for row in (await sql.execute(wanted)).all()]

        return await self._database.read(read)

    @uninterrupted
    async def replay(
        self, connection_id: str, now: float, records: Collection[tuple[Side, RecordId]] | None = None
    ) -> int:
        """Let parked records be worked again at once; return how many."""
        place = {"own": connection_id, "moment": now}
        keys = [(connection_id, side.value, record_id) for side, record_id in sorted(records or ())]
        given = {} if records is None else rows_of([dict(zip(statements.KEYS, key, strict=True)) for key in keys])
        statement = statements.replaying(self._database.is_sqlite, some=records is not None)

        async def write(sql: AsyncConnection) -> int:
            return len((await sql.execute(statement, place | given)).all())

        return await persist(self._database, write)

    @uninterrupted
    async def backlog(self, connection_id: str) -> Backlog:
        """Count what waits."""
        own = {"own": connection_id}

        async def read(sql: AsyncConnection) -> Backlog:
            return statements.backlog_of((await sql.execute(statements.COUNTING, own)).one())

        return await self._database.read(read)

    @uninterrupted
    async def next_due(self, connection_id: str) -> float | None:
        """Return the earliest moment at which a record can be claimed; None if none waits."""

        async def read(sql: AsyncConnection) -> float | None:
            found = (await sql.execute(statements.next_due(self._database.is_sqlite), {"own": connection_id})).one()
            return min((moment for moment in found if moment is not None), default=None)

        return await self._database.read(read)

    @uninterrupted
    async def prune_inbox(self, connection_id: str, before: float) -> int:
        """Forget event ids that were taken in before a moment; return how many."""
        statement = delete(_INBOX).where(_INBOX.c.connection_id == connection_id, _INBOX.c.at < before)

        async def write(sql: AsyncConnection) -> int:
            return (await sql.execute(statement)).rowcount

        return await persist(self._database, write)


async def _take_in(
    sql: AsyncConnection, database: Database, connection_id: str, given: Sequence[Mark]
) -> Sequence[Mark]:
    """Remember the ids of events; return the marks whose event was not taken in before."""
    first: dict[str, int] = {}
    for number, mark in enumerate(given):
        if mark.event_id is not None:
            first.setdefault(mark.event_id, number)
    if not first:
        return given
    rows = [{"connection_id": connection_id, "event_id": key, "at": given[first[key]].at} for key in sorted(first)]
    new = (await sql.execute(_taking_in(database.is_sqlite), rows_of(rows))).scalars().all()
    chosen = {first[key] for key in new}
    return [mark for number, mark in enumerate(given) if mark.event_id is None or number in chosen]


@cache
def _taking_in(is_sqlite: bool) -> Executable:
    statement = insertion(_INBOX, ("connection_id", "event_id", "at"), {}, is_sqlite=is_sqlite)
    return statement.on_conflict_do_update(
        index_elements=["connection_id", "event_id"],
        set_={"at": statement.excluded.at},
        where=_INBOX.c.at <= statement.excluded.at - marking.EVENT_MEMORY,
    ).returning(_INBOX.c.event_id)
