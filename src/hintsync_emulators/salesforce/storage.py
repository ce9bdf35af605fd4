"""Rows of the org in SQLite: one table per object, one real column per field, made from the schema.

Datetimes are whole epoch seconds, dates are text of ten characters, booleans are 0 and 1. Text compares without case
for ASCII letters (`NOCASE`); `fold` does the rest where a query names other letters. Deleted rows stay, marked.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import cast

import orjson

from hintsync_emulators.salesforce.dml.journal import Journal
from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.schema.model import IDS, INTEGERS, NUMBERS, Field, SObject

Row = dict[str, object]
#: What SQLite says of statements that go beyond its limits.
_TOO_COMPLICATED = re.compile(r"too large|too many|too big|too deep|at most \d+ tables|stack overflow")


def quote(name: str) -> str:
    """Quote a name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def column_type(field: Field) -> str:
    """Return the SQL type and collation of a field's column."""
    if field.type in ("boolean", "datetime") or field.type in INTEGERS:
        return "INTEGER"
    if field.type in NUMBERS:
        return "REAL"
    if field.type in IDS or field.type in ("date", "time") or field.case_sensitive:
        return "TEXT"
    return "TEXT COLLATE NOCASE"


def _column(field: Field) -> str:
    formula = f" GENERATED ALWAYS AS ({field.formula}) VIRTUAL" if field.formula else ""
    return f"{quote(field.name)} {column_type(field)}{formula}"


