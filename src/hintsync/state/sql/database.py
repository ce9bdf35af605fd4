"""The database below the store: where it lies, how it is opened, and how a transaction on it begins."""

from __future__ import annotations

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects.postgresql import Insert as PostgresInsert
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.state.sql.bulk import Bulk
from hintsync.state.sql.errors import driver_errors
from hintsync.state.sql.threads import Threads, Work

T = TypeVar("T")

#: Seconds that SQLite waits for another process to finish writing.
BUSY_SECONDS = 30

_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # FULL, not NORMAL: both survive kill -9, but only FULL keeps an acknowledged commit through a power cut. One fsync a
    # commit is cheap, for commits carry some hundred links (decision 0041).
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={BUSY_SECONDS * 1000}",
    "PRAGMA foreign_keys=ON",
    "PRAGMA trusted_schema=OFF",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",
)

_WRITES = "hintsync_writes"

_EXPECTED = "expected sqlite:///path/to/file.db, postgresql://user@host/name, or memory:"


class Database:
    """Two ways into a database, each one transaction: `read` and `write` for what a batch does over and over.

    `reading` and `writing` are the same as contexts; on SQLite they take longer.
    """

    def __init__(self, url: str) -> None:
        """Prepare to open the database of a URL; nothing is touched yet.

        Raises:
            BadInput: the URL is none that we know.
        """
        self.url = parse_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        #: The database as a person knows it, without a password.
        self.where = str(self.url.database) if self.is_sqlite else self.url.render_as_string(hide_password=True)
        self.engine = self._create()
        self.bulk = Bulk(self.engine.dialect)
        #: SQLite only: where `read` and `write` are carried out.
        self.threads = Threads(self._create_sync()) if self.is_sqlite else None
        self._writer: asyncio.Lock | nullcontext[None] = asyncio.Lock() if self.is_sqlite else nullcontext()

    async def read(self, work: Work[T]) -> T:
        """Do some reading in one transaction."""
        if self.threads is None:
            async with self.reading() as connection:
                return await work(connection)
        with driver_errors(self.where):
            return await self.threads.read(work)

    async def write(self, work: Work[T]) -> T:
        """Do some writing in one transaction: committed at the end, rolled back if anything is raised."""
        if self.threads is None:
            async with self.writing() as connection:
                return await work(connection)
        with driver_errors(self.where):
            async with self._writer:
                return await self.threads.write(work, {_WRITES: True})

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that only reads."""
        with driver_errors(self.where):
            async with self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction whose reads all see the database as it is at the first one."""
        async with self.reading() as connection:
            if not self.is_sqlite:
                await connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that writes: committed at the end, rolled back if anything is raised.

        On SQLite writers take turns: among our tasks by a lock, among processes by BEGIN IMMEDIATE.
        """
        with driver_errors(self.where):
            async with self._writer, self.engine.connect() as connection:
                await connection.execution_options(**{_WRITES: True})
                async with connection.begin():
                    yield connection

    def insert(self, table: Table) -> SqliteInsert | PostgresInsert:
        """Return an INSERT that knows ON CONFLICT, in this database's dialect."""
        return sqlite_insert(table) if self.is_sqlite else postgres_insert(table)

    async def aclose(self) -> None:
        """Close all connections."""
        if self.threads is not None:
            await self.threads.aclose()
        await self.engine.dispose()

    def _create(self) -> AsyncEngine:
        # Parameters stay out of error texts and logs.
        if not self.is_sqlite:
            arguments = {"application_name": "hintsync", "connect_timeout": 10}
            return create_async_engine(self.url, hide_parameters=True, pool_pre_ping=True, connect_args=arguments)
        engine = create_async_engine(self.url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
        _listen(engine.sync_engine)
        return engine

    def _create_sync(self) -> Engine:
        url = self.url.set(drivername="sqlite+pysqlite")
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
        _listen(engine)
        return engine


def parse_url(url: str) -> URL:
    """Return a database URL with the driver that we use.

    Raises:
        BadInput: the URL is none that we know.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise BadInput(f"database URL cannot be read: {_EXPECTED}") from None
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite" or parsed.database in (None, "", ":memory:"):
        raise BadInput(f"database URL of a kind that is not served: {_EXPECTED}")
    return parsed.set(drivername="sqlite+aiosqlite")


def prepare_file(path: Path) -> None:
    """Make sure that the database file exists, is writable and readable by its owner only.

    Raises:
        FixConfiguration: the folder or the file does not allow that.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives the journal files beside it the same mode.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
    except OSError as error:
        remedy = "check the path, its owner and permissions"
        raise FixConfiguration(f"{path}: cannot be opened for writing ({error.strerror}); {remedy}") from None


def _listen(engine: Engine) -> None:
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)


def _set_up_sqlite(connection: DBAPIConnection, record: Any) -> None:
    # The driver must not begin transactions by itself: `_begin_sqlite` does.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in _PRAGMAS:
        cursor.execute(pragma)
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # IMMEDIATE: a transaction that read first could not become a writer once another process had written.
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
