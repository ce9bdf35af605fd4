"""How the two systems write the same person down."""

import random

from hintsync_emulators.people_data import PAYERS, PRACTITIONERS
from hintsync_emulators.people_person import COUNTRY, Person
from hintsync_emulators.us_states import short_state

_MEMBERSHIPS = ("active", "inactive", "pending", "unpaid", "unconfirmed")
_MEMBERSHIP_WEIGHTS = (80, 8, 5, 4, 3)
_COUNTRY_SPELLINGS = (COUNTRY, "USA", "US", "United States of America")
_PHONE_SPELLINGS = ("({0}) {1}-{2}", "{0}{1}{2}", "{0}-{1}-{2}", "+1 {0} {1} {2}", "{0}.{1}.{2}")


def contact_record(person: Person, spelling: random.Random) -> dict[str, object]:
    """Returns a person as a Salesforce Contact: field API names, nothing for what is not known.

    Phones, state and country are spelled in one of the ways in which people type them; the spelling never changes
    what they mean.
    """
    state = short_state(person.state) if spelling.random() < 0.5 else person.state
    country = spelling.choice(_COUNTRY_SPELLINGS) if person.country == COUNTRY else person.country
    phone = spelling.choice(_PHONE_SPELLINGS)
    fields = {
        "Salutation": person.prefix,
        "FirstName": person.first,
        "MiddleName": person.middle,
        "LastName": person.last,
        "Birthdate": person.birth_date,
        "Email": person.email,
        "MobilePhone": spelled(person.mobile, phone),
        "HomePhone": spelled(person.home_phone, phone),
        "Phone": spelled(person.work_phone, phone),
        "MailingStreet": "\n".join(line for line in (person.line1, person.line2) if line),
        "MailingCity": person.city,
        "MailingState": state,
        "MailingPostalCode": person.zip,
        "MailingCountry": country,
        "AccountName": f"{person.last} Household" if person.family else "Patients",
    }
    return {name: value for name, value in fields.items() if value}


def patient_record(person: Person, drawn: random.Random) -> dict[str, object]:
    """Returns a person as a Hint patient: field names of Hint's API, nothing for what is not known.

    The fields that only Hint has (practitioner by name, insurance, consents, membership) are drawn at random.
    """
    fields: dict[str, object] = {
        "title": person.prefix,
        "first_name": person.first,
        "middle_name": person.middle,
        "last_name": person.last,
        "suffix": person.suffix,
        "dob": person.birth_date,
        "sex": person.sex,
        "email": person.email,
        "phones": _phones(person, international=drawn.random() < 0.05),
        "address_line1": person.line1,
        "address_line2": person.line2,
        "address_city": person.city,
        "address_state": short_state(person.state),
        "address_zip": person.zip,
        "address_country": person.country,
        **_only_in_hint(drawn),
    }
    return {name: value for name, value in fields.items() if value}


def spelled(digits: str, form: str) -> str:
    """Writes ten digits in the given form; nothing for nothing."""
    return form.format(digits[:3], digits[3:6], digits[6:]) if digits else ""


def _phones(person: Person, *, international: bool) -> list[dict[str, object]]:
    front = "+1" if international else ""
    numbers = (("mobile", person.mobile), ("home", person.home_phone), ("office", person.work_phone))
    return [{"number": front + number, "type": kind} for kind, number in numbers if number]


def _only_in_hint(drawn: random.Random) -> dict[str, object]:
    fields: dict[str, object] = {
        "membership_status": drawn.choices(_MEMBERSHIPS, _MEMBERSHIP_WEIGHTS)[0],
        "electronic_communication_consent_accepted": drawn.random() < 0.8,
        "patient_agreement_accepted": drawn.random() < 0.7,
    }
    if drawn.random() < 0.9:
        fields["practitioner"] = drawn.choice(PRACTITIONERS)
    if drawn.random() < 0.6:
        fields["health_insurance_payer_name"] = drawn.choice(PAYERS)
        fields["health_insurance_group_id"] = f"G{drawn.randrange(10_000):04}"
        fields["health_insurance_member_id"] = f"M{drawn.randrange(10**9):09}"
    return fields
