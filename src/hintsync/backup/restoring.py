"""Puts a backup back: into a file or into PostgreSQL, whichever it was taken from, all of it or nothing.

The backup is read to its end before anything is touched, and once more while its rows go in. A store that is there already is left
alone, or on request set aside. A new file is made beside the old one and takes its name at the end; on PostgreSQL one transaction
does everything. So whoever is cut off finds the old store or the new one, and does it again.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, MetaData, Table, func, inspect, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.backup.aging import Restoring, age_rows
from hintsync.backup.file import BackupReader, Contents, check_backup, open_backup
from hintsync.backup.key import BackupKey
from hintsync.backup.rows import COPIED, LEFT_OUT, Row
from hintsync.clock import utc_text
from hintsync.core.errors import AskPerson, BadInput, FixConfiguration, RetryLater
from hintsync.private_file import sync_folder
from hintsync.state.keys import DataKey, Keyring, MasterKeys
from hintsync.state.sql import tables
from hintsync.state.sql.bulk import Lot
from hintsync.state.sql.database import Database, prepare_file
from hintsync.state.sql.schema import make_tables

_IN_USE: Final = "the store is in use: stop every process of hintsync first"
_THERE: Final = "{} holds a store already; --replace sets it aside"
#: Milliseconds to wait for whoever reads a table that is set aside.
_PATIENCE_MS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Restored:
    """What was put back."""

    contents: Contents
    #: Where the store lies now that was there before: a file, or a schema of the database; None: there was none.
    aside: str | None


async def restore_backup(
    path: Path, key: BackupKey, url: str, master: MasterKeys, *, replace: bool, actor: str, now: datetime
) -> Restored:
    """Put a backup in place of a store, or where there is none.

    Args:
        path: The backup.
        key: Opens it.
        url: Database URL of the store.
        master: The keys it is to lie under; not those that it lay under before.
        replace: Set a store aside that holds something.
        actor: Who does it, for the audit trail.
        now: By our clock.

    Raises:
        AskPerson: there is something in the store, and `replace` is not set.
        BadInput: the backup does not open or is damaged, or the URL is none that we know. Nothing was touched.
        FixConfiguration: the backup is of a newer version, or the database cannot be used. Nothing was touched.
        RetryLater: processes work on the store. Nothing was touched.
    """
    contents = check_backup(path, key)
    database = Database(url)
    place = _FilePlace(database, now) if database.is_sqlite else _ServerPlace(database, now)
    told = Restoring(contents.header.at, utc_text(now), actor)
    with open_backup(path, key) as reader:
        aside = await place.fill(_Filling(reader, master, told), replace=replace)
    return Restored(contents, aside)


@dataclass(frozen=True, slots=True)
class _Filling:
    """Rows on their way into tables."""

    reader: BackupReader
    master: MasterKeys
    told: Restoring

    async def carry_out(self, sql: AsyncConnection, database: Database) -> None:
        """Make the tables, fill them, bring them to this version, and have the rows say that they are old."""
        await sql.run_sync(make_tables, self.reader.header.schema, database.where)
        shapes = await sql.run_sync(_reflected)
        keys: dict[str, list[Row]] = {"keyring": [], "secrets": []}
        for batch in self.reader.batches():
            if batch.table in keys:
                keys[batch.table] += batch.rows
            elif batch.table in shapes:
                await database.bulk.insert(sql, shapes[batch.table], Lot(batch.columns, batch.rows))
            else:
                raise BadInput(f"the backup holds a table {batch.table} that its version does not have")
        await sql.run_sync(make_tables, tables.HEAD, database.where)
        if not database.is_sqlite:
            await _count_on(sql)
        keyring = await self._put_keys(sql, keys["keyring"], keys["secrets"])
        await age_rows(sql, database, self.told, keyring)

    async def _put_keys(self, sql: AsyncConnection, roots: Sequence[Row], secrets: Sequence[Row]) -> Keyring:
        """Wrap the root under the master keys of this place, and seal secrets under data keys of this place."""
        if len(roots) != 1:
            raise BadInput("the backup holds no root of its fingerprints")
        root = _bytes(roots[0][0])
        await sql.execute(tables.keyring.insert().values(id=1, root=self.master.encrypt(root)))
        keys: dict[str, DataKey] = {}
        for connection_id, name, secret in secrets:
            own, named = str(connection_id), str(name)
            if own not in keys:
                keys[own] = key = DataKey.generate()
                row = {"id": key.id, "connection_id": own, "generation": 1, "made_at": self.told.at}
                await sql.execute(tables.data_keys.insert().values(**row, wrapped=key.wrapped(self.master)))
            token = keys[own].seal(own, named, _bytes(secret))
            await sql.execute(tables.secrets.insert().values(connection_id=own, name=named, token=token))
        return Keyring(self.master, root)


def _bytes(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise BadInput("the backup holds a key that is none")
    return value


def _reflected(connection: Connection) -> Mapping[str, Table]:
    """Return the tables that rows go into, as they are at the version they come from."""
    found = MetaData()
    found.reflect(connection, only=lambda name, _: name not in LEFT_OUT and name in tables.metadata.tables)
    return dict(found.tables)


class _FilePlace:
    """A SQLite file."""

    def __init__(self, database: Database, now: datetime) -> None:
        """Take the database of the URL, which is not opened, and the moment."""
        self._path = Path(str(database.url.database))
        self._beside = self._path.with_name(f"{self._path.name}.restoring")
        self._aside = self._path.with_name(f"{self._path.name}.before-{_moment(now)}")

    async def fill(self, filling: _Filling, *, replace: bool) -> str | None:
        """Make a new file beside the old one; give it its name at the end."""
        holds = _close_file(self._path)
        if holds and not replace:
            raise AskPerson(_THERE.format(self._path))
        _remove(self._beside)  # what a restore left that was killed
        try:
            await self._make(filling)
            return self._take_place(holds=holds)
        finally:
            _remove(self._beside)

    async def _make(self, filling: _Filling) -> None:
        prepare_file(self._beside)
        database = Database(f"sqlite:///{self._beside}")
        try:
            async with database.writing() as sql:
                await filling.carry_out(sql, database)
        finally:
            await database.aclose()

    def _take_place(self, *, holds: bool) -> str | None:
        """Swap the files; at no moment is there none of the name."""
        _close_file(self._beside)
        if holds != _close_file(self._path):
            raise RetryLater(None, f"{self._path}: {_IN_USE}")
        if holds and not self._aside.exists():
            _keep_aside(self._path, self._aside)
        self._beside.replace(self._path)
        sync_folder(self._path.parent)
        return str(self._aside) if holds else None


def _keep_aside(path: Path, aside: Path) -> None:
    try:
        os.link(path, aside)
    except OSError:  # a file system without hard links
        shutil.copy2(path, aside)


def _remove(path: Path) -> None:
    """Delete a SQLite database, if there is one, with its journals."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _close_file(path: Path) -> bool:
    """Bring what a SQLite database holds into its one file, and on the disk; say whether there are connections in it.

    Raises:
        RetryLater: another process has it open: SQLite leaves the write-ahead log only for the last one.
        FixConfiguration: it is no SQLite database.
    """
    if not path.exists():
        return False
    try:
        with closing(sqlite3.connect(path, timeout=1.0, isolation_level=None)) as raw:
            if raw.execute("PRAGMA journal_mode=DELETE").fetchone() != ("delete",):
                raise RetryLater(None, f"{path}: {_IN_USE}")
            is_ours = raw.execute("SELECT 1 FROM sqlite_master WHERE name = 'connections'").fetchone()
            return bool(is_ours and raw.execute("SELECT 1 FROM connections LIMIT 1").fetchone())
    except sqlite3.OperationalError:
        raise RetryLater(None, f"{path}: {_IN_USE}") from None
    except sqlite3.DatabaseError:
        raise FixConfiguration(f"{path}: not a SQLite database, or a damaged one; move it away first") from None


