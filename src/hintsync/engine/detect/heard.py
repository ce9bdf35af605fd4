"""When a side was last heard of by an event of its own: kept for people to see that the line is alive."""

from __future__ import annotations

from collections.abc import Mapping

from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.state.port import StateStore

#: Seconds within which it is not noted again: it is for people, and stored with whatever the events bring anyway.
EVERY = 15.0


class Ear:
    """Notes that a side was heard of."""

    def __init__(self, side: Side) -> None:
        """Listen to a side."""
        self._side = side
        self._not_before = float("-inf")

    def heard(self, engine: Engine) -> Mapping[str, str]:
        """Return the cursor that notes an event that came just now; none if that was noted lately."""
        now = engine.clock.monotonic()
        if now < self._not_before:
            return {}
        self._not_before = now + EVERY
        return {_name(self._side): engine.now()}


async def last_heard(store: StateStore, connection_id: str, side: Side) -> str | None:
    """Return when an event of a side last came, at most `EVERY` seconds late; ISO 8601, UTC; None: never."""
    return await store.get_cursor(connection_id, _name(side)) or None


def _name(side: Side) -> str:
    return f"{side}:heard"
