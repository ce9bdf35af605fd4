"""The stores on a database: opening, upgrading, keys, what goes wrong below, and that nothing lies there in clear."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SqlConnection
from sqlalchemy import inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.errors import BadInput, FixConfiguration, RetryLater, StopRun
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.values import Side
from hintsync.state.keys import MasterKeys, _label
from hintsync.state.memory import MemoryStore
from hintsync.state.open import open_store, upgrade
from hintsync.state.port import Connection, LinkChange
from hintsync.state.sql import tables
from hintsync.state.sql.database import Database, prepare_file
from hintsync.state.sql.schema import MIGRATIONS
from hintsync.state.sql.secrets import open_keyring
from hintsync.state.sql.store import SqlStore, open_sql_store
from hintsync.state.sql.tables import HEAD, VERSION_TABLE, metadata
from tests.contract.live_examples import a_mark
from tests.contract.state_examples import a_link, a_log_entry, a_row, a_run, everything, remembered


def file_of(url: str) -> Path:
    """Return the file of a SQLite URL."""
    return Path(str(make_url(url).database))


# --- opening and upgrading


async def test_a_closed_store_is_found_again_as_it_was(
    database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    first = await open_store(database_url, master_keys)
    await first.put_connection(connection)
    await first.put_secret("con-1", "hint-key", b"secret")
    await first.start_run(a_run())
    await first.commit(everything())
    before, key = await remembered(first), first.fingerprint_key("con-1")
    await first.aclose()
    second = await open_store(database_url, master_keys)
    assert await remembered(second) == before
    assert second.fingerprint_key("con-1") == key
    assert await second.secret("con-1", "hint-key") == b"secret"
    assert await second.connections() == [connection]
    await second.aclose()


def _differences(sql: SqlConnection) -> Sequence[object]:
    context = MigrationContext.configure(
        sql, opts={"compare_type": True, "compare_server_default": True, "version_table": VERSION_TABLE}
    )
    return compare_metadata(context, metadata)


async def test_the_migrations_make_exactly_the_tables(empty_url: str) -> None:
    await upgrade(empty_url)
    await upgrade(empty_url)
    database = Database(empty_url)
    backend = database.url.get_backend_name()
    async with database.reading() as sql:
        assert await sql.run_sync(_differences) == []
        assert (await sql.execute(text(f"SELECT version_num FROM {VERSION_TABLE}"))).scalar_one() == HEAD
        indexes = await sql.run_sync(lambda sync: inspect(sync).get_indexes("links"))
    await database.aclose()
    assert [index["name"] for index in indexes if index["unique"]] == ["uq_links_live_contact", "uq_links_live_patient"]
    conditions = [str(index["dialect_options"][f"{backend}_where"]) for index in indexes if index["unique"]]
    assert all("ended" in condition for condition in conditions)


def test_the_shipped_migrations_end_at_the_version_that_the_code_knows() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


async def test_two_processes_may_upgrade_one_database_at_once(empty_url: str, master_keys: MasterKeys) -> None:
    stores = await asyncio.gather(*(open_store(empty_url, master_keys) for _ in range(3)))
    assert len({store.fingerprint_key("con-1") for store in stores}) == 1
    for store in stores:
        await store.aclose()


async def test_t21_a_store_of_a_newer_version_is_left_alone(database_url: str, master_keys: MasterKeys) -> None:
    database = Database(database_url)
    async with database.writing() as sql:
        await sql.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999', serves = '9998'"))
    with pytest.raises(FixConfiguration, match=r"newer hintsync \(schema 9999"):
        await open_store(database_url, master_keys)
    async with database.writing() as sql:
        await sql.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{HEAD}', serves = '{HEAD}'"))
    await database.aclose()


async def test_an_upgrade_broken_off_leaves_no_table(empty_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from alembic import op

    made, create = [], op.create_table

    def failing(name: str, *rest: object, **options: object) -> object:
        made.append(name)
        if len(made) == 9:
            raise KeyboardInterrupt
        return create(name, *rest, **options)

    monkeypatch.setattr(op, "create_table", failing)
    with pytest.raises(KeyboardInterrupt):
        await upgrade(empty_url)
    monkeypatch.undo()
    database = Database(empty_url)
    async with database.reading() as sql:
        assert await sql.run_sync(lambda sync: inspect(sync).get_table_names()) == []
    await database.aclose()
    await upgrade(empty_url)


async def test_the_memory_store_is_opened_by_url_too(master_keys: MasterKeys) -> None:
    assert isinstance(await open_store("memory:", master_keys), MemoryStore)


@pytest.mark.parametrize(
    "url", ["", "hintsync.db", "mysql://root:hunter2@localhost/x", "sqlite://", "sqlite:///:memory:"]
)
async def test_a_url_that_is_not_served_is_refused_without_its_password(url: str, master_keys: MasterKeys) -> None:
    with pytest.raises(BadInput, match="database URL") as refused:
        await open_store(url, master_keys)
    assert "hunter2" not in str(refused.value)


# --- keys


async def test_a_wrong_master_key_is_named_as_the_trouble(database_url: str, master_keys: MasterKeys) -> None:
    store = await open_store(database_url, master_keys)
    await store.aclose()
    with pytest.raises(FixConfiguration, match="master key does not fit"):
        await open_store(database_url, MasterKeys.parse(MasterKeys.generate()))


async def test_t19_a_secret_copied_to_another_connection_does_not_open(
    sql_store: SqlStore, connection: Connection
) -> None:
    await sql_store.put_connection(replace(connection, id="con-2"))
    await sql_store.put_secret("con-1", "hint-key", b"secret")
    async with sql_store._database.writing() as sql:
        await sql.execute(text("INSERT INTO secrets SELECT 'con-2', name, token FROM secrets"))
    with pytest.raises(FixConfiguration, match="another place"):
        await sql_store.secret("con-2", "hint-key")


# --- the SQLite file


async def test_a_new_file_and_its_journal_are_readable_by_the_owner_only(
    sqlite_url: str, master_keys: MasterKeys
) -> None:
    previous = os.umask(0)
    try:
        store = await open_store(sqlite_url, master_keys)
        files = list(file_of(sqlite_url).parent.iterdir())
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in files}
    finally:
        os.umask(previous)
    await store.aclose()
    assert modes == dict.fromkeys(("hintsync.db", "hintsync.db-shm", "hintsync.db-wal"), 0o600)
    assert stat.S_IMODE(file_of(sqlite_url).parent.stat().st_mode) == 0o700


async def test_a_file_that_others_could_read_is_closed_to_them(
    sqlite_upgraded_url: str, master_keys: MasterKeys
) -> None:
    file_of(sqlite_upgraded_url).chmod(0o644)
    await (await open_store(sqlite_upgraded_url, master_keys)).aclose()
    assert stat.S_IMODE(file_of(sqlite_upgraded_url).stat().st_mode) == 0o600


async def test_every_commit_reaches_the_disk_before_it_is_acknowledged(sqlite_store: SqlStore) -> None:
    async with sqlite_store._database.writing() as sql:
        found = {
            name: (await sql.exec_driver_sql(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30000}


@pytest.mark.parametrize("side", ["contact_id", "patient_id"])
async def test_live_links_are_found_by_the_partial_index(sqlite_store: SqlStore, side: str) -> None:
    statement = f"SELECT * FROM links WHERE connection_id = ? AND {side} IN (?, ?) AND status != 'ended'"
    async with sqlite_store._database.reading() as sql:
        plan = (await sql.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, ("c", "1", "2"))).all()
    assert f"uq_links_live_{side.removesuffix('_id')}" in str(plan)


async def test_a_path_below_a_file_is_named_as_the_trouble(tmp_path: Path, master_keys: MasterKeys) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(FixConfiguration, match="cannot be opened for writing"):
        await open_store(f"sqlite:///{tmp_path}/file/hintsync.db", master_keys)


async def test_a_folder_in_place_of_the_file_is_named_as_the_trouble(tmp_path: Path, master_keys: MasterKeys) -> None:
    with pytest.raises(FixConfiguration, match="cannot be opened for writing"):
        await open_store(f"sqlite:///{tmp_path}", master_keys)


_AS_NOBODY = """
import asyncio, os, sys
from hintsync.core.errors import FixConfiguration
from hintsync.state.keys import MasterKeys, _label
from hintsync.state.open import open_store
if os.geteuid() == 0:
    import alembic.config, alembic.script
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    asyncio.run(open_store(sys.argv[1], MasterKeys.parse(MasterKeys.generate())))
except FixConfiguration as error:
    print(error)
