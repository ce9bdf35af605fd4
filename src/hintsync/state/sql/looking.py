"""A look at a database that changes nothing in it: whether it answers, takes a write, how large it is, whether a key opens it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.errors import FixConfiguration
from hintsync.state.keys import Keyring, MasterKeys
from hintsync.state.sql import tables
from hintsync.state.sql.database import Database

#: Sets the schema's version to what it is: a write like any other, and none that anybody notices.
_WRITE = text(f"UPDATE {tables.VERSION_TABLE} SET version_num = version_num")


@dataclass(frozen=True, slots=True)
class DatabaseSeen:
    """What was seen of a database that answers and takes writes."""

    #: "SQLite" or "PostgreSQL".
    kind: str
    bytes: int
    #: The master keys open what is kept in it; None: nothing is kept in it yet.
    opens: bool | None


async def look_at_database(url: str, keys: MasterKeys) -> DatabaseSeen | None:
    """Look at the database of a URL; None if there is no such file.

    Raises:
        BadInput: the URL is none that we know.
        FixConfiguration: it cannot be used, or not be written.
        RetryLater: it does not answer, or is locked.
        StopRun: the disk is full.
    """
    database = Database(url)
    try:
        if database.is_sqlite and not _file(database).exists():
            return None
        async with database.reading() as sql:
            known = await sql.run_sync(_tables)
            opens = await _opens(sql, keys, known)
            size = _size_of_files(_file(database)) if database.is_sqlite else await _size(sql)
        if tables.VERSION_TABLE in known:
            async with database.writing() as sql:
                await sql.execute(_WRITE)
        kind = "SQLite" if database.is_sqlite else "PostgreSQL"
        return DatabaseSeen(kind, size, opens)
    finally:
        await database.aclose()


def _file(database: Database) -> Path:
    return Path(str(database.url.database))


def _tables(connection: Connection) -> Sequence[str]:
    return inspect(connection).get_table_names()


async def _opens(sql: AsyncConnection, keys: MasterKeys, known: Collection[str]) -> bool | None:
    """Say whether the keys open the root and every data key; None where there is no root yet."""
    if tables.keyring.name not in known:
        return None
    root = (await sql.execute(select(tables.keyring.c.root))).scalar_one_or_none()
    has_data_keys = tables.data_keys.name in known
    wrapped = (await sql.execute(select(tables.data_keys))).all() if has_data_keys else []
    if root is None:
        return None
    try:
        keyring = Keyring(keys, keys.decrypt(root))
        for row in wrapped:
            keyring.data_key(row.id, row.wrapped)
    except FixConfiguration:
        return False
    return True


async def _size(sql: AsyncConnection) -> int:
    return int((await sql.execute(text("SELECT pg_database_size(current_database())"))).scalar_one())


def _size_of_files(path: Path) -> int:
    """Return the bytes of a SQLite database with its journal; the journal may go while we look."""
    return sum(each.stat().st_size for each in (path, path.with_name(f"{path.name}-wal")) if each.exists())
