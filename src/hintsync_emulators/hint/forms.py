"""Reading the body of a patient create or update.

What is not a writable field is ignored, as production was observed to do, unless the switch `strict_unknown_fields`
is on. Nothing here touches the stored patient.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date

from hintsync_emulators.hint.errors import HintError, validation_failed
from hintsync_emulators.hint.phones import read_phones
from hintsync_emulators.hint.switches import Switches
from hintsync_emulators.us_states import short_state

TEXT_FIELDS = frozenset(
    [
        "first_name",
        "last_name",
        "middle_name",
        "title",
        "suffix",
        "chosen_first_name",
        "chosen_last_name",
        "chosen_middle_name",
        "chosen_title",
        "chosen_suffix",
        "pronouns",
        "email",
        "gender",
        "gender_other",
        "health_insurance_payer_name",
        "health_insurance_payer_id",
        "health_insurance_group_id",
        "health_insurance_member_id",
        "address_line1",
        "address_line2",
        "address_city",
        "address_state",
        "address_zip",
        "address_country",
        "integration_record_id",
        "integration_error_message",
        "integration_web_link",
        "import_id",
        "import_source",
        "external_link_id",
        "lead_source_other",
    ]
)
CHOICES: dict[str, tuple[str, ...]] = {
    "sex": ("male", "female", "intersex"),
    "gender_identity": ("man", "woman", "trans man", "trans woman", "nonbinary", "not listed"),
    "preferred_language": ("en", "es"),
}
DATE_FIELDS = frozenset(("dob", "last_engagement_date"))
CONSENT_FIELDS = frozenset(("electronic_communication_consent_accepted", "patient_agreement_accepted"))
ASSOCIATIONS = {"practitioner": "Practitioner", "location": "Location", "lead_source": "Lead source"}
#: What the office staff can set in Hint itself, and the API cannot.
STAFF_FIELDS = frozenset(
    [
        "membership_status",
        "joined_practice_date",
        "uses_tobacco",
        "engaged",
        "electronic_communication_consent_accepted_at",
        "patient_agreement_accepted_at",
    ]
)
WRITABLE = (
    TEXT_FIELDS | DATE_FIELDS | CONSENT_FIELDS | CHOICES.keys() | ASSOCIATIONS.keys() | {"phones", "emergency_contact"}
) | {"ssn"}
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NAMES = ("first_name", "last_name")
_CONTACT_KEYS = ("name", "first_name", "last_name", "email", "relationship", "relationship_other", "phone")


class Invalid(Exception):
    """One field's problem, in the words after the field's name: ``is invalid``."""


@dataclass(frozen=True, slots=True)
class Form:
    """Reads bodies under the given switches."""

    switches: Switches
    #: Tells whether an association exists, from the field's name and the id.
    exists: Callable[[str, str], bool]

    def read(self, body: Mapping[str, object], *, creating: bool, staff: bool = False) -> dict[str, object]:
        """Returns the changes the body asks for: field name to normalised value, None for a clear.

        Raises:
            HintError: 422 naming every problem, or 400 for an unknown field under `strict_unknown_fields`.
        """
        changes: dict[str, object] = {}
        problems: list[str] = []
        for given, raw in body.items():
            name = self._known_as(given)
            if name in WRITABLE or (staff and name in STAFF_FIELDS):
                self._read_into(changes, problems, name, raw)
            elif self.switches.strict_unknown_fields or staff:
                raise HintError(400, f"found unpermitted parameter: :{given}")
        problems += self._missing(body, creating=creating, staff=staff)
        if problems:
            raise validation_failed(problems)
        return changes

    def _known_as(self, given: str) -> str:
        """Returns the field a name means; go-hint has sent the two address lines with one underscore more for years."""
        if self.switches.address_line_1_accepted and given in ("address_line_1", "address_line_2"):
            return given.replace("line_", "line")
        return given

    def _read_into(self, changes: dict[str, object], problems: list[str], name: str, raw: object) -> None:
        try:
            if (raw is None or raw == "") and not self.switches.null_clears and name not in _NAMES:
                return
            changes[name] = self._read_field(name, raw)
        except Invalid as problem:
            problems.append(f"{human(name)} {problem}")

    def _read_field(self, name: str, raw: object) -> object:
        if name in DATE_FIELDS or name == "joined_practice_date":
            return _date(raw)
        if name in CONSENT_FIELDS or name in ("uses_tobacco", "engaged"):
            return _boolean(raw)
        if name in ASSOCIATIONS:
            return self._association(name, raw)
        if name == "phones":
            return () if raw is None else read_phones(raw)
        if name == "emergency_contact":
            return _emergency_contact(raw)
        if name == "ssn":
            return _ssn(raw)
        return self._text(name, raw)

    def _text(self, name: str, raw: object) -> str | None:
        if raw is None or raw == "":
            return None
        if isinstance(raw, (dict, list)):
            raise Invalid("is invalid")
        text = ("true" if raw else "false") if isinstance(raw, bool) else str(raw)
        if self.switches.max_length and len(text) > self.switches.max_length:
            raise Invalid(f"is too long (maximum is {self.switches.max_length} characters)")
        if name in CHOICES and text not in CHOICES[name]:
            raise Invalid("is not included in the list")
        if name == "email" and self.switches.email_checked and not _looks_like_email(text):
            raise Invalid("is invalid")
        return short_state(text) if name == "address_state" else text

    def _association(self, name: str, raw: object) -> str | None:
        if raw is None:
            return None
        chosen = raw.get("id") if isinstance(raw, dict) else None
        if not isinstance(chosen, str) or not self.exists(name, chosen):
            raise HintError(404, f"Couldn't find {ASSOCIATIONS[name]}")
        return chosen

    def _missing(self, body: Mapping[str, object], *, creating: bool, staff: bool) -> list[str]:
        always = creating or (self.switches.names_required_on_patch and not staff)
        required = [name for name in _NAMES if always or name in body]
        if creating and self.switches.dob_required:
            required.append("dob")
        return [f"{human(name)} can't be blank" for name in required if not str(body.get(name) or "").strip()]


def human(name: str) -> str:
    """Returns a field's name as Rails writes it in a sentence: ``first_name`` becomes ``First name``."""
    return name.replace("_", " ").capitalize()


def _looks_like_email(text: str) -> bool:
    local, at, domain = text.partition("@")
    return bool(local and at and domain) and "@" not in domain and not any(map(str.isspace, text))


def _date(raw: object) -> str | None:
    if raw is None:
        return None
    if not isinstance(raw, str) or not _DATE.fullmatch(raw):
        raise Invalid("is invalid")
    try:
        return date.fromisoformat(raw).isoformat()
    except ValueError:
        raise Invalid("is invalid") from None


def _boolean(raw: object) -> bool:
    return raw in (True, 1, "true", "t", "1")


def _ssn(raw: object) -> str | None:
    if raw is None:
        return None
    digits = "".join(filter(str.isdigit, str(raw.get("number", "")))) if isinstance(raw, dict) else ""
    if len(digits) != 9:
        raise Invalid("is invalid")
    return digits[-4:]


def _emergency_contact(raw: object) -> dict[str, object] | None:
    if raw is None:
        return None
    if not isinstance(raw, dict):
        raise Invalid("is invalid")
    return {key: raw.get(key) for key in _CONTACT_KEYS if raw.get(key) is not None}
