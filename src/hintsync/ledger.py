"""The day's calls to Hint, added up in the store over all workers and connections: Hint counts a partner's together."""

from __future__ import annotations

from hintsync.core.values import Side
from hintsync.ports import Clock
from hintsync.state.port import StateStore

#: Seconds that the calls counted at other connections serve; new ones are counted at one.
_OTHERS_AGE = 300.0


class Ledger:
    """A book (`replicas.hint.budget.Book`) whose pages are the store's.

    All calls are counted at the connection that comes first; where another came first earlier that day, its sum counts on.
    """

    def __init__(self, store: StateStore, clock: Clock) -> None:
        """Take the store; nothing is read yet."""
        self._store = store
        self._clock = clock
        #: Calls that were made before there was any connection to count them at.
        self._early = 0
        self._others = 0
        self._others_at = float("-inf")
        self._others_of = ""

    async def add(self, day: str, calls: int) -> int:
        """Add to the calls of a UTC day; return the sum over all workers and connections."""
        ids = sorted(connection.id for connection in await self._store.connections())
        if not ids:
            self._early += calls
            return self._early
        calls, self._early = calls + self._early, 0
        return await self._store.add_calls(ids[0], Side.HINT, day, calls) + await self._elsewhere(ids[1:], day)

    async def _elsewhere(self, ids: list[str], day: str) -> int:
        now, of = self._clock.monotonic(), f"{day} {ids}"
        if now - self._others_at >= _OTHERS_AGE or of != self._others_of:
            self._others = sum([await self._store.add_calls(each, Side.HINT, day, 0) for each in ids])
            self._others_at, self._others_of = now, of
        return self._others
