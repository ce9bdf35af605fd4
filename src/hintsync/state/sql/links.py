"""Links with their memory, and the pairs that people declined."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.records import Link, LinkState, LinkStatus, RecordId
from hintsync.core.values import Side
from hintsync.state import changes
from hintsync.state.port import LinkChange, LinkTaken, StaleLink
from hintsync.state.sql import codec, tables
from hintsync.state.sql.bulk import Lot
from hintsync.state.sql.connections import know_connections
from hintsync.state.sql.database import Database
from hintsync.state.sql.part import Part, chunks, uninterrupted
from hintsync.turns import ROWS, in_turns

_TABLE = tables.links
_END = {Side.SALESFORCE: _TABLE.c.contact_id, Side.HINT: _TABLE.c.patient_id}
# Made once: to put such a statement together takes longer than to run it.
_LIVE_OF = {
    side: select(_TABLE).where(
        _TABLE.c.connection_id == bindparam("own"), end.in_(bindparam("wanted", expanding=True)), tables.LIVE
    )
    for side, end in _END.items()
}
_MEMORY = ("base", "holds")
_WITHOUT_MEMORY = select(*(column for column in _TABLE.c if column.name not in _MEMORY))


_LET_GO = update(_TABLE).values(status=LinkStatus.ENDED.value)


class LinksPart(Part):
    """The port's methods that read links."""

    @uninterrupted
    async def link(self, link_id: str) -> LinkState | None:
        """Return one link with its memory."""
        async with self._database.reading() as sql:
            found = (await sql.execute(select(_TABLE).filter_by(id=link_id))).one_or_none()
        return codec.link_state_of(found) if found else None

    @uninterrupted
    async def live_links(self, connection_id: str, side: Side, ids: Sequence[RecordId]) -> Mapping[RecordId, LinkState]:
        """Return the live links of these records of one side, by record id."""
        end = _END[side]

        async def read(sql: AsyncConnection) -> list[Row[Any]]:
            asked = [{"own": connection_id, "wanted": part} for part in chunks(ids)]
            return [row for each in asked for row in await sql.execute(_LIVE_OF[side], each)]

        found = await self._database.read(read)
        return {row._mapping[end]: codec.link_state_of(row) async for row in in_turns(found, ROWS)}

    @uninterrupted
    async def live_pairs(self, connection_id: str) -> Sequence[Link]:
        """Return every live link, without its memory: what a batch must know of all records."""
        wanted = _WITHOUT_MEMORY.where(_TABLE.c.connection_id == connection_id, tables.LIVE).order_by(_TABLE.c.id)
        async with self._database.reading() as sql:
            return [codec.link_of(row) async for row in in_turns(await sql.execute(wanted), ROWS)]

    @uninterrupted
    async def links(
        self, connection_id: str, *, statuses: Sequence[LinkStatus] = (), after: str = "", limit: int = 1000
    ) -> Sequence[LinkState]:
        """Return links in id order, from behind `after`."""
        wanted = select(_TABLE).where(_TABLE.c.connection_id == connection_id, _TABLE.c.id > after)
        if statuses:
            wanted = wanted.where(_TABLE.c.status.in_([str(status) for status in statuses]))
        async with self._database.reading() as sql:
            found = await sql.execute(wanted.order_by(_TABLE.c.id).limit(limit))
            return [codec.link_state_of(row) for row in found]

    @uninterrupted
    async def decline(self, connection_id: str, contact_id: RecordId, patient_id: RecordId, by: str, at: str) -> None:
        """Remember that a person parted or declined this pair (row U4)."""
        pair = {"connection_id": connection_id, "contact_id": contact_id, "patient_id": patient_id}
        statement = self._database.insert(tables.declined_pairs).values(pair | {"declined_by": by, "declined_at": at})
        async with self._database.writing() as sql:
            await know_connections(sql, [connection_id])
            await sql.execute(statement.on_conflict_do_nothing())

    @uninterrupted
    async def declined(self, connection_id: str, contact_id: RecordId, patient_id: RecordId) -> bool:
        """Say whether a person parted or declined this pair."""
        pair = {"connection_id": connection_id, "contact_id": contact_id, "patient_id": patient_id}
        async with self._database.reading() as sql:
            found = await sql.execute(select(tables.declined_pairs.c.contact_id).filter_by(**pair))
            return found.one_or_none() is not None

    @uninterrupted
    async def declined_pairs(self, connection_id: str) -> frozenset[tuple[RecordId, RecordId]]:
        """Return all declined pairs as (contact, patient)."""
        table = tables.declined_pairs
        wanted = select(table.c.contact_id, table.c.patient_id).filter_by(connection_id=connection_id)
        async with self._database.reading() as sql:
            return frozenset((row.contact_id, row.patient_id) for row in await sql.execute(wanted))


