"""Spreading people over the two systems, with the truth kept of who is who."""

import random
from collections import Counter
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from hintsync_emulators.people_details import Details
from hintsync_emulators.people_person import Key, Person
from hintsync_emulators.people_records import contact_record, patient_record
from hintsync_emulators.people_variants import edited, misspelled, with_gaps

PLACEHOLDER_BIRTH_DATES = ("1900-01-01", "1901-01-01", "1800-01-01")


class Category(Enum):
    """What a person's records look like across the two systems."""

    EQUAL = "on both sides, equal"
    DIFFERENT = "on both sides, with differences"
    GAPS = "on both sides, with gaps"
    HINT_ONLY = "in Hint only"
    SALESFORCE_ONLY = "in Salesforce only"
    TWICE_IN_HINT = "same name and birth date twice in Hint"
    TWICE_IN_SALESFORCE = "same name and birth date twice in Salesforce"
    TWICE_ON_BOTH = "same name and birth date twice on both sides"
    NEAR = "on both sides, name or birth date spelled differently"
    PLACEHOLDER = "on both sides, with a placeholder birth date"
    NO_BIRTH_DATE = "on both sides, birth date missing on one or both"
    ARCHIVED = "on both sides, archived in Hint"
    NO_FIRST_NAME = "in Salesforce without a first name"


#: Share of the people in each category; the rest, by rounding, is equal on both sides.
DEFAULT_SHARES: Mapping[Category, float] = {
    Category.EQUAL: 0.36,
    Category.DIFFERENT: 0.15,
    Category.GAPS: 0.11,
    Category.HINT_ONLY: 0.13,
    Category.SALESFORCE_ONLY: 0.15,
    Category.TWICE_IN_HINT: 0.01,
    Category.TWICE_IN_SALESFORCE: 0.01,
    Category.TWICE_ON_BOTH: 0.01,
    Category.NEAR: 0.03,
    Category.PLACEHOLDER: 0.01,
    Category.NO_BIRTH_DATE: 0.01,
    Category.ARCHIVED: 0.015,
    Category.NO_FIRST_NAME: 0.005,
}


@dataclass(slots=True)
class Truth:
    """Who is who: the number of the person behind each record, and how he was spread.

    All lists are parallel to `Population.contacts` or `Population.patients`.
    """

    contact_person: list[int] = field(default_factory=list)
    patient_person: list[int] = field(default_factory=list)
    contact_category: list[Category] = field(default_factory=list)
    patient_category: list[Category] = field(default_factory=list)
    #: How many people (not records) each category has.
    counts: Counter[Category] = field(default_factory=Counter)
    #: Pairs (index of contact, index of patient) that should be loaded as linked already.
    prelinked: list[tuple[int, int]] = field(default_factory=list)

    def pairs(self, *categories: Category) -> list[tuple[int, int]]:
        """Returns (index of contact, index of patient) of the same person, in the named categories or in all."""
        patients: dict[int, list[int]] = {}
        for index, person in enumerate(self.patient_person):
            patients.setdefault(person, []).append(index)
        return [
            (contact, patient)
            for contact, person in enumerate(self.contact_person)
            if not categories or self.contact_category[contact] in categories
            for patient in patients.get(person, ())
        ]


@dataclass(frozen=True, slots=True)
class Population:
    """The records to load into the two systems."""

    seed: int
    #: Salesforce Contacts by field API name; ``AccountName`` names the account each belongs to.
    contacts: list[dict[str, object]]
    #: Hint patients by field name, as `hintsync_emulators.hint.Practice.create_patient` takes them.
    patients: list[dict[str, object]]
    truth: Truth
    #: People who share a household's e-mail address or phone.
    in_families: int
    #: People added to give somebody a namesake born on the same day.
    namesakes: int
    #: People left out because somebody before had the same name and birth date.
    left_out: int

    def describe(self) -> list[str]:
        """Says what was made, in lines for people to read."""
        people = self.truth.counts.total()
        lines = [
            f"{people:,} people, seed {self.seed}: {len(self.contacts):,} contacts, {len(self.patients):,} patients"
        ]
        lines += [f"  {count:>9,}  {category.value}" for category, count in _in_order(self.truth.counts)]
        lines.append(f"{self.in_families:,} of them live in families that share a phone or an e-mail address")
        if self.namesakes:
            lines.append(f"{self.namesakes:,} were added as namesakes born on the same day as another")
        if self.truth.prelinked:
            lines.append(f"{len(self.truth.prelinked):,} pairs are linked already")
        if self.left_out:
            lines.append(f"{self.left_out:,} left out: same name and birth date as somebody before")
        return lines


def _in_order(counts: Counter[Category]) -> list[tuple[Category, int]]:
    return [(category, counts[category]) for category in Category if counts[category]]


def spread(
    people: Iterable[Person],
    seed: int = 0,
    *,
    shares: Mapping[Category, float] = DEFAULT_SHARES,
    prelinked: float = 0.0,
) -> Population:
    """Distributes people over Salesforce and Hint, the same for the same people and seed.

    Args:
        people: anybody; who repeats the name and birth date of somebody before is left out.
        seed: decides who falls into which category and how each record is spelled.
        shares: share of each category; they need not sum up to one.
        prelinked: share of the pairs that are equal or different to be loaded as linked already.
    """
    distinct, left_out = _distinct(people)
    spreader = _Spreader(seed, {person.key for person in distinct})
    for person, category in zip(distinct, _assign(len(distinct), shares, seed), strict=True):
        spreader.place(person, category)
    truth = spreader.truth
    candidates = truth.pairs(Category.EQUAL, Category.DIFFERENT)
    truth.prelinked = sorted(random.Random(f"linked-{seed}").sample(candidates, round(prelinked * len(candidates))))
    in_families = sum(1 for person in distinct if person.family)
    return Population(seed, spreader.contacts, spreader.patients, truth, in_families, spreader.namesakes, left_out)


