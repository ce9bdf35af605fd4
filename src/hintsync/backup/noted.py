"""When the last backup was taken that could be read back: noted beside the connections that are in it, for people to see."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Final

import orjson

from hintsync.backup.file import Contents
from hintsync.state.port import StateStore

#: Cursor of each connection.
NOTED: Final = "backup:last"


@dataclass(frozen=True, slots=True)
class BackupNoted:
    """The last backup that was read back to its end."""

    #: When the store looked like it; ISO 8601, UTC.
    at: str
    #: Its name, without the folder.
    file: str
    bytes: int


async def note_backup(store: StateStore, file: str, contents: Contents) -> None:
    """Remember a backup that was taken."""
    noted = BackupNoted(contents.header.at, file, contents.bytes)
    for connection_id in contents.header.connections:
        await store.put_cursor(connection_id, NOTED, orjson.dumps(asdict(noted)).decode())


async def last_backup(store: StateStore) -> BackupNoted | None:
    """Return the last backup of the installation that was taken and read back; None: there is none."""
    found = [await store.get_cursor(connection.id, NOTED) for connection in await store.connections()]
    noted = [BackupNoted(**orjson.loads(text)) for text in found if text]
    return max(noted, key=lambda each: each.at, default=None)
