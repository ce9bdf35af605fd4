"""Compares a contact with its patient by rules of the demo's own, so that it does not agree with the product's mistakes.

Written from what the two systems' papers say a field means, for the invented people of the emulators: American phone
numbers, states and countries.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import NamedTuple

import pycountry

from hintsync.demo.wire import Raw

Reader = Callable[[Raw], object]


class Difference(NamedTuple):
    """A field in which a linked pair does not agree; values stay out of it."""

    contact_id: str
    patient_id: str
    field: str


class _Field(NamedTuple):
    name: str
    contact: Reader
    patient: Reader
    two_way: bool = True


def differences(contact: Raw, patient: Raw) -> Iterator[Difference]:
    """Yield the fields in which the two do not mean the same."""
    for field in FIELDS:
        if field.contact(contact) != field.patient(patient):
            yield Difference(contact["Id"], patient["id"], field.name)


def _text(value: object) -> str:
    return " ".join(unicodedata.normalize("NFC", str(value or "")).split())


def _plain(key: str) -> Reader:
    return lambda record: _text(record.get(key))


def _folded(key: str) -> Reader:
    return lambda record: _text(record.get(key)).casefold()


def _digits(number: object) -> str:
    return "".join(filter(str.isdigit, str(number or "")))[-10:]


def _phone(key: str) -> Reader:
    return lambda contact: _digits(contact.get(key))


def _entry(kind: str) -> Reader:
    """Read the first entry of a type in Hint's list of phones."""
    return lambda patient: next((_digits(each["number"]) for each in patient["phones"] if each["type"] == kind), "")


def _lines(*keys: str) -> Reader:
    """Join the lines of an address; where one line ends and the next begins means nothing."""
    return lambda record: _text(" ".join(str(record.get(key) or "") for key in keys))


def _state(key: str) -> Reader:
    return lambda record: _state_code(_text(record.get(key)))


def _state_code(written: str) -> str:
    return _STATES.get(written.casefold(), written.casefold())


_STATES: Mapping[str, str] = {
    name.casefold(): each.code.removeprefix("US-").casefold()
    for each in pycountry.subdivisions
    if each.country_code == "US"
    for name in (each.name, each.code.removeprefix("US-"))
}


def _country(key: str) -> Reader:
    return lambda record: _COUNTRIES.get(_text(record.get(key)).casefold(), _text(record.get(key)).casefold())


_COUNTRIES: Mapping[str, str] = {
    name.casefold(): each.alpha_2
    for each in pycountry.countries
    for name in (each.name, each.alpha_2, each.alpha_3, getattr(each, "official_name", each.name))
} | {"united states": "US", "usa": "US"}


def _moment(key: str) -> Reader:
    def read(record: Raw) -> object:
        value = record.get(key)
        return datetime.fromisoformat(str(value)).astimezone(UTC).replace(microsecond=0) if value else None

    return read


def _checked(key: str) -> Reader:
    return lambda record: bool(record.get(key))


def _practitioner(patient: Raw) -> object:
    return _text((patient.get("practitioner") or {}).get("name"))


FIELDS: tuple[_Field, ...] = (
    _Field("first_name", _plain("FirstName"), _plain("first_name")),
    _Field("middle_name", _plain("MiddleName"), _plain("middle_name")),
    _Field("last_name", _plain("LastName"), _plain("last_name")),
    _Field("birth_date", _plain("Birthdate"), _plain("dob")),
    _Field("gender", _folded("Hint_Gender__c"), _folded("sex")),
    _Field("email", _folded("Email"), _folded("email")),
    _Field("mobile_phone", _phone("MobilePhone"), _entry("mobile")),
    _Field("home_phone", _phone("HomePhone"), _entry("home")),
    _Field("office_phone", _phone("Phone"), _entry("office")),
    _Field("street", _lines("MailingStreet"), _lines("address_line1", "address_line2")),
    _Field("city", _plain("MailingCity"), _plain("address_city")),
    _Field("state", _state("MailingState"), _state("address_state")),
    _Field("zip", _plain("MailingPostalCode"), _plain("address_zip")),
    _Field("country", _country("MailingCountry"), _country("address_country")),
    _Field("practitioner_name", _plain("Hint_Practitioner_Name__c"), _practitioner, two_way=False),
    _Field("insurance_payer", _plain("Hint_Insurance_Payer__c"), _plain("health_insurance_payer_name"), two_way=False),
    _Field(
        "insurance_group_id", _plain("Hint_Insurance_Group_Id__c"), _plain("health_insurance_group_id"), two_way=False
    ),
    _Field(
        "insurance_member_id",
        _plain("Hint_Insurance_Member_Id__c"),
        _plain("health_insurance_member_id"),
        two_way=False,
    ),
    _Field(
        "member_contract_accepted",
        _checked("Hint_Member_Contract_Accepted__c"),
        _checked("patient_agreement_accepted"),
        two_way=False,
    ),
    _Field(
        "member_contract_accepted_at",
        _moment("Hint_Member_Contract_Accepted_At__c"),
        _moment("patient_agreement_accepted_at"),
        two_way=False,
    ),
    _Field(
        "hipaa_authorization_accepted",
        _checked("Hint_HIPAA_Authorization_Accepted__c"),
        _checked("hipaa_authorization_accepted"),
        two_way=False,
    ),
    _Field(
        "hipaa_authorization_accepted_at",
        _moment("Hint_HIPAA_Authorization_Accepted_At__c"),
        _moment("hipaa_authorization_accepted_at"),
        two_way=False,
    ),
    _Field("membership_status", _folded("Hint_Membership_Status__c"), _folded("membership_status"), two_way=False),
)

#: Two-way fields that cannot be compared: Hint takes a title and never shows it.
NOT_VERIFIABLE = ("name_prefix",)
