"""The near-match scorer: how likely two records are of one person, with the evidence line by line.

It only ever suggests. Linking without a person needs the exact key of `hintsync.core.match`. The probability is the
model's, which takes all evidence for independent. Families are where that fails, since they share last name, home,
e-mail and phone; so the grade heeds cautions besides: birth dates that really differ, Jr against Sr, and likeness that
people who live together have anyway are never graded probable. Possible twins are marked, and stay a matter for review.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from math import log2
from typing import Final, NamedTuple

from hintsync.core.match import DEFAULT_PLACEHOLDER_DATES, MatchKey, match_key
from hintsync.core.near_details import (
    compare_cities,
    compare_dates,
    compare_streets,
    compare_zips,
    date_digits,
    email_form,
    phone_digits,
    street_form,
    suffix_form,
    zip_form,
)
from hintsync.core.near_names import NameForm, compare_names, name_form, split_generation
from hintsync.core.near_weights import (
    EQUAL_NAME_BOUNDS,
    HOUSEHOLD_SIZE,
    MARKS_COST,
    POSSIBLE_FROM,
    PROBABLE_FROM,
    SMALLEST_POPULATION,
    SPELT_ALIKE,
    SWAPPED_NAME_COST,
    WEIGHTS,
    Field,
    Verdict,
)
from hintsync.core.person import Person

_DATES_APART: Final = frozenset({Verdict.SAME_YEAR, Verdict.DIFFERENT})
_DATES_SLIPPED: Final = frozenset({Verdict.ONE_SLIP, Verdict.TWO_SLIPS, Verdict.DAY_AND_MONTH_SWAPPED})
_DATES_EQUAL: Final = frozenset({Verdict.EQUAL, Verdict.FIRST_OF_JANUARY})
_NAMES_APART: Final = frozenset({Verdict.DIFFERENT, Verdict.REMOTELY_SIMILAR})
_LAST_NAMES: Final = frozenset({Field.LAST_NAME, Field.SWAPPED_NAME})
_SHARED_AT_HOME: Final = frozenset({Field.STREET, Field.CITY, Field.ZIP, Field.EMAIL, Field.PHONE})


class Grade(Enum):
    """How far a match can be trusted, best first."""

    #: Equal in the exact demographics key; the only grade that may link by itself.
    CERTAIN = "certain"
    #: More likely one person than two.
    PROBABLE = "probable"
    #: Worth a look.
    POSSIBLE = "possible"


class Caution(Enum):
    """Why a person should look twice, however much else agrees."""

    #: Holds the grade at possible: the birth-date veto.
    BIRTH_DATES_DIFFER = "the birth dates differ by more than a slip"
    #: Holds the grade at possible: Jr against Sr, or Jr on one side only and birth dates that are merely alike.
    GENERATIONS_DIFFER = "one may be the elder and one the younger of a name"
    #: Holds the grade at possible: last name, home, e-mail and phone count together at most as "they live together",
    #: and what is left does not suffice.
    HOUSEHOLD_ONLY = "mostly people who live together are alike in this way"
    #: Leaves the grade: half of such pairs are one person under two first names, and creating that person again is the
    #: worse mistake.
    MAY_BE_TWINS = "one birth date but different first names, as twins have"


_HOLD_THE_GRADE: Final = frozenset({Caution.BIRTH_DATES_DIFFER, Caution.GENERATIONS_DIFFER, Caution.HOUSEHOLD_ONLY})


@dataclass(frozen=True, slots=True)
class Evidence:
    """One line of the reason for a match; it names fields and verdicts, never a value."""

    field: Field
    verdict: Verdict
    #: Bits (base-2 logarithm of a likelihood ratio); positive speaks for one person, negative for two.
    weight: float

    def sentence(self) -> str:
        """Say the line in words, as `birth date equal +13.0`."""
        return f"{self.field.value} {self.verdict.value} {self.weight:+.1f}"


@dataclass(frozen=True, slots=True)
class NearMatch:
    """A candidate with its grade and the evidence for and against it; evidence, not a decision."""

    #: None if the pair is too unlikely to be suggested.
    grade: Grade | None
    #: Between 0 and 1, by the model; cautions lower the grade, never this.
    probability: float
    #: Sum of the evidence less log2 of the population's size, in bits.
    weight: float
    #: Strongest first, by size whichever way it speaks.
    evidence: tuple[Evidence, ...]
    cautions: tuple[Caution, ...] = ()

    def sentences(self) -> list[str]:
        """Explain the match in lines that hold no value, cautions first; fit to be stored or logged."""
        return [*(caution.value for caution in self.cautions), *(line.sentence() for line in self.evidence)]


class Population:
    """How many people there are to choose from, and how many bear each name."""

    __slots__ = ("_bearers", "size")

    def __init__(self, people: Iterable[Person] = ()) -> None:
        #: People counted so far.
        self.size = 0
        self._bearers: dict[Field, Counter[str]] = {field: Counter() for field in EQUAL_NAME_BOUNDS}
        for person in people:
            self.add(person)

    def add(self, person: Person) -> None:
        """Count one person more."""
        self.size += 1
        for field, name in _counted_names(person):
            self._bearers[field][name] += 1

    def remove(self, person: Person) -> None:
        """Count one person less, who was added with these same names."""
        self.size -= 1
        for field, name in _counted_names(person):
            self._bearers[field][name] -= 1
            if not self._bearers[field][name]:
                del self._bearers[field][name]

    def rarity(self, field: Field, bare: str) -> float:
        """Weigh the finding that two records bear this same name, in bits: the rarer it is, the more it says."""
        if field is Field.SWAPPED_NAME:
            return min(self.rarity(Field.FIRST_NAME, bare), self.rarity(Field.LAST_NAME, bare)) - SWAPPED_NAME_COST
        least, most = EQUAL_NAME_BOUNDS[field]
        bearers = max(self._bearers[field][bare], 1)
        return min(max(log2(SPELT_ALIKE * self.effective_size / bearers), least), most)

    @property
    def bits(self) -> float:
        """How improbable it is to meet one certain person by chance, in bits."""
        return log2(self.effective_size)

    @property
    def effective_size(self) -> int:
        """The size that scores are made with."""
        return max(self.size, SMALLEST_POPULATION)


def _counted_names(person: Person) -> Iterator[tuple[Field, str]]:
    first, last = name_form(person.first), split_generation(name_form(person.last))[0]
    if first.bare:
        yield Field.FIRST_NAME, first.bare
    if last.bare:
        yield Field.LAST_NAME, last.bare


class Prepared(NamedTuple):
    """A person in the forms that comparison needs, made once and compared often."""

    key: MatchKey | None
    firsts: tuple[NameForm, ...]
    lasts: tuple[NameForm, ...]
    middle: NameForm
    suffix: str
    birth_date: str
    email: str
    phones: frozenset[str]
    street: str
    city: str
    zip: str
    #: What the first names and the last names begin with.
    first_letters: frozenset[str]
    last_letters: frozenset[str]


class Scorer:
    """Compares people of one population by the fixed weights."""

    __slots__ = ("_placeholder_dates", "_placeholder_digits", "population")

    def __init__(self, population: Population, placeholders: frozenset[str] = DEFAULT_PLACEHOLDER_DATES) -> None:
        """Score within a population.

        Args:
            population: Counts of names; read at each comparison, so it may go on growing.
            placeholders: Birth dates that mean "unknown", as `YYYY-MM-DD`.
        """
        self.population = population
        self._placeholder_dates = placeholders
        self._placeholder_digits = frozenset(date_digits(day) for day in placeholders)

    def prepare(self, person: Person) -> Prepared:
        """Put a person into the forms of comparison."""
        last, generation = split_generation(name_form(person.last))
        firsts = _variants(name_form(person.first), person.chosen_first)
        lasts = _variants(last, person.chosen_last)
        return Prepared(
            key=match_key(person.first, person.last, person.birth_date, self._placeholder_dates),
            firsts=firsts,
            lasts=lasts,
            middle=name_form(person.middle),
            suffix=suffix_form(person.suffix or generation),
            birth_date=date_digits(person.birth_date),
            email=email_form(person.email),
            phones=frozenset(filter(None, map(phone_digits, person.phones))),
            street=street_form(person.street),
            city=street_form(person.city),
            zip=zip_form(person.zip),
            first_letters=frozenset(name.bare[:1] for name in firsts if name.bare),
            last_letters=frozenset(name.bare[:1] for name in lasts if name.bare),
        )

    def compare(self, mine: Person, theirs: Person) -> NearMatch:
        """Judge two people; exchanging them gives the same match."""
        return self.compare_prepared(self.prepare(mine), self.prepare(theirs))

    def compare_prepared(self, mine: Prepared, theirs: Prepared) -> NearMatch:
        """Judge two prepared people; exchanging them gives the same match."""
        names = self._names(mine, theirs)
        date = _line(Field.BIRTH_DATE, compare_dates(mine.birth_date, theirs.birth_date, self._placeholder_digits))
        lines = [*names, date, *_extra_names(mine, theirs), *_home_lines(mine, theirs)]
        return self._judge(lines, exact=mine.key is not None and mine.key == theirs.key)

    def _names(self, mine: Prepared, theirs: Prepared) -> list[Evidence]:
        straight = [
            self._first_names(mine, theirs),
            self._best(Field.LAST_NAME, mine.lasts, theirs.lasts),
        ]
        if all(line.weight > 0 for line in straight) or not _begin_crosswise(mine, theirs):
            return straight
        crossed = [
            self._best(Field.SWAPPED_NAME, mine.firsts, theirs.lasts),
            self._best(Field.SWAPPED_NAME, mine.lasts, theirs.firsts),
        ]
        crossed.sort(key=_by_weight)
        return crossed if _total(crossed) > max(_total(straight), 0.0) else straight

    def _first_names(self, mine: Prepared, theirs: Prepared) -> Evidence:
        line = self._best(Field.FIRST_NAME, mine.firsts, theirs.firsts)
        if line.verdict in _NAMES_APART and (_goes_by_middle(mine, theirs) or _goes_by_middle(theirs, mine)):
            return _line(Field.FIRST_NAME, Verdict.MIDDLE_NAME_USED)
        return line

    def _best(self, field: Field, mine: tuple[NameForm, ...], theirs: tuple[NameForm, ...]) -> Evidence:
        """Compare the names a person goes by with those of the other, and keep what speaks most for one person."""
        if len(mine) == len(theirs) == 1:
            return self._name_line(field, mine[0], theirs[0])
        lines = [self._name_line(field, name, other) for name in mine for other in theirs]
        return max(lines, key=lambda line: (line.weight, line.verdict.value))

    def _name_line(self, field: Field, mine: NameForm, theirs: NameForm) -> Evidence:
        verdict = compare_names(mine, theirs, given=field is Field.FIRST_NAME)
        if verdict is Verdict.EQUAL:
            return Evidence(field, verdict, self.population.rarity(field, mine.bare))
        if verdict is Verdict.EQUAL_BUT_MARKS:
            return Evidence(field, verdict, self.population.rarity(field, mine.bare) - MARKS_COST)
        return _line(field, verdict)

    def _judge(self, lines: list[Evidence], *, exact: bool) -> NearMatch:
        weight = sum(line.weight for line in lines) - self.population.bits
        cautions = _cautions(lines)
        if weight >= 0 > weight - self._household_surplus(lines):
            cautions = (*cautions, Caution.HOUSEHOLD_ONLY)
        return NearMatch(
            grade=_grade(weight, held=not _HOLD_THE_GRADE.isdisjoint(cautions), exact=exact),
            probability=1.0 / (1.0 + 2.0**-weight),
            weight=weight,
            evidence=tuple(sorted(lines, key=_by_size)),
            cautions=cautions,
        )

    def _household_surplus(self, lines: list[Evidence]) -> float:
        """Say by how many bits what a household shares exceeds the finding that two records are of one household."""
        last_name = max(line.weight for line in lines if line.field in _LAST_NAMES)
        shared = sum(line.weight for line in lines if line.field in _SHARED_AT_HOME)
        most = self.population.bits - log2(HOUSEHOLD_SIZE) - max(last_name, 0.0)
        return max(shared - max(most, 0.0), 0.0)


def _variants(name: NameForm, chosen: str | None) -> tuple[NameForm, ...]:
    form = name_form(chosen)
    return (name, form) if form.bare and form.bare != name.bare else (name,)


def _goes_by_middle(mine: Prepared, theirs: Prepared) -> bool:
    """Tell whether one is called by what the other has for a middle name."""
    return len(mine.middle.bare) > 1 and any(mine.middle.bare == first.bare for first in theirs.firsts)


@cache
def _line(field: Field, verdict: Verdict) -> Evidence:
    return Evidence(field, verdict, WEIGHTS[field][verdict])


def _total(lines: list[Evidence]) -> float:
    return sum(line.weight for line in lines)


def _begin_crosswise(mine: Prepared, theirs: Prepared) -> bool:
    """Tell, cheaply, whether first and last names could have changed places: two of them begin alike."""
    return not mine.first_letters.isdisjoint(theirs.last_letters) or not mine.last_letters.isdisjoint(
        theirs.first_letters
    )


def _by_weight(line: Evidence) -> float:
    return -line.weight


def _by_size(line: Evidence) -> float:
    return -abs(line.weight)


def _extra_names(mine: Prepared, theirs: Prepared) -> Iterator[Evidence]:
    if mine.middle.bare and theirs.middle.bare:
        yield _line(Field.MIDDLE_NAME, compare_names(mine.middle, theirs.middle, given=False))
    if mine.suffix and theirs.suffix:
        yield _line(Field.SUFFIX, Verdict.EQUAL if mine.suffix == theirs.suffix else Verdict.DIFFERENT)
    elif mine.suffix or theirs.suffix:
        yield _line(Field.SUFFIX, Verdict.MISSING)


def _home_lines(mine: Prepared, theirs: Prepared) -> Iterator[Evidence]:
    if mine.street and theirs.street:
        yield _line(Field.STREET, compare_streets(mine.street, theirs.street))
    if mine.city and theirs.city:
        yield _line(Field.CITY, compare_cities(mine.city, theirs.city))
    if mine.zip and theirs.zip:
        yield _line(Field.ZIP, compare_zips(mine.zip, theirs.zip))
    if mine.email and mine.email == theirs.email:
        yield _line(Field.EMAIL, Verdict.SHARED)
    if not mine.phones.isdisjoint(theirs.phones):
        yield _line(Field.PHONE, Verdict.SHARED)


def _cautions(lines: list[Evidence]) -> tuple[Caution, ...]:
    said = {line.field: line.verdict for line in lines}
    found = []
    if said[Field.BIRTH_DATE] in _DATES_APART:
        found.append(Caution.BIRTH_DATES_DIFFER)
    suffix = said.get(Field.SUFFIX)
    if suffix is Verdict.DIFFERENT or (suffix is Verdict.MISSING and said[Field.BIRTH_DATE] in _DATES_SLIPPED):
        found.append(Caution.GENERATIONS_DIFFER)
    if said[Field.BIRTH_DATE] in _DATES_EQUAL and said.get(Field.FIRST_NAME) in _NAMES_APART:
        found.append(Caution.MAY_BE_TWINS)
    return tuple(found)


def _grade(weight: float, *, held: bool, exact: bool) -> Grade | None:
    if exact:
        return Grade.CERTAIN
    if weight < POSSIBLE_FROM:
        return None
    return Grade.PROBABLE if weight >= PROBABLE_FROM and not held else Grade.POSSIBLE