"""


def test_an_unwritable_folder_is_named_as_the_trouble(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    command = [sys.executable, "-c", _AS_NOBODY, f"sqlite:///{folder}/hintsync.db"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "cannot be opened for writing (Permission denied)" in done.stdout


@pytest.mark.parametrize("content", [b"first name,last name\nIda,Moreau\n" * 50, b"\x89PNG\r\n" * 999])
async def test_a_file_that_is_no_database_is_left_as_it_is(
    sqlite_url: str, master_keys: MasterKeys, content: bytes
) -> None:
    file_of(sqlite_url).parent.mkdir()
    file_of(sqlite_url).write_bytes(content)
    with pytest.raises(FixConfiguration, match="not a SQLite database"):
        await open_store(sqlite_url, master_keys)
    assert file_of(sqlite_url).read_bytes() == content


async def test_a_database_of_another_program_is_left_as_it_is(sqlite_url: str, master_keys: MasterKeys) -> None:
    file_of(sqlite_url).parent.mkdir()
    other = sqlite3.connect(file_of(sqlite_url))
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.close()
    with pytest.raises(FixConfiguration, match="another program"):
        await open_store(sqlite_url, master_keys)


async def _no_more_pages(sql: AsyncConnection) -> None:
    pages = (await sql.exec_driver_sql("PRAGMA page_count")).scalar_one()
    await sql.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


async def test_a_full_disk_stops_the_run_and_loses_nothing(sqlite_store: SqlStore) -> None:
    await sqlite_store.start_run(a_run())
    await sqlite_store.commit(everything(1))
    before = await remembered(sqlite_store)
    # SQLite answers a file that may not grow exactly as a disk that is full: SQLITE_FULL.
    await sqlite_store._database.write(_no_more_pages)
    big = replace(everything(2), rows=[a_row(number) for number in range(3000)])
    with pytest.raises(StopRun, match="disk is full"):
        await sqlite_store.commit(big)
    assert await remembered(sqlite_store) == before
    await sqlite_store._database.write(lambda sql: sql.exec_driver_sql("PRAGMA max_page_count = 1000000"))
    await sqlite_store.commit(big)


# --- the PostgreSQL server


async def test_a_server_that_does_not_answer_is_to_be_tried_later(master_keys: MasterKeys, tmp_path: Path) -> None:
    with pytest.raises(RetryLater, match="no answer") as refused:
        await open_store(f"postgresql://ida:hunter2@/hintsync?host={tmp_path}", master_keys)
    assert "hunter2" not in str(refused.value)


async def test_a_database_that_is_not_there_is_to_be_configured(postgres_server: str, master_keys: MasterKeys) -> None:
    url = make_url(postgres_server).set(database="no_such_database").render_as_string(hide_password=False)
    with pytest.raises((FixConfiguration, RetryLater), match="no_such_database"):
        await open_store(url, master_keys)


async def test_a_connection_that_the_server_dropped_is_opened_anew(postgres_store: SqlStore) -> None:
    await postgres_store.put_cursor("con-1", "contacts", "1")
    drop = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    helper = Database(postgres_store._database.url.render_as_string(hide_password=False))
    async with helper.writing() as sql:
        await sql.execute(text(drop))
    await helper.aclose()
    assert await postgres_store.get_cursor("con-1", "contacts") == "1"


# --- nothing in clear


async def test_t17_no_value_and_no_secret_lies_in_the_file(
    sqlite_upgraded_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    canary = "Kanarienvogel-7f3a"
    store = await open_sql_store(sqlite_upgraded_url, master_keys)
    await store.put_connection(connection)
    await store.put_secret("con-1", "hint-key", canary.encode())
    await store.start_run(a_run())
    printer = Fingerprinter(store.fingerprint_key("con-1"), b"salt")
    seen = {name: printer.of(name, f"{canary} {name}") for name in ("first_name", "email", "city")}
    whole = replace(everything(), rows=[replace(a_row(), prints={Side.HINT: seen})])
    await store.commit(replace(whole, links=[LinkChange(a_link(), base=seen)]))
    files = {path.name: path.read_bytes() for path in file_of(sqlite_upgraded_url).parent.glob("hintsync.db*")}
    await store.aclose()
    root = store.fingerprint_key("con-1")
    for content in (*files.values(), file_of(sqlite_upgraded_url).read_bytes()):
        assert canary.encode() not in content
        assert root not in content
    assert seen["email"] in b"".join(files.values())
    assert {"hintsync.db", "hintsync.db-wal"} <= set(files)


def test_no_column_is_there_for_a_persons_data() -> None:
    mapped = {
        "first_name",
        "last_name",
        "birth_date",
        "dob",
        "email",
        "phone",
        "address",
        "street",
        "city",
        "zip",
        "value",
    }
    columns = {(table.name, column.name) for table in metadata.sorted_tables for column in table.columns}
    assert {(table, name) for table, name in columns if name in mapped} == {("cursors", "value")}


# --- upgrading from an earlier version


def _to_version(sql: SqlConnection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = sql
    command.upgrade(config, revision)


async def test_t21_a_store_from_before_live_sync_is_upgraded_with_all_it_holds(
    empty_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    if empty_url.startswith("sqlite"):
        prepare_file(file_of(empty_url))
    database = Database(empty_url)
    async with database.writing() as sql:
        await sql.run_sync(_to_version, "0001")
    old = SqlStore(database, await open_keyring(database, master_keys))
    await old.put_connection(connection)
    sealed = master_keys.encrypt(
        _label("con-1", "hint-key") + b"secret"
    )  # as that version did, which knew no data keys
    async with database.writing() as sql:
        await sql.execute(tables.secrets.insert().values(connection_id="con-1", name="hint-key", token=sealed))
    await old.put_cursor("con-1", "hint:poll", "2026-03-01T09:00:00Z")
    await old.start_run(a_run())
    whole = everything()
    await old.commit(replace(whole, logs=()))
    entry = a_log_entry()  # as that version wrote it, which knew no incidents
    line = {"at": entry.at, "level": entry.level, "event": entry.event, "message": entry.message}
    async with database.writing() as sql:
        await sql.execute(
            text(
                "INSERT INTO log (connection_id, at, level, event, message)"
                " VALUES ('con-1', :at, :level, :event, :message)"
            ),
            line,
        )
    key = old.fingerprint_key("con-1")
    await old.aclose()
    new, judge = await open_store(empty_url, master_keys), MemoryStore(master_keys)
    await judge.put_connection(connection)
    await judge.start_run(a_run())
    await judge.commit(whole)
    assert await remembered(new) == await remembered(judge)
    assert new.fingerprint_key("con-1") == key
    assert await new.secret("con-1", "hint-key") == b"secret"
    assert await new.get_cursor("con-1", "hint:poll") == "2026-03-01T09:00:00Z"
    assert list(await new.verify_audit("con-1")) == []
    await new.mark("con-1", [a_mark()])
    assert len(await new.dirty("con-1")) == 1
    await new.aclose()
