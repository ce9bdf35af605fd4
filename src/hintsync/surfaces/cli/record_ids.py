"""Reads the ids that people type or paste: contacts in either length, patients as Hint shows them."""

from __future__ import annotations

import re

from hintsync.core.errors import BadInput
from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.engine.batch.csv_ids import CONTACT_PREFIX, to_18

_SALESFORCE_ID = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_SHORT = 15
_LONGEST = 255


def contact_id(typed: str) -> RecordId:
    """Return a contact's id in 18 characters.

    Raises:
        BadInput: it is none.
    """
    text = typed.strip()
    if not _SALESFORCE_ID.fullmatch(text) or not text.startswith(CONTACT_PREFIX):
        raise BadInput(f"expected a contact's id: {CONTACT_PREFIX} and 12 or 15 more letters and digits")
    full = to_18(text[:_SHORT])
    if len(text) > _SHORT and text.upper() != full.upper():
        raise BadInput("the contact's id has a slip in it: its last three characters do not fit the others")
    return full


def patient_id(typed: str) -> RecordId:
    """Return a patient's id.

    Raises:
        BadInput: it cannot be one.
    """
    text = typed.strip()
    if not text or len(text) > _LONGEST or not text.isprintable() or any(sign.isspace() for sign in text):
        raise BadInput("expected a patient's id, such as pat- and 12 letters and digits")
    if _SALESFORCE_ID.fullmatch(text) and text.startswith(CONTACT_PREFIX):
        raise BadInput("expected a patient's id, this is a contact's")
    return text


def side_and_id(typed: str) -> tuple[Side, RecordId]:
    """Return whose id it is, and the id.

    Raises:
        BadInput: it is neither a contact's nor a patient's.
    """
    text = typed.strip()
    if _SALESFORCE_ID.fullmatch(text) and text.startswith(CONTACT_PREFIX):
        return Side.SALESFORCE, contact_id(text)
    return Side.HINT, patient_id(text)
