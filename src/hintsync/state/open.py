"""The way into the store: a URL and the master keys go in, a StateStore comes out."""

from __future__ import annotations

from hintsync.state.keys import MasterKeys
from hintsync.state.memory import MemoryStore
from hintsync.state.port import StateStore
from hintsync.state.sql.schema import Schema, examine, upgrade
from hintsync.state.sql.store import open_sql_store

__all__ = ["Schema", "examine", "open_store", "upgrade"]

#: URL of a store that is forgotten when the process ends.
MEMORY_URL = "memory:"


async def open_store(url: str, keys: MasterKeys) -> StateStore:
    """Open the store at a URL, creating or upgrading its tables.

    Args:
        url: `sqlite:///relative.db`, `sqlite:////absolute.db`, `postgresql://user:password@host/name` or `memory:`.
        keys: The administrator's master keys, the one in force first.

    Raises:
        BadInput: the URL is none that we know.
        FixConfiguration: the database cannot be used, is of a newer version, or the master key does not fit.
        RetryLater: the database does not answer.
        StopRun: the disk is full.
    """
    if url.rstrip("/") == MEMORY_URL:
        return MemoryStore(keys)
    return await open_sql_store(url, keys)
