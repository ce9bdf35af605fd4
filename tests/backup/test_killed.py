"""kill -9 in the middle of a backup, and in the middle of a restore: the store is there, old or new, and it is done again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hintsync.backup.file import check_backup
from hintsync.backup.key import BackupKey
from hintsync.backup.noted import last_backup
from hintsync.backup.taking import take_backup
from hintsync.state.keys import MasterKeys
from hintsync.state.port import Connection
from hintsync.state.sql.store import SqlStore, open_sql_store
from tests.backup.filled import fill
from tests.backup.worker import KEY, NOW


def run_until(step: int, *arguments: object) -> list[str]:
    """Run the worker, kill it once it has said so many lines (0: never), and return what it said."""
    command = [sys.executable, "-m", "tests.backup.worker", *map(str, arguments)]
    said: list[str] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line.strip())
            if len(said) == step:
                process.kill()
                break
            process.stdin.write("\n")
            process.stdin.flush()
    assert process.returncode == (-9 if step and len(said) == step else 0)
    return said


async def test_a_backup_that_was_killed_leaves_no_backup_and_is_taken_again(
    database_url: str, connection: Connection, tmp_path: Path
) -> None:
    key = MasterKeys.generate()
    store = await open_sql_store(database_url, MasterKeys.parse(key))
    await fill(store, connection)
    path = tmp_path / "killed.backup"
    for step in (2, 17):
        assert run_until(step, "backup", path, database_url, key)[-1] != "done"
        assert path.name not in os.listdir(tmp_path)
        assert await last_backup(store) is None
        assert len(await store.connections()) == 2
    assert run_until(0, "backup", path, database_url, key)[-1] == "done"
    assert check_backup(path, BackupKey(KEY)).counts["connections"] == 2
    assert [name for name in os.listdir(tmp_path) if "backup" in name] == [path.name]
    await store.aclose()


@pytest.mark.parametrize("step", [21, 37])
async def test_a_restore_that_was_killed_leaves_the_store_before_it_and_is_done_again(
    empty_url: str, sqlite_store: SqlStore, connection: Connection, tmp_path: Path, step: int
) -> None:
    await fill(sqlite_store, connection)
    path = (await take_backup(sqlite_store, BackupKey(KEY), tmp_path / "whole.backup", now=NOW)).path
    key = MasterKeys.generate()
    before = await open_sql_store(empty_url, MasterKeys.parse(key))
    await before.put_connection(Connection("before", "Oak Clinic", "", False, ""))
    await before.aclose()
    assert run_until(step, "restore", path, empty_url, key)[-1] != "done"
    store = await open_sql_store(empty_url, MasterKeys.parse(key))
    assert [each.id for each in await store.connections()] == ["before"]
    await store.aclose()
    assert run_until(0, "restore", path, empty_url, key)[-1] == "done"
    store = await open_sql_store(empty_url, MasterKeys.parse(key))
    assert [each.id for each in await store.connections()] == ["con-2", "con-1"]
    assert await store.secret("con-1", "hint-token") == b"secret of Hint"
    await store.aclose()