class Storage:
    """The database of one org. Every write happens inside `transaction`."""

    def __init__(self, database: str) -> None:
        self._db = sqlite3.connect(database, isolation_level=None, check_same_thread=False, cached_statements=1000)
        self._db.create_function("fold", 1, _fold, deterministic=True)
        self._db.create_function("finds", 2, _finds, deterministic=True)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("PRAGMA temp_store = MEMORY")
        self._db.execute("CREATE TABLE IF NOT EXISTS _kept (kind TEXT, name TEXT, body BLOB, PRIMARY KEY (kind, name))")
        self._statements: dict[tuple[str, ...], str] = {}
        self._depth = 0
        #: Changes of the running transaction.
        self.journal = Journal()

    def close(self) -> None:
        """Close the database; one in memory is gone then."""
        self._db.close()

    def columns(self, name: str) -> set[str]:
        """Return the column names that a table has; empty when there is no such table."""
        return {row[1] for row in self._db.execute(f"PRAGMA table_xinfo({quote(name)})")}

    def prepare(self, one: SObject) -> None:
        """Bring an object's table to the state of its definition: create it, add columns, add indexes."""
        known = self.columns(one.name)
        stored = [field for field in one.fields.values() if field.is_stored and field.name not in known]
        # Computed columns come last: they read the others.
        stored.sort(key=lambda field: field.formula is not None)
        if known:
            for field in stored:
                self._db.execute(f"ALTER TABLE {quote(one.name)} ADD COLUMN {_column(field)}")
                if field.type == "boolean" and field.formula is None:
                    self._db.execute(f"UPDATE {quote(one.name)} SET {quote(field.name)} = {int(bool(field.default))}")
        else:
            columns = ", ".join(map(_column, stored))
            self._db.execute(f"CREATE TABLE {quote(one.name)} (_row INTEGER PRIMARY KEY, {columns})")
        for field in one.fields.values():
            self._add_index(one, field)

    def _add_index(self, one: SObject, field: Field) -> None:
        table, column = quote(one.name), quote(field.name)
        if field.name == "Id":
            self._db.execute(f"CREATE UNIQUE INDEX IF NOT EXISTS {quote(one.name + '.Id')} ON {table} (Id)")
        elif field.name == "IsDeleted":
            name = quote(f"{one.name}.IsDeleted")
            self._db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table} (IsDeleted) WHERE IsDeleted = 1")
        elif field.unique or field.external_id or field.indexed:
            name = quote(f"{one.name}.{field.name}")
            self._db.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {table} ({column}) WHERE {column} IS NOT NULL")

    def drop_column(self, object_name: str, field_name: str) -> None:
        """Remove a field and what it held."""
        self._db.execute(f"DROP INDEX IF EXISTS {quote(f'{object_name}.{field_name}')}")
        self._db.execute(f"ALTER TABLE {quote(object_name)} DROP COLUMN {quote(field_name)}")

    def drop_table(self, object_name: str) -> None:
        """Remove an object and its rows."""
        self._db.execute(f"DROP TABLE {quote(object_name)}")

    def rename_table(self, old: str, new: str) -> None:
        """Give a table another name; its indexes are named after it, so `prepare` must make them anew."""
        own = self._db.execute(
            "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = ?", (old,)
        ).fetchall()
        for (name,) in own:
            self._db.execute(f"DROP INDEX {quote(name)}")
        self._db.execute(f"ALTER TABLE {quote(old)} RENAME TO {quote(new)}")

    def rename_column(self, object_name: str, old: str, new: str) -> None:
        """Give a field's column another name; `prepare` makes its index anew."""
        self._db.execute(f"DROP INDEX IF EXISTS {quote(f'{object_name}.{old}')}")
        self._db.execute(f"ALTER TABLE {quote(object_name)} RENAME COLUMN {quote(old)} TO {quote(new)}")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep all writes of the block or none; blocks nest."""
        name = f"level{self._depth}"
        self._db.execute(f"SAVEPOINT {name}")
        self._depth += 1
        mark = self.journal.mark()
        try:
            yield
        except BaseException:
            self._db.execute(f"ROLLBACK TO {name}")
            self.journal.cut(mark)
            raise
        finally:
            self._depth -= 1
            self._db.execute(f"RELEASE {name}")
        if not self._depth:
            self.journal.deliver()

    def insert(self, table: str, values: Mapping[str, object]) -> None:
        """Add one row."""
        key = ("insert", table, *values)
        sql = self._statements.get(key)
        if sql is None:
            names = ", ".join(map(quote, values))
            sql = f"INSERT INTO {quote(table)} ({names}) VALUES ({', '.join('?' * len(values))})"
            self._statements[key] = sql
        self._db.execute(sql, cast("Sequence[str]", tuple(values.values())))

    def update(self, table: str, record_id: str, values: Mapping[str, object]) -> None:
        """Change columns of the row with this id."""
        key = ("update", table, *values)
        sql = self._statements.get(key)
        if sql is None:
            settings = ", ".join(f"{quote(name)} = ?" for name in values)
            sql = f"UPDATE {quote(table)} SET {settings} WHERE Id = ?"
            self._statements[key] = sql
        self._db.execute(sql, cast("Sequence[str]", (*values.values(), record_id)))

    def erase(self, table: str, record_id: str) -> None:
        """Remove the row with this id for good."""
        self._db.execute(f"DELETE FROM {quote(table)} WHERE Id = ?", (record_id,))

    def erase_all(self, table: str) -> None:
        """Remove every row of a table for good."""
        self._db.execute(f"DELETE FROM {quote(table)}")

    def copy_to(self, other: sqlite3.Connection) -> None:
        """Copy the whole database into another."""
        self._db.backup(other)

    def copy_from(self, other: sqlite3.Connection) -> None:
        """Replace the whole database by another's content."""
        other.backup(self._db)

    def fetch(self, table: str, ids: Iterable[str]) -> dict[str, Row]:
        """Return the whole rows with these ids (deleted ones too), by id."""
        cursor = self._db.execute(
            f"SELECT * FROM {quote(table)} WHERE Id IN (SELECT value FROM json_each(?))",
            (orjson.dumps(list(ids)).decode(),),
        )
        names = [column[0] for column in cursor.description]
        return {str(row["Id"]): row for row in (dict(zip(names, line, strict=True)) for line in cursor)}

    def ids_where(self, table: str, column: str, value: object, live_only: bool) -> list[str]:
        """Return ids of the rows whose column holds the value, oldest first."""
        sql = f"SELECT Id FROM {quote(table)} WHERE {quote(column)} = ?{' AND IsDeleted = 0' if live_only else ''}"
        return [row[0] for row in self._db.execute(sql + " ORDER BY Id", (value,))]

    def last_id(self, table: str) -> str | None:
        """Return the highest id of a table."""
        found = self._db.execute(f"SELECT max(Id) FROM {quote(table)}").fetchone()[0]
        return None if found is None else str(found)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
        """Run a reading statement.

        Raises:
            ApiError: QUERY_TOO_COMPLICATED, it is larger or deeper than SQLite takes.
        """
        try:
            return self._db.execute(sql, cast("Sequence[str]", parameters)).fetchall()
        except sqlite3.OperationalError as problem:
            if _TOO_COMPLICATED.search(str(problem)):
                raise ApiError(400, "QUERY_TOO_COMPLICATED", f"The query is too complicated: {problem}") from None
            raise

    def keep(self, kind: str, name: str, body: object) -> None:
        """Keep a piece of the org that is no row: deployed metadata, a switch."""
        self._db.execute("INSERT OR REPLACE INTO _kept VALUES (?, ?, ?)", (kind, name, orjson.dumps(body)))

    def forget(self, kind: str, name: str) -> None:
        """Drop a kept piece."""
        self._db.execute("DELETE FROM _kept WHERE kind = ? AND name = ?", (kind, name))

    def kept(self, kind: str) -> dict[str, object]:
        """Return kept pieces of a kind, by name, oldest first."""
        found = self._db.execute("SELECT name, body FROM _kept WHERE kind = ? ORDER BY rowid", (kind,))
        return {name: orjson.loads(body) for name, body in found}


@lru_cache(maxsize=256)
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def _finds(text: str | int | float | bytes | None, pattern: str | int | float | bytes | None) -> int:
    """Say whether a text holds words, given as a regular expression."""
    return int(isinstance(text, str) and _pattern(str(pattern)).search(text) is not None)


def _fold(value: str | int | float | bytes | None) -> str | int | float | bytes | None:
    return value.lower() if isinstance(value, str) else value
