"""Counts by five minutes and living processes, in tables."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cache

from sqlalchemy import Executable, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.values import Side
from hintsync.state.sql import tables
from hintsync.state.sql.part import Part, uninterrupted
from hintsync.state.sql.setwise import insertion, keys, persist, rows_of
from hintsync.state.traffic import FORGET_PROCESS, ProcessSeen, Tally

_TALLIES = tables.tallies
_PROCESSES = tables.processes
#: In place of a side: a primary key takes no NULL.
_NONE = ""


class TrafficPart(Part):
    """The port's methods that health is counted in and read from."""

    @uninterrupted
    async def add_tallies(self, connection_id: str, tallies: Sequence[Tally]) -> None:
        """Add to the counts of slots; see the port."""
        sums: dict[tuple[int, str, str], int] = {}
        for tally in tallies:
            key = (tally.at, tally.word, tally.side or _NONE)
            sums[key] = sums.get(key, 0) + tally.number
        # In one order, lest two processes wait for each other's rows.
        rows = [
            {"connection_id": connection_id, "at": at, "word": word, "side": side, "number": number}
            for (at, word, side), number in sorted(sums.items())
        ]

        async def write(sql: AsyncConnection) -> None:
            await sql.execute(_adding(self._database.is_sqlite), rows_of(rows))

        if rows:
            await persist(self._database, write, connection_id=connection_id)

    @uninterrupted
    async def tallies(self, connection_id: str, *, since: int, words: Collection[str] = ()) -> Sequence[Tally]:
        """Return the counts of the slots from a moment on."""
        wanted = select(_TALLIES).where(_TALLIES.c.connection_id == connection_id, _TALLIES.c.at >= since)
        if words:
            wanted = wanted.where(_TALLIES.c.word.in_(sorted(words)))
        ordered = wanted.order_by(_TALLIES.c.at, _TALLIES.c.word, _TALLIES.c.side)

        async def read(sql: AsyncConnection) -> Sequence[Tally]:
            found = await sql.execute(ordered)
            return [Tally(row.at, row.word, Side(row.side) if row.side else None, row.number) for row in found]

        return await self._database.read(read)

    @uninterrupted
    async def prune_tallies(self, connection_id: str, before: int) -> int:
        """Forget slots that began before a moment."""
        statement = delete(_TALLIES).where(_TALLIES.c.connection_id == connection_id, _TALLIES.c.at < before)

        async def write(sql: AsyncConnection) -> int:
            return (await sql.execute(statement)).rowcount

        return await persist(self._database, write)

    @uninterrupted
    async def put_process(self, process: ProcessSeen) -> None:
        """Note that a process is alive."""
        row = {
            "name": process.name,
            "roles": " ".join(process.roles),
            "version": process.version,
            "started_at": process.started_at,
            "seen_at": process.seen_at,
        }
        statement = self._database.insert(_PROCESSES).values(row)
        statement = statement.on_conflict_do_update(index_elements=["name"], set_=row)
        old = delete(_PROCESSES).where(_PROCESSES.c.seen_at < process.seen_at - FORGET_PROCESS)

        async def write(sql: AsyncConnection) -> None:
            await sql.execute(statement)
            await sql.execute(old)

        await persist(self._database, write)

    @uninterrupted
    async def processes(self) -> Sequence[ProcessSeen]:
        """Return the processes that were seen lately."""
        wanted = select(_PROCESSES).order_by(_PROCESSES.c.name)

        async def read(sql: AsyncConnection) -> Sequence[ProcessSeen]:
            found = await sql.execute(wanted)
            return [
                ProcessSeen(row.name, tuple(row.roles.split()), row.version, row.started_at, row.seen_at)
                for row in found
            ]

        return await self._database.read(read)


@cache
def _adding(is_sqlite: bool) -> Executable:
    statement = insertion(_TALLIES, [*keys(_TALLIES), "number"], {}, is_sqlite=is_sqlite)
    return statement.on_conflict_do_update(
        index_elements=keys(_TALLIES), set_={"number": _TALLIES.c.number + statement.excluded.number}
    )
