"""Wakes the workers of this process; for SQLite, where there is one process."""

from __future__ import annotations

import asyncio


class LocalDispatcher:
    """A Dispatcher of one event: whoever waits is woken by the next wake, or finds that it has been."""

    def __init__(self) -> None:
        """Start with nobody named."""
        self._named: set[str] = set()
        self._woken = asyncio.Event()

    async def wake(self, connection_id: str) -> None:
        """Name a connection and wake who waits."""
        self._named.add(connection_id)
        self._woken.set()

    async def wait(self, seconds: float) -> frozenset[str]:
        """Wait until woken, or until the seconds are over; several waiters are woken together, one is told the names."""
        try:
            async with asyncio.timeout(max(seconds, 0.0)):
                await self._woken.wait()
        except TimeoutError:
            return frozenset()
        named = frozenset(self._named)
        self._named.clear()
        self._woken.clear()
        return named

    async def aclose(self) -> None:
        """Wake who waits, for the last time."""
        self._woken.set()
