"""How many events an org may have delivered in a day."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

_DAY = 86_400


@dataclass
class Allocation:
    """Deliveries of the rolling day: each event counts once for every subscriber that gets it."""

    #: Events a day; Enterprise Edition has 25,000 (Change Data Capture Developer Guide, "Allocations").
    daily: int = 25_000
    _taken: deque[tuple[int, int]] = field(default_factory=deque)

    def used(self, now: int) -> int:
        """Return how many events the day before an epoch second has seen."""
        while self._taken and self._taken[0][0] <= now - _DAY:
            self._taken.popleft()
        return sum(count for _, count in self._taken)

    def left(self, now: int) -> int:
        """Return how many more may be delivered."""
        return max(0, self.daily - self.used(now))

    def take(self, count: int, now: int) -> None:
        """Count deliveries."""
        if self._taken and self._taken[-1][0] == now:
            count += self._taken.pop()[1]
        self._taken.append((now, count))
