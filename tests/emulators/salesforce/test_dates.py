"""Which days a date literal covers."""

from __future__ import annotations

from datetime import date

import pytest

from hintsync_emulators.salesforce.soql.dates import span

#: A Sunday, a leap day and the last day of a year.
SUNDAY, LEAP, LAST = date(2026, 3, 1), date(2024, 2, 29), date(2025, 12, 31)


@pytest.mark.parametrize(
    ("today", "name", "count", "first", "after"),
    [
        (LEAP, "TODAY", None, date(2024, 2, 29), date(2024, 3, 1)),
        (LEAP, "YESTERDAY", None, date(2024, 2, 28), date(2024, 2, 29)),
        (LAST, "TOMORROW", None, date(2026, 1, 1), date(2026, 1, 2)),
        (SUNDAY, "THIS_WEEK", None, date(2026, 3, 1), date(2026, 3, 8)),
        (SUNDAY, "LAST_WEEK", None, date(2026, 2, 22), date(2026, 3, 1)),
        (LAST, "NEXT_WEEK", None, date(2026, 1, 4), date(2026, 1, 11)),
        (LEAP, "THIS_MONTH", None, date(2024, 2, 1), date(2024, 3, 1)),
        (LAST, "NEXT_MONTH", None, date(2026, 1, 1), date(2026, 2, 1)),
        (SUNDAY, "LAST_QUARTER", None, date(2025, 10, 1), date(2026, 1, 1)),
        (LAST, "NEXT_QUARTER", None, date(2026, 1, 1), date(2026, 4, 1)),
        (LEAP, "LAST_YEAR", None, date(2023, 1, 1), date(2024, 1, 1)),
        (LEAP, "LAST_90_DAYS", None, date(2023, 12, 1), date(2024, 3, 1)),
        (LEAP, "LAST_N_DAYS", 1, date(2024, 2, 28), date(2024, 3, 1)),
        (LAST, "NEXT_N_DAYS", 2, date(2026, 1, 1), date(2026, 1, 3)),
        (LEAP, "N_DAYS_AGO", 3, date(2024, 2, 26), date(2024, 2, 27)),
        (LAST, "LAST_N_MONTHS", 2, date(2025, 10, 1), date(2025, 12, 1)),
        (LAST, "NEXT_N_YEARS", 2, date(2026, 1, 1), date(2028, 1, 1)),
        (SUNDAY, "N_MONTHS_AGO", 14, date(2025, 1, 1), date(2025, 2, 1)),
        (SUNDAY, "LAST_N_WEEKS", 2, date(2026, 2, 15), date(2026, 3, 1)),
    ],
)
def test_a_literal_covers(today: date, name: str, count: int | None, first: date, after: date) -> None:
    assert span(name, count, today) == (first, after)


@pytest.mark.parametrize(
    ("name", "count"), [("SOMEDAY", None), ("TODAY", 3), ("LAST_N_DAYS", None), ("LAST_N_MOONS", 2)]
)
def test_other_words_are_no_literals(name: str, count: int | None) -> None:
    assert span(name, count, LEAP) is None
