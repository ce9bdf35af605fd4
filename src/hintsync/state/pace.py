"""The pace that workers share: the generic cell rate algorithm, whose whole memory is three numbers.

https://en.wikipedia.org/wiki/Generic_cell_rate_algorithm
"""

from __future__ import annotations

from dataclasses import dataclass, replace

#: Seconds by which a clock must have gone back to be taken for set anew; less is the workers' calls crossing.
CLOCK_JUMP = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """How far a schedule is given away; seconds since the epoch."""

    #: When the next place would begin if no burst were allowed.
    next_at: float = 0.0
    #: No place begins before.
    held_until: float = 0.0
    #: When a place was last taken or held.
    at: float = 0.0


def take(pace: Pace, now: float, *, interval: float, burst: int, turns: int) -> tuple[Pace, float]:
    """Take places; return the schedule after it and the seconds until the first of them begins."""
    pace = _at(pace, now)
    begin = max(pace.next_at, pace.held_until, now)
    wait = max(0.0, begin - (burst - 1) * interval - now, pace.held_until - now)
    return replace(pace, next_at=begin + turns * interval), wait


def hold(pace: Pace, now: float, seconds: float) -> Pace:
    """Return a schedule of which no place that is still to be taken begins for some seconds."""
    pace = _at(pace, now)
    return replace(pace, held_until=max(pace.held_until, now + seconds))


def _at(pace: Pace, now: float) -> Pace:
    # A clock set back by an hour must not make everybody wait for an hour.
    back = pace.at - now
    shift = back if back > CLOCK_JUMP else 0.0
    return Pace(pace.next_at - shift, pace.held_until - shift, now)
