"""T21: an old database under new code keeps all it holds; code of the version before works on while the new one comes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.state.keys import MasterKeys
from hintsync.state.open import examine, open_store, upgrade
from hintsync.state.port import Connection
from hintsync.state.sql import schema
from hintsync.state.sql.database import Database
from hintsync.state.sql.tables import HEAD, processes
from hintsync.state.traffic import DEAD_AFTER, ProcessSeen
from tests.contract.live_examples import a_mark
from tests.contract.state_examples import everything
from tests.deploy.versions import (
    NEXT,
    fill,
    make_version,
    next_version,
    read_rows,
    released,
    restricted,
    serves_of,
    shape_of,
    taken_away,
    write_rows,
)

#: What a next version may do beside running processes: a table more, columns that rows may leave out, an index.
EXPANDING = """
    op.create_table("moons", sa.Column("name", sa.Text(), primary_key=True))
    op.add_column("links", sa.Column("moon", sa.Text(), nullable=True))
    op.add_column("runs", sa.Column("moons", sa.Integer(), nullable=False, server_default="0"))
    op.create_index("ix_links_moon", "links", ["moon"])
"""
#: What code of the version before cannot go on after.
CONTRACTING = 'op.add_column("log", sa.Column("moon", sa.Text(), nullable=True)); op.drop_column("log", "fields")'


def a_process(seen_at: float) -> ProcessSeen:
    """A worker that was seen at a moment."""
    return ProcessSeen("host/1", ("worker",), "0.1.0", seen_at - 60, seen_at)


async def dump(url: str) -> dict[str, Sequence[object]]:
    """Return every row of a database."""
    database = Database(url)
    async with database.reading() as sql:
        rows = await sql.run_sync(read_rows)
    await database.aclose()
    return dict(rows)


# --- the shipped migrations


def test_versions_are_in_order_and_say_whom_they_serve() -> None:
    versions = released()
    assert versions == [f"{number:04}" for number in range(1, len(versions) + 1)]
    assert versions[-1] == HEAD
    assert [each for each in versions if serves_of(each) > each] == []


@pytest.mark.parametrize("revision", released()[1:])
async def test_a_migration_that_serves_the_version_before_only_adds(revision: str, sqlite_url: str) -> None:
    database = await make_version(sqlite_url, f"{int(revision) - 1:04}")
    async with database.reading() as sql:
        before = await sql.run_sync(shape_of)
    await (await make_version(sqlite_url, revision)).aclose()
    async with database.reading() as sql:
        after = await sql.run_sync(shape_of)
    await database.aclose()
    assert taken_away(before, after) == [] or serves_of(revision) == revision


@pytest.mark.parametrize(
    "step",
    [
        'op.drop_table("paces")',
        'op.drop_column("log", "fields")',
        'op.create_index("uq_log_at", "log", ["at"], unique=True)',
        'op.execute("DELETE FROM log"); op.add_column("inbox", sa.Column("moon", sa.Text(), nullable=False))',
    ],
)
async def test_a_migration_that_takes_something_away_is_told(step: str, tmp_path: Path, postgres_url: str) -> None:
    database = await make_version(postgres_url, HEAD)
    async with database.reading() as sql:
        before = await sql.run_sync(shape_of)
    with next_version(tmp_path, step, NEXT):
        await upgrade(postgres_url)
    async with database.reading() as sql:
        after = await sql.run_sync(shape_of)
    await database.aclose()
    assert taken_away(before, after)
    assert taken_away(before, before) == []


async def test_no_process_of_the_version_before_runs_on_where_data_keys_seal_secrets_that_it_cannot_read(
    empty_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    database = await make_version(empty_url, "0004")
    seen = a_process(time.time())
    async with database.writing() as sql:
        await sql.execute(processes.insert().values({**asdict(seen), "roles": "worker"}))
    assert (await examine(empty_url)).ending == ["0.1.0"]
    with pytest.raises(RetryLater, match="stop them first"):
        await open_store(empty_url, master_keys)
    async with database.writing() as sql:
        await sql.execute(processes.delete())
    store = await open_store(empty_url, master_keys)
    await store.put_connection(connection)
    await store.put_secret(connection.id, "login", b"secret")
    async with database.reading() as sql:
        token = (await sql.execute(text("SELECT token FROM secrets"))).scalar_one()
        serves = (await sql.execute(text("SELECT serves FROM hintsync_schema"))).scalar_one()
    with pytest.raises(FixConfiguration, match="does not fit"):  # all that code of 0004 tries
        master_keys.decrypt(bytes(token))
    assert serves > "0004"
    await store.aclose()
    await database.aclose()


# --- old database, new code


@pytest.mark.parametrize("revision", released())
async def test_t21_a_database_of_each_version_is_upgraded_with_every_row_it_holds(
    revision: str, empty_url: str, tmp_path: Path, master_keys: MasterKeys, connection: Connection
) -> None:
    full = f"sqlite:///{tmp_path}/full.db"
    await fill(full, master_keys, connection)
    rows = await dump(full)
    assert all(rows[name] for name in ("links", "runs", "reviews", "audit", "dirty", "inbox", "intents", "tallies"))
    database = await make_version(empty_url, revision)
    async with database.writing() as sql:
        await sql.run_sync(write_rows, rows)
    await database.aclose()
    before = await dump(empty_url)
    store = await open_store(empty_url, master_keys)
    assert restricted(await dump(empty_url), before) == before
    assert [state.link.id for state in await store.links(connection.id)] == ["link-1"]
    assert list(await store.verify_audit(connection.id)) == []
    await store.commit(replace(everything(2), run=None))
    await store.mark(connection.id, [a_mark("pat-9")])
    await store.aclose()


# --- new database, old code


async def test_processes_of_this_version_go_on_and_start_again_on_the_next_ones_tables(
    tmp_path: Path, database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    await fill(database_url, master_keys, connection)
    running = await open_store(database_url, master_keys)
    with next_version(tmp_path, EXPANDING.strip().replace("\n    ", "; "), HEAD):
        assert (await upgrade(database_url)).missing == [NEXT]
    await running.commit(replace(everything(2), run=None))
    await running.aclose()
    started = await open_store(database_url, master_keys)  # this version again, as after a crash
    await started.commit(replace(everything(3), run=None))
    await started.mark(connection.id, [a_mark("pat-9")])
    assert len(await started.links(connection.id)) == 3
    assert list(await started.verify_audit(connection.id)) == []
    await started.aclose()
    assert await upgrade(database_url) == schema.Schema(NEXT)


async def test_a_next_version_that_leaves_this_one_behind_keeps_it_from_starting(
    tmp_path: Path, empty_url: str, master_keys: MasterKeys
) -> None:
    await (await open_store(empty_url, master_keys)).aclose()
    with next_version(tmp_path, CONTRACTING, NEXT):
        await upgrade(empty_url)
    with pytest.raises(FixConfiguration, match=rf"newer hintsync \(schema {NEXT}, this one knows up to {HEAD}\)"):
        await open_store(empty_url, master_keys)
    with pytest.raises(FixConfiguration, match="upgrade hintsync"):
        await examine(empty_url)


async def test_a_database_whose_promise_nobody_wrote_is_left_alone(empty_url: str, master_keys: MasterKeys) -> None:
    database = await make_version(empty_url, HEAD)  # as the first versions did, without a promise beside
    async with database.writing() as sql:
        await sql.execute(text(f"UPDATE hintsync_schema SET version_num = '{NEXT}'"))
    await database.aclose()
    with pytest.raises(FixConfiguration, match="newer hintsync"):
        await open_store(empty_url, master_keys)


async def test_running_processes_are_not_left_behind(
    tmp_path: Path, empty_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    store = await open_store(empty_url, master_keys)
    await store.put_connection(connection)
    await store.put_process(a_process(time.time()))
    with next_version(tmp_path / "a", CONTRACTING, NEXT):
        assert (await examine(empty_url)).ending == ["0.1.0"]
        with pytest.raises(RetryLater, match=r"processes of hintsync 0\.1\.0 run"):
            await upgrade(empty_url)
    await store.commit(replace(everything(1), run=None, rows=()))  # nothing was changed: it works on
    await store.put_process(a_process(time.time() - DEAD_AFTER - 1))
    await store.aclose()
    with next_version(tmp_path / "b", CONTRACTING, NEXT):
        assert (await upgrade(empty_url)).missing == [NEXT]


# --- while others are at work


def upgrading(url: str, folder: Path) -> subprocess.Popen[str]:
    """Start `hintsync upgrade`."""
    command = [sys.executable, "-m", "hintsync", "upgrade", "--json", "--state", str(folder)]
    environment = {"HINTSYNC_DATABASE_URL": url, "PATH": "/usr/bin:/bin"}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


async def test_of_processes_that_start_at_once_one_migrates(empty_url: str, tmp_path: Path) -> None:
    await (await make_version(empty_url, released()[0])).aclose()
    processes = [upgrading(empty_url, tmp_path) for _ in range(2)]
    told = [process.communicate() for process in processes]
    assert [process.returncode for process in processes] == [0, 0], told
    assert sorted(json.loads(out)["missing"] for out, _ in told) == [[], list(released()[1:])]
    assert await examine(empty_url) == schema.Schema(HEAD)


def test_looking_makes_no_database(tmp_path: Path) -> None:
    assert asyncio.run(examine(f"sqlite:///{tmp_path}/hintsync.db")).missing == list(released())
    assert list(tmp_path.iterdir()) == []


async def test_a_long_transaction_puts_the_upgrade_off_instead_of_everybody_behind_it(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await make_version(postgres_url, "0003")
    monkeypatch.setattr(schema, "_PATIENCE_MS", 50)
    async with database.writing() as sql:  # the step to 0004 makes an index on runs
        await sql.execute(text("DELETE FROM runs"))
        with pytest.raises(RetryLater, match="a long transaction keeps a table locked"):
            await upgrade(postgres_url)
    assert (await examine(postgres_url)).revision == "0003"
    assert (await upgrade(postgres_url)).revision == "0003"
    await database.aclose()


def test_where_an_upgrade_stands_is_told_without_the_password(tmp_path: Path, postgres_url: str) -> None:
    secret = make_url(postgres_url).set(password="hunter2").render_as_string(hide_password=False)
    process = upgrading(secret, tmp_path)
    out, err = process.communicate()
    assert json.loads(out)["schema"] is None
    assert "hunter2" not in out + err
