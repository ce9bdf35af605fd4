"""What the parts of the SQL store stand on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

from hintsync.state.keys import Keyring
from hintsync.state.sql.database import Database

T = TypeVar("T")

#: Values of one IN list; under the parameter limits of both databases.
IN_SIZE = 1000


class Part:
    """A part of the store: some methods of the port over the shared database."""

    _database: Database
    _keyring: Keyring


def chunks(items: Sequence[T], size: int = IN_SIZE) -> Iterator[Sequence[T]]:
    """Yield the items in slices."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
