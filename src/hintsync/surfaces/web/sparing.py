"""Lets a line of the log through now and then, so that who may cause it cannot fill a disk with it."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds between two lines.
EVERY = 10.0


class Sparing:
    """One kind of line."""

    def __init__(self, *, every: float = EVERY, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Let the first one through.

        Args:
            every: seconds between two.
            monotonic: tells the time.
        """
        self._every = every
        self._monotonic = monotonic
        self._next = float("-inf")
        self._left_out = 0

    def left_out(self) -> int | None:
        """Return how many were left out since the last line if this one is due, else None."""
        now = self._monotonic()
        if now < self._next:
            self._left_out += 1
            return None
        self._next = now + self._every
        before, self._left_out = self._left_out, 0
        return before
