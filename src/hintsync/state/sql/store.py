"""The store on a database: its parts put together, and the one writer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.records import Link, LinkStatus
from hintsync.state import changes
from hintsync.state.keys import Keyring, MasterKeys
from hintsync.state.port import Commit, LinkChange
from hintsync.state.sql import tables
from hintsync.state.sql.audit import AuditPart, write_audit
from hintsync.state.sql.connections import ConnectionsPart, know_connections, write_cursors
from hintsync.state.sql.database import Database
from hintsync.state.sql.dirty import DirtyPart
from hintsync.state.sql.dirty_rows import finish_rows
from hintsync.state.sql.errors import Contended
from hintsync.state.sql.intents import IntentsPart
from hintsync.state.sql.journal import JournalPart, write_log, write_reviews
from hintsync.state.sql.leases import LeasesPart
from hintsync.state.sql.links import LinksPart, refuse_stored, write_links
from hintsync.state.sql.part import uninterrupted
from hintsync.state.sql.runs import RunsPart, know_runs, save_run, write_rows
from hintsync.state.sql.schema import upgrade_database
from hintsync.state.sql.secrets import SecretsPart, open_keyring
from hintsync.state.sql.stops import StopsPart
from hintsync.state.sql.traffic import TrafficPart
from hintsync.state.sql.turns import TurnsPart

#: How often a commit is tried when another process's commit got in its way.
_TRIES = 5


class SqlStore(
    ConnectionsPart,
    SecretsPart,
    LinksPart,
    RunsPart,
    JournalPart,
    AuditPart,
    DirtyPart,
    LeasesPart,
    IntentsPart,
    StopsPart,
    TurnsPart,
    TrafficPart,
):
    """A StateStore on SQLite or PostgreSQL."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        """Take an upgraded database and the keys that it was opened with; see `open_sql_store`."""
        self._database = database
        self._keyring = keyring

    @property
    def database(self) -> Database:
        """The database, for what goes over all of it at once: a backup."""
        return self._database

    @property
    def keyring(self) -> Keyring:
        """The keys that it was opened with."""
        return self._keyring

    @uninterrupted
    async def reserve(self, link: Link) -> Link:
        """Insert a live link; see the port."""
        new = replace(link, revision=0)
        await self.commit(Commit(links=[LinkChange(new)]))
        return replace(new, revision=1)

    @uninterrupted
    async def count_links(self, connection_id: str) -> Mapping[LinkStatus, int]:
        """Count links by status; a status that none has is missing."""
        table = tables.links
        wanted = select(table.c.status, func.count()).filter_by(connection_id=connection_id).group_by(table.c.status)

        async def read(sql: AsyncConnection) -> Mapping[LinkStatus, int]:
            return {LinkStatus(status): count for status, count in await sql.execute(wanted)}

        return await self._database.read(read)

    @uninterrupted
    async def commit(self, commit: Commit) -> None:
        """Carry out a commit in one transaction; see the port."""
        for left in reversed(range(_TRIES)):
            try:
                await self._database.write(lambda sql: self._write(sql, commit))
                return
            except (IntegrityError, Contended):
                await self._refuse(commit)
                if not left:
                    raise

    @uninterrupted
    async def aclose(self) -> None:
        """Let go of connections."""
        await self._database.aclose()

    async def _write(self, sql: AsyncConnection, commit: Commit) -> None:
        # The same order in every process, the lock that all wait for last.
        if commit.links:
            await write_links(sql, self._database, commit.links)
        if commit.run:
            await save_run(sql, commit.run)
        if commit.run and commit.cursors:
            await write_cursors(sql, self._database, commit.run.connection_id, commit.cursors)
        if commit.rows:
            await write_rows(sql, self._database, commit.rows)
        if commit.reviews:
            await write_reviews(sql, self._database, commit.reviews)
        if commit.logs:
            await write_log(sql, self._database, commit.logs)
        if commit.done:
            await finish_rows(sql, self._database, commit.done)
        if commit.audits:
            await write_audit(sql, self._database, commit.audits)

    async def _refuse(self, commit: Commit) -> None:
        """Say what the database refused, where it was the commit's fault; another's commit in the way is tried again."""
        async with self._database.reading() as sql:
            await know_connections(sql, changes.connections_of(commit))
            await know_runs(sql, changes.runs_of(commit))
            await refuse_stored(sql, commit.links)


@uninterrupted
async def open_sql_store(url: str, keys: MasterKeys) -> SqlStore:
    """Open the store of a database URL, its tables created or upgraded.

    Raises:
        BadInput: the URL is none that we know.
        FixConfiguration: the database cannot be used, is of a newer version, or the master key does not fit.
        RetryLater: the database does not answer.
    """
    database = Database(url)
    try:
        await upgrade_database(database)
        return SqlStore(database, await open_keyring(database, keys))
    except BaseException:
        await database.aclose()
        raise
