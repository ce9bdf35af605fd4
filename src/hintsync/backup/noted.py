"""When the last backup was taken that could be read back, and under which key: noted beside the connections in it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import Final

import orjson

from hintsync.backup.file import Contents
from hintsync.backup.key import BackupKey
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
    #: The backup's salt, and what its key is called beside that (`BackupKey.name`); empty: nobody noted it.
    salt: str = ""
    key: str = ""

    def is_under(self, key: BackupKey) -> bool:
        """Say whether a key opens it, as far as that is known; takes some tenths of a second."""
        return not self.key or key.name(bytes.fromhex(self.salt)) == self.key


async def note_backup(store: StateStore, file: str, contents: Contents, key: BackupKey) -> None:
    """Remember a backup that was taken."""
    header = contents.header
    name = await asyncio.to_thread(key.name, bytes.fromhex(header.salt))
    noted = BackupNoted(header.at, file, contents.bytes, header.salt, name)
    for connection_id in header.connections:
        await store.put_cursor(connection_id, NOTED, orjson.dumps(asdict(noted)).decode())


async def last_backup(store: StateStore) -> BackupNoted | None:
    """Return the last backup of the installation that was taken and read back; None: there is none."""
    found = [await store.get_cursor(connection.id, NOTED) for connection in await store.connections()]
    noted = [BackupNoted(**orjson.loads(text)) for text in found if text]
    return max(noted, key=lambda each: each.at, default=None)
