"""Practitioners as Hint shows and takes them.

Source: https://developers.hint.com/reference, Practitioner. The name is one string, and need not be unique.
"""

from collections.abc import Mapping
from datetime import datetime

from hintsync_emulators.hint.errors import validation_failed

_BLANK: dict[str, object] = {
    "email": None,
    "bio": None,
    "gender": None,
    "gender_other": None,
    "education": [],
    "integration_record_id": None,
    "locations": [],
    "npi": None,
    "specialties": [],
    "panel_size": None,
    "panel_size_limit": None,
    "min_patient_age": None,
    "max_patient_age": None,
    "photo_url": None,
    "online_signup_visibility": "visible",
    "accepts_enrollments_from_company": True,
    "accepts_enrollments_from_individual": True,
}
_TEXTS = frozenset(("name", "email", "bio", "gender", "gender_other", "integration_record_id", "photo_url"))
_NUMBERS = frozenset(("panel_size", "panel_size_limit", "min_patient_age", "max_patient_age"))


def new_practitioner(practitioner_id: str, name: str, values: Mapping[str, object], at: datetime) -> dict[str, object]:
    """Returns a practitioner as the API shows him."""
    return {**_BLANK, **values, "id": practitioner_id, "name": name, "created_at": at, "updated_at": at}


def read_practitioner(body: Mapping[str, object], *, creating: bool) -> dict[str, object]:
    """Reads the body of a create or update; what Hint does not know is ignored.

    Raises:
        HintError: 422 for a missing name or a value of the wrong kind.
    """
    changes = {name: value for name, value in body.items() if name == "name" or name in _BLANK}
    if creating or "name" in changes:
        name = changes.get("name")
        if not isinstance(name, str) or not name.strip():
            raise validation_failed(["Name can't be blank"])
    problems = [
        f"{name.replace('_', ' ').capitalize()} is invalid" for name in changes if not _fits(name, changes[name])
    ]
    if problems:
        raise validation_failed(problems)
    return changes


def _fits(name: str, value: object) -> bool:
    if name in _TEXTS or name == "online_signup_visibility":
        return value is None or isinstance(value, str)
    if name in _NUMBERS:
        return value is None or (type(value) is int and value >= 0)
    if name == "npi":
        return value is None or isinstance(value, dict)
    kind = type(_BLANK[name])
    return type(value) is kind
