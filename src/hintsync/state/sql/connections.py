"""Connections, their cursors and their count of calls."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.values import Side
from hintsync.state.changes import unknown_connection
from hintsync.state.port import Connection, Json
from hintsync.state.sql import codec, tables
from hintsync.state.sql.database import Database
from hintsync.state.sql.part import Part, uninterrupted


class ConnectionsPart(Part):
    """The port's methods about connections as a whole."""

    @uninterrupted
    async def put_connection(self, connection: Connection) -> None:
        """Insert or replace a connection."""
        async with self._database.writing() as sql:
            await self._database.bulk.upsert(sql, tables.connections, [codec.connection_row(connection)])

    @uninterrupted
    async def swap_settings(self, connection_id: str, was: Mapping[str, Json], settings: Mapping[str, Json]) -> bool:
        """Replace a connection's settings and nothing else of it, if they still are as they were read."""
        # what was read from our own text gives the same text again, member by member
        mine = update(tables.connections).filter_by(id=connection_id, settings=codec.dump(dict(was)))
        async with self._database.writing() as sql:
            return (await sql.execute(mine.values(settings=codec.dump(dict(settings))))).rowcount == 1

    @uninterrupted
    async def connection(self, connection_id: str) -> Connection | None:
        """Return one connection."""
        async with self._database.reading() as sql:
            found = (await sql.execute(select(tables.connections).filter_by(id=connection_id))).one_or_none()
        return codec.connection_of(found) if found else None

    @uninterrupted
    async def connections(self) -> Sequence[Connection]:
        """Return all connections, by name."""
        async with self._database.reading() as sql:
            found = [codec.connection_of(row) for row in await sql.execute(select(tables.connections))]
        return sorted(found, key=lambda connection: (connection.name, connection.id))

    @uninterrupted
    async def get_cursor(self, connection_id: str, name: str) -> str | None:
        """Return a cursor."""
        wanted = select(tables.cursors.c.value).filter_by(connection_id=connection_id, name=name)
        async with self._database.reading() as sql:
            return (await sql.execute(wanted)).scalar_one_or_none()

    @uninterrupted
    async def put_cursor(self, connection_id: str, name: str, value: str) -> None:
        """Store a cursor."""
        async with self._database.writing() as sql:
            await know_connections(sql, [connection_id])
            await write_cursors(sql, self._database, connection_id, {name: value})

    @uninterrupted
    async def drop_cursor(self, connection_id: str, name: str) -> bool:
        """Forget a cursor; false if there was none."""
        gone = delete(tables.cursors).filter_by(connection_id=connection_id, name=name)
        async with self._database.writing() as sql:
            return (await sql.execute(gone)).rowcount > 0

    @uninterrupted
    async def add_calls(self, connection_id: str, side: Side, day: str, calls: int) -> int:
        """Add to the calls sent to a side on a UTC day (YYYY-MM-DD); return the day's sum over all workers."""
        table = tables.calls
        statement = self._database.insert(table).values(
            connection_id=connection_id, side=str(side), day=day, calls=calls
        )
        statement = statement.on_conflict_do_update(
            index_elements=["connection_id", "side", "day"], set_={"calls": table.c.calls + calls}
        )
        async with self._database.writing() as sql:
            await know_connections(sql, [connection_id])
            total: int = (await sql.execute(statement.returning(table.c.calls))).scalar_one()
        return total


async def write_cursors(
    sql: AsyncConnection, database: Database, connection_id: str, cursors: Mapping[str, str]
) -> None:
    """Store cursors of a connection that is known."""
    rows = [{"connection_id": connection_id, "name": name, "value": value} for name, value in cursors.items()]
    await database.bulk.upsert(sql, tables.cursors, rows)


async def know_connections(sql: AsyncConnection, wanted: Iterable[str]) -> None:
    """Make sure that connections are in the store.

    Raises:
        BadInput: one is not.
    """
    ids = set(wanted)
    if not ids:
        return
    column = tables.connections.c.id
    unknown = ids - set((await sql.execute(select(column).where(column.in_(ids)))).scalars())
    if unknown:
        raise unknown_connection(min(unknown))
