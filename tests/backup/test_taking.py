"""Taking a backup: everything is in it, it reads back, it shows nothing, and nothing half-done is left."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hintsync.backup import taking
from hintsync.backup.file import check_backup, open_backup
from hintsync.backup.header import MAGIC
from hintsync.backup.key import BackupKey, load_backup_key
from hintsync.backup.noted import last_backup
from hintsync.backup.rows import COPIED, LEFT_OUT
from hintsync.backup.sealed import SealedWriter
from hintsync.backup.taking import backups_in, take_backup
from hintsync.core.errors import BadInput, FixConfiguration, StopRun
from hintsync.settings import Settings
from hintsync.state.memory import MemoryStore
from hintsync.state.port import Connection
from hintsync.state.sql import tables
from hintsync.state.sql.store import SqlStore
from tests.backup.filled import CANARY, counted, fill

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
KEY = BackupKey("twelve words that nobody would guess")


async def test_every_row_of_every_table_is_in_it_but_what_only_processes_know(
    sql_store: SqlStore, connection: Connection, tmp_path: Path
) -> None:
    await fill(sql_store, connection)
    rows = await counted(sql_store)
    assert all(rows.values()), rows
    backup = await take_backup(sql_store, KEY, tmp_path, now=NOW)
    assert backup.path == tmp_path / "hintsync-20260302T090000Z.backup"
    assert backup.contents == check_backup(backup.path, KEY)
    assert backup.contents.counts == {
        **{name: count for name, count in rows.items() if name not in LEFT_OUT},
        "keyring": 1,
        "secrets": 2,
    }
    header = backup.contents.header
    assert (header.at, header.schema, header.connections) == ("2026-03-02T09:00:00Z", tables.HEAD, ("con-1", "con-2"))


def test_each_table_is_copied_or_left_out_on_purpose() -> None:
    assert {table.name for table in COPIED} | LEFT_OUT == set(tables.metadata.tables)
    assert {table.name for table in COPIED}.isdisjoint(LEFT_OUT)


async def test_nothing_of_the_store_shows_in_the_file_but_ids_of_connections(
    sql_store: SqlStore, connection: Connection, tmp_path: Path
) -> None:
    await fill(sql_store, connection)
    backup = await take_backup(sql_store, KEY, tmp_path, now=NOW)
    data = backup.path.read_bytes()
    assert data.startswith(MAGIC)
    assert b"con-1" in data
    for clear in (CANARY.encode(), b"secret of Hint", b"pat-1", b"Elm Clinic", sql_store.keyring.root):
        assert clear not in data
    assert stat.S_IMODE(backup.path.stat().st_mode) == 0o600


async def test_what_happens_while_it_is_taken_is_in_it_as_a_whole_or_not_at_all(
    sql_store: SqlStore, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(sql_store, connection)
    before, seal = await counted(sql_store), SealedWriter.write
    later = Connection("con-3", "Oak Clinic", "", False, "")
    written: list[int] = []

    def meanwhile(writer: SealedWriter, content: bytes) -> None:
        written.append(len(content))
        seal(writer, content)

    async def batches(store, sql):  # type: ignore[no-untyped-def]
        number = 0
        async for batch in original(store, sql):
            number += 1
            if number == 3:  # connections were copied
                await sql_store.put_connection(later)
                await sql_store.decline("con-3", "003-1", "pat-1", "user-7", "2026-03-02T09:00:00Z")
            yield batch

    original = taking._batches
    monkeypatch.setattr(taking, "_batches", batches)
    backup = await take_backup(sql_store, KEY, tmp_path, now=NOW)
    assert backup.contents.counts["declined_pairs"] == before["declined_pairs"]
    assert (await counted(sql_store))["declined_pairs"] == before["declined_pairs"] + 1


async def test_when_it_was_taken_is_remembered_once_it_reads_back(
    sql_store: SqlStore, connection: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await fill(sql_store, connection)
    assert await last_backup(sql_store) is None
    first = await take_backup(sql_store, KEY, tmp_path / "first.backup", now=NOW)
    noted = await last_backup(sql_store)
    assert noted is not None
    assert (noted.at, noted.file, noted.bytes) == ("2026-03-02T09:00:00Z", "first.backup", first.path.stat().st_size)

    def damaged(partial: Path, key: BackupKey) -> None:
        data = bytearray(partial.read_bytes())
        data[-1] ^= 1
        partial.write_bytes(data)
        return check_backup(partial, key)  # type: ignore[return-value]

    monkeypatch.setattr(taking, "check_backup", damaged)
    with pytest.raises(StopRun, match="does not read back"):
        await take_backup(sql_store, KEY, tmp_path / "second.backup", now=NOW + timedelta(days=1))
    assert await last_backup(sql_store) == noted
    assert not any("second" in name for name in os.listdir(tmp_path))


async def test_older_backups_are_deleted_and_nothing_else(
    sqlite_store: SqlStore, connection: Connection, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    alike = (
        "hintsync-before-upgrade.backup",
        "hintsync-20260101T000000Z-keep.backup",
        "hintsync-2026010ZT000000Z.backup",
    )
    others = [folder / name for name in ("notes.txt", "practice.backup", *alike)]
    for other in others:
        other.write_text("not ours")
    for day in range(4):
        backup = await take_backup(sqlite_store, KEY, folder, now=NOW + timedelta(days=day), keep=2)
    assert [path.name[9:17] for path in backups_in(folder)] == ["20260304", "20260305"]
    assert [path.name[9:17] for path in backup.pruned] == ["20260303"]
    assert all(other.exists() for other in others)
    with pytest.raises(BadInput, match="not a folder"):
        await take_backup(sqlite_store, KEY, tmp_path / "file.backup", now=NOW, keep=2)


async def test_the_backup_just_taken_stays_though_the_clock_went_back(sqlite_store: SqlStore, tmp_path: Path) -> None:
    for day in (2, 1):
        await take_backup(sqlite_store, KEY, tmp_path, now=NOW + timedelta(days=day), keep=2)
    back = await take_backup(sqlite_store, KEY, tmp_path, now=NOW, keep=2)
    assert [path.name[9:17] for path in back.pruned] == ["20260303"]
    assert [path.name[9:17] for path in backups_in(tmp_path)] == ["20260302", "20260304"]


async def test_an_older_backup_that_cannot_be_deleted_is_told_of_beside_the_one_that_was_taken(
    sqlite_store: SqlStore, tmp_path: Path
) -> None:
    stuck = tmp_path / "hintsync-20200101T000000Z.backup"
    stuck.mkdir()  # what no unlink deletes, whoever asks
    first = await take_backup(sqlite_store, KEY, tmp_path, now=NOW, keep=2)
    taken = await take_backup(sqlite_store, KEY, tmp_path, now=NOW + timedelta(days=1), keep=1)
    assert (taken.pruned, taken.left) == ((first.path,), (stuck,))
    noted = await last_backup(sqlite_store)
    assert noted is not None
    assert noted.file == taken.path.name


async def test_a_disk_that_refuses_to_clean_up_is_told_in_our_words(
    sqlite_store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(path: Path, missing_ok: bool = False) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(Path, "unlink", refused)
    with pytest.raises(BadInput, match="cannot be written: Read-only"):
        await take_backup(sqlite_store, KEY, tmp_path, now=NOW)


async def test_a_file_that_is_there_is_not_written_over(sqlite_store: SqlStore, tmp_path: Path) -> None:
    path = tmp_path / "a.backup"
    path.write_text("something")
    with pytest.raises(BadInput, match="is there already"):
        await take_backup(sqlite_store, KEY, path, now=NOW)
    assert path.read_text() == "something"


@pytest.mark.parametrize(
    ("code", "kind", "said"), [(errno.ENOSPC, StopRun, "disk is full"), (errno.EACCES, BadInput, "cannot be written")]
)
async def test_a_disk_that_takes_no_more_leaves_nothing_behind(
    sqlite_store: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, kind: type[Exception], said: str
) -> None:
    def full(writer: SealedWriter) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(SealedWriter, "close", full)
    with pytest.raises(kind, match=said):
        await take_backup(sqlite_store, KEY, tmp_path / "a.backup", now=NOW)
    assert not any("a.backup" in name for name in os.listdir(tmp_path))
    assert await last_backup(sqlite_store) is None


async def test_a_store_in_memory_is_refused(memory_store: MemoryStore, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="in memory"):
        await take_backup(memory_store, KEY, tmp_path, now=NOW)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: b"x" + data[1:], "not a hintsync backup"),
        (lambda data: data.replace(b"backup 1", b"backup 2", 1), "newer version"),
        (lambda data: data.replace(b'"at":', b'"ad":', 1), "second line is damaged"),
        (lambda data: data.replace(b"2026-03-02T09", b"2026-03-02T10", 1), "does not open"),
        (lambda data: data[: len(data) // 2], "cut off"),
        (lambda data: MAGIC, "second line is damaged"),
    ],
)
async def test_a_changed_file_is_refused(
    sqlite_store: SqlStore, tmp_path: Path, change: Callable[[bytes], bytes], said: str
) -> None:
    path = (await take_backup(sqlite_store, KEY, tmp_path / "a.backup", now=NOW)).path
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(BadInput, match=said):
        check_backup(path, KEY)


async def test_another_key_opens_nothing(sqlite_store: SqlStore, tmp_path: Path) -> None:
    path = (await take_backup(sqlite_store, KEY, tmp_path, now=NOW)).path
    with pytest.raises(BadInput, match="another one"), open_backup(path, BackupKey("x" * 20)) as reader:
        list(reader.batches())


# --- the key


def test_a_backup_key_is_made_once_and_only_when_asked_for(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    with pytest.raises(FixConfiguration, match="HINTSYNC_BACKUP_KEY"):
        load_backup_key(settings)
    key = load_backup_key(settings, make=True)
    salt = bytes(32)
    assert load_backup_key(settings).file_key(salt) == key.file_key(salt)
    assert load_backup_key(settings, make=True).file_key(salt) == key.file_key(salt)
    assert stat.S_IMODE((tmp_path / "backup.key").stat().st_mode) == 0o600
    assert (tmp_path / "backup.key").read_text().strip() not in repr(key)


@pytest.mark.parametrize("given", ["hunter2", "x" * 19])
def test_a_key_that_could_be_guessed_is_refused(tmp_path: Path, given: str) -> None:
    with pytest.raises(FixConfiguration, match="too short") as refused:
        load_backup_key(Settings(state=tmp_path, backup_key=given))
    assert given not in str(refused.value)


def test_a_master_key_is_no_backup_key(tmp_path: Path) -> None:
    master = "A" * 43 + "="
    with pytest.raises(FixConfiguration, match="is a master key"):
        load_backup_key(Settings(state=tmp_path, backup_key=master, master_keys=f"{'B' * 43}=, {master}"))
    (tmp_path / "master.key").write_text(f"{master}\n")
    with pytest.raises(FixConfiguration, match="is a master key"):
        load_backup_key(Settings(state=tmp_path, backup_key=master))
