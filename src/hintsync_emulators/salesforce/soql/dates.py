"""Date literals of SOQL: each names a stretch of days ("Date Formats and Date Literals in WHERE")."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

#: First day, and the day after the last.
Span = tuple[date, date]


def span(name: str, count: int | None, today: date) -> Span | None:
    """Return the days that a literal covers, or None when there is no such literal.

    Args:
        name: in capitals, without the number, e.g. ``LAST_N_DAYS``.
        count: the number after the colon.
        today: the day it is in the org.
    """
    try:
        return _span(name, count, today)
    except (OverflowError, ValueError):
        # The days lie outside of what a calendar holds.
        return None


def _span(fiscal_name: str, count: int | None, today: date) -> Span | None:
    # The fiscal year of the emulated org is the calendar's.
    name = re.sub(r"FISCAL_(?=QUARTER|YEAR)", "", fiscal_name)
    if count is None:
        fixed = _FIXED.get(name)
        return fixed(today) if fixed else None
    found = re.fullmatch(
        r"(LAST|NEXT)_N_(DAYS|WEEKS|MONTHS|QUARTERS|YEARS)|N_(DAYS|WEEKS|MONTHS|QUARTERS|YEARS)_AGO", name
    )
    if found is None:
        return None
    if found.group(3):
        return _unit(found.group(3), today, -count)
    return _several(found.group(1), found.group(2), count, today)


def _several(side: str, unit: str, count: int, today: date) -> Span:
    if unit == "DAYS":
        if side == "LAST":
            return today - timedelta(days=count), today + timedelta(days=1)
        return today + timedelta(days=1), today + timedelta(days=count + 1)
    if side == "LAST":
        return _unit(unit, today, -count)[0], _unit(unit, today, 0)[0]
    return _unit(unit, today, 1)[0], _unit(unit, today, count)[1]


def _unit(unit: str, today: date, away: int) -> Span:
    """Return the day, week, month, quarter or year that lies so many units from the one today is in."""
    if unit == "DAYS":
        start = today + timedelta(days=away)
        return start, start + timedelta(days=1)
    if unit == "WEEKS":
        sunday = today - timedelta(days=(today.weekday() + 1) % 7)
        start = sunday + timedelta(weeks=away)
        return start, start + timedelta(weeks=1)
    months = {"MONTHS": 1, "QUARTERS": 3, "YEARS": 12}[unit]
    index = (today.year * 12 + today.month - 1) // months + away
    return _month(index * months), _month((index + 1) * months)


def _month(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)


def _fixed(unit: str, away: int) -> Callable[[date], Span]:
    return lambda today: _unit(unit, today, away)


_FIXED: dict[str, Callable[[date], Span]] = {
    "TODAY": _fixed("DAYS", 0),
    "YESTERDAY": _fixed("DAYS", -1),
    "TOMORROW": _fixed("DAYS", 1),
    "LAST_90_DAYS": lambda today: _several("LAST", "DAYS", 90, today),
    "NEXT_90_DAYS": lambda today: _several("NEXT", "DAYS", 90, today),
    **{
        f"{word}_{unit}": _fixed(f"{unit}S", away)
        for unit in ("WEEK", "MONTH", "QUARTER", "YEAR")
        for word, away in (("LAST", -1), ("THIS", 0), ("NEXT", 1))
    },
}
