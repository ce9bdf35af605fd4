"""The fixed weights of the near-match scorer, as one table.

Fellegi and Sunter's model: each line of evidence is the base-2 logarithm of how much more often it is seen between two
records of one person than between two strangers, and lines add up. The weights come from general knowledge of names,
dates and typing slips (docs/matching.md gives the reasons), were set before any data was scored, and are never trained:
the same two records get the same score everywhere, and a reviewer can add the lines up.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Field(StrEnum):
    """What a line of evidence is about."""

    FIRST_NAME = "first name"
    LAST_NAME = "last name"
    #: One record's first name against the other's last name.
    SWAPPED_NAME = "first and last name swapped:"
    MIDDLE_NAME = "middle name"
    SUFFIX = "suffix"
    BIRTH_DATE = "birth date"
    STREET = "street"
    CITY = "city"
    ZIP = "postal code"
    EMAIL = "e-mail"
    PHONE = "phone"


class Verdict(StrEnum):
    """How two values compare, in words that name no value."""

    EQUAL = "equal"
    EQUAL_BUT_MARKS = "equal but for accents, spaces or marks"
    NICKNAME = "a nickname of the other"
    NEARLY_EQUAL = "nearly equal"
    SIMILAR = "similar"
    REMOTELY_SIMILAR = "remotely similar"
    PART = "part of the other"
    MIDDLE_NAME_USED = "the other's middle name"
    INITIAL = "only an initial, which agrees"
    DIFFERENT = "different"
    MISSING = "missing on a side"
    FIRST_OF_JANUARY = "equal, a first of January"
    DAY_AND_MONTH_SWAPPED = "equal with day and month swapped"
    ONE_SLIP = "one keystroke apart"
    TWO_SLIPS = "two keystrokes apart"
    SAME_YEAR = "different days of one year"
    PLACEHOLDER = "a date that means unknown"
    SHARED = "shared"
    TYPED = "as typed"
    BEGINS_AS_TYPED = "begins as typed"


#: Share of one person's records that spell a name alike; equal names weigh log2(this x people / bearers of the name).
SPELT_ALIKE: Final = 0.8

#: Least and most that an equal name can weigh, in bits: first names repeat more than last names.
EQUAL_NAME_BOUNDS: Final[dict[Field, tuple[float, float]]] = {
    Field.FIRST_NAME: (3.0, 10.0),
    Field.LAST_NAME: (4.0, 13.0),
}

#: A name that is equal only without accents, spaces and punctuation weighs this much less.
MARKS_COST: Final = 1.0

#: A name that agrees with the other name of the other record (first with last) weighs this much less.
SWAPPED_NAME_COST: Final = 1.5

#: Least Jaro-Winkler likeness of two names, and the verdict from there up.
NAME_LIKENESS: Final[tuple[tuple[float, Verdict], ...]] = (
    (0.92, Verdict.NEARLY_EQUAL),
    (0.85, Verdict.SIMILAR),
    (0.75, Verdict.REMOTELY_SIMILAR),
)

#: The same for streets, whose text is longer and likelier to share pieces by chance.
STREET_LIKENESS: Final[tuple[tuple[float, Verdict], ...]] = ((0.95, Verdict.EQUAL), (0.85, Verdict.SIMILAR))

#: A city counts as the same from this Jaro-Winkler likeness up.
CITY_LIKENESS: Final = 0.92

_NAME: Final[dict[Verdict, float]] = {
    Verdict.NEARLY_EQUAL: 5.0,
    Verdict.SIMILAR: 2.5,
    Verdict.REMOTELY_SIMILAR: -1.0,
    Verdict.PART: 2.5,
    Verdict.INITIAL: 2.0,
    Verdict.DIFFERENT: -4.0,
    Verdict.MISSING: 0.0,
}

#: Bits for each verdict, field by field. Equal names weigh by their rarity instead (`EQUAL_NAME_BOUNDS`).
WEIGHTS: Final[dict[Field, dict[Verdict, float]]] = {
    Field.FIRST_NAME: {**_NAME, Verdict.NICKNAME: 5.0, Verdict.MIDDLE_NAME_USED: 4.0},
    Field.LAST_NAME: _NAME,
    Field.SWAPPED_NAME: {verdict: weight - SWAPPED_NAME_COST for verdict, weight in _NAME.items()},
    Field.MIDDLE_NAME: {
        Verdict.EQUAL: 3.0,
        Verdict.EQUAL_BUT_MARKS: 3.0,
        Verdict.NEARLY_EQUAL: 2.0,
        Verdict.SIMILAR: 1.0,
        Verdict.REMOTELY_SIMILAR: -1.0,
        Verdict.PART: 1.5,
        Verdict.INITIAL: 1.5,
        Verdict.DIFFERENT: -2.0,
    },
    Field.SUFFIX: {Verdict.EQUAL: 1.0, Verdict.DIFFERENT: -5.0, Verdict.MISSING: 0.0},
    Field.BIRTH_DATE: {
        Verdict.EQUAL: 13.0,
        Verdict.FIRST_OF_JANUARY: 9.0,
        Verdict.DAY_AND_MONTH_SWAPPED: 8.0,
        Verdict.ONE_SLIP: 7.0,
        Verdict.TWO_SLIPS: 3.0,
        Verdict.SAME_YEAR: -1.0,
        Verdict.DIFFERENT: -6.0,
        Verdict.PLACEHOLDER: 0.0,
        Verdict.MISSING: 0.0,
    },
    Field.STREET: {Verdict.EQUAL: 8.0, Verdict.SIMILAR: 5.0, Verdict.DIFFERENT: -1.5},
    Field.CITY: {Verdict.EQUAL: 3.0, Verdict.DIFFERENT: -1.0},
    Field.ZIP: {Verdict.EQUAL: 5.0, Verdict.ONE_SLIP: 2.0, Verdict.DIFFERENT: -1.0},
    Field.EMAIL: {Verdict.SHARED: 6.0},
    Field.PHONE: {Verdict.SHARED: 6.0},
}

#: People in a household, roughly: knowing that two records come from one home leaves this many people to choose from.
#: It bounds what last name, address, e-mail and phone may say together.
HOUSEHOLD_SIZE: Final = 3.0

#: Populations smaller than this are scored as if they were this large, so that a nearly empty index does not take
#: strangers for one person just because there are few to choose from.
SMALLEST_POPULATION: Final = 1_000

#: From this total up, in bits, a near match is graded probable: as likely one person as two.
PROBABLE_FROM: Final = 0.0

#: Below this total, in bits, a pair is not worth a person's time: less than one in 250.
POSSIBLE_FROM: Final = -8.0