async def write_links(sql: AsyncConnection, database: Database, given: Sequence[LinkChange]) -> None:
    """Carry out the link changes of a commit; a broken uniqueness, and a new link that is none, is the database's to say.

    Raises:
        StaleLink: a change was made on another revision than the stored one.
    """
    known = _known(given)
    looked_up = [change.link.id for change in given if change.link.revision and change.link.id not in known]
    stored = await _locked(sql, looked_up) | known
    changed = changes.changed_links(stored.get, given).values()
    moved = [before.link.id for before, after in changed if before and _gives_up(before.link, after.link)]
    for part in chunks(moved):
        # Uniqueness is judged by the end state, so whoever gives up a record does so first.
        await sql.execute(_LET_GO.where(_TABLE.c.id.in_(part)))
    replaced = [codec.link_values(after) for before, after in changed if before and after.link.id not in known]
    await database.bulk.replace(sql, _TABLE, Lot(codec.LINK_COLUMNS, replaced))
    await _advance(sql, database, [after for _, after in changed if after.link.id in known])
    added = [codec.link_values(after) for before, after in changed if not before]
    await database.bulk.insert(sql, _TABLE, Lot(codec.LINK_COLUMNS, added))


def _known(given: Sequence[LinkChange]) -> dict[str, LinkState]:
    """Return the links whose callers read them at the very revision that they change, and that change only once."""
    known = {
        change.link.id: change.before
        for change in given
        if change.before is not None and change.before.link.revision == change.link.revision > 0
    }
    if len(known) < len(given):
        for link_id, times in Counter(change.link.id for change in given).items():
            if times > 1:
                known.pop(link_id, None)
    return known


async def _advance(sql: AsyncConnection, database: Database, links: Sequence[LinkState]) -> None:
    """Store links that nobody looked up: the database compares the revision as it sets.

    Raises:
        StaleLink: one is stored at another revision, or not at all.
    """
    done = await database.bulk.advance(
        sql, _TABLE, Lot(codec.LINK_COLUMNS, [codec.link_values(each) for each in links])
    )
    if done != len(links):
        wanted = {each.link.id: each for each in links}
        stored = await _locked(sql, list(wanted))
        raise StaleLink(min((each for each in wanted if stored.get(each) != wanted[each]), default=min(wanted)))


async def refuse_stored(sql: AsyncConnection, given: Sequence[LinkChange]) -> None:
    """Say what stood in the way of link changes that broke a uniqueness.

    Raises:
        StaleLink: a link given as new is stored already.
        LinkTaken: a stored live link claims a record of the given ones.
    """
    new = {change.link.id for change in given if not change.link.revision}
    if known := await _locked(sql, list(new)):
        raise StaleLink(min(known))
    if taken := await _rivals(sql, given):
        raise LinkTaken(taken)


async def _rivals(sql: AsyncConnection, given: Sequence[LinkChange]) -> Sequence[Link]:
    own = {change.link.id for change in given}
    found: dict[str, Link] = {}
    for change in given:
        for connection_id, side, record_id in changes.claims(change.link):
            end = _END[side] == record_id
            wanted = _WITHOUT_MEMORY.where(_TABLE.c.connection_id == connection_id, end, tables.LIVE)
            found |= {row.id: codec.link_of(row) for row in await sql.execute(wanted)}
    return [link for link in found.values() if link.id not in own]


def _gives_up(before: Link, after: Link) -> bool:
    if (before.contact_id, before.patient_id) == (after.contact_id, after.patient_id) and changes.is_live(after):
        return False
    return not set(changes.claims(before)) <= set(changes.claims(after))


async def _locked(sql: AsyncConnection, ids: Sequence[str]) -> dict[str, LinkState]:
    found: dict[str, LinkState] = {}
    # One order for everybody, lest two writers wait for each other.
    for part in chunks(sorted(set(ids))):
        wanted = select(_TABLE).where(_TABLE.c.id.in_(part)).order_by(_TABLE.c.id).with_for_update()
        found |= {row.id: codec.link_state_of(row) for row in await sql.execute(wanted)}
    return found
