"""The texts a record is found under as somebody types, and the query that looks for what was typed.

Each record has one row for each word of its names, with that word first and the others behind it, so that any word may
be typed first; one for the sound of each name; and rows for birth date, phone numbers and e-mail address. All answer to
their beginnings by one ordered index.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import Final

from hintsync.core.near_details import date_digits, email_form
from hintsync.core.near_names import name_form
from hintsync.core.person import Person
from hintsync.engine.search.text import ANY_DIGIT, Typed, name_words, phone_forms

#: Most records that are ranked for what was typed; with more than that the text is too short to rank by.
_MOST_RANKED: Final = 100

# What a row of `forms` is about: its first character.
_NAME: Final = "n"
SOUND: Final = "s"
_BORN: Final = "b"
_BORN_MONTH_FIRST: Final = "m"
_PHONE: Final = "p"
EMAIL: Final = "e"

#: Sorts after every character that a form can go on with.
_AFTER_ALL: Final = "\U0010ffff"


def search_forms(person: Person) -> set[str]:
    """Give the texts under which a record is found as somebody types; pieces of a person's data, for memory only."""
    words = name_words(person)
    forms = {_NAME + " ".join((word, *words[:at], *words[at + 1 :])) for at, word in enumerate(words)}
    forms.update(SOUND + name_form(name).sound for name in (person.first, person.last) if name)
    if born := date_digits(person.birth_date):
        forms.update((_BORN + born, _BORN_MONTH_FIRST + born[4:] + born[:4]))
    forms.update(_PHONE + form for form in phone_forms(person))
    if email := email_form(person.email):
        forms.add(EMAIL + email)
    return forms


def selection(typed: Typed) -> tuple[str, list[str | int]] | None:
    """Choose the query that finds what was typed from its most telling piece; None if nothing was."""
    if typed.email:
        ranges = [EMAIL + typed.email]
    elif typed.words and not typed.number_is_selective:
        return _word_selection(typed)
    elif typed.dates or typed.digits:
        ranges = list(_number_ranges(typed))
    else:
        return None
    where = " OR ".join(["form >= ? AND form < ?"] * len(ranges))
    values = list(chain.from_iterable(map(bounds, ranges)))
    return f"SELECT p FROM forms WHERE {where} LIMIT ?", [*values, _MOST_RANKED]


def _word_selection(typed: Typed) -> tuple[str, list[str | int]]:
    longest = max(typed.words, key=len)
    others = list(typed.words)
    others.remove(longest)
    conditions = ["form >= ? AND form < ?", *["instr(form, ?)"] * len(others)]
    values: list[str | int] = [*bounds(_NAME + longest), *(f" {word}" for word in others)]
    if typed.dates or typed.digits:
        number = ["born LIKE ?"] * len(typed.dates)
        values += typed.dates
        if typed.digits:
            number.append("p IN (SELECT p FROM forms WHERE form >= ? AND form < ?)")
            values += bounds(_PHONE + typed.digits)
        conditions.append(f"({' OR '.join(number)})")
    return f"SELECT p FROM forms WHERE {' AND '.join(conditions)} LIMIT ?", [*values, _MOST_RANKED]


def _number_ranges(typed: Typed) -> Iterator[str]:
    for mask in typed.dates:
        year_first = mask.partition(ANY_DIGIT)[0]
        month_first = (mask[4:] + mask[:4]).partition(ANY_DIGIT)[0]
        yield _BORN + year_first if year_first else _BORN_MONTH_FIRST + month_first
    if typed.digits:
        yield _PHONE + typed.digits


def bounds(start: str) -> tuple[str, str]:
    """Give the bounds of all texts that begin so."""
    return start, start + _AFTER_ALL
