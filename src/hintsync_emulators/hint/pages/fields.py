"""What of a patient the staff can fill in, in the order of the form.

The social security number is left out on purpose, and so are the fields that belong to the connected partner.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hintsync_emulators.hint.forms import CHOICES

#: Set by the partner through the API; the pages only show them.
PARTNERS = ("integration_record_id", "integration_web_link", "integration_error_message", "integration_sync_status")
#: Offered, though any other type may stand beside a number.
PHONE_TYPES = ("mobile", "home", "office")
#: ``archived`` is no choice: archiving has a button of its own.
MEMBERSHIPS = ("unconfirmed", "pending", "active", "unpaid", "inactive", "ended")


@dataclass(frozen=True, slots=True)
class Field:
    """One input of the form."""

    #: As the API names it; ``emergency_contact.name`` is a part of an object.
    name: str
    label: str
    #: ``text``, ``email``, ``date``, ``choice``, ``flag``, or ``record`` for one of the practice's own lists.
    kind: str = "text"
    choices: tuple[str, ...] = ()
    note: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Inputs under one heading."""

    title: str
    fields: tuple[Field, ...]


GROUPS = (
    Group(
        "Name",
        (
            Field("title", "Name prefix"),
            Field("first_name", "First name", required=True),
            Field("middle_name", "Middle name"),
            Field("last_name", "Last name", required=True),
            Field("suffix", "Suffix"),
        ),
    ),
    Group(
        "Person",
        (
            Field("dob", "Date of birth", "date"),
            Field("sex", "Sex", "choice", CHOICES["sex"]),
            Field("gender", "Gender", note="the older field, any text"),
            Field("gender_identity", "Gender identity", "choice", CHOICES["gender_identity"]),
            Field("gender_other", "Gender, in own words"),
            Field("pronouns", "Pronouns"),
            Field("preferred_language", "Preferred language", "choice", CHOICES["preferred_language"]),
        ),
    ),
    Group(
        "Address",
        (
            Field("email", "E-mail", "email"),
            Field("address_line1", "Address line 1"),
            Field("address_line2", "Address line 2"),
            Field("address_city", "City"),
            Field("address_state", "State", note="names become two letters"),
            Field("address_zip", "Zip code"),
            Field("address_country", "Country"),
        ),
    ),
    Group(
        "Care",
        (
            Field("practitioner", "Practitioner", "record"),
            Field("location", "Location", "record"),
            Field("joined_practice_date", "Joined the practice", "date"),
            Field("last_engagement_date", "Last engagement", "date"),
            Field("membership_status", "Membership status", "choice", MEMBERSHIPS),
            Field("engaged", "Engaged", "flag"),
            Field("uses_tobacco", "Uses tobacco", "flag"),
        ),
    ),
    Group(
        "Insurance",
        (
            Field("health_insurance_payer_name", "Insurance payer"),
            Field("health_insurance_payer_id", "Insurance payer ID"),
            Field("health_insurance_group_id", "Insurance group ID"),
            Field("health_insurance_member_id", "Insurance member ID"),
        ),
    ),
    Group(
        "Consents",
        (
            Field("patient_agreement_accepted", "Member contract accepted", "flag"),
            Field("electronic_communication_consent_accepted", "HIPAA authorization accepted", "flag"),
        ),
    ),
    Group(
        "Chosen name",
        (
            Field("chosen_title", "Chosen prefix"),
            Field("chosen_first_name", "Chosen first name"),
            Field("chosen_middle_name", "Chosen middle name"),
            Field("chosen_last_name", "Chosen last name"),
            Field("chosen_suffix", "Chosen suffix"),
        ),
    ),
    Group(
        "Emergency contact",
        (
            Field("emergency_contact.name", "Contact's name"),
            Field("emergency_contact.relationship", "Contact's relationship"),
            Field("emergency_contact.email", "Contact's e-mail", "email"),
        ),
    ),
    Group(
        "How the patient came",
        (
            Field("lead_source", "Lead source", "record"),
            Field("lead_source_other", "Lead source, in own words"),
            Field("import_source", "Import source"),
            Field("import_id", "Import ID"),
            Field("external_link_id", "External link ID"),
        ),
    ),
)
FIELDS: Mapping[str, Field] = {field.name: field for group in GROUPS for field in group.fields}
