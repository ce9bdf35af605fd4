"""What the parts of the SQL store stand on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from hintsync.state.keys import Keyring
from hintsync.state.sql.database import Database

T = TypeVar("T")
P = ParamSpec("P")

#: Values of one IN list; under the parameter limits of both databases.
IN_SIZE = 1000


class Part:
    """A part of the store: some methods of the port over the shared database."""

    _database: Database
    _keyring: Keyring


def uninterrupted(method: Callable[P, Coroutine[Any, Any, T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let what was begun on the database end before a cancellation of the caller goes through.

    A driver that is cancelled between question and answer leaves a connection behind that is of no use (psycopg) or
    keeps the write lock (aiosqlite). Transactions here are short, so waiting is cheap.
    """

    @wraps(method)
    async def whole(*args: P.args, **kwargs: P.kwargs) -> T:
        begun = asyncio.ensure_future(method(*args, **kwargs))
        try:
            return await asyncio.shield(begun)
        except asyncio.CancelledError:
            await _ended(begun)
            raise

    return whole


async def _ended(begun: asyncio.Future[T]) -> None:
    while not begun.done():
        try:
            await asyncio.wait([begun])
        except asyncio.CancelledError:
            continue
    if not begun.cancelled():
        # The caller is gone; whatever came of it is in the database, or not.
        begun.exception()


def chunks(items: Sequence[T], size: int = IN_SIZE) -> Iterator[Sequence[T]]:
    """Yield the items in slices."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
