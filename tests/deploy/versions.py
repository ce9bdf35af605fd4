"""Databases of other versions: older ones with all that they could hold, and the one that a next version would make."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import MetaData, inspect
from sqlalchemy.engine import make_url

from hintsync.core.values import Side
from hintsync.state.keys import MasterKeys
from hintsync.state.open import open_store
from hintsync.state.port import Connection
from hintsync.state.sql import schema
from hintsync.state.sql.database import Database, prepare_file
from hintsync.state.sql.schema import MIGRATIONS
from hintsync.state.sql.tables import HEAD, metadata
from hintsync.state.traffic import ProcessSeen, Tally
from tests.contract.live_examples import T, a_mark, a_stop, an_intent
from tests.contract.state_examples import a_run, everything

#: A version that nobody has yet.
NEXT = "9001"
#: Table name to rows, each column name to value.
Rows = Mapping[str, Sequence[Mapping[str, object]]]


def config_of(connection: SqlConnection | None = None, migrations: Path = MIGRATIONS) -> Config:
    """Return how Alembic is told to work on a database."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.attributes["connection"] = connection
    return config


def released() -> Sequence[str]:
    """Return the shipped versions, oldest first."""
    return [each.revision for each in reversed(list(ScriptDirectory.from_config(config_of()).walk_revisions()))]


def serves_of(revision: str) -> str:
    """Return the oldest schema whose code a shipped migration serves; it must say so."""
    return str(ScriptDirectory.from_config(config_of()).get_revision(revision).module.serves)


async def make_version(url: str, revision: str) -> Database:
    """Make an empty database of a version."""
    if url.startswith("sqlite"):
        prepare_file(Path(str(make_url(url).database)))
    database = Database(url)
    async with database.writing() as sql:
        await sql.run_sync(lambda sync: command.upgrade(config_of(sync), revision))
    return database


async def fill(url: str, keys: MasterKeys, connection: Connection) -> None:
    """Let the store remember something of every kind."""
    store = await open_store(url, keys)
    await store.put_connection(connection)
    await store.put_cursor(connection.id, "hint:poll", "2026-03-01T09:00:00Z")
    await store.add_calls(connection.id, Side.HINT, "2026-03-01", 7)
    await store.start_run(a_run())
    await store.commit(everything())
    await store.mark(connection.id, [a_mark(event_id="evt-1"), a_mark("pat-2")])
    await store.intend(connection.id, [an_intent("link-1", T, "city")])
    await store.put_stop(a_stop())
    await store.add_tallies(connection.id, [Tally(1_772_000_100, "worked", None, 3)])
    await store.put_process(ProcessSeen("host/1", ("web",), "0.0.9", T, T))
    await store.aclose()


def read_rows(sql: SqlConnection) -> Rows:
    """Return every row of our tables, in an order of their own."""
    found = MetaData()
    found.reflect(sql, only=lambda name, _: name in metadata.tables)
    rows = {table.name: [dict(row) for row in sql.execute(table.select()).mappings()] for table in found.sorted_tables}
    return {name: sorted(each, key=repr) for name, each in rows.items()}


def write_rows(sql: SqlConnection, rows: Rows) -> None:
    """Put rows into the tables of an older version, as far as it has them."""
    found = MetaData()
    found.reflect(sql, only=lambda name, _: name in metadata.tables)
    for table in found.sorted_tables:
        known = [{each.name: row[each.name] for each in table.c} for row in rows[table.name]]
        if known:
            sql.execute(table.insert(), known)


def restricted(rows: Rows, like: Rows) -> Rows:
    """Return rows without the tables and columns that others have not."""
    columns = {name: set(each[0]) if each else set() for name, each in like.items()}
    kept = {name: [{k: v for k, v in row.items() if k in columns[name]} for row in rows[name]] for name in like}
    return {name: sorted(each, key=repr) for name, each in kept.items()}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a schema demands of who writes into it, and offers to who reads."""

    #: Table and column to whether a row may leave it out.
    columns: Mapping[tuple[str, str], bool]
    #: Table and columns that must be unique.
    unique: frozenset[tuple[str, tuple[str, ...]]]


def shape_of(sql: SqlConnection) -> Shape:
    """Read a database's shape."""
    found = inspect(sql)
    names = [name for name in found.get_table_names() if name in metadata.tables]
    columns = {
        (name, str(each["name"])): bool(each["nullable"]) or each["default"] is not None
        for name in names
        for each in found.get_columns(name)
    }
    keys = {
        (name, tuple(map(str, i["column_names"]))) for name in names for i in found.get_indexes(name) if i["unique"]
    }
    return Shape(columns, frozenset(keys))


def taken_away(before: Shape, after: Shape) -> list[object]:
    """Return what code that knows the shape before would miss, or be refused, on the shape after."""
    tables = {name for name, _ in before.columns}
    missing: list[object] = [key for key in before.columns if key not in after.columns]
    stricter = [key for key, free in before.columns.items() if free and not after.columns.get(key, True)]
    demanded = [
        key for key, free in after.columns.items() if key[0] in tables and key not in before.columns and not free
    ]
    unique = [key for key in after.unique - before.unique if key[0] in tables]
    return [*missing, *stricter, *demanded, *unique]


@contextmanager
def next_version(folder: Path, steps: str, serves: str) -> Iterator[None]:
    """Be the next version of hintsync for the length of a block: one more migration, of some steps.

    Args:
        folder: for its migrations.
        steps: the body of `upgrade`.
        serves: what it promises.
    """
    migrations = folder / "migrations"
    shutil.copytree(MIGRATIONS, migrations, ignore=shutil.ignore_patterns("__pycache__"))
    text = f'''
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on, serves = "{NEXT}", "{HEAD}", None, None, "{serves}"


def upgrade():
    {steps}
'''
    (migrations / "versions" / f"{NEXT}_next.py").write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "MIGRATIONS", migrations)
        patched.setattr(schema, "HEAD", NEXT)
        yield
