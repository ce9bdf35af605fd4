"""Leases in tables: those of links, and all that a worker holds."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Executable, Update, bindparam, case, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.state.sql import dirty_statements, tables
from hintsync.state.sql.part import Part, uninterrupted
from hintsync.state.sql.setwise import changing, deleting, insertion, is_given, larger, persist, places, rows_of

_TABLE = tables.link_leases
_C = _TABLE.c
_HELD = places(_TABLE).where(_C.connection_id == bindparam("own"), _C.worker == bindparam("holder"))
_LETTING_GO = deleting(_TABLE, _HELD)


class LeasesPart(Part):
    """The port's methods about leases."""

    @uninterrupted
    async def renew_leases(self, connection_id: str, worker: str, until: float) -> None:
        """Extend every lease that a worker holds, of records and of links."""
        lease = {"own": connection_id, "holder": worker, "end": until}
        is_sqlite = self._database.is_sqlite

        async def write(sql: AsyncConnection) -> None:
            await sql.execute(dirty_statements.renewing(is_sqlite), lease)
            await sql.execute(_renewing(is_sqlite), lease)

        await persist(self._database, write)

    @uninterrupted
    async def drop_leases(self, connection_id: str, worker: str) -> None:
        """Let go of everything that a worker holds."""
        lease = {"own": connection_id, "holder": worker}

        async def write(sql: AsyncConnection) -> None:
            await sql.execute(dirty_statements.LETTING_GO, lease)
            await sql.execute(_LETTING_GO, lease)

        await persist(self._database, write)

    @uninterrupted
    async def lease_links(
        self, connection_id: str, link_ids: Collection[str], worker: str, now: float, until: float
    ) -> frozenset[str]:
        """Lease links by compare-and-set; return those that are now this worker's."""
        lease = {"holder": worker, "moment": now, "end": until, **given_links(connection_id, link_ids)}

        async def write(sql: AsyncConnection) -> frozenset[str]:
            return frozenset((await sql.execute(_leasing(self._database.is_sqlite), lease)).scalars().all())

        return await persist(self._database, write, connection_id=connection_id)

    @uninterrupted
    async def release_links(self, connection_id: str, link_ids: Collection[str], worker: str) -> None:
        """Let go of links and of what they were about to write."""
        lease = {"own": connection_id, "holder": worker, **given_links(connection_id, link_ids)}

        async def write(sql: AsyncConnection) -> None:
            await sql.execute(_releasing(self._database.is_sqlite), lease)

        await persist(self._database, write)


def given_links(connection_id: str, link_ids: Collection[str]) -> dict[str, Any]:
    """Return the parameter of a statement on the leases of given links."""
    return rows_of([{"connection_id": connection_id, "link_id": link_id} for link_id in sorted(set(link_ids))])


@cache
def _renewing(is_sqlite: bool) -> Update:
    return changing(_TABLE, _HELD).values(leased_until=larger(is_sqlite, _C.leased_until, bindparam("end")))


@cache
def _releasing(is_sqlite: bool) -> Executable:
    return deleting(_TABLE, _HELD.where(is_given(_TABLE, is_sqlite=is_sqlite)))


@cache
def _leasing(is_sqlite: bool) -> Executable:
    """Return what takes or extends the lease of each given link that is free or held before."""
    lease: dict[str, ColumnElement[Any]] = {"worker": bindparam("holder"), "leased_until": bindparam("end")}
    statement = insertion(_TABLE, ("connection_id", "link_id"), lease, is_sqlite=is_sqlite)
    new = statement.excluded
    is_own = _C.worker == new.worker
    taken = {
        "worker": new.worker,
        "leased_until": case((is_own, larger(is_sqlite, _C.leased_until, new.leased_until)), else_=new.leased_until),
        # What a dead worker was about to write is no echo any more: it may land after the next one has read.
        "pending": case((is_own, _C.pending)),
    }
    is_free = or_(is_own, _C.leased_until <= bindparam("moment"))
    keys = ["connection_id", "link_id"]
    return statement.on_conflict_do_update(index_elements=keys, set_=taken, where=is_free).returning(_C.link_id)
