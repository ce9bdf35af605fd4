"""Hint's duplicate finder: fuzzy and over-inclusive on purpose, since its rule is not documented."""

from collections.abc import Mapping

from hintsync_emulators.hint.patients import Patient
from hintsync_emulators.hint.phones import Phone
from hintsync_emulators.hint.query import folded
from hintsync_emulators.hint.register import Register, phone_keys


def matching(register: Register, person: Mapping[str, object]) -> list[Patient]:
    """Returns active patients that might be this person, in order of creation.

    Somebody is returned who has the same last name and first initial, the same e-mail address, the same birth date and
    first or last name, or the same phone and first or last name.
    """
    found: dict[str, Patient] = {}
    for patient in _candidates(register, person):
        if not patient.archived and _alike(patient, person):
            found[patient.id] = patient
    return sorted(found.values(), key=lambda patient: patient.serial)


def _candidates(register: Register, person: Mapping[str, object]) -> list[Patient]:
    candidates = [*register.find("last_name", person["last_name"])]
    for attribute in ("email", "dob"):
        if person.get(attribute):
            candidates += register.find(attribute, person[attribute])
    for digits in _digits(person):
        candidates += register.find("phones", digits)
    return candidates


def _alike(patient: Patient, person: Mapping[str, object]) -> bool:
    first, last = _same(patient, person, "first_name"), _same(patient, person, "last_name")
    initial = folded(patient.get("first_name"))[:1] == folded(person["first_name"])[:1]
    if (last and initial) or _same(patient, person, "email"):
        return True
    if _same(patient, person, "dob") or not _digits(person).isdisjoint(phone_keys(patient)):
        return first or last
    return False


def _same(patient: Patient, person: Mapping[str, object], attribute: str) -> bool:
    return bool(person.get(attribute)) and folded(patient.get(attribute)) == folded(person[attribute])


def _digits(person: Mapping[str, object]) -> set[str]:
    phones = person.get("phones")
    if not isinstance(phones, list):
        return set()
    entries = tuple(Phone(str(each.get("number", "")), "", False) for each in phones if isinstance(each, dict))
    return {"".join(filter(str.isdigit, entry.number))[-10:] for entry in entries} - {""}
