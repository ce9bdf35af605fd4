"""What workers are about to write, in tables: as a list for the guards, and beside the leases as what is pending."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

import orjson
from sqlalchemy import Executable, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.values import Side
from hintsync.state import changes
from hintsync.state.live import Intent, SidePrints
from hintsync.state.packing import pack, unpack
from hintsync.state.sql import tables
from hintsync.state.sql.codec import Found, Stored, dump
from hintsync.state.sql.leases import given_links
from hintsync.state.sql.part import Part, chunks, uninterrupted
from hintsync.state.sql.setwise import is_given, persist, places

_TABLE = tables.intents
_C = _TABLE.c
_LEASES = tables.link_leases

#: What an intent does to what a link is about to write.
_Change: TypeAlias = Callable[[SidePrints, Intent], SidePrints]


class IntentsPart(Part):
    """The port's methods about what is about to be written."""

    @uninterrupted
    async def intend(self, connection_id: str, intents: Sequence[Intent]) -> None:
        """Store what is about to be written; see the port."""
        rows = [_row(connection_id, intent) for intent in intents]

        async def write(sql: AsyncConnection) -> None:
            await self._change_pending(sql, connection_id, intents, changes.with_intent)
            await self._database.bulk.insert(sql, _TABLE, rows)

        await persist(self._database, write, connection_id=connection_id)

    @uninterrupted
    async def withdraw(self, connection_id: str, intents: Sequence[Intent]) -> None:
        """Take back intents that were not carried out."""

        async def write(sql: AsyncConnection) -> None:
            await self._change_pending(sql, connection_id, intents, changes.without_intent)
            for part in chunks(await _latest(sql, connection_id, intents)):
                await sql.execute(delete(_TABLE).where(_C.id.in_(part)))

        await persist(self._database, write)

    @uninterrupted
    async def pending(self, connection_id: str, link_ids: Collection[str]) -> Mapping[str, SidePrints]:
        """Return what leased links are about to write, by link; one that announced nothing comes empty."""

        async def read(sql: AsyncConnection) -> Mapping[str, SidePrints]:
            wanted = _reading(self._database.is_sqlite, lock=False)
            found = (await sql.execute(wanted, given_links(connection_id, link_ids))).all()
            return {row.link_id: _pending_of(row.pending) for row in found}

        return await self._database.read(read)

    @uninterrupted
    async def intents(
        self, connection_id: str, *, since: float, link_ids: Collection[str] | None = None
    ) -> Sequence[Intent]:
        """Return the intents since a moment, oldest first: of all links, or of these."""

        async def read(sql: AsyncConnection) -> Sequence[Intent]:
            found = await _found(sql, connection_id, since, link_ids)
            return [_intent_of(row) for row in found]

        return await self._database.read(read)

    @uninterrupted
    async def forget_intents(self, connection_id: str, *, before: float, side: Side | None = None) -> int:
        """Forget intents older than a moment, of one written side if it is named; return how many."""
        statement = delete(_TABLE).where(_C.connection_id == connection_id, _C.at < before)
        if side is not None:
            statement = statement.where(_C.side == side.value)

        async def write(sql: AsyncConnection) -> int:
            return (await sql.execute(statement)).rowcount

        return await persist(self._database, write)

    async def _change_pending(
        self, sql: AsyncConnection, connection_id: str, intents: Sequence[Intent], change: _Change
    ) -> None:
        """Change what leased links are about to write; links without a lease have nothing pending."""
        given = given_links(connection_id, {intent.link_id for intent in intents})
        found = (await sql.execute(_reading(self._database.is_sqlite, lock=True), given)).all()
        pending = {row.link_id: _pending_of(row.pending) for row in found}
        for intent in intents:
            if intent.link_id in pending:
                pending[intent.link_id] = change(pending[intent.link_id], intent)
        rows = [
            {"connection_id": connection_id, "link_id": link_id, "pending": _pending_text(prints)}
            for link_id, prints in pending.items()
        ]
        await self._database.bulk.replace(sql, _LEASES, rows)


@cache
def _reading(is_sqlite: bool, *, lock: bool) -> Executable:
    wanted = places(_LEASES).add_columns(_LEASES.c.pending).where(is_given(_LEASES, is_sqlite=is_sqlite))
    return wanted.with_for_update() if lock else wanted


async def _found(
    sql: AsyncConnection, connection_id: str, since: float, link_ids: Collection[str] | None
) -> Sequence[Found]:
    wanted = select(_TABLE).where(_C.connection_id == connection_id, _C.at >= since)
    if link_ids is None:
        return (await sql.execute(wanted.order_by(_C.at, _C.id))).all()
    rows: list[Found] = []
    for part in chunks(sorted(set(link_ids))):
        rows += (await sql.execute(wanted.where(_C.link_id.in_(part)))).all()
    return sorted(rows, key=lambda row: (row.at, row.id))


async def _latest(sql: AsyncConnection, connection_id: str, intents: Sequence[Intent]) -> Sequence[int]:
    """Return the id of the latest stored intent like each of these, no id twice."""
    if not intents:
        return []
    first = min(intent.at for intent in intents)
    stored = [
        (row.id, _intent_of(row)) for row in await _found(sql, connection_id, first, {i.link_id for i in intents})
    ]
    found: list[int] = []
    for intent in intents:
        alike = [number for number, each in stored if each == intent and number not in found]
        found += alike[-1:]
    return found


def _row(connection_id: str, intent: Intent) -> Stored:
    prints = pack(changes.checked_prints(intent.prints))
    members = {"link_id": intent.link_id, "side": intent.side.value, "at": intent.at, "prints": prints}
    return {"connection_id": connection_id, **members}


def _intent_of(row: Found) -> Intent:
    return Intent(row.link_id, Side(row.side), row.at, unpack(row.prints))


def _pending_text(pending: SidePrints) -> str | None:
    hexed = {side: {name: value.hex() for name, value in prints.items()} for side, prints in pending.items()}
    return dump(hexed) if hexed else None


def _pending_of(text: str | None) -> SidePrints:
    sides: dict[str, dict[str, Any]] = orjson.loads(text) if text else {}
    return {
        Side(side): {name: bytes.fromhex(value) for name, value in prints.items()} for side, prints in sides.items()
    }
