"""Stops in force, and the patients that were there when we connected, in tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from functools import cache

from sqlalchemy import Executable, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.state.live import Stop
from hintsync.state.sql import tables
from hintsync.state.sql.part import Part, chunks, uninterrupted
from hintsync.state.sql.setwise import AT_ONCE, insertion, persist, rows_of

_TABLE = tables.stops
_KNOWN = tables.known_patients

#: In place of a side where a stop holds back everything: a primary key takes no NULL.
_ALL = ""


class StopsPart(Part):
    """The port's methods about stops and known patients: what automatic work must leave alone."""

    @uninterrupted
    async def put_stop(self, stop: Stop) -> bool:
        """Store a stop; an earlier one of its guard and side stays as it is. Returns whether it is new."""
        row = asdict(stop) | {"side": stop.side or _ALL}
        statement = self._database.insert(_TABLE).values(row).on_conflict_do_nothing().returning(_TABLE.c.guard)

        async def write(sql: AsyncConnection) -> bool:
            return (await sql.execute(statement)).one_or_none() is not None

        return await persist(self._database, write, connection_id=stop.connection_id)

    @uninterrupted
    async def stops(self, connection_id: str) -> Sequence[Stop]:
        """Return the stops in force, oldest first."""
        order = (_TABLE.c.at, _TABLE.c.guard, _TABLE.c.side)
        wanted = select(_TABLE).filter_by(connection_id=connection_id).order_by(*order)

        async def read(sql: AsyncConnection) -> Sequence[Stop]:
            found = (await sql.execute(wanted)).mappings().all()
            return [Stop(**dict(row) | {"side": Side(row["side"]) if row["side"] else None}) for row in found]

        return await self._database.read(read)

    @uninterrupted
    async def clear_stop(self, connection_id: str, guard: str, side: Side | None) -> bool:
        """End a stop; false if there was none."""
        statement = delete(_TABLE).filter_by(connection_id=connection_id, guard=guard, side=side or _ALL)

        async def write(sql: AsyncConnection) -> bool:
            return (await sql.execute(statement)).rowcount > 0

        return await persist(self._database, write)

    @uninterrupted
    async def take_known(self, connection_id: str, patient_ids: Collection[RecordId]) -> None:
        """Remember patients as those taken at connect."""
        rows = [{"connection_id": connection_id, "patient_id": each} for each in sorted(set(patient_ids))]

        async def write(sql: AsyncConnection) -> None:
            for part in chunks(rows, AT_ONCE):
                await sql.execute(_knowing(self._database.is_sqlite), rows_of(part))

        await persist(self._database, write, connection_id=connection_id)

    @uninterrupted
    async def known(self, connection_id: str, patient_ids: Collection[RecordId]) -> frozenset[RecordId]:
        """Return those of these patients that were taken at connect."""
        patient = _KNOWN.c.patient_id
        wanted = select(patient).filter_by(connection_id=connection_id)

        async def read(sql: AsyncConnection) -> frozenset[RecordId]:
            found: set[RecordId] = set()
            for part in chunks(sorted(set(patient_ids))):
                found.update((await sql.execute(wanted.where(patient.in_(part)))).scalars().all())
            return frozenset(found)

        return await self._database.read(read)


@cache
def _knowing(is_sqlite: bool) -> Executable:
    return insertion(_KNOWN, ("connection_id", "patient_id"), {}, is_sqlite=is_sqlite).on_conflict_do_nothing()
