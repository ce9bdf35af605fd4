"""How the record of one person comes to differ between two systems: edits, gaps, and names that no longer match."""

import random
from collections.abc import Callable, Container
from dataclasses import replace

from hintsync_emulators.people_data import SHORT_FORMS
from hintsync_emulators.people_details import Details
from hintsync_emulators.people_person import Key, Person, fold

Change = Callable[[Person, random.Random, Details], Person]

_BLANKED: dict[str, Callable[[Person], Person]] = {
    "prefix": lambda person: replace(person, prefix=""),
    "middle": lambda person: replace(person, middle=""),
    "email": lambda person: replace(person, email=""),
    "mobile": lambda person: replace(person, mobile=""),
    "home_phone": lambda person: replace(person, home_phone=""),
    "work_phone": lambda person: replace(person, work_phone=""),
    "line2": lambda person: replace(person, line2=""),
    "city": lambda person: replace(person, city=""),
    "zip": lambda person: replace(person, zip=""),
    "country": lambda person: replace(person, country=""),
}


def edited(person: Person, source: random.Random, details: Details) -> Person:
    """Returns the person with one to four values changed; name and birth date stay the same person's."""
    changed = person
    for change in source.sample(_EDITS, source.randint(1, 4)):
        changed = change(changed, source, details)
    return changed if changed != person else _new_mobile(person, source, details)


def with_gaps(person: Person, source: random.Random) -> Person:
    """Returns the person with one to three values missing; the same person if there is nothing to leave out."""
    known = [name for name in _BLANKED if getattr(person, name)]
    missing = source.sample(known, min(len(known), source.randint(1, 3)))
    for name in missing:
        person = _BLANKED[name](person)
    return person


def misspelled(person: Person, source: random.Random, taken: Container[Key]) -> Person:
    """Returns the person with a name or birth date near the true one, equal neither to it nor to a taken one."""
    changes = list(_SLIPS)
    source.shuffle(changes)
    for change in changes:
        changed = change(person, source)
        if changed.key not in taken:
            return changed
    return replace(person, last=f"{person.last}-{person.last}")


def _new_mobile(person: Person, source: random.Random, details: Details) -> Person:
    number = details.phone()
    return replace(person, mobile=number if number != person.mobile else details.phone("907"))


def _new_email(person: Person, source: random.Random, details: Details) -> Person:
    return replace(person, email=details.email(person.first, person.last))


def _new_work_phone(person: Person, source: random.Random, details: Details) -> Person:
    return replace(person, work_phone=details.phone())


def _moved(person: Person, source: random.Random, details: Details) -> Person:
    home = details.home("")
    place = home.place
    return replace(person, line1=home.line1, line2=home.line2, city=place.city, state=place.state, zip=home.zip)


def _new_street(person: Person, source: random.Random, details: Details) -> Person:
    return replace(person, line1=details.street())


def _middle_initial(person: Person, source: random.Random, details: Details) -> Person:
    return replace(person, middle=f"{person.middle[0]}.") if len(person.middle) > 2 else person


def _capitals(person: Person, source: random.Random, details: Details) -> Person:
    first, last = person.first.upper(), person.last.upper()
    # Some letters have no capital that folds back to them; such a name would be another one.
    same = fold(first) == fold(person.first) and fold(last) == fold(person.last)
    return replace(person, first=first, last=last) if same else person


def _new_prefix(person: Person, source: random.Random, details: Details) -> Person:
    return replace(person, prefix="Dr." if person.prefix != "Dr." else "Prof.")


_EDITS: tuple[Change, ...] = (
    _new_mobile, _new_email, _new_work_phone, _moved, _new_street, _middle_initial, _capitals, _new_prefix,
)  # fmt: skip


def _short_form(person: Person, source: random.Random) -> Person:
    return replace(person, first=SHORT_FORMS.get(person.first, person.first))


def _swapped_letters(person: Person, source: random.Random) -> Person:
    if len(person.last) < 4:
        return person
    at = source.randrange(1, len(person.last) - 2)
    letters = list(person.last)
    letters[at], letters[at + 1] = letters[at + 1], letters[at]
    return replace(person, last="".join(letters))


def _lost_letter(person: Person, source: random.Random) -> Person:
    if len(person.first) < 4:
        return person
    at = source.randrange(1, len(person.first) - 1)
    return replace(person, first=person.first[:at] + person.first[at + 1 :])


def _swapped_names(person: Person, source: random.Random) -> Person:
    return replace(person, first=person.last, last=person.first)


def _swapped_day_and_month(person: Person, source: random.Random) -> Person:
    year, month, day = person.birth_date.split("-") if person.birth_date else ("", "", "99")
    return replace(person, birth_date=f"{year}-{day}-{month}") if int(day) <= 12 else person


def _neighbouring_year(person: Person, source: random.Random) -> Person:
    if not person.birth_date or person.birth_date.endswith("02-29"):
        return person
    return replace(person, birth_date=f"{int(person.birth_date[:4]) - 1}{person.birth_date[4:]}")


def _married_name(person: Person, source: random.Random) -> Person:
    return replace(person, last=f"{person.last}-{source.choice(('Ames', 'Bell', 'Cruz', 'Dahl', 'Egan'))}")


_SLIPS: tuple[Callable[[Person, random.Random], Person], ...] = (
    _short_form, _short_form, _swapped_letters, _lost_letter, _swapped_names, _swapped_day_and_month,
    _neighbouring_year, _married_name,
)  # fmt: skip
