"""The guards that stop a pass before it does a lot: wrong system, empty side, too many changes (G1 to G3).

Pure: they are told what was seen and say whether they trip. The engine raises `SafetyStop` and keeps later runs waiting.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from hintsync.core.records import FieldName
from hintsync.core.values import Side

#: Length of the window of G3, in seconds.
WINDOW_SECONDS: Final = 3600.0


class Trip(NamedTuple):
    """A guard that tripped, and why; ids, counts and field names only."""

    guard: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pin:
    """Which systems a connection belongs to."""

    org_id: str
    org_sandbox: bool
    practice_id: str


def check_identity(pinned: Pin, seen: Pin) -> Trip | None:
    """Guard G1: the org, its kind and the practice are those that an administrator pinned.

    A refreshed sandbox keeps settings and secrets of production, so the flag is pinned as well as the id.
    """
    if seen.org_id[:15] != pinned.org_id[:15]:  # 15 and 18 characters name the same org
        return Trip("G1", f"this is org {seen.org_id}, pinned is {pinned.org_id}")
    if seen.org_sandbox != pinned.org_sandbox:
        now, then = ("a sandbox", "production") if seen.org_sandbox else ("production", "a sandbox")
        return Trip("G1", f"org {seen.org_id} is {now}, pinned as {then}")
    if seen.practice_id != pinned.practice_id:
        return Trip("G1", f"this is practice {seen.practice_id}, pinned is {pinned.practice_id}")
    return None


def check_population(links: int, seen: Mapping[Side, int]) -> Trip | None:
    """Guard G2: no side answers with nobody at all while links exist; such a side is an outage until proven otherwise."""
    if links == 0:
        return None
    empty = [side for side, count in seen.items() if count == 0]
    return Trip("G2", f"{empty[0]} shows nobody, and there are {links} links") if empty else None


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much one side may change within the window (guard G3)."""

    #: Part of the existing links.
    share: float = 0.05
    #: However few links there are.
    at_least: int = 20

    def allowed(self, links: int) -> int:
        """Return how many links may be touched."""
        return max(int(links * self.share), self.at_least)


class RecentChanges:
    """What the changes of one side did, or would do, to existing links within the window; links are counted once.

    Pairs that a batch links for the first time do not belong in here.
    """

    def __init__(self) -> None:
        self._events: deque[tuple[float, str, frozenset[FieldName]]] = deque()

    def add(self, at: float, link_id: str, fields: Collection[FieldName] = ()) -> None:
        """Note that a link would be changed (with the fields), or suspended (without any); `at` in seconds, ascending."""
        self._events.append((at, link_id, frozenset(fields)))

    def check(self, now: float, links: int, tolerance: Tolerance = Tolerance()) -> Trip | None:
        """Guard G3: say whether the window holds more than is tolerated, in all or for a single field."""
        while self._events and self._events[0][0] <= now - WINDOW_SECONDS:
            self._events.popleft()
        allowed = tolerance.allowed(links)
        touched = {link_id for _, link_id, _ in self._events}
        if len(touched) <= allowed:
            return None
        pairs = {(link_id, name) for _, link_id, fields in self._events for name in fields}
        counts = Counter(name for _, name in pairs)
        most = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count > allowed)
        reason = f"{len(touched)} of {links} links within an hour, {allowed} are allowed"
        return Trip("G3", f"{reason} (by field: {most})" if most else reason)
