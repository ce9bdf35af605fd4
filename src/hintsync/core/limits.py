"""The arithmetic of API budgets: what of a day's allowance each kind of work may use (guard G6).

As a day's calls run out, work stops in an order: first what can be done tomorrow, last what a person waits for.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Purpose(StrEnum):
    """What calls are made for, in the order in which it stops as the day's allowance runs out."""

    PARITY = "parity"
    BATCH = "batch"
    CATCH_UP = "catch-up"
    LIVE = "live"
    #: A person waits for it: goes on to the last call.
    INTERACTIVE = "interactive"


#: What each kind of work leaves over, as a multiple of the reserve that the administrator set.
LEAVES: Final[Mapping[Purpose, float]] = {
    Purpose.PARITY: 1.5,
    Purpose.BATCH: 1.0,
    Purpose.CATCH_UP: 0.5,
    Purpose.LIVE: 0.1,
    Purpose.INTERACTIVE: 0.0,
}


@dataclass(frozen=True, slots=True)
class DayBudget:
    """The day's allowance of calls to one side, as far as it is known."""

    #: Calls of a day; for Salesforce of the last 24 hours, for Hint from midnight UTC.
    limit: int
    #: Calls used, by anybody.
    used: int
    #: Part of the limit that batches leave over, from 0 to below 1.
    reserve_share: float = 0.2
    #: Seconds until the used calls are given back; None where they come back bit by bit.
    resets_in: float | None = None

    @property
    def left(self) -> int:
        """Calls that are left at all."""
        return max(self.limit - self.used, 0)

    @property
    def reserve(self) -> int:
        """Calls that batches leave over, rounded up."""
        return self.kept_from(Purpose.BATCH)

    def kept_from(self, purpose: Purpose) -> int:
        """Return the calls that a kind of work leaves over, rounded up."""
        return math.ceil(self.limit * self.reserve_share * LEAVES[purpose])

    def left_for(self, purpose: Purpose) -> int:
        """Return the calls that a kind of work may still make."""
        return max(self.left - self.kept_from(purpose), 0)

    def allows(self, calls: int, purpose: Purpose) -> bool:
        """Say whether a kind of work may make so many calls (guard G6)."""
        return calls <= self.left_for(purpose)
