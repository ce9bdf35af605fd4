"""What a database's complaint means for the engine: every driver error becomes an error of the tree, or stays a bug."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError

from hintsync.core.errors import FixConfiguration, HintsyncError, RetryLater, StopRun


class Contended(RetryLater):
    """Two transactions got in each other's way and this one was rolled back: the same may be tried again at once."""


def translated(error: BaseException, where: str) -> HintsyncError | None:
    """Return what a driver's error means, or None if it is none of the store as a whole.

    Args:
        error: As the driver raised it (`DBAPIError.orig`).
        where: The database as a person knows it, without a password.
    """
    if isinstance(error, sqlite3.Error):
        return _of_sqlite(getattr(error, "sqlite_errorcode", 0) & 0xFF, where)
    if isinstance(error, psycopg.Error):
        return _of_postgres(error, where)
    return None


def _of_sqlite(code: int, where: str) -> HintsyncError | None:
    # Primary codes of https://www.sqlite.org/rescode.html.
    if code == sqlite3.SQLITE_FULL:
        return StopRun(f"{where}: the disk is full; nothing of this step was stored. Free some space and resume")
    if code == sqlite3.SQLITE_IOERR:
        return StopRun(f"{where}: the disk reports an error; nothing of this step was stored")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return RetryLater(None, f"{where}: another process keeps the database locked")
    if code in (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM):
        return FixConfiguration(f"{where}: cannot be opened for writing; check the path, its owner and permissions")
    if code in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
        return FixConfiguration(f"{where}: not a SQLite database, or a damaged one; restore it from a backup")
    return None


def _of_postgres(error: psycopg.Error, where: str) -> HintsyncError | None:
    state = error.sqlstate
    if state is None:
        # No SQLSTATE: the server was not reached, or the line broke.
        return RetryLater(None, f"{where}: no answer") if isinstance(error, psycopg.OperationalError) else None
    if state == "53100":
        return StopRun(f"{where}: the disk is full; nothing of this step was stored. Free some space and resume")
    if state.startswith("58"):
        return StopRun(f"{where}: the server's disk reports an error; nothing of this step was stored")
    if state.startswith("28") or state in ("3D000", "42501"):
        return FixConfiguration(f"{where}: refused ({state}); check user, password, database and its permissions")
    # https://www.postgresql.org/docs/current/errcodes-appendix.html: serialization failure, deadlock; then connection,
    # resources, operator intervention, a standby that takes no writes.
    if state.startswith("40"):
        return Contended(None, f"{where}: two writers in each other's way ({state})")
    if state == "55P03":
        return RetryLater(None, f"{where}: a long transaction keeps a table locked ({state})")
    if state[:2] in ("08", "53", "57") or state == "25006":
        return RetryLater(None, f"{where}: cannot serve now ({state})")
    return None


@contextmanager
def driver_errors(where: str) -> Iterator[None]:
    """Turn driver errors that concern the store as a whole into the engine's; their texts quote values and stay out."""
    try:
        yield
    except DBAPIError as error:
        meaning = translated(error.orig, where) if error.orig is not None else None
        if meaning is None:
            raise
        raise meaning from None
    except (sqlite3.Error, psycopg.Error) as error:
        meaning = translated(error, where)
        if meaning is None:
            raise
        raise meaning from None
