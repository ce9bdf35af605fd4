"""The timetable of a clinic's week: when people edit, and what goes wrong when. Hours are counted from Monday, midnight, UTC."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

DAY = 24.0
WEEK = 7 * DAY
#: Share of a day's edits that falls into each hour: nobody at night, a peak before and after noon.
_HOURS = (0, 0, 0, 0, 0, 0, 1, 3, 8, 11, 12, 11, 6, 9, 12, 11, 8, 4, 2, 1, 1, 0, 0, 0)
#: Edits of each side on a weekday, and on a day of the weekend.
_WEEKDAY, _WEEKEND = 240, 60


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasts, from one hour of the week to another."""

    what: str
    begins: float
    ends: float

    def holds(self, hour: float) -> bool:
        """Say whether it is going on."""
        return self.begins <= hour < self.ends


def at(day: int, hour: float) -> float:
    """Return the hour of the week of an hour of a day, 0 being Monday."""
    return day * DAY + hour


#: Everything that goes wrong in the week.
TROUBLE = (
    Span("hint down", at(1, 10), at(1, 13)),
    Span("storm", at(1, 15), at(1, 16)),
    Span("salesforce down", at(2, 8), at(2, 20)),
    Span("webhooks muted", at(3, 0), at(4, 0)),
    Span("stream broken", at(3, 6), at(6, 10)),  # 76 hours: the position is lost by then
    Span("storm", at(4, 11), at(4, 12)),
    Span("process down", at(4, 22), at(5, 7)),
    Span("process down", at(5, 10), at(6, 10)),
)
#: Moments of single things that people do.
NEW_PATIENTS = tuple(at(day, hour) for day in range(7) for hour in (9.5, 14.5))
DELETION, MERGE = at(2, 6.5), at(4, 14.25)
CONFLICTS = tuple(at(day, 8.75) for day in range(5))


def is_on(what: str, hour: float) -> bool:
    """Say whether a kind of trouble is going on."""
    return any(span.what == what and span.holds(hour) for span in TROUBLE)


def edit_moments(chance: random.Random) -> Iterator[float]:
    """Yield the hours of one side's edits over the week, in order."""
    for day in range(7):
        count = _WEEKDAY if day < 5 else _WEEKEND
        hours = chance.choices(range(24), _HOURS, k=count)
        yield from sorted(at(day, hour + chance.random()) for hour in hours)
