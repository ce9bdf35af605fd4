"""Paces that processes share (`state.pace`), each one row that is changed by one statement."""

from __future__ import annotations

from functools import cache

from sqlalchemy import ColumnElement, Executable, Float, bindparam, case, func, literal
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.state.pace import CLOCK_JUMP
from hintsync.state.sql import tables
from hintsync.state.sql.part import Part, uninterrupted
from hintsync.state.sql.setwise import Insertion, into, larger, persist

_TABLE = tables.paces
_C = _TABLE.c


class TurnsPart(Part):
    """The port's methods about pace."""

    @uninterrupted
    async def take_turn(self, name: str, now: float, *, interval: float, burst: int, turns: int = 1) -> float:
        """Take the next places in a shared schedule; return the seconds to wait."""
        span = {"length": turns * interval, "credit": (burst - 1) * interval}

        async def write(sql: AsyncConnection) -> float:
            found = await sql.execute(_taking(self._database.is_sqlite), {"schedule": name, "moment": now, **span})
            return float(found.scalar_one())

        return await persist(self._database, write)

    @uninterrupted
    async def hold_turns(self, name: str, now: float, seconds: float) -> None:
        """Let no place of a schedule begin for some seconds."""

        async def write(sql: AsyncConnection) -> None:
            place = {"schedule": name, "moment": now, "seconds": seconds}
            await sql.execute(_holding(self._database.is_sqlite), place)

        await persist(self._database, write)


@cache
def _taking(is_sqlite: bool) -> Executable:
    """Return what does as `pace.take`."""
    now, length = _now(is_sqlite), _number("length")
    statement = _insertion(is_sqlite, next_at=now + length, held_until=literal(0.0))
    begin = larger(is_sqlite, _C.next_at - _shift(is_sqlite), _C.held_until - _shift(is_sqlite), now)
    moved = _upsert(is_sqlite, statement, next_at=begin + length, held_until=_C.held_until - _shift(is_sqlite))
    first = _C.next_at - length - _number("credit")
    wait: ColumnElement[float] = larger(is_sqlite, 0.0, first - now, _C.held_until - now)
    return moved.returning(wait)


@cache
def _holding(is_sqlite: bool) -> Executable:
    """Return what does as `pace.hold`."""
    until = _now(is_sqlite) + _number("seconds")
    statement = _insertion(is_sqlite, next_at=literal(0.0), held_until=until)
    held = larger(is_sqlite, _C.held_until - _shift(is_sqlite), until)
    return _upsert(is_sqlite, statement, next_at=_C.next_at - _shift(is_sqlite), held_until=held)


def _insertion(is_sqlite: bool, **first: ColumnElement[float]) -> Insertion:
    return into(_TABLE, is_sqlite=is_sqlite).values(name=bindparam("schedule"), at=_now(is_sqlite), **first)


def _upsert(is_sqlite: bool, statement: Insertion, **moved: ColumnElement[float]) -> Insertion:
    return statement.on_conflict_do_update(index_elements=["name"], set_={**moved, "at": _now(is_sqlite)})


def _now(is_sqlite: bool) -> ColumnElement[float]:
    if is_sqlite:
        return _number("moment")
    # Asked for again wherever it stands, after the row was waited for: now() would be the transaction's beginning.
    return func.extract("epoch", func.clock_timestamp()).cast(Float)


def _shift(is_sqlite: bool) -> ColumnElement[float]:
    back = _C.at - _now(is_sqlite)
    return case((back > CLOCK_JUMP, back), else_=0.0)


def _number(name: str) -> ColumnElement[float]:
    return bindparam(name, type_=Float())
