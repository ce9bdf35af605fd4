"""How birth dates and ways to reach a person compare: the verdict on each pair of values."""

from __future__ import annotations

import re
from typing import Final

from rapidfuzz.distance import OSA, JaroWinkler

from hintsync.core.match import fold_name
from hintsync.core.near_names import bare_words
from hintsync.core.near_weights import CITY_LIKENESS, STREET_LIKENESS, Verdict

_DATE_DIGITS: Final = re.compile(r"\s*([0-9]{4})-([0-9]{2})-([0-9]{2})\s*")
_NOT_DIGIT: Final = re.compile(r"[^0-9]+")
_PHONE_DIGITS: Final = 10

#: Numbers shorter than this are extensions or slips, shared by chance.
_FEWEST_PHONE_DIGITS: Final = 7


def date_digits(birth_date: str | None) -> str:
    """Give a birth date as eight digits, year first; `""` if it is missing or written in another form.

    The day need not exist: a slip of the keyboard makes 31 February, and is still likeness.
    """
    found = _DATE_DIGITS.fullmatch(birth_date or "")
    return "".join(found.groups()) if found else ""


def swap_day_and_month(digits: str) -> str:
    """Exchange day and month of a date of eight digits."""
    return digits[:4] + digits[6:] + digits[4:6]


def compare_dates(mine: str, theirs: str, placeholders: frozenset[str]) -> Verdict:
    """Judge two birth dates of eight digits each, or `""`; `placeholders` in the same form."""
    if not mine or not theirs:
        return Verdict.MISSING
    if mine in placeholders or theirs in placeholders:
        return Verdict.PLACEHOLDER
    if mine == theirs:
        return Verdict.FIRST_OF_JANUARY if mine.endswith("0101") else Verdict.EQUAL
    if swap_day_and_month(mine) == theirs:
        return Verdict.DAY_AND_MONTH_SWAPPED
    slips = OSA.distance(mine, theirs, score_cutoff=2)
    if slips <= 2:
        return Verdict.ONE_SLIP if slips == 1 else Verdict.TWO_SLIPS
    return Verdict.SAME_YEAR if mine[:4] == theirs[:4] else Verdict.DIFFERENT


def phone_digits(phone: str) -> str:
    """Give the digits by which a phone number is compared: the last ten, without extension; `""` for too few."""
    digits = _NOT_DIGIT.sub("", phone.lower().partition(";")[0].partition("x")[0])
    return digits[-_PHONE_DIGITS:] if len(digits) >= _FEWEST_PHONE_DIGITS else ""


def email_form(email: str | None) -> str:
    """Give an e-mail address as compared: without case and outer space."""
    return (email or "").strip().casefold()


def street_form(street: str | None) -> str:
    """Give a street as compared: words without case, accents and punctuation, in one line."""
    return " ".join(bare_words(street or ""))


def zip_form(code: str | None) -> str:
    """Give a postal code as compared: the five digits of a ZIP+4, otherwise letters and digits; `""` for zeros only."""
    form = "".join(bare_words(code or ""))
    if not form.strip("0"):
        return ""
    return form[:5] if len(form) == 9 and form.isdigit() else form


def compare_streets(mine: str, theirs: str) -> Verdict:
    """Judge two streets that are not blank, in compared form; with different house numbers they are at best similar."""
    likeness = JaroWinkler.similarity(*sorted((mine, theirs)))
    best = next((verdict for least, verdict in STREET_LIKENESS if likeness >= least), Verdict.DIFFERENT)
    if best is Verdict.EQUAL and _house_number(mine) != _house_number(theirs):
        return Verdict.SIMILAR
    return best


def _house_number(street: str) -> str:
    word = street.partition(" ")[0]
    return word if word[:1].isdigit() else ""


def compare_cities(mine: str, theirs: str) -> Verdict:
    """Judge two cities that are not blank, in compared form."""
    alike = JaroWinkler.similarity(*sorted((mine, theirs))) >= CITY_LIKENESS
    return Verdict.EQUAL if alike else Verdict.DIFFERENT


def compare_zips(mine: str, theirs: str) -> Verdict:
    """Judge two postal codes that are not blank, in compared form."""
    if mine == theirs:
        return Verdict.EQUAL
    return Verdict.ONE_SLIP if OSA.distance(mine, theirs, score_cutoff=1) == 1 else Verdict.DIFFERENT


def suffix_form(suffix: str | None) -> str:
    """Give a suffix as compared: Jr and Sr in full or short are one."""
    form = fold_name(suffix or "").strip(".,")
    return {"junior": "jr", "senior": "sr", "2nd": "ii", "3rd": "iii"}.get(form, form)
