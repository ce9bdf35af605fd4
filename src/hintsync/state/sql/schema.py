"""Bringing a database to the tables this version knows, by the migrations that are shipped with it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, select, table, text
from sqlalchemy.schema import Column
from sqlalchemy.types import Text

from hintsync.core.errors import FixConfiguration
from hintsync.state.sql.database import Database, prepare_file
from hintsync.state.sql.tables import HEAD, VERSION_TABLE

MIGRATIONS = Path(__file__).parent / "migrations"

#: Any number; two processes that upgrade one PostgreSQL database take turns by it.
_LOCK = 7_426_001

_version = table(VERSION_TABLE, Column("version_num", Text()))


async def upgrade(url: str) -> None:
    """Create or upgrade the tables of a database, in one transaction.

    Raises:
        BadInput: the URL is none that we know.
        FixConfiguration: the database is not ours, of a newer version, or cannot be written.
    """
    database = Database(url)
    try:
        await upgrade_database(database)
    finally:
        await database.aclose()


async def upgrade_database(database: Database) -> None:
    """Create or upgrade the tables; costs one read if there is nothing to do."""
    if database.is_sqlite:
        prepare_file(Path(str(database.url.database)))
    async with database.reading() as connection:
        if await connection.run_sync(_revision) == HEAD:
            return
    async with database.writing() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        await connection.run_sync(_upgrade, database.where)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(select(_version.c.version_num)).scalar_one_or_none()


def _upgrade(connection: Connection, where: str) -> None:
    # Imported here, for a store that is up to date need not pay for it.
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    revision = _revision(connection)
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        newer = f"written by a newer hintsync (schema {revision}, this one knows up to {HEAD})"
        raise FixConfiguration(f"{where}: {newer}; upgrade hintsync")
    if revision is None and connection.dialect.name == "sqlite" and inspect(connection).get_table_names():
        raise FixConfiguration(f"{where}: a SQLite database of another program; name another file")
    command.upgrade(config, "head")
