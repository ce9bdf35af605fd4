"""Takes a backup while everything goes on: one snapshot of the store, sealed, checked by reading it back, then given its name."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import re
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.backup.file import Contents, check_backup
from hintsync.backup.header import Header
from hintsync.backup.key import BackupKey, new_salt
from hintsync.backup.noted import note_backup
from hintsync.backup.rows import BATCH, COPIED, Batch, LineMaker, batch_of
from hintsync.backup.sealed import SealedWriter
from hintsync.clock import utc_text
from hintsync.core.errors import BadInput, StopRun
from hintsync.private_file import sync_folder
from hintsync.state.port import StateStore
from hintsync.state.sql import tables
from hintsync.state.sql.database import Database
from hintsync.state.sql.store import SqlStore

_log = logging.getLogger(__name__)

#: How files are called that we name by the moment; others in the folder are somebody else's.
_OURS: Final = re.compile(r"hintsync-[0-9]{8}T[0-9]{6}Z\.backup")


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was taken."""

    path: Path
    contents: Contents
    #: Older backups that were deleted, and those that could not be.
    pruned: tuple[Path, ...] = ()
    left: tuple[Path, ...] = ()


async def take_backup(store: StateStore, key: BackupKey, to: Path, *, now: datetime, keep: int = 0) -> Backup:
    """Take a backup, and remember when.

    Args:
        store: What is copied; processes may work on it meanwhile.
        key: Opens the backup.
        to: A folder, in which the file is named by the moment, or the file itself, which must not exist.
        now: The moment, by our clock.
        keep: Backups to be left in the folder, this one included; 0: all.

    Raises:
        BadInput: the place cannot be written or holds a file of that name, or the store is one in memory.
        StopRun: the disk is full, or what was written cannot be read back. Nothing is left of it.
    """
    if not isinstance(store, SqlStore):
        raise BadInput("a store in memory cannot be copied")
    with _disk_errors(to):
        path = _path(to, now, keep)
        contents = await _taken(store, key, path, now)
    await note_backup(store, path.name, contents, key)
    with _disk_errors(to):
        return _pruned(Backup(path, contents), keep) if keep else Backup(path, contents)


def _path(to: Path, now: datetime, keep: int) -> Path:
    """Return where a backup goes.

    Raises:
        BadInput: there is a file of that name, or nothing to keep any of.
    """
    if keep and not to.is_dir():
        raise BadInput(f"{to}: not a folder, so there are no older backups to be deleted")
    path = to / f"hintsync-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.backup" if to.is_dir() else to
    if path.exists():
        raise BadInput(f"{path} is there already")
    return path


async def _taken(store: SqlStore, key: BackupKey, path: Path, now: datetime) -> Contents:
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.unlink(missing_ok=True)  # what a process left that was killed at it
        with _created(partial) as file:
            counts = await _write(store, key, file, now)
            file.flush()
            await asyncio.to_thread(os.fsync, file.fileno())
        contents = await asyncio.to_thread(_read_back, partial, key, counts)
        partial.replace(path)
        sync_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)
    return contents


@contextmanager
def _disk_errors(to: Path) -> Iterator[None]:
    """Say what the disk refuses in our own words; that also holds for looking at it and for cleaning up."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise StopRun(f"{to}: the disk is full; no backup was taken") from None
        raise BadInput(f"{to}: cannot be written: {error.strerror}") from None


def _read_back(path: Path, key: BackupKey, written: Mapping[str, int]) -> Contents:
    """Read a backup that was just written, as one would who needs it.

    Raises:
        StopRun: it does not hold what was written.
    """
    try:
        contents = check_backup(path, key)
    except BadInput as error:
        raise StopRun(f"what was written does not read back ({error}); the disk loses data") from None
    if contents.counts != written:
        raise StopRun("what was written does not read back; the disk loses data")
    return contents


def _created(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


async def _write(store: SqlStore, key: BackupKey, file: BinaryIO, now: datetime) -> dict[str, int]:
    """Write header and content; return how many rows of each table."""
    # Connections of its own: a backup that is broken off leaves none behind that others would be given.
    database = Database(store.database.url.render_as_string(hide_password=False))
    try:
        async with database.snapshot() as sql:
            header = await _header(sql, now)
            file.write(header.pack())
            sealed = SealedWriter(
                file, await asyncio.to_thread(key.file_key, bytes.fromhex(header.salt)), header.pack()
            )
            maker = LineMaker()
            async with aclosing(_batches(store, sql)) as batches:
                async for batch in batches:
                    await asyncio.to_thread(_seal, sealed, maker, batch)
            sealed.write(maker.end())
            await asyncio.to_thread(sealed.close)
    finally:
        await database.aclose()
    return {table: count for table, count in maker.counts.items() if count}


def _seal(sealed: SealedWriter, maker: LineMaker, batch: Batch) -> None:
    """Write a batch; on a thread, for the service answers requests meanwhile."""
    sealed.write(maker.lines(batch))


async def _header(sql: AsyncConnection, now: datetime) -> Header:
    ids = (await sql.execute(select(tables.connections.c.id).order_by(tables.connections.c.id))).scalars().all()
    at = utc_text(now)
    return Header(at, tables.HEAD, version("hintsync"), tuple(ids), new_salt().hex())


async def _batches(store: SqlStore, sql: AsyncConnection) -> AsyncGenerator[Batch, None]:
    """Yield everything that is copied, the keys before all else."""
    yield Batch("keyring", ("root",), frozenset({"root"}), [(store.keyring.root,)])
    for table in COPIED:
        yield batch_of(table, ())  # an empty table is named, too
        rows = select(table).order_by(*table.primary_key).execution_options(yield_per=BATCH)
        async for part in (await sql.stream(rows)).partitions():
            yield batch_of(table, [tuple(row) for row in part])
    yield Batch("secrets", ("connection_id", "name", "secret"), frozenset({"secret"}), await store.every_secret(sql))


def _pruned(taken: Backup, keep: int) -> Backup:
    """Delete all but the newest backups beside one that was just taken; that one stays, whatever the clock says.

    One that cannot be deleted is no reason to say that none was taken: it is told, and tried again after the next backup.
    """
    others = [path for path in backups_in(taken.path.parent) if path != taken.path]
    older = others[: max(len(others) - (keep - 1), 0)]
    left = tuple(path for path in older if not _deleted(path))
    return replace(taken, pruned=tuple(path for path in older if path not in left), left=left)


def _deleted(path: Path) -> bool:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        _log.warning("%s: an older backup, cannot be deleted: %s", path, error.strerror)
        return False
    return True


def backups_in(folder: Path) -> Sequence[Path]:
    """Return the backups in a folder that are named by their moment, oldest first."""
    return sorted(path for path in folder.glob("hintsync-*.backup") if _OURS.fullmatch(path.name))
