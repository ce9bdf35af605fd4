"""Many rows in one statement, at the speed of the driver.

SQLAlchemy's own handling of parameters costs more than the database does, so statements are compiled once and rows go to
the driver as they are: text, numbers, booleans, bytes or None. SQLite is called in its own process and takes row after row;
PostgreSQL takes all rows as one JSON text, for there every statement is a message of its own, and its driver quotes the
members of an array one by one in Python.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple, TypeAlias

import orjson
from sqlalchemy import (
    JSON,
    ColumnElement,
    LargeBinary,
    Table,
    TableValuedAlias,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import ValuesBase
from sqlalchemy.types import TypeEngine

#: Rows for a table, all with the same members: column name to value.
Rows: TypeAlias = Sequence[Mapping[str, object]]


class Lot(NamedTuple):
    """Rows as tuples, for tables that take them by the hundred thousand."""

    #: Column names, in the order of each tuple's values and of the table.
    members: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]


_KEY = "key_of_row_"
_ROWS = "rows"
#: What is done to rows that are stored already.
_CHANGES = frozenset({"replace", "advance"})
#: What no change sets: a key that is set to what it is still costs its indexes a visit, and a reference a look at its target.
_REFERENCE = "connection_id"
#: Said with a literal, not a parameter.
_ONE: ColumnElement[int] = literal_column("1")


@dataclass(frozen=True, slots=True)
class _Ready:
    """A compiled statement."""

    text: str
    #: SQLite: members in the order of the question marks. PostgreSQL: None, they are named.
    order: tuple[str, ...] | None


class Bulk:
    """Writes many rows; one a database, for it keeps the compiled statements."""

    def __init__(self, dialect: Dialect) -> None:
        """Take the dialect of the database."""
        self._dialect = dialect
        self._is_sqlite = dialect.name == "sqlite"
        self._ready: dict[tuple[str, str, tuple[str, ...]], _Ready] = {}

    async def insert(self, sql: AsyncConnection, table: Table, rows: Rows | Lot) -> None:
        """Insert rows."""
        await self._write(sql, "insert", table, rows)

    async def upsert(self, sql: AsyncConnection, table: Table, rows: Rows | Lot) -> None:
        """Insert rows, each in place of the one with the same primary key; no key may come twice."""
        await self._write(sql, "upsert", table, rows)

    async def replace(self, sql: AsyncConnection, table: Table, rows: Rows | Lot) -> int:
        """Give the stored rows of the same primary keys the values of these; return how many there were."""
        return await self._write(sql, "replace", table, rows)

    async def advance(self, sql: AsyncConnection, table: Table, rows: Rows | Lot) -> int:
        """As `replace`, but only where the stored revision is one behind the given one; return how many there were."""
        return await self._write(sql, "advance", table, rows)

    async def _write(self, sql: AsyncConnection, kind: str, table: Table, rows: Rows | Lot) -> int:
        lot = rows if isinstance(rows, Lot) else _lot_of(rows)
        if not lot.rows:
            return 0
        ready = self._compiled(kind, table, lot.members)
        if ready.order is None:
            named = [dict(zip(lot.members, row, strict=True)) for row in lot.rows]
            done = await sql.exec_driver_sql(ready.text, {_ROWS: orjson.dumps(named, default=_text_of_bytes).decode()})
        else:
            done = await sql.exec_driver_sql(ready.text, _ordered(lot, ready.order))
        return done.rowcount

    def _compiled(self, kind: str, table: Table, members: tuple[str, ...]) -> _Ready:
        key = (kind, table.name, members)
        if key not in self._ready:
            given = [name for name in members if kind not in _CHANGES or name not in _fixed(table)]
            statement = self._row_wise(kind, table) if self._is_sqlite else _set_wise(kind, table, members, given)
            self._ready[key] = self._compile(statement, given)
        return self._ready[key]

    def _row_wise(self, kind: str, table: Table) -> ValuesBase:
        if kind == "insert":
            return table.insert()
        if kind == "upsert":
            return upsert(table, sqlite_insert(table))
        same = [column == bindparam(_KEY + column.name) for column in table.primary_key]
        if kind == "advance":
            same.append(table.c.revision == bindparam(_KEY + "revision") - _ONE)
        return update(table).where(*same)

    def _compile(self, statement: ValuesBase, given: list[str]) -> _Ready:
        keys = given if self._is_sqlite else None
        compiled = statement.compile(dialect=self._dialect, column_keys=keys)
        assert isinstance(compiled, SQLCompiler)
        order = compiled.positiontup
        return _Ready(compiled.string, None if order is None else tuple(name.removeprefix(_KEY) for name in order))


def _fixed(table: Table) -> frozenset[str]:
    """Return the columns of a table that no change sets."""
    return frozenset({column.name for column in table.primary_key} | {_REFERENCE})


def _lot_of(rows: Rows) -> Lot:
    members = tuple(rows[0]) if rows else ()
    return Lot(members, [tuple([row[name] for name in members]) for row in rows])


def _ordered(lot: Lot, order: tuple[str, ...]) -> list[tuple[object, ...]]:
    """Return a lot's rows with their values in the order in which a statement names them."""
    if order == lot.members:
        return list(lot.rows)
    return [*map(itemgetter(*map(lot.members.index, order)), lot.rows)]


def _set_wise(kind: str, table: Table, members: tuple[str, ...], changed: Sequence[str]) -> ValuesBase:
    given, values = _given(table, members)
    if kind in _CHANGES:
        same = [column == values[column.name] for column in table.primary_key]
        if kind == "advance":
            same.append(table.c.revision == values["revision"] - _ONE)
        return update(table).where(*same).values({name: values[name] for name in changed})
    statement = postgres_insert(table).from_select(list(members), select(*values.values()).select_from(given))
    return statement if kind == "insert" else upsert(table, statement)


def _given(table: Table, members: tuple[str, ...]) -> tuple[TableValuedAlias, dict[str, ColumnElement[Any]]]:
    """Return the JSON rows as a table of their own, and each member's value in it."""
    types = {name: table.c[name].type for name in members}
    binary = {name for name in members if isinstance(types[name], LargeBinary)}
    columns = [column(name, Text() if name in binary else _plain(types[name])) for name in members]
    rows = func.json_to_recordset(bindparam(_ROWS, type_=Text()).cast(JSON()))
    given = rows.table_valued(*columns).render_derived(name="given", with_types=True)
    # JSON has no bytes: see `_text_of_bytes`.
    base64: ColumnElement[str] = literal_column("'base64'")
    return given, {name: func.decode(given.c[name], base64) if name in binary else given.c[name] for name in members}


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return Text() if isinstance(kind, Text) else kind


def _text_of_bytes(value: object) -> str:
    if isinstance(value, bytes):
        return b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be stored")


def upsert(table: Table, statement: SqliteInsert | PostgresInsert) -> ValuesBase:
    """Return an INSERT of whole rows that puts each in place of the one with the same primary key."""
    keys = [column.name for column in table.primary_key]
    others = {column.name: statement.excluded[column.name] for column in table.c if column.name not in keys}
    return statement.on_conflict_do_update(index_elements=keys, set_=others)
