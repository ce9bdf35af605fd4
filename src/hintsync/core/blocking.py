"""Blocking keys: what a record is filed under, and what a query asks for, so that likely pairs meet without comparing all.

Each key joins two weak facts that survive a typing slip in the others: sounds of names, pieces of the birth date, ways
to reach the person. Two records that share no key are never compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hintsync.core.near_details import date_digits, email_form, phone_digits, street_form, swap_day_and_month, zip_form
from hintsync.core.near_names import NameForm, name_form, split_generation
from hintsync.core.person import Person

#: Letters of a sound, and of a street, that a key takes.
_SOUND: Final = 3
_STREET: Final = 6


def stored_keys(person: Person) -> frozenset[str]:
    """Give the keys a record is filed under; at most 10 for each pair of names, and one for each way to reach it.

    Keys hold pieces of a person's data: for memory only.
    """
    keys = set(_contact_keys(person))
    digits = date_digits(person.birth_date)
    for first, last in _name_pairs(person):
        keys.update(_name_and_date_keys(first, last, digits))
        if last.bare:
            keys.add(_last_name_key(last))
    return frozenset(keys)


def asked_keys(person: Person) -> frozenset[str]:
    """Give the keys a query looks under: the stored ones, also with the names and with day and month exchanged.

    A query of a last name alone looks under that.
    """
    keys = set(_contact_keys(person))
    digits = date_digits(person.birth_date)
    for first, last in _name_pairs(person):
        keys.update(_name_and_date_keys(first, last, digits))
        keys.update(_name_and_date_keys(last, first, digits))
        if last.bare and not first.bare and not digits:
            keys.add(_last_name_key(last))
        if digits:
            keys.update(_name_and_date_keys(first, last, swap_day_and_month(digits)))
    return frozenset(keys)


def _name_pairs(person: Person) -> Iterator[tuple[NameForm, NameForm]]:
    first, last = name_form(person.first), split_generation(name_form(person.last))[0]
    yield first, last
    if person.chosen_first or person.chosen_last:
        yield name_form(person.chosen_first or person.first), name_form(person.chosen_last or person.last)


def _name_and_date_keys(first: NameForm, last: NameForm, digits: str) -> Iterator[str]:
    if digits:
        yield f"d:{digits}"
        yield from _sound_and_date("l", last, digits)
        yield from _sound_and_date("f", first, digits)
    if first.bare and last.bare:
        yield f"lf:{last.sound}:{first.sound[:2]}"
        yield f"fl:{first.sound}:{last.sound[:2]}"
        yield f"l1:{last.bare}:{first.bare[:1]}"
        yield f"f1:{first.bare}:{last.bare[:1]}"


def _sound_and_date(tag: str, name: NameForm, digits: str) -> Iterator[str]:
    if name.bare:
        yield f"{tag}y:{name.sound[:_SOUND]}:{digits[:4]}"
        yield f"{tag}m:{name.sound[:_SOUND]}:{digits[4:]}"


def _last_name_key(last: NameForm) -> str:
    return f"l:{last.bare}"


def _contact_keys(person: Person) -> Iterator[str]:
    if email := email_form(person.email):
        yield f"e:{email}"
    for phone in person.phones:
        if digits := phone_digits(phone):
            yield f"p:{digits}"
    street, code = street_form(person.street), zip_form(person.zip)
    if street and code:
        yield f"a:{code}:{street.replace(' ', '')[:_STREET]}"
