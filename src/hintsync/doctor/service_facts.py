"""What can be seen of an installation from this machine, without changing anything: folder, key, database, disk, processes."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hintsync.backup.key import KEY_FILE, key_file
from hintsync.backup.noted import BackupNoted, last_backup
from hintsync.core.errors import FixConfiguration
from hintsync.doctor.known import Known, Unknown, Why, learn
from hintsync.master_key_file import MASTER_KEY_FILE
from hintsync.settings import PREFIX, SETTINGS_FILE, Settings
from hintsync.state.keys import MasterKeys
from hintsync.state.open import MEMORY_URL
from hintsync.state.port import StateStore
from hintsync.state.sql.looking import DatabaseSeen, look_at_database
from hintsync.state.sql.schema import Schema, examine
from hintsync.state.traffic import ProcessSeen

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_NOT_OPENED = Unknown(Why.ABSENT, "the store cannot be opened")
_IN_MEMORY = Unknown(Why.ABSENT, "the store lies in memory")


@dataclass(frozen=True, slots=True)
class FolderSeen:
    """The state folder."""

    there: bool
    writable: bool = False
    #: Names of what group or others may get at: ".", or files in it that hold secrets.
    open_to_others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeySeen:
    """Where the master key is, and what it is like."""

    #: "the environment", or the file's name.
    source: str
    #: The keys; None: there is none, or what there is cannot be read.
    keys: MasterKeys | None
    #: Why there is none; empty if there is.
    problem: str = ""
    #: The file is missing, as opposed to unreadable or broken.
    missing: bool = False
    open_to_others: bool = False


@dataclass(frozen=True, slots=True)
class DiskSeen:
    """The state folder's disk, in bytes."""

    free: int
    total: int


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    """Everything that was seen."""

    settings: Settings
    folder: FolderSeen
    key: KeySeen
    #: None: there is no such file.
    database: Known[DatabaseSeen | None]
    schema: Known[Schema]
    disk: Known[DiskSeen]
    #: Names of key files that lie where backups go.
    beside_backups: tuple[str, ...]
    #: Seconds since the epoch.
    now: float
    #: By name; not known while the store cannot be opened.
    processes: Known[Sequence[ProcessSeen]] = _NOT_OPENED
    #: The last one that was read back; None: there is none. Not known while the store cannot be opened.
    backup: Known[BackupNoted | None] = _NOT_OPENED

    async def with_store(self, store: StateStore) -> ServiceFacts:
        """Return these facts and what an open store knows of the installation."""
        return replace(self, processes=await learn(_processes(store)), backup=await learn(last_backup(store)))

    @property
    def in_memory(self) -> bool:
        """Whether the store is forgotten when the process ends."""
        return is_in_memory(self.settings)

    @property
    def may_be_opened(self) -> bool:
        """Whether there is a store, and opening it would neither make anything nor upgrade it."""
        has_tables = isinstance(self.schema, Schema) and self.schema.revision is not None and not self.schema.missing
        fits = isinstance(self.database, DatabaseSeen) and self.database.opens is True
        return has_tables and fits


def is_in_memory(settings: Settings) -> bool:
    """Say whether the store is forgotten when the process ends."""
    return settings.database().rstrip("/") == MEMORY_URL


async def look_at_service(settings: Settings, now: float) -> ServiceFacts:
    """Look at an installation; nothing is made, upgraded or changed.

    Args:
        settings: In force.
        now: Seconds since the epoch.
    """
    key = look_at_key(settings)
    database, schema, disk = await asyncio.gather(
        _database(settings, key.keys or _any_keys()),
        _schema(settings),
        learn(asyncio.to_thread(_disk, settings.state)),
    )
    folder, beside = look_at_folder(settings.state), keys_beside_backups(settings)
    return ServiceFacts(settings, folder, key, database, schema, disk, beside, now)


async def _database(settings: Settings, keys: MasterKeys) -> Known[DatabaseSeen | None]:
    return _IN_MEMORY if is_in_memory(settings) else await learn(look_at_database(settings.database(), keys))


async def _schema(settings: Settings) -> Known[Schema]:
    return _IN_MEMORY if is_in_memory(settings) else await learn(examine(settings.database()))


def look_at_folder(folder: Path) -> FolderSeen:
    """Look at the state folder and at the files with secrets in it."""
    if not folder.is_dir():
        return FolderSeen(there=False)
    exposed = [name for name in (".", SETTINGS_FILE, KEY_FILE) if is_open(folder / name)] if is_open(folder) else []
    return FolderSeen(True, os.access(folder, os.W_OK | os.X_OK), tuple(exposed))


def is_open(path: Path) -> bool:
    """Say whether group or others may get at a file; one that is not there is not open."""
    try:
        return bool(stat.S_IMODE(path.stat().st_mode) & _OTHERS)
    except OSError:
        return False


def look_at_key(settings: Settings) -> KeySeen:
    """Look for the master key where it would be taken from; none is made."""
    given = settings.master_keys.get_secret_value()
    named = os.environ.get(f"{PREFIX}MASTER_KEYS_FILE")
    path = Path(named) if named else settings.state / MASTER_KEY_FILE
    if given and not named:
        return _read_key("the setting HINTSYNC_MASTER_KEYS", given)
    try:
        text = given or path.read_text(encoding="ascii")
    except OSError as error:
        problem = f"{path.name} cannot be read: {error.strerror}"
        return KeySeen(path.name, None, problem, missing=isinstance(error, FileNotFoundError))
    except UnicodeDecodeError:
        return KeySeen(path.name, None, f"{path.name} holds no key")
    return _read_key(path.name, text, open_to_others=is_open(path))


def _read_key(source: str, text: str, *, open_to_others: bool = False) -> KeySeen:
    try:
        return KeySeen(source, MasterKeys.parse(text), open_to_others=open_to_others)
    except FixConfiguration as error:
        return KeySeen(source, None, str(error), open_to_others=open_to_others)


def _any_keys() -> MasterKeys:
    """Return a key that opens nothing: the rest of a database can be looked at without the right one."""
    return MasterKeys.parse(MasterKeys.generate())


def _disk(folder: Path) -> DiskSeen:
    """Look at the disk of a folder, or of the nearest one above it that is there."""
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.is_dir())
    usage = shutil.disk_usage(there)
    return DiskSeen(usage.free, usage.total)


def keys_beside_backups(settings: Settings) -> tuple[str, ...]:
    """Return the names of key files that lie where backups go; none where no folder for backups is set."""
    if settings.backup_to is None:
        return ()
    to = settings.backup_to.resolve()
    keys = (settings.state / MASTER_KEY_FILE, key_file(settings))
    beside = [
        path.name for path in keys if path.exists() and to in (path.parent.resolve(), *path.parent.resolve().parents)
    ]
    return tuple(beside)


async def _processes(store: StateStore) -> Sequence[ProcessSeen]:
    return await store.processes()
