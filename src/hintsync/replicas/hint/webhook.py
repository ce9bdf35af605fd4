"""Checks and opens what Hint posts to us: the signature over the raw body, the envelope, the patients it tells of.

Hint signs the bytes it sends with the "Webhooks Signature Key" of the Partner Portal and wraps the object, as the API would
show it, into an envelope with a type and a practice (https://developers.hint.com/reference/webhooks). Types that are new or
none of ours are no error: Hint adds them without notice.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import orjson

from hintsync.core.errors import BadInput
from hintsync.core.records import RecordId

SIGNATURE_HEADER = "X-Hint-Signature"

#: Longest id that is taken; Hint's own have 16 to 20 characters.
_LONGEST_ID = 128
#: Keys of a membership under which its patients are listed: of the API, and of a patient's own list.
_MEMBERS = ("membership_patients", "membership_members")


class Happened(StrEnum):
    """What an event says of a patient."""

    CREATED = "created"
    #: Became inactive, too: the patient stays, and shows it as its membership status.
    UPDATED = "updated"
    #: Only the id is sure to be shown.
    DESTROYED = "destroyed"
    #: Something that shows in the patient changed, and the event does not show how.
    TOUCHED = "touched"


_PATIENT_TYPES: Mapping[str, Happened] = {
    "patient.created": Happened.CREATED,
    "patient.updated": Happened.UPDATED,
    "patient.inactive": Happened.UPDATED,
    "patient.destroyed": Happened.DESTROYED,
}


class BadWebhook(BadInput):
    """A signed body that cannot be a webhook; its text is a code, for it may quote nothing."""

    code = "bad-webhook"


@dataclass(frozen=True, slots=True)
class Envelope:
    """An opened webhook."""

    #: Unique to the event; None where there is none that can be remembered.
    event_id: str | None
    #: Such as `patient.updated`; any text.
    type: str
    #: Opaque: Hint's own pages spell its start in two ways.
    practice_id: str
    #: The object as the API shows it; whatever came, where the type is none of ours.
    shown: Mapping[str, object] = field(repr=False)


@dataclass(frozen=True, slots=True)
class PatientEvent:
    """What an envelope says of one patient."""

    patient_id: RecordId
    happened: Happened
    #: The patient as the API shows it; None where the event does not show one.
    shown: Mapping[str, object] | None = field(default=None, repr=False)


class Signatures:
    """The keys that a webhook may be signed with: one, or two while a new one takes over."""

    def __init__(self, keys: Sequence[str]) -> None:
        """Take the keys in any order; without any, no signature is right."""
        self._keys = tuple(key.encode("utf-8") for key in keys if key)

    def __bool__(self) -> bool:
        """Say whether there is a key at all."""
        return bool(self._keys)

    def accepts(self, body: bytes, claimed: str | None) -> bool:
        """Say whether a body was signed with one of the keys.

        Args:
            body: the raw bytes, before anything is parsed or unpacked.
            claimed: the header's value, `sha256=` and 64 lower-case hex digits.

        Takes the same time whichever key is right and wherever a wrong signature differs.
        """
        given = (claimed or "").encode("latin-1", errors="replace")
        matches = [hmac.compare_digest(given, _signature(key, body)) for key in self._keys]
        return any(matches)


def _signature(key: bytes, body: bytes) -> bytes:
    return b"sha256=" + hmac.digest(key, body, hashlib.sha256).hex().encode("ascii")


def open_envelope(body: bytes) -> Envelope:
    """Read the envelope of a body whose signature was right.

    Raises:
        BadWebhook: it is no JSON (`not-json`), no object (`not-an-object`), or lacks its type (`no-type`), its practice
            (`no-practice`) or, for an event of a patient, the patient's id (`no-record-id`).
    """
    try:
        raw = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise BadWebhook("not-json") from None
    if not isinstance(raw, dict):
        raise BadWebhook("not-an-object")
    type_, practice_id, shown = raw.get("type"), _id(raw.get("practice_id")), raw.get("object")
    if not isinstance(type_, str) or not type_:
        raise BadWebhook("no-type")
    if practice_id is None:
        raise BadWebhook("no-practice")
    shown = shown if isinstance(shown, dict) else {}
    if type_ in _PATIENT_TYPES and _id(shown.get("id")) is None:
        raise BadWebhook("no-record-id")
    return Envelope(_id(raw.get("id")), type_, practice_id, shown)


def patients_of(envelope: Envelope) -> Sequence[PatientEvent]:
    """Return what an envelope says of patients, each once; nothing for a type that tells of none."""
    happened = _PATIENT_TYPES.get(envelope.type)
    if happened is not None:
        shown = None if happened is Happened.DESTROYED else envelope.shown
        return [PatientEvent(str(envelope.shown["id"]), happened, shown)]
    if envelope.type.startswith("membership."):
        return [PatientEvent(each, Happened.TOUCHED) for each in dict.fromkeys(_members(envelope.shown))]
    return []


def _members(membership: Mapping[str, object]) -> Iterator[RecordId]:
    """Yield the ids of the patients in a membership; a member that shows none is passed over."""
    places = [membership.get(key) for key in _MEMBERS]
    members = [member for place in places if isinstance(place, list) for member in place]
    for member in (membership, *members):
        patient = member.get("patient") if isinstance(member, dict) else None
        patient_id = _id(patient.get("id")) if isinstance(patient, dict) else None
        if patient_id is not None:
            yield patient_id


def _id(value: object) -> str | None:
    """Return an id that can be one: plain characters, no white space, not endless; what is stored and logged is this."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
        return None
    return value if value.isascii() and value.isprintable() and " " not in value else None


def same_practice(pinned: str, told: str) -> bool:
    """Say whether an envelope tells of a practice: Hint's pages spell the start of its id `pra-` there, or `prc-`."""
    return pinned == told or pinned.replace("prc-", "pra-", 1) == told.replace("prc-", "pra-", 1)
