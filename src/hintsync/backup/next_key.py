"""The key that the next backup is closed with: the one that people already keep, so that it opens with that."""

from __future__ import annotations

import asyncio
from typing import Final

from hintsync.backup.key import BackupKey, key_file, load_backup_key
from hintsync.backup.noted import last_backup
from hintsync.core.errors import FixConfiguration
from hintsync.settings import Settings
from hintsync.state.port import StateStore

_ON_PURPOSE: Final = "call `hintsync backup FOLDER --new-key` if another one is to be used from now on"
_GONE: Final = (
    "backups were taken, and now no backup key is set and there is no {}: put the file back from where you keep a copy, or "
    "set HINTSYNC_BACKUP_KEY, or " + _ON_PURPOSE
)
_OTHER: Final = (
    "the backup key is another one than that of the last backup ({}): set that one again (HINTSYNC_BACKUP_KEY, or "
    "backup.key in the state folder, on every machine), or " + _ON_PURPOSE
)


async def next_backup_key(settings: Settings, store: StateStore, *, new: bool = False) -> BackupKey:
    """Return the key for the next backup; the first backup of an installation makes one if there is none.

    Args:
        settings: Of the installation.
        store: Knows the last backup.
        new: Take another key than that of the last backup, too; make one if there is none.

    Raises:
        FixConfiguration: backups were taken, and their key is gone from its place, or another one lies there; or
            what `load_backup_key` raises.
    """
    last = await last_backup(store)
    if last is None or new:
        return load_backup_key(settings, make=True)
    if not settings.backup_key.get_secret_value() and not key_file(settings).exists():
        raise FixConfiguration(_GONE.format(key_file(settings)))
    key = load_backup_key(settings)
    if not await asyncio.to_thread(last.is_under, key):
        raise FixConfiguration(_OTHER.format(last.file))
    return key
