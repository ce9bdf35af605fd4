"""People who do not exist, for the emulators, tests and benchmarks.

    people = read_people(Path("patients.csv"))      or      invent(1_000, seed=1)
    population = spread(people, seed=1)
    practice.load(population.patients)
    print("\\n".join(population.describe()))

Phones are of the block 555-01xx and e-mail addresses of the domains that are kept for examples, so that nothing made
here can reach anybody.
"""

import random
from collections.abc import Iterable, Iterator

from hintsync_emulators.people_file import PeopleFileError, read_people
from hintsync_emulators.people_invent import invent
from hintsync_emulators.people_person import Person
from hintsync_emulators.people_records import contact_record, patient_record
from hintsync_emulators.people_spread import DEFAULT_SHARES, Category, Population, Truth, spread

__all__ = [
    "DEFAULT_SHARES",
    "Category",
    "PeopleFileError",
    "Person",
    "Population",
    "Truth",
    "contacts_of",
    "invent",
    "patients_of",
    "read_people",
    "spread",
]


def contacts_of(people: Iterable[Person], seed: int = 0) -> Iterator[dict[str, object]]:
    """Yields each person as a Salesforce Contact, for orgs too large to hold as a `Population`."""
    spelling = random.Random(f"contacts-{seed}")
    return (contact_record(person, spelling) for person in people)


def patients_of(people: Iterable[Person], seed: int = 0) -> Iterator[dict[str, object]]:
    """Yields each person as a Hint patient, for practices too large to hold as a `Population`."""
    drawn = random.Random(f"patients-{seed}")
    return (patient_record(person, drawn) for person in people)
