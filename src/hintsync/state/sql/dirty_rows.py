"""The rows of the dirty set within a transaction: what is decided row by row, as by every store (`state.marks`)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.values import Side
from hintsync.state import marks
from hintsync.state.live import Dirty, Lane
from hintsync.state.sql import dirty_statements as statements
from hintsync.state.sql import tables
from hintsync.state.sql.codec import Found, Stored
from hintsync.state.sql.database import Database
from hintsync.state.sql.part import chunks
from hintsync.state.sql.setwise import AT_ONCE, rows_of

_MEMBERS = tuple(str(column.name) for column in tables.dirty.c if column.name != "state")


def dirty_of(row: Found) -> Dirty:
    """Return the dirty record of a row."""
    members = {name: getattr(row, name) for name in _MEMBERS}
    # SQLite returns a whole number of seconds from an UPDATE as an integer.
    moments = {name: float(members[name]) for name in ("since", "due", "leased_until")}
    return Dirty(**members | moments | {"side": Side(row.side), "lane": Lane(row.lane)})


async def mark_rows(sql: AsyncConnection, database: Database, folded: Iterable[Dirty]) -> None:
    """Mark records, each given as what its marks make of a clean one."""
    rows = [_members(dirty, statements.MARKED) for dirty in sorted(folded, key=marks.place)]
    for part in chunks(rows, AT_ONCE):
        await sql.execute(statements.marking(database.is_sqlite), rows_of(part))


async def claim_rows(
    sql: AsyncConnection, lanes: Collection[Lane], limit: int, place: Mapping[str, object]
) -> Sequence[Dirty]:
    """Lease the most urgent free records; `place` names own, holder, moment and end."""
    await sql.execute(statements.WAKING, {"own": place["own"], "moment": place["moment"]})
    claimed: list[Dirty] = []
    for first, last in _spans(lanes):
        span = {"first": first, "last": last, "most": limit - len(claimed)}
        found = (await sql.execute(statements.CLAIMING, {**place, **span})).all()
        claimed += sorted((dirty_of(row) for row in found), key=marks.urgency)
    return claimed


def _spans(lanes: Collection[Lane]) -> Iterator[tuple[int, int]]:
    """Yield the first and last of each run of neighbouring lanes, the most urgent run first."""
    for lane in sorted(lanes):
        if lane - 1 not in lanes:
            first = lane
        if lane + 1 not in lanes:
            yield (int(first), int(lane))


async def finish_rows(sql: AsyncConnection, database: Database, done: Sequence[Dirty]) -> int:
    """Drop records that were worked, release those that were marked meanwhile; return how many were dropped."""
    return await _settle(sql, database, done, marks.finished)


async def put_off_rows(
    sql: AsyncConnection, database: Database, dirty: Sequence[Dirty], due: float, *, failed: bool, parked: str | None
) -> None:
    """Release records to be tried again later, or to wait for a person."""

    def decide(stored: Dirty, given: Dirty) -> Dirty:
        return marks.put_off(stored, given, due, failed=failed, parked=parked)

    await _settle(sql, database, dirty, decide)


async def _settle(
    sql: AsyncConnection, database: Database, given: Sequence[Dirty], decide: Callable[[Dirty, Dirty], Dirty | None]
) -> int:
    """Let every record that is still held become what is decided; return how many are clean."""
    held = await _held(sql, database, given)
    after = [(stored, decide(stored, each)) for stored, each in held]
    clean = [_members(stored, statements.KEYS) for stored, left in after if left is None]
    for part in chunks(clean, AT_ONCE):
        await sql.execute(statements.dropping(database.is_sqlite), rows_of(part))
    await database.bulk.replace(sql, tables.dirty, [_row(left) for _, left in after if left is not None])
    return len(clean)


async def _held(sql: AsyncConnection, database: Database, given: Sequence[Dirty]) -> list[tuple[Dirty, Dirty]]:
    """Lock and return stored records, each with what it was when claimed; those of other workers are left out."""
    by_key = {_key(each): each for each in given}
    stored: list[Dirty] = []
    for part in chunks([_members(by_key[key], statements.KEYS) for key in sorted(by_key)], AT_ONCE):
        found = await sql.execute(statements.locking(database.is_sqlite), rows_of(part))
        stored += [dirty_of(row) for row in found.all()]
    return [(each, by_key[_key(each)]) for each in stored if marks.is_held(each, by_key[_key(each)])]


def _key(dirty: Dirty) -> tuple[str, Side, str]:
    return (dirty.connection_id, dirty.side, dirty.record_id)


def _members(dirty: Dirty, names: Sequence[str]) -> Stored:
    return {name: getattr(dirty, name) for name in names}


def _row(dirty: Dirty) -> Stored:
    # Later, though some are due already: the next claim makes those ready.
    state = statements.LATER if dirty.parked is None else statements.PARKED
    return _members(dirty, _MEMBERS) | {"state": state, "side": dirty.side.value, "lane": dirty.lane.value}
