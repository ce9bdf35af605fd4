"""Inventing people."""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from hintsync_emulators.people_data import TRADITIONS, Tradition
from hintsync_emulators.people_details import Details, Home
from hintsync_emulators.people_person import COUNTRY, Person

_OLDEST = date(1931, 1, 1).toordinal()
_YOUNGEST = date(2024, 12, 31).toordinal()
_WEIGHTS = tuple(tradition.weight for tradition in TRADITIONS)
_SUFFIXES = ("Jr.", "Sr.", "II", "III")


def invent(count: int, seed: int = 0) -> Iterator[Person]:
    """Invents people one by one, the same for the same seed.

    Names come from many languages and scripts, with accents, apostrophes, hyphens and blanks. About a third of the
    people live in families that share address, home phone, often the e-mail address, and now and then a birth date.
    No two people have both name and birth date in common.

    Args:
        count: how many; a million takes less than a minute and little memory.
        seed: any whole number.
    """
    inventor = _Inventor(seed)
    for _ in range(count):
        yield inventor.next()


class _Inventor:
    def __init__(self, seed: int) -> None:
        self._random = random.Random(f"people-{seed}")
        self._details = Details(self._random)
        self._taken: set[bytes] = set()
        self._families = 0
        self._tradition = TRADITIONS[0]
        #: The household that the next `_members_left` people belong to.
        self._home: Home | None = None
        self._members_left = 0
        self._relative: Person | None = None

    def next(self) -> Person:
        relative = self._relative
        person = self._member(relative) if relative and self._members_left else self._stranger()
        self._relative = self._with_own_key(person)
        return self._relative

    def _stranger(self) -> Person:
        """Invents somebody who is related to nobody before; one in six founds a family."""
        self._tradition = self._random.choices(TRADITIONS, _WEIGHTS)[0]
        last = self._random.choice(self._tradition.families)
        self._home = None
        if self._random.random() < 1 / 6:
            self._families += 1
            self._home = self._details.home(self._details.email("family", last), self._families)
            self._members_left = self._random.randint(1, 4)
        return self._person(last, self._birth_date())

    def _member(self, relative: Person) -> Person:
        """Adds somebody to the family of the person before, now and then a twin."""
        self._members_left -= 1
        twin = self._random.random() < 0.05
        return self._person(relative.last, relative.birth_date if twin else self._birth_date())

    def _person(self, last: str, birth_date: str) -> Person:
        roll = self._random.random
        woman = roll() < 0.5
        first = self._given(self._tradition, woman=woman)
        email = self._details.email(first, last)
        home = self._home or self._details.home(email)
        if home.family and roll() < 0.6:
            email = home.email
        return Person(
            prefix=self._prefix(woman=woman),
            first=first,
            middle=self._given(self._tradition, woman=woman).split()[0] if roll() < 0.35 else "",
            last=last,
            suffix=self._random.choice(_SUFFIXES) if not woman and roll() < 0.04 else "",
            birth_date=birth_date,
            sex="female" if woman else "male",
            email=email if roll() < 0.9 else "",
            mobile=self._details.phone(home.place.area_code) if roll() < 0.8 else "",
            home_phone=home.home_phone,
            work_phone=self._details.phone(home.place.area_code) if roll() < 0.25 else "",
            line1=home.line1,
            line2=home.line2,
            city=home.place.city,
            state=home.place.state,
            zip=home.zip,
            country=COUNTRY,
            family=home.family,
        )

    def _given(self, tradition: Tradition, *, woman: bool) -> str:
        return self._random.choice(tradition.women if woman else tradition.men)

    def _prefix(self, *, woman: bool) -> str:
        roll = self._random.random()
        if roll < 0.35:
            return ""
        if roll < 0.39:
            return "Dr."
        if woman:
            return "Mrs." if roll < 0.65 else "Ms."
        return "Mr."

    def _birth_date(self) -> str:
        return date.fromordinal(self._random.randint(_OLDEST, _YOUNGEST)).isoformat()

    def _with_own_key(self, person: Person) -> Person:
        # Hashes rather than keys, so that a million people fit; a clash of hashes merely costs another draw.
        while hash_of(person) in self._taken:
            person = replace(person, birth_date=self._birth_date())
        self._taken.add(hash_of(person))
        return person


def hash_of(person: Person) -> bytes:
    """Returns a short hash of name and birth date that is the same in every process."""
    return hashlib.blake2b("\0".join(person.key).encode(), digest_size=8).digest()
