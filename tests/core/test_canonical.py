"""Canonical forms of plain values: examples of semantics section 1."""

from __future__ import annotations

import pytest

from hintsync.core.canonical import Unreadable, calendar_day, checkbox, email, street, street_lines, text, timestamp


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("  Ana\u00a0 María\t", "Ana María"),
        ("Mari\u0301a", "María"),
        ("McDONALD", "McDONALD"),
        ("李 小龍", "李 小龍"),
        (94110, "94110"),
        ("", None),
        (" \u2003\r\n", None),
        (None, None),
    ],
)
def test_s1_text_is_composed_trimmed_and_folded_and_keeps_its_case(raw: object, expected: str | None) -> None:
    assert text(raw) == expected


@pytest.mark.parametrize("raw", [True, 1.5, ["a"], {"a": 1}, "half a pair \ud83d"])
def test_s1_text_that_is_no_text_is_unreadable(raw: object) -> None:
    with pytest.raises(Unreadable):
        text(raw)


def test_s1_an_unreadable_value_is_not_quoted_by_its_exception() -> None:
    with pytest.raises(Unreadable) as caught:
        calendar_day("born in spring")
    assert str(caught.value) == ""
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("Ana.Ruiz@Example.ORG ", "ana.ruiz@example.org"), ("", None), ("WEIẞ@example.org", "weiß@example.org")],
)
def test_s1_email_is_lower_case_and_stays_the_same_mailbox(raw: str, expected: str | None) -> None:
    assert email(raw) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("1956-04-24", "1956-04-24"),
        (" 2024-02-29 ", "2024-02-29"),
        ("", None),
        (None, None),
        (0, "1970-01-01"),
        (-86_400_000, "1969-12-31"),
    ],
)
def test_s1_dates_are_calendar_days(raw: object, expected: str | None) -> None:
    assert calendar_day(raw) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "2023-02-30",
        "-0050-01-0",
        "0000-01-01",
        "04/24/1956",
        "19560424",
        "2023-W01-1",
        "1956-4-24",
        "1956-04-24T00:00:00Z",
        "١٩٥٦-04-24",
        3_600_000,
        10**18,
        True,
        1956.0,
    ],
)
def test_s1_dates_that_do_not_exist_are_unreadable(raw: object) -> None:
    with pytest.raises(Unreadable):
        calendar_day(raw)


@pytest.mark.parametrize(
    "raw",
    [
        "2017-02-05T14:23:00Z",
        "2017-02-05T06:23:00.000000-08:00",
        "2017-02-05T06:23:00.9-0800",
        "2017-02-05T14:23:00.000+0000",
        "2017-02-05T14:23:00.529087Z",
        "2017-02-05T19:53:00+05:30",
        1_486_304_580_000,
        1_486_304_580_999,
    ],
)
def test_s1_timestamps_of_any_shape_are_utc_whole_seconds(raw: object) -> None:
    assert timestamp(raw) == "2017-02-05T14:23:00Z"


def test_s1_timestamps_before_1970_are_cut_to_the_second_they_lie_in() -> None:
    assert timestamp(-1) == timestamp("1969-12-31T23:59:59.999Z") == "1969-12-31T23:59:59Z"


@pytest.mark.parametrize(
    "raw",
    [
        "2017-02-05T06:23:00",
        "2017-02-05",
        "2017-02-30T06:23:00Z",
        "2017-02-05T25:00:00Z",
        "9999-12-31T23:59:59-08:00",
        "2017-W05-1T06:23:00Z",
        "yesterday at about noon!",
        10**18,
        True,
    ],
)
def test_s1_timestamps_without_a_zone_or_a_meaning_are_unreadable(raw: object) -> None:
    with pytest.raises(Unreadable):
        timestamp(raw)


@pytest.mark.parametrize(("raw", "expected"), [(None, None), ("", None), ("  ", None)])
def test_s1_blank_timestamps_are_blank(raw: object, expected: None) -> None:
    assert timestamp(raw) is expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [(None, False), (False, False), ("", False), ("false", False), (0, False), (True, True), ("TRUE", True), (1, True)],
)
def test_s1_a_checkbox_has_two_values_and_is_never_blank(raw: object, expected: bool) -> None:
    assert checkbox(raw) is expected


@pytest.mark.parametrize("raw", ["maybe", 2, 1.5, []])
def test_s1_a_checkbox_that_says_neither_is_unreadable(raw: object) -> None:
    with pytest.raises(Unreadable):
        checkbox(raw)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("157 E Houston St\r\nSuite 2402", "157 E Houston St\nSuite 2402"),
        ("157  E Houston St", "157 E Houston St"),
        ("\n \n12 Elm\n\nUnit 3\rRear  door\n", "12 Elm\nUnit 3 Rear door"),
        ("\nSuite 5", "Suite 5"),
        ("\r\n", None),
        (None, None),
    ],
)
def test_s1_a_street_is_its_first_line_and_the_rest_folded_to_one(raw: object, expected: str | None) -> None:
    assert street(raw) == expected


def test_s1_a_street_fills_hints_two_lines() -> None:
    assert street_lines("12 Elm\nUnit 3 Rear door") == ("12 Elm", "Unit 3 Rear door")
    assert street_lines("12 Elm") == ("12 Elm", None)
    assert street_lines(None) == (None, None)
