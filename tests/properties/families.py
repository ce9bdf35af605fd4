"""Invented families that try to fool matching: pairs of people of whom one is registered on each side.

Each family has a last name of its own, so two records of different families never meet by chance and every automatic
link between two people is the fault of the rule, not of the dice. Names are built from syllables; nobody is real.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random

from hintsync.core.person import Person

_SYLLABLES = ["ba", "den", "fi", "gor", "hal", "jen", "ka", "lo", "mer", "nu", "pel", "ras", "sil", "ta", "vo", "wen"]
_FIRSTS = ["Jayden", "Maren", "Tobias", "Ilse", "Kofi", "Priya", "Noemi", "Anselm", "Zuri", "Emeka", "Solvej", "Ravi"]
_ALIKE = [("Jayden", "Kayden"), ("Mia", "Mya"), ("Ella", "Emma"), ("Tim", "Tom"), ("Hana", "Hanna"), ("Lee", "Leo")]
_NICKNAMES = [("Elizabeth", "Liz"), ("Robert", "Bob"), ("Katherine", "Kate"), ("William", "Bill"), ("Anthony", "Tony")]
_ACCENTS = [("José", "Jose"), ("Zoë", "Zoe"), ("René", "Rene"), ("Noël", "Noel"), ("Łukasz", "Lukasz")]


@dataclass(frozen=True, slots=True)
class Pair:
    """A record of Salesforce and one of Hint, and whether they are of one person."""

    kind: str
    salesforce: Person
    hint: Person
    same_person: bool


def family_name(number: int) -> str:
    """Give a last name that belongs to one family only."""
    syllables = []
    for _ in range(6):
        number, at = divmod(number, len(_SYLLABLES))
        syllables.append(_SYLLABLES[at])
    return "".join(syllables).capitalize()


def invent(rng: Random, number: int) -> Person:
    """Invent somebody of a family, with a home, mail and phone that the family shares."""
    last = family_name(number)
    return Person(
        first=rng.choice(_FIRSTS),
        last=last,
        birth_date=(date(1930, 1, 2) + timedelta(days=rng.randrange(30_000))).isoformat(),
        email=f"family{number}@example.com",
        phones=(f"+1415{number % 10_000_000:07d}",),
        street=f"{number % 900 + 1} {last} Road",
        city="Salem",
        zip=f"{number % 90_000 + 1_000:05d}",
    )


def other_day(rng: Random, person: Person, least: int = 300) -> str:
    """Give another birth date, not within a slip of the keyboard."""
    born = date.fromisoformat(person.birth_date or "1980-05-17")
    return (born + timedelta(days=least + rng.randrange(9_000))).isoformat()


def slipped_date(rng: Random, person: Person) -> str:
    """Give the birth date with one digit of the day wrong."""
    born = date.fromisoformat(person.birth_date or "1980-05-17")
    return born.replace(day=born.day + 1 if born.day < 28 else born.day - 1 - rng.randrange(5)).isoformat()


def swapped_date(person: Person) -> str:
    """Give the birth date with day and month exchanged, if that is a day; the date itself otherwise."""
    year, month, day = (person.birth_date or "1980-05-07").split("-")
    return f"{year}-{day}-{month}" if int(day) <= 12 else f"{year}-{month}-{day}"


def _other_first(rng: Random, person: Person) -> str:
    return rng.choice([first for first in _FIRSTS if first != person.first])


def _pair_of_names(names: list[tuple[str, str]]) -> Callable[[Random, Person], tuple[Person, Person]]:
    def make(rng: Random, person: Person) -> tuple[Person, Person]:
        one, other = rng.choice(names)
        return replace(person, first=one), replace(person, first=other)

    return make


def _both(**values: str | None) -> Callable[[Random, Person], tuple[Person, Person]]:
    def make(_: Random, person: Person) -> tuple[Person, Person]:
        damaged = replace(person, **values)  # type: ignore[arg-type]
        return damaged, damaged

    return make


def _twins(rng: Random, person: Person) -> tuple[Person, Person]:
    return person, replace(person, first=_other_first(rng, person))


def _senior_and_junior(rng: Random, person: Person) -> tuple[Person, Person]:
    return person, replace(person, suffix="Jr", birth_date=other_day(rng, person, 6_500))


def _junior_in_last_name(rng: Random, person: Person) -> tuple[Person, Person]:
    born = date.fromisoformat(person.birth_date or "1980-05-17")
    day = min(born.day, 28)
    return person, replace(
        person, last=f"{person.last} Jr", birth_date=born.replace(year=born.year + 30, day=day).isoformat()
    )


def _siblings(rng: Random, person: Person) -> tuple[Person, Person]:
    return person, replace(person, first=_other_first(rng, person), birth_date=other_day(rng, person))


def _mother_and_daughter(rng: Random, person: Person) -> tuple[Person, Person]:
    return replace(person, last=f"{person.last}-Moore"), replace(person, birth_date=other_day(rng, person, 6_500))


def _cousins_a_day_apart(rng: Random, person: Person) -> tuple[Person, Person]:
    return person, replace(person, birth_date=slipped_date(rng, person), email=None, phones=(), street=None, zip=None)


def _names_exchanged(_: Random, person: Person) -> tuple[Person, Person]:
    return person, replace(person, first=person.last, last=person.first)


def _one_date_missing(_: Random, person: Person) -> tuple[Person, Person]:
    return person, replace(person, birth_date=None)


def _married_into_the_name(rng: Random, person: Person) -> tuple[Person, Person]:
    return person, replace(person, first=person.first, last=f"{person.last}-{rng.choice(_FIRSTS)}")


def _spaced(_: Random, person: Person) -> tuple[Person, Person]:
    return replace(person, first="Ann Marie"), replace(person, first="Annmarie")


#: Two different people who look like one.
STRANGERS: dict[str, Callable[[Random, Person], tuple[Person, Person]]] = {
    "twins": _twins,
    "twins with names alike": _pair_of_names(_ALIKE),
    "Sr and Jr": _senior_and_junior,
    "Jr in the last name, same birthday": _junior_in_last_name,
    "siblings sharing mail and phone": _siblings,
    "mother and daughter of one first name": _mother_and_daughter,
    "cousins born a day apart": _cousins_a_day_apart,
    "first and last name exchanged": _names_exchanged,
    "one without a birth date": _one_date_missing,
    "both without a birth date": _both(birth_date=None),
    "both with a placeholder date": _both(birth_date="1900-01-01"),
    "both with a day that never was": _both(birth_date="2001-02-30"),
    "both without a first name": _both(first=None),
    "both with an unseen first name": _both(first="\u200b"),
    "both without a last name": _both(last=" "),
    "names differ by accents": _pair_of_names(_ACCENTS),
    "one's nickname is the other's name": _pair_of_names(_NICKNAMES),
    "names differ by a space": _spaced,
    "in-laws, one with a double name": _married_into_the_name,
}


def _as_is(_: Random, person: Person) -> tuple[Person, Person]:
    return person, replace(person, email=None, phones=())


def _other_writing(rng: Random, person: Person) -> tuple[Person, Person]:
    first, last = person.first or "", person.last or ""
    one = replace(person, first="Mary Ann", last=f"O'{last}-{first}")
    other = replace(
        one,
        first=rng.choice(["MARY ANN", "Mary\u00a0Ann", " Mary  Ann ", "Mary\u200b Ann"]),
        last=rng.choice([f"O\u2019{last}\u2011{first}", f"o`{last}-{first}".upper(), f"O\u02bc{last}\u2013{first}"]),
    )
    return one, other


def _slip_in_first(_: Random, person: Person) -> tuple[Person, Person]:
    first = person.first or ""
    return person, replace(person, first=first[:-2] + first[-1] + first[-2])


def _slip_in_date(rng: Random, person: Person) -> tuple[Person, Person]:
    return person, replace(person, birth_date=slipped_date(rng, person))


def _day_and_month(_: Random, person: Person) -> tuple[Person, Person]:
    return replace(person, birth_date="1984-03-02"), replace(person, birth_date="1984-02-03")


def _new_last_name(_: Random, person: Person) -> tuple[Person, Person]:
    return person, replace(person, last="Moore")


#: One person registered twice, as clerks and forms do it.
SAME: dict[str, Callable[[Random, Person], tuple[Person, Person]]] = {
    "the same": _as_is,
    "written otherwise": _other_writing,
    "nickname": _pair_of_names(_NICKNAMES),
    "accent lost": _pair_of_names(_ACCENTS),
    "slip in the first name": _slip_in_first,
    "slip in the birth date": _slip_in_date,
    "day and month exchanged": _day_and_month,
    "names exchanged": _names_exchanged,
    "birth date missing on a side": _one_date_missing,
    "new last name": _new_last_name,
    "second last name added": _married_into_the_name,
}

#: Two different people equal in all three parts of the key; no rule on the key can tell them apart.
IDENTICAL = "different people, identical in all three parts"


def invent_pairs(rng: Random, strangers: int, same: int, identical: int) -> Iterator[Pair]:
    """Invent pairs of each sort, its kinds in turn."""
    numbers = iter(range(strangers + same + identical))
    for kinds, count, same_person in ((STRANGERS, strangers, False), (SAME, same, True)):
        names = list(kinds)
        for at in range(count):
            kind = names[at % len(names)]
            salesforce, hint = kinds[kind](rng, invent(rng, next(numbers)))
            yield Pair(kind, salesforce, hint, same_person)
    for number in numbers:
        person = invent(rng, number)
        yield Pair(IDENTICAL, person, replace(person, email=None, phones=(), street=None), same_person=False)
