"""Backups that the service takes by itself: one for all connections, when they are due, so many kept."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

from hintsync.backup.file import check_backup
from hintsync.backup.key import load_backup_key
from hintsync.backup.noted import last_backup
from hintsync.backup.scheduled import BACKUP, backup_jobs
from hintsync.engine.schedule import run_due
from hintsync.settings import Settings
from hintsync.state.sql.store import SqlStore
from tests.engine.world import World


async def test_it_is_taken_when_due_and_only_so_many_are_kept(sqlite_store: SqlStore, tmp_path: Path) -> None:
    settings = Settings(state=tmp_path, backup_to=tmp_path / "backups", backup_hours=6, backup_keep=2)
    world = World(store=sqlite_store)
    engine = await world.engine()
    taken = []
    for _ in range(16):
        assert await run_due(engine, backup_jobs(settings)) == [BACKUP]
        noted = await last_backup(sqlite_store)
        assert noted is not None
        taken.append(noted.at)
        world.clock.push(2 * 3600)
    assert [int(at[11:13]) for at in dict.fromkeys(taken)] == [9, 15, 21, 3, 9, 15]
    kept = sorted(os.listdir(tmp_path / "backups"))
    assert kept == [f"hintsync-{day}.backup" for day in ("20260303T090000Z", "20260303T150000Z")]
    contents = check_backup(tmp_path / "backups" / kept[-1], load_backup_key(settings))
    assert set(contents.header.connections) == {"con-1", "main"}
    assert noted.file == kept[-1]


async def test_of_all_who_look_one_takes_it(sqlite_store: SqlStore, tmp_path: Path) -> None:
    settings = Settings(state=tmp_path, backup_to=tmp_path / "backups")
    engine = await World(store=sqlite_store).engine()
    others = [replace(engine, connection=replace(engine.connection, id=f"other-{n}")) for n in range(3)]
    for other in others:
        await sqlite_store.put_connection(other.connection)
    looked = await asyncio.gather(*(run_due(each, backup_jobs(settings)) for each in (engine, *others)))
    assert looked == [[BACKUP]] * 4
    assert len(os.listdir(tmp_path / "backups")) == 1


async def test_one_that_its_process_died_of_is_taken_after_an_hour(sqlite_store: SqlStore, tmp_path: Path) -> None:
    settings = Settings(state=tmp_path, backup_to=tmp_path / "backups")
    world = World(store=sqlite_store)
    engine = await world.engine()
    now = world.clock.now().timestamp()
    await sqlite_store.lease_links("con-1", [BACKUP], "dead", now, now + 3600)
    await run_due(engine, backup_jobs(settings))
    assert await last_backup(sqlite_store) is None
    world.clock.push(3601)
    await run_due(engine, backup_jobs(settings))
    assert await last_backup(sqlite_store) is not None


async def test_a_folder_that_cannot_be_made_is_tried_again_later(sqlite_store: SqlStore, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    os.close(os.open(blocked, os.O_CREAT))
    settings = Settings(state=tmp_path, backup_to=blocked / "backups")
    world = World(store=sqlite_store)
    engine = await world.engine()
    assert await run_due(engine, backup_jobs(settings)) == []
    os.unlink(blocked)
    assert await run_due(engine, backup_jobs(settings)) == []
    world.clock.push(1000)
    assert await run_due(engine, backup_jobs(settings)) == [BACKUP]
    assert await last_backup(sqlite_store) is not None


def test_without_a_folder_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert backup_jobs(Settings(state=tmp_path)) == ()