class _ServerPlace:
    """A PostgreSQL database."""

    def __init__(self, database: Database, now: datetime) -> None:
        """Take the database of the URL, which is not opened, and the moment."""
        self._database = database
        self._aside = f"hintsync_before_{_moment(now).lower()}"

    async def fill(self, filling: _Filling, *, replace: bool) -> str | None:
        """Set aside what is there and fill new tables, in one transaction."""
        database = self._database
        try:
            async with database.writing() as sql:
                await sql.exec_driver_sql(f"SET LOCAL lock_timeout = {_PATIENCE_MS}")
                if (await sql.execute(text(_OTHERS))).scalar_one():
                    raise RetryLater(None, f"{database.where}: {_IN_USE}")
                holds = await sql.run_sync(_holds_connections)
                if holds and not replace:
                    raise AskPerson(_THERE.format(database.where))
                await sql.run_sync(_clear_away, self._aside if holds else None)
                await filling.carry_out(sql, database)
        finally:
            await database.aclose()
        return f"schema {self._aside}" if holds else None


#: Sessions of other processes of ours (`state.sql.database` names them).
_OTHERS: Final = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = 'hintsync' AND pid <> pg_backend_pid()
"""


def _holds_connections(connection: Connection) -> bool:
    if not inspect(connection).has_table(tables.connections.name):
        return False
    return connection.execute(select(tables.connections.c.id).limit(1)).first() is not None


def _clear_away(connection: Connection, aside: str | None) -> None:
    """Move our tables into a schema of their own; without one, there is nothing in them and they are deleted."""
    ours = {*tables.metadata.tables, tables.VERSION_TABLE} & {*inspect(connection).get_table_names()}
    if aside:
        connection.exec_driver_sql(f"CREATE SCHEMA {aside}")
    for name in sorted(ours):
        connection.exec_driver_sql(f"ALTER TABLE {name} SET SCHEMA {aside}" if aside else f"DROP TABLE {name} CASCADE")


async def _count_on(sql: AsyncConnection) -> None:
    """Let counted columns go on behind the rows that were put in."""
    for table in COPIED:
        column = table.autoincrement_column
        if column is not None and column.autoincrement is True:
            last = select(func.coalesce(func.max(column), 0)).scalar_subquery()
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            await sql.execute(select(func.setval(sequence, last + 1, False)))


def _moment(now: datetime) -> str:
    return f"{now.astimezone(UTC):%Y%m%dT%H%M%SZ}"
