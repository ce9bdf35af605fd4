"""The audit chains in tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import JSON, ColumnElement, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.state import chain as chains
from hintsync.state.port import AuditEvent, StoredAudit
from hintsync.state.sql import tables
from hintsync.state.sql.bulk import Lot
from hintsync.state.sql.codec import Found
from hintsync.state.sql.database import Database
from hintsync.state.sql.part import Part, chunks, uninterrupted

_TABLE = tables.audit
_HEADS = tables.audit_heads
_SEQUENCES = tables.audit_sequences

# Made once: to put such a statement together takes longer than to run it.
_LAST = select(_SEQUENCES.c.last).where(_SEQUENCES.c.connection_id == bindparam("own"))
_LAST_LOCKED = _LAST.with_for_update()
_ADVANCED = update(_SEQUENCES).where(_SEQUENCES.c.connection_id == bindparam("own"))
_ALL_HEADS = select(_HEADS).where(_HEADS.c.connection_id == bindparam("own"))
_NAMED_HEADS = _ALL_HEADS.where(_HEADS.c.chain.in_(bindparam("names", expanding=True)))

#: Columns of an entry, as `_entry_values` returns them.
_ENTRY = ("connection_id", "sequence", "chain", "event", "previous", "hash")

#: Members of an event that name something.
_NAMED = ("contact_id", "patient_id", "link_id", "run_id")

#: Entries read at once while chains are verified.
_PAGE = 5000


class AuditPart(Part):
    """The port's methods that read the audit chains."""

    @uninterrupted
    async def audit(
        self, connection_id: str, *, chain: str | None = None, after: int = 0, limit: int = 1000
    ) -> Sequence[StoredAudit]:
        """Return audit events in order of sequence, from behind `after`."""
        async with self._database.reading() as sql:
            return [chains.stored(entry) for entry in await _entries(sql, connection_id, chain, after, limit)]

    @uninterrupted
    async def audit_latest(
        self,
        connection_id: str,
        *,
        naming: str | None = None,
        since: str | None = None,
        until: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[StoredAudit]:
        """Return the latest audit events, newest first."""
        wanted = select(_TABLE).where(_TABLE.c.connection_id == connection_id)
        if before is not None:
            wanted = wanted.where(_TABLE.c.sequence < before)
        if naming is not None:
            wanted = wanted.where(or_(*(self._member(name) == naming for name in _NAMED)))
        if since is not None:
            wanted = wanted.where(self._member("at") >= since)
        if until is not None:
            wanted = wanted.where(self._member("at") < until)
        async with self._database.reading() as sql:
            found = await sql.execute(wanted.order_by(_TABLE.c.sequence.desc()).limit(limit))
            entries = [chains.Chained(row.sequence, row.chain, row.event, row.previous, row.hash) for row in found]
        return [chains.stored(entry) for entry in entries]

    def _member(self, name: str) -> ColumnElement[str]:
        """Return a member of an event's JSON as text."""
        if self._database.is_sqlite:
            return func.json_extract(_TABLE.c.event, f"$.{name}")
        return _TABLE.c.event.cast(JSON).op("->>")(name)

    @uninterrupted
    async def verify_audit(self, connection_id: str) -> Sequence[str]:
        """Check every chain; return what is wrong with each broken one (empty: all whole)."""
        verifier, after = chains.Verifier(connection_id), 0
        # A snapshot, for events that are chained meanwhile must not look like surplus.
        async with self._database.snapshot() as sql:
            last, heads = await _last(sql, connection_id), await _heads(sql, connection_id)
            while page := await _entries(sql, connection_id, None, after, _PAGE):
                verifier.read(page)
                after = page[-1].sequence
        return verifier.finish(last, heads)


async def write_audit(sql: AsyncConnection, database: Database, events: Sequence[AuditEvent]) -> None:
    """Chain events behind those that are stored, in the order given."""
    for connection_id in sorted({event.connection_id for event in events}):
        own = [event for event in events if event.connection_id == connection_id]
        await _write_chained(sql, database, connection_id, own)


async def _write_chained(
    sql: AsyncConnection, database: Database, connection_id: str, events: Sequence[AuditEvent]
) -> None:
    last = await _locked_sequence(sql, database, connection_id)
    heads = await _heads(sql, connection_id, sorted({event.chain for event in events}))
    entries = list(chains.extend(events, last, heads))
    await database.bulk.insert(sql, _TABLE, Lot(_ENTRY, [_entry_values(connection_id, entry) for entry in entries]))
    moved = [_head_row(connection_id, chain, head) for chain, head in heads.items()]
    await database.bulk.upsert(sql, _HEADS, moved)
    await sql.execute(_ADVANCED, {"own": connection_id, "last": last + len(entries)})


async def _locked_sequence(sql: AsyncConnection, database: Database, connection_id: str) -> int:
    """Return the last sequence given, locked until the transaction ends: two writers never chain behind the same entry."""
    own = {"own": connection_id}
    last: int | None = (await sql.execute(_LAST_LOCKED, own)).scalar_one_or_none()
    if last is None:
        first = database.insert(_SEQUENCES).values(connection_id=connection_id, last=0)
        await sql.execute(first.on_conflict_do_nothing())
        return int((await sql.execute(_LAST_LOCKED, own)).scalar_one())
    return last


async def _last(sql: AsyncConnection, connection_id: str) -> int:
    return (await sql.execute(_LAST, {"own": connection_id})).scalar_one_or_none() or 0


async def _heads(
    sql: AsyncConnection, connection_id: str, names: Sequence[str] | None = None
) -> dict[str, chains.Head]:
    own = {"own": connection_id}
    if names is None:
        return {row.chain: _head_of(row) for row in await sql.execute(_ALL_HEADS, own)}
    heads: dict[str, chains.Head] = {}
    for part in chunks(names):
        found = await sql.execute(_NAMED_HEADS, {**own, "names": part})
        heads |= {row.chain: _head_of(row) for row in found}
    return heads


def _head_of(row: Found) -> chains.Head:
    return chains.Head(row.sequence, row.hash, row.length)


async def _entries(
    sql: AsyncConnection, connection_id: str, chain: str | None, after: int, limit: int
) -> Sequence[chains.Chained]:
    wanted = select(_TABLE).where(_TABLE.c.connection_id == connection_id, _TABLE.c.sequence > after)
    if chain is not None:
        wanted = wanted.where(_TABLE.c.chain == chain)
    found = await sql.execute(wanted.order_by(_TABLE.c.sequence).limit(limit))
    return [chains.Chained(row.sequence, row.chain, row.event, row.previous, row.hash) for row in found]


def _entry_values(connection_id: str, entry: chains.Chained) -> tuple[object, ...]:
    return connection_id, entry.sequence, entry.chain, entry.text, entry.previous, entry.hash


def _head_row(connection_id: str, chain: str, head: chains.Head) -> Mapping[str, object]:
    return {
        "connection_id": connection_id,
        "chain": chain,
        "sequence": head.sequence,
        "hash": head.hash,
        "length": head.length,
    }
