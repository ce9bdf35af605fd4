"""Which key the next backup gets: the one that people keep a copy of, or none at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from hintsync.backup.file import check_backup
from hintsync.backup.key import BackupKey
from hintsync.backup.next_key import next_backup_key
from hintsync.backup.noted import NOTED, last_backup
from hintsync.backup.scheduled import BACKUP, backup_jobs
from hintsync.backup.taking import take_backup
from hintsync.core.errors import FixConfiguration
from hintsync.engine.schedule import run_due
from hintsync.settings import Settings
from hintsync.state.sql.store import SqlStore
from tests.engine.world import World

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
WORDS = "twelve words that nobody would guess"


async def taken(store: SqlStore, settings: Settings, to: Path, *, days: int = 0, new: bool = False) -> Path:
    """Take a backup as the command does; return the file."""
    key = await next_backup_key(settings, store, new=new)
    return (await take_backup(store, key, to, now=NOW + timedelta(days=days))).path


async def test_a_key_that_was_moved_away_is_asked_for_and_not_replaced(sqlite_store: SqlStore, tmp_path: Path) -> None:
    settings, file = Settings(state=tmp_path), tmp_path / "backup.key"
    first = await taken(sqlite_store, settings, tmp_path)
    kept = file.read_text().strip()
    file.unlink()
    with pytest.raises(FixConfiguration, match=r"there is no .*backup\.key: put the file back.*--new-key"):
        await taken(sqlite_store, settings, tmp_path, days=1)
    assert not file.exists()
    given = Settings(state=tmp_path, backup_key=kept)
    second = await taken(sqlite_store, given, tmp_path, days=1)
    for path in (first, second):
        assert check_backup(path, BackupKey(kept)).header.connections == ("con-1",)


async def test_a_key_made_on_another_machine_is_refused(sqlite_store: SqlStore, tmp_path: Path) -> None:
    for host in ("a", "b"):
        (tmp_path / host).mkdir()
    (tmp_path / "b" / "backup.key").write_text("words of the second machine\n")
    name = (await taken(sqlite_store, Settings(state=tmp_path / "a"), tmp_path)).name
    with pytest.raises(FixConfiguration, match="is another one than that of the last backup") as refused:
        await taken(sqlite_store, Settings(state=tmp_path / "b"), tmp_path, days=1)
    assert name in str(refused.value)
    assert "second machine" not in str(refused.value)
    (tmp_path / "b" / "backup.key").write_bytes((tmp_path / "a" / "backup.key").read_bytes())
    await taken(sqlite_store, Settings(state=tmp_path / "b"), tmp_path, days=1)


@pytest.mark.parametrize("given", ["", WORDS])
async def test_another_key_is_taken_on_purpose_and_is_the_one_from_then_on(
    sqlite_store: SqlStore, tmp_path: Path, given: str
) -> None:
    before = Settings(state=tmp_path)
    await taken(sqlite_store, before, tmp_path)
    old = (tmp_path / "backup.key").read_text()
    (tmp_path / "backup.key").unlink()
    settings = Settings(state=tmp_path, backup_key=given)
    await taken(sqlite_store, settings, tmp_path, days=1, new=True)
    await taken(sqlite_store, settings, tmp_path, days=2)
    assert (tmp_path / "backup.key").exists() is not bool(given)
    (tmp_path / "backup.key").write_text(old)
    with pytest.raises(FixConfiguration, match="another one"):
        await taken(sqlite_store, before, tmp_path, days=3)


async def test_a_backup_noted_without_its_key_is_believed(sqlite_store: SqlStore, tmp_path: Path) -> None:
    noted = {"at": "2026-03-01T09:00:00Z", "file": "old.backup", "bytes": 7}
    await sqlite_store.put_cursor("con-1", NOTED, orjson.dumps(noted).decode())
    await taken(sqlite_store, Settings(state=tmp_path, backup_key=WORDS), tmp_path)
    last = await last_backup(sqlite_store)
    assert last is not None
    assert (last.is_under(BackupKey(WORDS)), last.is_under(BackupKey("x" * 20))) == (True, False)


async def test_the_service_takes_none_without_the_key_and_says_why(
    sqlite_store: SqlStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(state=tmp_path, backup_to=tmp_path / "backups")
    world = World(store=sqlite_store)
    engine = await world.engine()
    assert await run_due(engine, backup_jobs(settings)) == [BACKUP]
    kept = (tmp_path / "backup.key").read_bytes()
    (tmp_path / "backup.key").unlink()
    world.clock.push(25 * 3600)
    assert await run_due(engine, backup_jobs(settings)) == []
    assert "no backup was taken: backups were taken, and now no backup key is set" in caplog.text
    assert len(list((tmp_path / "backups").iterdir())) == 1
    (tmp_path / "backup.key").write_bytes(kept)
    world.clock.push(1000)
    assert await run_due(engine, backup_jobs(settings)) == [BACKUP]
    assert len(list((tmp_path / "backups").iterdir())) == 2
