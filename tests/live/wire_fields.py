"""Fields of people as both emulated systems hold them: what is shown of each, canonical, and what an edit of it sends."""

from __future__ import annotations

from collections.abc import Mapping

from hintsync.core.records import FieldName

#: Field to its names in Hint and in Salesforce; values travel unchanged.
PLAIN: Mapping[FieldName, tuple[str, str]] = {
    "city": ("address_city", "MailingCity"),
    "zip": ("address_zip", "MailingPostalCode"),
    "email": ("email", "Email"),
    "last_name": ("last_name", "LastName"),
}
#: Phone to its type in Hint's list and its name in Salesforce; ten digits of one country travel.
PHONES: Mapping[FieldName, tuple[str, str]] = {
    "mobile_phone": ("mobile", "MobilePhone"),
    "home_phone": ("home", "HomePhone"),
}
#: Every field that people edit.
NAMES = (*PLAIN, *PHONES)


def contact_shows(contact: Mapping[str, object], name: FieldName) -> str | None:
    """Return what a contact shows of a field."""
    if name in PHONES:
        return _canonical(contact.get(PHONES[name][1]))
    value = contact.get(PLAIN[name][1])
    return value if isinstance(value, str) else None


def patient_shows(patient: Mapping[str, object], name: FieldName) -> tuple[str, ...]:
    """Return what a patient shows of a field: no value, one, or several numbers of a type."""
    if name in PHONES:
        numbers = (_canonical(each["number"]) for each in _listed(patient) if each["type"] == PHONES[name][0])
        return tuple(number for number in numbers if number)
    value = patient.get(PLAIN[name][0])
    return (value,) if isinstance(value, str) else ()


def contact_edit(name: FieldName, value: str | None) -> dict[str, object]:
    """Return what an edit of a contact sends."""
    return {PHONES[name][1]: _digits(value)} if name in PHONES else {PLAIN[name][1]: value}


def patient_edit(patient: Mapping[str, object], name: FieldName, value: str | None) -> dict[str, object]:
    """Return what an edit of a patient sends: the whole list, where it is of a phone; its first of the type is edited."""
    if name in PLAIN:
        return {PLAIN[name][0]: value}
    kind, phones = PHONES[name][0], _listed(patient)
    place = next((index for index, each in enumerate(phones) if each["type"] == kind), len(phones))
    edited = [{"type": kind, "number": _digits(value)}] if value else []
    return {"phones": [*phones[:place], *edited, *phones[place + 1 :]]}


def named_in(body: Mapping[str, object]) -> frozenset[FieldName]:
    """Return the plain fields that a write to Hint names."""
    return frozenset(name for name, (key, _) in PLAIN.items() if key in body)


def _listed(patient: Mapping[str, object]) -> list[dict[str, object]]:
    phones = patient.get("phones")
    return list(phones) if isinstance(phones, list) else []


def _canonical(number: object) -> str | None:
    digits = "".join(filter(str.isdigit, number)) if isinstance(number, str) else ""
    return f"+1{digits[-10:]}" if digits else None


def _digits(value: str | None) -> str | None:
    return value.removeprefix("+1") if value else None
