"""Backups that the service takes by itself, as the settings say; one of its workers takes them for the whole installation."""

from __future__ import annotations

import logging
import secrets
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from hintsync.backup.next_key import next_backup_key
from hintsync.backup.noted import last_backup
from hintsync.backup.taking import take_backup
from hintsync.core.errors import FixConfiguration, HintsyncError
from hintsync.engine.context import Engine
from hintsync.engine.due import Every
from hintsync.engine.schedule import Job
from hintsync.engine.workers import worker_name
from hintsync.settings import Settings

_log = logging.getLogger(__name__)

#: Name of the work in the schedule, and of the lease that whoever takes a backup holds.
BACKUP: Final = "backup"
#: Seconds between two looks at whether one is due.
LOOK: Final = 600.0
#: Seconds after which one that was begun is given up for lost.
_LOST: Final = 3600.0


def backup_jobs(settings: Settings) -> tuple[Job, ...]:
    """Return the work of taking backups; none where the settings name no folder.

    Each connection's workers look, for any of the connections may be out of work; a lease sees to it that one of them does it.
    """
    folder = settings.backup_to
    if folder is None:
        return ()

    async def take(engine: Engine) -> bool:
        if await _is_due(engine, settings.backup_hours):
            await _take_leased(engine, settings, folder)
        return True

    return (Job(BACKUP, Every(LOOK), take),)


async def _is_due(engine: Engine, hours: float) -> bool:
    last = await last_backup(engine.store)
    if last is None:
        return True
    age = engine.clock.now() - datetime.fromisoformat(last.at)
    return not timedelta(0) <= age < timedelta(hours=hours)


async def _take_leased(engine: Engine, settings: Settings, folder: Path) -> None:
    store, worker, now = engine.store, f"{worker_name()}/{secrets.token_hex(4)}", engine.clock.now().timestamp()
    first = min(connection.id for connection in await store.connections())
    if not await store.lease_links(first, [BACKUP], worker, now, now + _LOST):
        return  # somebody is at it
    try:
        if await _is_due(engine, settings.backup_hours):
            await _take(engine, settings, folder)
    except HintsyncError as error:
        _log.error("no backup was taken: %s", error)  # the schedule logs no more than a code
        raise
    finally:
        await store.release_links(first, [BACKUP], worker)


async def _take(engine: Engine, settings: Settings, folder: Path) -> None:
    _make(folder)
    key = await next_backup_key(settings, engine.store)
    taken = await take_backup(engine.store, key, folder, now=engine.clock.now(), keep=settings.backup_keep)
    _log.info("backup %s: %d bytes, read back", taken.path.name, taken.contents.bytes)


def _make(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise FixConfiguration(f"{folder}: the folder for backups cannot be made: {error.strerror}") from None
