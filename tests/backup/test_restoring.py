"""Putting a backup back: from either database into either, all of it or nothing, and what was there is set aside."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

from hintsync.backup import restoring
from hintsync.backup.key import BackupKey
from hintsync.backup.restoring import Restored, restore_backup
from hintsync.backup.rows import LEFT_OUT
from hintsync.backup.taking import take_backup
from hintsync.core.errors import AskPerson, BadInput, FixConfiguration, RetryLater
from hintsync.core.first_sync import stale_name
from hintsync.core.records import LinkStatus
from hintsync.core.restored import RESTORED
from hintsync.engine.audit.restores import tells_of_restore
from hintsync.state.keys import MasterKeys
from hintsync.state.open import upgrade
from hintsync.state.port import Commit, Connection, LinkChange, RunKind, RunStatus
from hintsync.state.sql import tables
from hintsync.state.sql.database import Database
from hintsync.state.sql.store import SqlStore, open_sql_store
from tests.backup.filled import counted, fill
from tests.contract.state_examples import a_link, a_run, an_event, prints, remembered

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=5)
KEY = BackupKey("twelve words that nobody would guess")


@pytest.fixture
async def backup(sql_store: SqlStore, connection: Connection, tmp_path: Path) -> Path:
    """A backup of a full store, from each database in turn."""
    await fill(sql_store, connection)
    return (await take_backup(sql_store, KEY, tmp_path / "of-march.backup", now=NOW)).path


@pytest.fixture(params=["sqlite", "postgres"])
def target_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty place in each database in turn, another than the backup's."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'restored' / 'hintsync.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


async def restored(path: Path, url: str, keys: MasterKeys, *, replace: bool = False) -> Restored:
    return await restore_backup(path, KEY, url, keys, replace=replace, actor="user-7", now=LATER)


async def test_everything_comes_back_under_other_master_keys(
    sql_store: SqlStore, backup: Path, target_url: str, master_keys: MasterKeys
) -> None:
    there, before = await remembered(sql_store), await counted(sql_store)
    theirs = MasterKeys.parse(MasterKeys.generate())
    done = await restored(backup, target_url, theirs)
    assert (done.aside, done.contents.header.at) == (None, "2026-03-02T09:00:00Z")
    store = await open_sql_store(target_url, theirs)
    here, after = await remembered(store), await counted(store)
    assert (here.rows, here.reviews, here.log[-3:]) == (there.rows, there.reviews, there.log)
    assert here.audits[: len(there.audits)] == there.audits
    assert list(await store.verify_audit("con-1")) == []
    assert await store.connection("con-1") == replace(
        await sql_store.connection("con-1"),  # type: ignore[type-var]  # it is there
        facts=(await store.connection("con-1")).facts,  # type: ignore[union-attr]
    )
    assert await store.secret("con-1", "hint-token") == b"secret of Hint"
    assert await store.secret("con-2", "salesforce-login") == b"secret of Salesforce \x00\xff"
    assert store.fingerprint_key("con-1") == sql_store.fingerprint_key("con-1")
    assert await store.declined("con-1", "003-5", "pat-6")
    assert await store.known("con-1", ["pat-1", "pat-9"]) == {"pat-1"}
    assert [stop.guard for stop in await store.stops("con-1")] == ["G3"]
    # nobody holds anything, and only a restore's own words have come to it; the note of the backup was not in the backup
    told = {"audit": 2, "audit_heads": 2, "log": 2, "audit_sequences": 1}
    gone = {"link_leases", "intents", "processes", "paces"}
    assert after == {name: 0 if name in gone else count + told.get(name, 0) for name, count in before.items()}
    await store.aclose()
    assert master_keys.names != theirs.names


async def test_t21_restored_rows_say_that_they_are_older_than_reality(
    sql_store: SqlStore, backup: Path, target_url: str, master_keys: MasterKeys
) -> None:
    base = {state.link.id: state.base for state in await sql_store.links("con-1")}
    await restored(backup, target_url, master_keys)
    store = await open_sql_store(target_url, master_keys)
    links = {state.link.id: state for state in await store.links("con-1")}
    assert {link_id: (state.link.status, state.link.reason) for link_id, state in links.items()} == {
        **dict.fromkeys(("link-1", "link-2", "link-3"), (LinkStatus.FROZEN, RESTORED)),
        "link-8": (LinkStatus.FROZEN, "restored>suspended>"),
        "link-9": (LinkStatus.ENDED, RESTORED),
    }
    assert links["link-1"].base == {stale_name(name): print_ for name, print_ in base["link-1"].items()}
    assert links["link-8"].base == {stale_name("email"): base["link-8"]["email"]}
    assert "zip" in links["link-1"].holds
    (run,) = await store.runs("con-1")
    assert (run.status, run.worker) == (RunStatus.STOPPED, None)
    (dirty,) = await store.dirty("con-1")
    assert (dirty.record_id, dirty.worker) == ("pat-1", None)
    entry = (await store.audit("con-1"))[-1]
    assert (entry.event.action, entry.event.actor) == ("restored", "user-7")
    assert (entry.event.reason or "").startswith("from the backup of 2026-03-02T09:00:00Z; seal ")
    assert tells_of_restore(store.fingerprint_key("con-1"), "con-1", entry)
    assert await store.get_cursor("con-1", "schedule:confirm-links:asked") is not None
    assert await store.get_cursor("con-1", "hint:poll") == await sql_store.get_cursor("con-1", "hint:poll")
    await store.aclose()


async def test_what_is_stored_afterwards_goes_on_behind_what_was_put_back(
    backup: Path, target_url: str, master_keys: MasterKeys
) -> None:
    await restored(backup, target_url, master_keys)
    store = await open_sql_store(target_url, master_keys)
    last = max(entry.id or 0 for entry in await store.log("con-1"))
    await store.start_run(a_run("run-2"))
    await store.commit(Commit(audits=[an_event()], links=[LinkChange(a_link(20), base=prints("email"))]))
    assert [run.id for run in await store.runs("con-1")] == ["run-2", "run-1"]
    assert list(await store.verify_audit("con-1")) == []
    assert last > 0
    await store.aclose()


async def test_a_store_that_holds_something_is_left_alone_or_set_aside(
    backup: Path, target_url: str, master_keys: MasterKeys
) -> None:
    first = await open_sql_store(target_url, master_keys)
    await first.put_connection(Connection("before", "Oak Clinic", "", False, ""))
    await first.aclose()
    with pytest.raises(AskPerson, match="--replace"):
        await restored(backup, target_url, master_keys)
    store = await open_sql_store(target_url, master_keys)
    assert [each.id for each in await store.connections()] == ["before"]
    await store.aclose()
    done = await restored(backup, target_url, master_keys, replace=True)
    store = await open_sql_store(target_url, master_keys)
    assert [each.id for each in await store.connections()] == ["con-2", "con-1"]
    await store.aclose()
    assert await names_aside(done.aside or "", target_url, master_keys) == ["Oak Clinic"]


async def names_aside(aside: str, url: str, keys: MasterKeys) -> list[str]:
    """Return the connections of a store that was set aside."""
    if aside.startswith("schema "):
        database = Database(url)
        async with database.reading() as sql:
            found = await sql.execute(text(f"SELECT name FROM {aside.removeprefix('schema ')}.connections"))
            names = [str(name) for name in found.scalars()]
        await database.aclose()
        return names
    store = await open_sql_store(f"sqlite:///{aside}", keys)
    names = [each.name for each in await store.connections()]
    await store.aclose()
    return names


async def test_an_empty_store_gives_way_without_a_word(backup: Path, target_url: str, master_keys: MasterKeys) -> None:
    await (await open_sql_store(target_url, MasterKeys.parse(MasterKeys.generate()))).aclose()
    assert (await restored(backup, target_url, master_keys)).aside is None
    store = await open_sql_store(target_url, master_keys)
    assert len(await store.connections()) == 2
    await store.aclose()


async def test_a_store_that_somebody_works_on_is_not_replaced(
    backup: Path, target_url: str, master_keys: MasterKeys
) -> None:
    store = await open_sql_store(target_url, master_keys)
    await store.put_connection(Connection("before", "Oak Clinic", "", False, ""))
    with pytest.raises(RetryLater, match="stop every process"):
        await restored(backup, target_url, master_keys, replace=True)
    assert [each.id for each in await store.connections()] == ["before"]
    await store.put_cursor("before", "goes", "on")
    await store.aclose()


@pytest.mark.parametrize(
    "change",
    [lambda data: data[:-5], lambda data: data[:-40] + b"x" + data[-39:], lambda data: data + b"more"],
    ids=["cut off", "changed", "longer"],
)
async def test_a_damaged_backup_touches_nothing(
    backup: Path, target_url: str, master_keys: MasterKeys, change: Callable[[bytes], bytes]
) -> None:
    damage(backup, change)
    store = await open_sql_store(target_url, master_keys)
    await store.put_connection(Connection("before", "Oak Clinic", "", False, ""))
    await store.aclose()
    with pytest.raises(BadInput):
        await restored(backup, target_url, master_keys, replace=True)
    store = await open_sql_store(target_url, master_keys)
    assert [each.id for each in await store.connections()] == ["before"]
    await store.aclose()


def damage(path: Path, change: Callable[[bytes], bytes]) -> None:
    path.write_bytes(change(path.read_bytes()))


async def test_broken_off_while_rows_go_in_it_leaves_what_was_there_and_is_done_again(
    backup: Path, target_url: str, master_keys: MasterKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = await open_sql_store(target_url, master_keys)
    await store.put_connection(Connection("before", "Oak Clinic", "", False, ""))
    await store.aclose()

    async def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(restoring, "age_rows", cut_off)
    with pytest.raises(KeyboardInterrupt):
        await restored(backup, target_url, master_keys, replace=True)
    monkeypatch.undo()
    store = await open_sql_store(target_url, master_keys)
    assert [each.id for each in await store.connections()] == ["before"]
    await store.aclose()
    await restored(backup, target_url, master_keys, replace=True)
    store = await open_sql_store(target_url, master_keys)
    assert len(await store.connections()) == 2
    await store.aclose()


async def test_t21_a_backup_of_a_newer_version_is_refused(
    sqlite_store: SqlStore, tmp_path: Path, master_keys: MasterKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "HEAD", "9999")
    path = (await take_backup(sqlite_store, KEY, tmp_path / "newer.backup", now=NOW)).path
    monkeypatch.undo()
    with pytest.raises(FixConfiguration, match="newer hintsync"):
        await restored(path, f"sqlite:///{tmp_path / 'there.db'}", master_keys)
    assert not (tmp_path / "there.db").exists()


def file_of(url: str) -> Path:
    return Path(str(make_url(url).database))


async def test_files_of_a_restore_that_was_killed_are_cleared_away(
    backup: Path, tmp_path: Path, master_keys: MasterKeys
) -> None:
    url = f"sqlite:///{tmp_path / 'restored' / 'hintsync.db'}"
    folder = file_of(url).parent
    os.mkdir(folder)
    for suffix in ("", "-wal", "-shm"):
        (folder / f"hintsync.db.restoring{suffix}").write_bytes(b"left over")
    await restored(backup, url, master_keys)
    assert os.listdir(folder) == ["hintsync.db"]


async def test_it_does_not_matter_what_is_left_out(backup: Path, target_url: str, master_keys: MasterKeys) -> None:
    await upgrade(target_url)
    await restored(backup, target_url, master_keys)
    store = await open_sql_store(target_url, master_keys)
    counts = await counted(store)
    assert {name for name in LEFT_OUT if counts[name]} == {"keyring", "data_keys", "secrets"}
    await store.aclose()


async def test_t21_what_a_guard_held_back_still_waits_for_its_approval(
    sqlite_store: SqlStore, tmp_path: Path, master_keys: MasterKeys
) -> None:
    await sqlite_store.start_run(replace(a_run("held-1", dry=True), kind=RunKind.HELD))
    await sqlite_store.start_run(a_run("batch-1"))
    path = (await take_backup(sqlite_store, KEY, tmp_path / "held.backup", now=NOW)).path
    url = f"sqlite:///{tmp_path / 'restored.db'}"
    await restored(path, url, master_keys)
    store = await open_sql_store(url, master_keys)
    runs = {run.id: (run.status, run.reason) for run in await store.runs("con-1")}
    assert runs == {
        "held-1": (RunStatus.RUNNING, None),
        "batch-1": (RunStatus.STOPPED, "stop-run: it was under way when the backup was taken"),
    }
    await store.aclose()
