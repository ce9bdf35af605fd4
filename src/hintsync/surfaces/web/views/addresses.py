"""Where a record is shown by its own system."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from hintsync.core.records import RecordId

#: Hint's API and the application that people use, beside it.
_HINT_API, _HINT_APPLICATION = "api.hint.com", "https://app.hint.com"


def patient_address(patient_url: str, hint_url: str, patient_id: RecordId) -> str:
    """Return the address of a patient in Hint.

    Args:
        patient_url: Start of such addresses as an administrator set it; empty: from the API's address.
        hint_url: Address of Hint's API.
        patient_id: The patient.
    """
    start = patient_url or f"{_application(hint_url)}/patients/"
    return start + quote(patient_id, safe="")


def _application(hint_url: str) -> str:
    return _HINT_APPLICATION if urlsplit(hint_url).hostname == _HINT_API else hint_url.rstrip("/")


def contact_address(org_origin: str, contact_id: RecordId) -> str:
    """Return the address of a contact in the org at `org_origin`."""
    return f"{org_origin.rstrip('/')}/lightning/r/Contact/{quote(contact_id, safe='')}/view"
