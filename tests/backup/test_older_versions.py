"""A backup of an older version (T21): its rows go into the tables that they come from, and these are upgraded."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hintsync.backup.file import open_backup
from hintsync.backup.key import BackupKey
from hintsync.backup.restoring import restore_backup
from hintsync.backup.rows import Batch, LineMaker
from hintsync.backup.sealed import SealedWriter
from hintsync.backup.taking import take_backup
from hintsync.core.errors import BadInput
from hintsync.state.keys import MasterKeys
from hintsync.state.port import Connection
from hintsync.state.sql.store import SqlStore, open_sql_store
from tests.backup.filled import fill
from tests.contract.state_examples import remembered

KEY = BackupKey("twelve words that nobody would guess")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
#: What version 0003 brought.
NEW_TABLES, NEW_COLUMN = {"tallies"}, "incident"


def rewritten(path: Path, schema: str, *, drop: set[str]) -> Path:
    """Write a backup once more as another version would have written it, some tables left out."""
    older = path.with_name(f"of-{schema}.backup")
    with open_backup(path, KEY) as reader, older.open("wb") as file:
        header = replace(reader.header, schema=schema, salt=os.urandom(32).hex())
        file.write(header.pack())
        writer, maker = SealedWriter(file, KEY.file_key(bytes.fromhex(header.salt)), header.pack()), LineMaker()
        for batch in reader.batches():
            if batch.table not in drop:
                writer.write(maker.lines(without(batch, NEW_COLUMN) if drop else batch))
        writer.write(maker.end())
        writer.close()
    return older


def without(batch: Batch, column: str) -> Batch:
    if column not in batch.columns:
        return batch
    place = batch.columns.index(column)
    rows = [row[:place] + row[place + 1 :] for row in batch.rows]
    return replace(batch, columns=batch.columns[:place] + batch.columns[place + 1 :], rows=rows)


async def test_t21_a_backup_of_an_older_version_comes_back_in_the_tables_of_this_one(
    sqlite_store: SqlStore, connection: Connection, empty_url: str, tmp_path: Path
) -> None:
    await fill(sqlite_store, connection)
    taken = await take_backup(sqlite_store, KEY, tmp_path / "now.backup", now=NOW)
    older, keys = rewritten(taken.path, "0002", drop=NEW_TABLES), MasterKeys.parse(MasterKeys.generate())
    await restore_backup(older, KEY, empty_url, keys, replace=False, actor="user-7", now=NOW)
    store = await open_sql_store(empty_url, keys)
    here, there = await remembered(store), await remembered(sqlite_store)
    assert (here.rows, here.reviews, here.log[-3:]) == (there.rows, there.reviews, there.log)
    assert await store.tallies("con-1", since=0) == []
    assert await store.secret("con-1", "hint-token") == b"secret of Hint"
    assert list(await store.verify_audit("con-1")) == []
    await store.aclose()


async def test_a_backup_with_tables_that_its_version_did_not_have_is_refused(
    sqlite_store: SqlStore, connection: Connection, tmp_path: Path, master_keys: MasterKeys
) -> None:
    await fill(sqlite_store, connection)
    taken = await take_backup(sqlite_store, KEY, tmp_path / "now.backup", now=NOW)
    older, url = rewritten(taken.path, "0002", drop={"nothing"}), f"sqlite:///{tmp_path / 'restored.db'}"
    with pytest.raises(BadInput, match="a table tallies that its version does not have"):
        await restore_backup(older, KEY, url, master_keys, replace=False, actor="user-7", now=NOW)
    assert not [name for name in os.listdir(tmp_path) if name.startswith("restored.db")]