def _distinct(people: Iterable[Person]) -> tuple[list[Person], int]:
    by_key: dict[Key, Person] = {}
    total = 0
    for person in people:
        total += 1
        by_key.setdefault(person.key, person)
    return list(by_key.values()), total - len(by_key)


def _assign(count: int, shares: Mapping[Category, float], seed: int) -> Sequence[Category]:
    """Returns a category for each person: the shares exactly, in random order, each category at least once."""
    whole = sum(shares.values())
    numbers = {category: max(1, round(count * share / whole)) for category, share in shares.items() if share > 0}
    assigned = [category for category, number in numbers.items() for _ in range(number)]
    largest = max(numbers, key=lambda category: numbers[category])
    assigned += [largest] * (count - len(assigned))
    source = random.Random(f"categories-{seed}")
    while len(assigned) > count:
        assigned.remove(largest if largest in assigned else source.choice(assigned))
    source.shuffle(assigned)
    return assigned


class _Spreader:
    """Puts each person's records where his category wants them."""

    def __init__(self, seed: int, taken: Container[Key]) -> None:
        self._random = random.Random(f"spread-{seed}")
        self._taken = taken
        self._details = Details(self._random)
        self._person = -1
        self._category = Category.EQUAL
        self.contacts: list[dict[str, object]] = []
        self.patients: list[dict[str, object]] = []
        self.truth = Truth()
        self.namesakes = 0
        self._places: dict[Category, Callable[[Person], None]] = {
            Category.EQUAL: lambda person: self._both(person, person),
            Category.DIFFERENT: lambda person: self._both(*self._either_way(person, self._edited(person))),
            Category.GAPS: self._place_with_gaps,
            Category.HINT_ONLY: self._add_patient,
            Category.SALESFORCE_ONLY: self._add_contact,
            Category.TWICE_IN_HINT: self._place_twice_in_hint,
            Category.TWICE_IN_SALESFORCE: self._place_twice_in_salesforce,
            Category.TWICE_ON_BOTH: self._place_twice_on_both,
            Category.NEAR: lambda person: self._both(*self._either_way(person, self._misspelled(person))),
            Category.PLACEHOLDER: self._place_with_placeholder,
            Category.NO_BIRTH_DATE: self._place_without_birth_date,
            Category.ARCHIVED: self._place_archived,
            Category.NO_FIRST_NAME: lambda person: self._add_contact(replace(person, first="")),
        }

    def place(self, person: Person, category: Category) -> None:
        self._person += 1
        self._category = category
        self.truth.counts[category] += 1
        self._places[category](person)

    def _place_with_gaps(self, person: Person) -> None:
        """Leaves values out on one side or on both, never leaving the two alike."""
        complete, gapped = person, with_gaps(person, self._random)
        if self._random.random() < 0.3:
            complete = with_gaps(person, self._random)
        self._both(*self._either_way(complete if complete != gapped else person, gapped))

    def _place_twice_in_hint(self, person: Person) -> None:
        self._both(person, person)
        self._add_patient(self._edited(person))

    def _place_twice_in_salesforce(self, person: Person) -> None:
        self._both(person, person)
        self._add_contact(self._edited(person))

    def _place_twice_on_both(self, person: Person) -> None:
        """Puts two people of one name and birth date on both sides."""
        self._both(person, person)
        self._person += 1
        namesake = self._edited(person)
        self._both(namesake, namesake)
        self.truth.counts[self._category] += 1
        self.namesakes += 1

    def _place_with_placeholder(self, person: Person) -> None:
        unknown = replace(person, birth_date=self._random.choice(PLACEHOLDER_BIRTH_DATES))
        self._both(unknown, unknown)

    def _place_without_birth_date(self, person: Person) -> None:
        unknown = replace(person, birth_date="")
        self._both(*self._random.choice(((person, unknown), (unknown, person), (unknown, unknown))))

    def _place_archived(self, person: Person) -> None:
        self._both(person, person)
        self.patients[-1]["archived"] = True

    def _misspelled(self, person: Person) -> Person:
        return misspelled(person, self._random, self._taken)

    def _edited(self, person: Person) -> Person:
        return edited(person, self._random, self._details)

    def _either_way(self, one: Person, other: Person) -> tuple[Person, Person]:
        return (one, other) if self._random.random() < 0.5 else (other, one)

    def _both(self, in_salesforce: Person, in_hint: Person) -> None:
        self._add_contact(in_salesforce)
        self._add_patient(in_hint)

    def _add_contact(self, person: Person) -> None:
        self.contacts.append(contact_record(person, self._random))
        self.truth.contact_person.append(self._person)
        self.truth.contact_category.append(self._category)

    def _add_patient(self, person: Person) -> None:
        self.patients.append(patient_record(person, self._random))
        self.truth.patient_person.append(self._person)
        self.truth.patient_category.append(self._category)
