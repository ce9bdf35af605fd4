"""Statements on many rows at once that decide with what is stored: rows go in as one JSON text, locks are taken in order.

`state.sql.bulk` writes whole rows as they come. Here workers on many hosts change the same rows, so on PostgreSQL every
statement locks rows in the order it names, or passes locked ones over, lest two workers wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import orjson
from sqlalchemy import (
    JSON,
    ColumnElement,
    Delete,
    FromClause,
    Select,
    Table,
    Text,
    Update,
    bindparam,
    column,
    delete,
    func,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.types import TypeEngine

from hintsync.state.sql.connections import know_connections
from hintsync.state.sql.database import Database
from hintsync.state.sql.errors import Contended
from hintsync.state.sql.threads import Work

T = TypeVar("T")

#: An INSERT that knows ON CONFLICT.
Insertion: TypeAlias = SqliteInsert | PostgresInsert

#: Rows of one JSON text.
AT_ONCE = 10_000

#: How often a transaction is tried when the database gave another one precedence.
_TRIES = 5

_ROWS = "rows_given"


def rows_of(rows: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """Return the parameter of a statement on given rows: text, numbers, truth or None, by column."""
    return {_ROWS: orjson.dumps(rows).decode()}


def given(table: Table, names: Sequence[str], *, is_sqlite: bool) -> FromClause:
    """Return the rows of `rows_of` as a table with some columns of another one; none of them may be binary."""
    rows = bindparam(_ROWS, type_=Text())
    if is_sqlite:
        each = func.json_each(rows).table_valued("value", name="each_row")
        return select(*(func.json_extract(each.c.value, f"$.{name}").label(name) for name in names)).subquery("given")
    columns = [column(name, _plain(table.c[name].type)) for name in names]
    return (
        func.json_to_recordset(rows.cast(JSON())).table_valued(*columns).render_derived(name="given", with_types=True)
    )


def is_given(table: Table, *, is_sqlite: bool) -> ColumnElement[bool]:
    """Return whether a row's primary key is among the given ones."""
    rows = given(table, keys(table), is_sqlite=is_sqlite)
    return tuple_(*table.primary_key).in_(select(*(rows.c[name] for name in keys(table))))


def insertion(
    table: Table, names: Sequence[str], others: Mapping[str, ColumnElement[Any]], *, is_sqlite: bool
) -> Insertion:
    """Return an INSERT of given rows, with the same value in some other columns of each."""
    rows = given(table, names, is_sqlite=is_sqlite)
    # Without a WHERE, SQLite would take ON CONFLICT for the condition of a join.
    always = literal_column("1") == literal_column("1")
    members = select(*(rows.c[name] for name in names), *others.values()).where(always)
    return into(table, is_sqlite=is_sqlite).from_select([*names, *others], members)


def into(table: Table, *, is_sqlite: bool) -> Insertion:
    """Return an INSERT that knows ON CONFLICT."""
    return sqlite_insert(table) if is_sqlite else postgres_insert(table)


def changing(table: Table, wanted: Select[Any], *, wait: bool = True) -> Update:
    """Return an UPDATE of the rows whose primary keys a SELECT brings, locked in its order, or passed over if locked."""
    locked = wanted.with_for_update(skip_locked=not wait).cte("locked")
    return update(table).where(*(table.c[name] == locked.c[name] for name in keys(table)))


def deleting(table: Table, wanted: Select[Any]) -> Delete:
    """Return a DELETE of the rows whose primary keys a SELECT brings, locked in its order."""
    locked = wanted.with_for_update().cte("locked")
    return delete(table).where(tuple_(*table.primary_key).in_(select(*(locked.c[name] for name in keys(table)))))


def places(table: Table) -> Select[Any]:
    """Return a SELECT of the primary keys of a table, in their order."""
    return select(*table.primary_key).order_by(*table.primary_key)


def keys(table: Table) -> list[str]:
    """Return the names of a table's primary key."""
    return [str(column.name) for column in table.primary_key]


def smaller(is_sqlite: bool, *values: Any) -> ColumnElement[Any]:
    """Return the smallest of some values of one row."""
    return func.min(*values) if is_sqlite else func.least(*values)


def larger(is_sqlite: bool, *values: Any) -> ColumnElement[Any]:
    """Return the largest of some values of one row."""
    return func.max(*values) if is_sqlite else func.greatest(*values)


async def persist(database: Database, work: Work[T], *, connection_id: str | None = None) -> T:
    """Do some writing in one transaction, again if the database gave another one precedence.

    Raises:
        BadInput: the store does not know the connection. Asked only once the database has refused a row of it, for the
            same few connections write all day.
        Contended: others were in the way every time.
    """
    left = _TRIES
    while True:
        left -= 1
        try:
            return await database.write(work)
        except Contended:
            if not left:
                raise
        except IntegrityError:
            if connection_id is not None:
                await database.read(lambda sql: know_connections(sql, [connection_id]))
            raise


def _plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    # A collation has no place here; that of the column it is compared with counts.
    return Text() if isinstance(kind, Text) else kind
