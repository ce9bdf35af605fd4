"""Stores what many requests bring in few transactions (group commit), so that a burst does not wait for a disk once a request."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeAlias, TypeVar

T = TypeVar("T")

#: Most items that one flush takes; what is beyond goes with the next one.
MOST = 500


#: What somebody waits for, and the future that tells.
_Waiting: TypeAlias = tuple[Sequence[T], asyncio.Future[None]]


class Gatherer(Generic[T]):
    """Lets those who come while a flush is under way go together with the next one.

    There is no delay by the clock: who comes alone is flushed at once. A flush that fails, fails for exactly those
    whose items were in it.
    """

    def __init__(self, flush: Callable[[Sequence[T]], Awaitable[None]], *, most: int = MOST) -> None:
        """Take what stores items; called by one task at a time.

        Args:
            flush: stores all items or none; returns once they cannot be lost any more.
            most: items of one flush; one caller's items are never parted.
        """
        self._flush = flush
        self._most = most
        self._waiting: list[_Waiting[T]] = []
        self._task: asyncio.Task[None] | None = None

    async def put(self, items: Sequence[T]) -> None:
        """Return once the items are stored.

        Raises:
            Exception: whatever the flush raised; the items are not stored.
        """
        if not items:
            return
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((items, stored))
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        await stored

    async def aclose(self) -> None:
        """Return once everything that waits is stored, or failed."""
        while self._task is not None:
            await asyncio.wait([self._task])

    async def _drain(self) -> None:
        # No await between the look at what waits and letting go of the task: nobody can come in between unseen.
        try:
            while self._waiting:
                await self._all_here()
                await self._flush_group(self._next_group())
        finally:
            self._task = None
            # Only when this task is cancelled does anybody still wait here.
            _settle(self._waiting, lambda stored: stored.cancel())
            self._waiting.clear()

    async def _all_here(self) -> None:
        """Let those in who are at the door: go round the event loop for as long as a turn of it brings somebody.

        Without it, of those who were answered together and come back together, the first would be flushed alone and all
        others would wait for two flushes.
        """
        before = -1
        while before < len(self._waiting) < self._most:
            before = len(self._waiting)
            await asyncio.sleep(0)

    def _next_group(self) -> list[_Waiting[T]]:
        size = 0
        group: list[_Waiting[T]] = []
        for items, stored in self._waiting:
            if group and size + len(items) > self._most:
                break
            size += len(items)
            group.append((items, stored))
        del self._waiting[: len(group)]
        return group

    async def _flush_group(self, group: Sequence[_Waiting[T]]) -> None:
        try:
            await self._flush([item for items, _ in group for item in items])
        except asyncio.CancelledError:
            _settle(group, lambda stored: stored.cancel())
            raise
        except Exception as error:  # handed to everybody who waits for it
            failure = error
            _settle(group, lambda stored: stored.set_exception(failure))
        else:
            _settle(group, lambda stored: stored.set_result(None))


def _settle(group: Sequence[_Waiting[T]], settle: Callable[[asyncio.Future[None]], object]) -> None:
    for _, stored in group:
        if not stored.done():  # who was cancelled does not wait any more
            settle(stored)
