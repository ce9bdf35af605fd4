"""The arithmetic of API budgets: when the next call may start, and what of the day's allowance a batch may use (G6)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast calls may start: a rate in the long run, and how many may start at once after a pause."""

    #: Calls a second, above 0.
    per_second: float
    #: At least 1.
    burst: int = 1

    def __post_init__(self) -> None:
        """Refuse a pace that nothing could keep.

        Raises:
            ValueError: the rate is not above 0, or the burst below 1.
        """
        if self.per_second <= 0 or self.burst < 1:
            raise ValueError("a pace needs a rate above 0 and a burst of at least 1")


@dataclass(frozen=True, slots=True)
class Turn:
    """When a call may start, and the schedule after it."""

    #: On the clock that `now` was read from, in seconds; not before `now`.
    start: float
    #: Where the evenly spaced schedule stands now; the only thing to be kept between calls.
    due: float


def take_turn(pace: Pace, due: float, now: float) -> Turn:
    """Give the next call its turn (generic cell rate algorithm): one number is all that is remembered.

    Args:
        pace: The limit.
        due: `Turn.due` of the call before; anything in the past for the first.
        now: The time, in seconds.
    """
    place = max(due, now)
    interval = 1 / pace.per_second
    return Turn(max(place - (pace.burst - 1) * interval, now), place + interval)


class Lane(StrEnum):
    """Who wants to make a call: a batch leaves the reserve alone, live sync and people may use it."""

    BATCH = "batch"
    LIVE = "live"
    INTERACTIVE = "interactive"


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
        return -int(-self.limit * self.reserve_share // 1)

    def left_for(self, lane: Lane) -> int:
        """Return the calls that a lane may still make."""
        return max(self.left - self.reserve, 0) if lane is Lane.BATCH else self.left

    def allows(self, calls: int, lane: Lane) -> bool:
        """Say whether a lane may make so many calls (guard G6): a batch pauses, live work goes on into the reserve."""
        return calls <= self.left_for(lane)
