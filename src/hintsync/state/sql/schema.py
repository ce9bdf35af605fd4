"""Bringing a database to the tables this version knows, by the migrations that are shipped with it.

Processes of two versions work one database while an upgrade goes on. Each migration says in `serves` which schema's code may go
on working on what it makes; the oldest such schema is written beside the version, so that older code finds it (decision 0094).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sqlalchemy import Connection, inspect, select, table, text
from sqlalchemy.schema import Column
from sqlalchemy.types import Text

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.state.sql import tables
from hintsync.state.sql.database import Database, prepare_file
from hintsync.state.sql.tables import HEAD, VERSION_TABLE
from hintsync.state.traffic import DEAD_AFTER

if TYPE_CHECKING:
    from alembic.config import Config

_log = logging.getLogger(__name__)

MIGRATIONS = Path(__file__).parent / "migrations"

#: Any number; two processes that upgrade one PostgreSQL database take turns by it.
_LOCK = 7_426_001
#: Milliseconds that a change of a table waits for whoever reads it: longer, and everybody would queue behind it.
_PATIENCE_MS: Final = 10_000

_version = table(VERSION_TABLE, Column("version_num", Text()), Column("serves", Text()))


@dataclass(frozen=True, slots=True)
class Schema:
    """How a database stands to this version."""

    #: Version of its tables; None: it has none yet.
    revision: str | None
    #: Migrations that it lacks, in their order.
    missing: Sequence[str] = ()
    #: Versions of hintsync whose running processes could not go on after those.
    ending: Sequence[str] = ()


async def upgrade(url: str) -> Schema:
    """Create or upgrade the tables of a database, in one transaction; return how it stood before.

    Raises:
        BadInput: the URL is none that we know.
        FixConfiguration: the database is not ours, of a newer version that leaves this one behind, or cannot be written.
        RetryLater: processes still run that could not go on, or hold a table for too long; nothing was changed.
    """
    database = Database(url)
    try:
        return await upgrade_database(database)
    finally:
        await database.aclose()


async def examine(url: str) -> Schema:
    """Say how a database stands to this version, and change nothing.

    Raises:
        BadInput: the URL is none that we know.
        FixConfiguration: the database is not ours, or of a newer version that leaves this one behind.
    """
    database = Database(url)
    try:
        if _is_absent(database):
            return Schema(None, list(_shipped()))
        async with database.reading() as connection:
            return await connection.run_sync(_examine, database.where)
    finally:
        await database.aclose()


async def upgrade_database(database: Database) -> Schema:
    """Create or upgrade the tables; costs one read if there is nothing to do."""
    if database.is_sqlite:
        prepare_file(Path(str(database.url.database)))
    async with database.reading() as connection:
        stands = await connection.run_sync(_examine, database.where)
    if not stands.missing:
        return stands
    async with database.writing() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.exec_driver_sql(f"SET LOCAL lock_timeout = {_PATIENCE_MS}")
        return await connection.run_sync(_upgrade, database.where)


def _is_absent(database: Database) -> bool:
    """Say whether there is no file yet; looking into it would make one."""
    return database.is_sqlite and not Path(str(database.url.database)).exists()


def _examine(connection: Connection, where: str) -> Schema:
    revision = _revision(connection)
    if revision == HEAD:
        return Schema(revision)
    shipped = _shipped()
    if revision is not None and revision not in shipped:
        _tolerate(connection, revision, where)
        return Schema(revision)
    if revision is None and connection.dialect.name == "sqlite" and inspect(connection).get_table_names():
        raise FixConfiguration(f"{where}: a SQLite database of another program; name another file")
    missing = [each for each in shipped if revision is None or each > revision]
    leaves = revision is not None and any(shipped[each] > revision for each in missing)
    return Schema(revision, missing, _alive(connection) if leaves else ())


def _revision(connection: Connection) -> str | None:
    """Return the version of a database's tables; None if it has none of ours."""
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(_version.c.version_num)).scalar_one_or_none()


def _tolerate(connection: Connection, revision: str, where: str) -> None:
    """Let a database of a newer version pass if it says that our code may go on working on it.

    Raises:
        FixConfiguration: it does not.
    """
    serves = connection.execute(select(_version.c.serves)).scalar_one() if _has_promise(connection) else None
    if serves is None or serves > HEAD:
        newer = f"written by a newer hintsync (schema {revision}, this one knows up to {HEAD})"
        raise FixConfiguration(f"{where}: {newer}; upgrade hintsync")
    _log.info("a newer hintsync made schema %s, which serves this one too", revision)


def _alive(connection: Connection) -> Sequence[str]:
    """Return the versions of the processes that gave a sign of life just now; they run what was before."""
    seen = tables.processes
    if not inspect(connection).has_table(seen.name):
        return ()
    alive = select(seen.c.version).where(seen.c.seen_at > time.time() - DEAD_AFTER).distinct()
    return sorted(connection.execute(alive).scalars())


def _upgrade(connection: Connection, where: str) -> Schema:
    from alembic import command

    stands = _examine(connection, where)
    if stands.ending:
        running = (
            f"{where}: processes of hintsync {', '.join(stands.ending)} run, and could not go on after the upgrade"
        )
        raise RetryLater(None, f"{running}; stop them first. They count as ended after {DEAD_AFTER:.0f} seconds")
    if stands.missing:
        command.upgrade(_config(connection), "head")
        _promise(connection)
    return stands


def make_tables(connection: Connection, revision: str, where: str) -> None:
    """Bring a database without tables, or with older ones, to a version of them; a restore puts rows into the version they had.

    Raises:
        FixConfiguration: this hintsync does not know that version.
    """
    from alembic import command

    if revision not in _shipped():
        raise FixConfiguration(f"{where}: made by a newer hintsync (schema {revision}, this one knows up to {HEAD})")
    command.upgrade(_config(connection), revision)
    if revision == HEAD:
        _promise(connection)


def _promise(connection: Connection) -> None:
    """Write beside the version whose code may go on working: what all migrations so far have in common."""
    if not _has_promise(connection):
        connection.exec_driver_sql(f"ALTER TABLE {VERSION_TABLE} ADD COLUMN serves TEXT")
    connection.execute(_version.update().values(serves=max(_shipped().values())))


def _has_promise(connection: Connection) -> bool:
    """Say whether the promise is written; the first versions wrote none."""
    return any(column["name"] == "serves" for column in inspect(connection).get_columns(VERSION_TABLE))


def _shipped() -> Mapping[str, str]:
    """Return the shipped migrations, oldest first, and the oldest schema whose code each one serves."""
    # Imported here, for a store that is up to date need not pay for it.
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_config()).walk_revisions()
    found = {script.revision: str(getattr(script.module, "serves", script.revision)) for script in scripts}
    return dict(sorted(found.items()))


def _config(connection: Connection | None = None) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
