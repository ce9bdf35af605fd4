"""Remembers for a short while what an org said about a person."""

from __future__ import annotations

from typing import Generic, TypeVar

from hintsync.ports import Clock

_K = TypeVar("_K")
_V = TypeVar("_V")

#: Seconds for which an answer is believed; who loses a right in the org loses it here this soon.
BELIEVED = 60.0


class Believed(Generic[_K, _V]):
    """Answers of orgs, by what was asked, for as long as they are believed."""

    def __init__(self, clock: Clock) -> None:
        """Start with nothing."""
        self._clock = clock
        #: Each with the monotonic second until which it is believed.
        self._known: dict[_K, tuple[_V, float]] = {}

    def get(self, key: _K) -> _V | None:
        """Return what is believed; None: ask."""
        known = self._known.get(key)
        return known[0] if known is not None and self._clock.monotonic() < known[1] else None

    def put(self, key: _K, answer: _V) -> None:
        """Believe an answer from now on, and forget those whose time is over."""
        now = self._clock.monotonic()
        self._known = {each: kept for each, kept in self._known.items() if now < kept[1]}
        self._known[key] = (answer, now + BELIEVED)

    def drop(self, key: _K) -> None:
        """Believe it no longer."""
        self._known.pop(key, None)
