"""Knows when webhooks come in a burst: whoever sends them waits for each answer, and the records can wait.

A process that answers webhooks and works records does both on one event loop. While a burst lasts, groups of records are begun
rarely, so that the answers stay quick; and the longer a group waits, the more of the burst it takes at once; the schedule's
work is not begun at all. What people wait for is never put off, and neither is anything in a process that takes no webhooks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from hintsync.engine.context import Engine
from hintsync.state.port import StateStore

#: Events a second from which on it is a burst; a busy office makes a few.
MANY = 80.0
#: Seconds over which events are counted.
OVER = 1.0
#: Seconds of a burst before a group of one connection is begun, and between two of them, so that its end is not waited for.
BETWEEN = 5.0
#: Seconds of a burst for which the schedule's work waits; after that it is no burst but how things are.
PATIENCE = 300.0


@dataclass(slots=True)
class Surge:
    """The burst of one connection in this process. Times are seconds of a monotonic clock."""

    #: Events of the last `OVER` seconds, older ones fading.
    level: float = 0.0
    #: When the last ones came.
    heard_at: float = -math.inf
    #: When a group was last begun.
    begun_at: float = -math.inf
    #: When the latest burst began.
    since: float = -math.inf

    def hear(self, events: int, now: float) -> None:
        """Count events that came in."""
        was_on = self.is_on(now)
        self.level = self._faded(now) + events
        self.heard_at = now
        if not was_on and self.is_on(now):
            self.since = now

    def is_on(self, now: float) -> bool:
        """Say whether a burst is under way."""
        return self._faded(now) >= MANY * OVER

    def is_short(self, now: float) -> bool:
        """Say whether a burst is under way whose end what nobody waits for is worth waiting for."""
        return self.is_on(now) and now - self.since < PATIENCE

    def begin(self, now: float) -> bool:
        """Say whether a group may be begun now, and if so, count it as begun."""
        if self.is_on(now) and now - max(self.begun_at, self.since) < BETWEEN:
            return False
        self.begun_at = now
        return True

    def _faded(self, now: float) -> float:
        return self.level * math.exp(-max(now - self.heard_at, 0.0) / OVER)


_surges: WeakKeyDictionary[StateStore, dict[str, Surge]] = WeakKeyDictionary()


def surge_of(engine: Engine) -> Surge:
    """Return what this process knows of bursts of a connection."""
    return _surges.setdefault(engine.store, {}).setdefault(engine.connection.id, Surge())
