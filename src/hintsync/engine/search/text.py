"""What a person types into the search box, understood piece by piece, and how well a record fits it.

A search runs at every key pressed, so each piece may be unfinished: `joh smi`, `smith, j`, `3/2/84`, `1984-03`,
`(415) 555`, `jo.smith@`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from hintsync.core.near import Evidence, Grade, NearMatch
from hintsync.core.near_details import date_digits, email_form, phone_digits
from hintsync.core.near_names import bare_words, name_form
from hintsync.core.near_weights import Field, Verdict
from hintsync.core.person import Person

#: In a date mask, a digit that was not typed (yet); SQL's LIKE reads it the same way.
ANY_DIGIT: Final = "_"

_YEAR_FIRST: Final = re.compile(r"((?:1[89]|20)[0-9]{2})[-/.]([0-9]{0,2})(?:[-/.]([0-9]{0,2}))?")
_YEAR_LAST: Final = re.compile(r"([0-9]{1,2})[/.]([0-9]{0,2})(?:[/.]([0-9]{0,4}))?")
_YEAR_ALONE: Final = re.compile(r"(?:1[89]|20)[0-9]{2}")
_RUN_TOGETHER: Final = re.compile(r"((?:1[89]|20)[0-9]{2})(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])")
_PHONE_PIECE: Final = re.compile(r"[+(]*[0-9][-0-9().+]*")
_NOT_DIGIT: Final = re.compile(r"[^0-9]+")

#: From here up a beginning of a phone number picks few enough people to start a search from.
_SELECTIVE_DIGITS: Final = 5


#: A phone number typed without its area code is whole.
_WHOLE_PHONE_DIGITS: Final = 7


@dataclass(frozen=True, slots=True)
class Typed:
    """A search text, taken apart."""

    #: Names or their beginnings in compared form, in the order typed.
    words: tuple[str, ...] = ()
    #: Whether the first word is the last name (`smith, j`).
    last_first: bool = False
    #: Readings of a birth date: eight characters, year first, `_` where no digit is known. Any one may fit.
    dates: tuple[str, ...] = ()
    #: The beginning of a phone number, or of its last seven or four digits; may be the same digits as in `dates`.
    digits: str = ""
    #: The beginning of an e-mail address, told by its @.
    email: str = ""
    #: The whole text, if it is one piece without @ that may yet become an e-mail address.
    lone: str = ""

    @property
    def whole_dates(self) -> tuple[str, ...]:
        """The readings of the date that leave no digit open."""
        return tuple(mask for mask in self.dates if ANY_DIGIT not in mask)

    @property
    def number_is_selective(self) -> bool:
        """Whether date or phone number alone pick few people."""
        if self.dates and len(self.whole_dates) == len(self.dates):
            return True
        return not self.dates and len(self.digits) >= _SELECTIVE_DIGITS

    def as_people(self) -> Iterator[Person]:
        """Read the text as a finished description of a person, once for each reading of the date; none if too little.

        Words of one letter are left out: too many people share them to look for the like.
        """
        words = tuple(word for word in self.words if len(word) > 1 or not word.isascii())
        if len(words) + bool(self.whole_dates) < 2:
            return
        ordered = (*words[1:], words[0]) if self.last_first else words
        first, last = " ".join(ordered[:-1]) or None, ordered[-1] if ordered else None
        for mask in self.whole_dates or (None,):
            birth_date = f"{mask[:4]}-{mask[4:6]}-{mask[6:]}" if mask else None
            yield Person(first=first, last=last, birth_date=birth_date)


def understand(text: str) -> Typed:
    """Take a search text apart; anything at all is understood, if only as no words."""
    words: list[str] = []
    dates: tuple[str, ...] = ()
    digits, email = "", ""
    pieces = text.replace(",", " ").split()
    for piece in pieces:
        if "@" in piece:
            email = email_form(piece)
        elif masks := tuple(date_masks(piece)):
            dates = masks
        elif _PHONE_PIECE.fullmatch(piece):
            digits += _NOT_DIGIT.sub("", piece)
        else:
            words.extend(bare_words(piece))
    if not dates:
        dates = tuple(_bare_number_masks(digits))
    lone = email_form(pieces[0]) if len(pieces) == len(words) == 1 else ""
    return Typed(tuple(words), _names_last_first(text), dates, _national(digits), email, lone)


def _names_last_first(text: str) -> bool:
    before, comma, _ = text.partition(",")
    return bool(comma) and len(bare_words(before)) == 1


def _national(digits: str) -> str:
    return digits[1:] if len(digits) == 11 and digits[0] == "1" else digits


def date_masks(piece: str) -> Iterator[str]:
    """Give the readings of a piece of text that is written as a date or its beginning; none if it is not.

    `3/2/1984` is read as 2 March first and as 3 February second.
    """
    if found := _YEAR_FIRST.fullmatch(piece):
        year, month, day = found.groups(default="")
        yield from (year + month_mask + day_mask for month_mask in _fill(month) for day_mask in _fill(day))
    elif found := _YEAR_LAST.fullmatch(piece):
        one, other, year = found.groups(default="")
        for month, day in ((one, other), (other, one)):
            if month and int(month) <= 12:
                yield from _month_first(month, day, year)


def _month_first(month: str, day: str, year: str) -> Iterator[str]:
    years = [year.ljust(4, ANY_DIGIT)]
    if len(year) == 2:
        years.append(ANY_DIGIT * 2 + year)
    for year_mask in years:
        yield from (year_mask + month_mask + day_mask for month_mask in _fill(month) for day_mask in _fill(day))


def _fill(piece: str) -> tuple[str, ...]:
    """Give the readings of an unfinished month or day: `3` is 03, or the beginning of 30 and 31."""
    if len(piece) == 2:
        return (piece,)
    if not piece:
        return (ANY_DIGIT * 2,)
    return (f"0{piece}", piece + ANY_DIGIT) if piece in "0123" else (f"0{piece}",)


def _bare_number_masks(digits: str) -> Iterator[str]:
    if _RUN_TOGETHER.fullmatch(digits):
        yield digits
    elif _YEAR_ALONE.fullmatch(digits):
        yield digits + ANY_DIGIT * 4


def name_words(person: Person) -> tuple[str, ...]:
    """Give the words by which a person's names can be found, each once, first names first.

    A name of several words can also be typed in one (Delacruz), and names in scripts without spaces last name first.
    """
    parts = [person.first, person.middle, person.chosen_first, person.last, person.chosen_last]
    forms = [name_form(part) for part in parts]
    words = [word for form in forms for word in form.words]
    words += [form.bare for form in forms if len(form.words) > 1]
    first, last = forms[0].bare, forms[3].bare
    if last and not last.isascii():
        words.append(last + first)
    return tuple(dict.fromkeys(words))


def phone_forms(person: Person) -> Iterator[str]:
    """Give the beginnings at which a phone number can be typed: the whole, the last seven and the last four digits."""
    for digits in filter(None, map(phone_digits, person.phones)):
        yield from {digits, digits[-7:], digits[-4:]}


def date_fits(masks: Iterable[str], digits: str) -> bool:
    """Tell whether a birth date of eight digits fits one of the readings."""
    return bool(digits) and any(
        all(typed in (ANY_DIGIT, is_) for typed, is_ in zip(mask, digits, strict=True)) for mask in masks
    )


def fit(typed: Typed, person: Person) -> NearMatch | None:
    """Judge how a record fits what was typed, piece by piece.

    Returns:
        Evidence of grade possible, whose weight only ranks: a point for a piece typed in full, less for its beginning.
        None if a piece does not fit.
    """
    lines: list[Evidence] = []
    for word in typed.words:
        line = _word_line(word, person)
        if line is None:
            return None
        lines.append(line)
    if typed.dates or typed.digits:
        number = _date_line(typed, date_digits(person.birth_date)) or _phone_line(typed, person)
        if number is None:
            return None
        lines.append(number)
    if typed.email:
        if not email_form(person.email).startswith(typed.email):
            return None
        lines.append(_typed_line(Field.EMAIL, whole=email_form(person.email) == typed.email))
    weight = sum(line.weight for line in lines) + _order_bonus(typed, person)
    return NearMatch(Grade.POSSIBLE, 0.0, weight, tuple(lines))


def _word_line(word: str, person: Person) -> Evidence | None:
    """Find the name that a typed word is, or else the one it covers most of."""
    last = (*name_form(person.last).words, *name_form(person.chosen_last).words)
    every = name_words(person)
    if word in every:
        return _typed_line(Field.LAST_NAME if word in last else Field.FIRST_NAME, whole=True)
    begun = [name for name in every if name.startswith(word)]
    if not begun:
        return None
    nearest = min(begun, key=len)
    field = Field.LAST_NAME if nearest in last else Field.FIRST_NAME
    return Evidence(field, Verdict.BEGINS_AS_TYPED, 0.9 * len(word) / len(nearest))


def _date_line(typed: Typed, digits: str) -> Evidence | None:
    """Weigh a birth date that fits; the first reading of what was typed more than the others."""
    if not date_fits(typed.dates, digits):
        return None
    if not typed.whole_dates:
        return _typed_line(Field.BIRTH_DATE, whole=False)
    return Evidence(Field.BIRTH_DATE, Verdict.TYPED, 1.0 if date_fits(typed.dates[:1], digits) else 0.9)


def _phone_line(typed: Typed, person: Person) -> Evidence | None:
    if not typed.digits or not any(form.startswith(typed.digits) for form in phone_forms(person)):
        return None
    return _typed_line(Field.PHONE, whole=len(typed.digits) >= _WHOLE_PHONE_DIGITS)


def _typed_line(field: Field, *, whole: bool) -> Evidence:
    return Evidence(field, Verdict.TYPED, 1.0) if whole else Evidence(field, Verdict.BEGINS_AS_TYPED, 0.5)


def _order_bonus(typed: Typed, person: Person) -> float:
    """Rank up a record whose first name and last name stand where they were typed."""
    if len(typed.words) < 2:
        return 0.0
    first, last = typed.words[0], typed.words[-1]
    if typed.last_first:
        first, last = typed.words[1], typed.words[0]
    stands = name_form(person.first).bare.startswith(first) and name_form(person.last).bare.startswith(last)
    return 0.25 if stands else 0.0
