"""Takes a backup, or puts one back, and says a line at every step, so that a test can kill it at any of them.

python -m tests.backup.worker backup|restore FILE URL MASTER_KEY
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.backup import restoring, taking
from hintsync.backup.file import BackupReader
from hintsync.backup.key import BackupKey
from hintsync.backup.rows import Batch
from hintsync.state.keys import MasterKeys
from hintsync.state.sql.store import SqlStore, open_sql_store

KEY = "twelve words that nobody would guess"
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def say(word: str) -> None:
    """Say a line and wait until it was heard."""
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()
    sys.stdin.readline()


async def batches(store: SqlStore, sql: AsyncConnection) -> AsyncIterator[Batch]:
    async for batch in _batches(store, sql):
        say(f"copied {batch.table}")
        yield batch


def read_batches(reader: BackupReader) -> Iterator[Batch]:
    for batch in _read_batches(reader):
        say(f"read {batch.table}")
        yield batch


_batches, _read_batches = taking._batches, BackupReader.batches


async def main(what: str, file: Path, url: str, master: MasterKeys) -> None:
    taking._batches = batches  # type: ignore[assignment]
    BackupReader.batches = read_batches  # type: ignore[method-assign]
    if what == "backup":
        store = await open_sql_store(url, master)
        await taking.take_backup(store, BackupKey(KEY), file, now=NOW)
        await store.aclose()
    else:
        await restoring.restore_backup(file, BackupKey(KEY), url, master, replace=True, actor="user-7", now=NOW)
    say("done")


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], MasterKeys.parse(sys.argv[4])))
