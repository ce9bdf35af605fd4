"""What stands in clear at the beginning of a backup: enough to tell backups apart, nothing of what is in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import BinaryIO, Final

import orjson

from hintsync.core.errors import BadInput

#: First line; its number moves when the lines or the encryption do.
MAGIC: Final = b"hintsync backup 1\n"
_LONGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Header:
    """The second line. It goes into every chunk's authentication."""

    #: When the store looked like this; ISO 8601, UTC.
    at: str
    #: Version of the tables that the rows come from.
    schema: str
    #: Version of hintsync that wrote it.
    hintsync: str
    #: Ids of the connections in it.
    connections: tuple[str, ...]
    #: Hexadecimal; with the backup key it gives the key of this file.
    salt: str

    def pack(self) -> bytes:
        """Return both lines."""
        return MAGIC + orjson.dumps(asdict(self)) + b"\n"


def read_header(file: BinaryIO) -> Header:
    """Read the beginning of a backup.

    Raises:
        BadInput: it is none, or of a newer version of hintsync.
    """
    if file.readline(len(MAGIC)) != MAGIC:
        raise BadInput("not a hintsync backup, or one of a newer version")
    try:
        members = orjson.loads(file.readline(_LONGEST))
        header = Header(**{**members, "connections": tuple(members["connections"])})
        bytes.fromhex(header.salt)
    except (ValueError, TypeError, KeyError):
        raise BadInput("the backup's second line is damaged") from None
    return header
