"""Webhooks as Hint sends them: the kinds of events, their envelope and its signature.

Source: https://developers.hint.com/reference/webhooks.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

import orjson

from hintsync_emulators.hint.switches import Switches

SIGNATURE_HEADER = "X-Hint-Signature"
#: The published list of July 2026.
EVENT_TYPES: tuple[str, ...] = (
    *(
        f"{thing}.{change}"
        for thing in (
            "company",
            "customer_invoice",
            "invoice",
            "employee_division",
            "membership",
            "patient",
            "practitioner",
            "location",
            "practice",
        )
        for change in ("created", "updated", "destroyed")
    ),
    "patient.inactive",
    "prospect.created",
    "prospect.updated",
    "integration.activated",
    "integration.deactivated",
    "installation.activated",
    "installation.deactivated",
    "signup_attempt.created",
    "signup_attempt.updated",
    "practice.deactivated",
    *(
        f"{thing}.{change}"
        for thing in ("customer_invoice", "invoice")
        for change in ("draft", "issued", "paid", "cancelled")
    ),
)


def signature(key: str, body: bytes) -> str:
    """Returns the value of the signature header: ``sha256=`` and the lower-case hex HMAC of the raw body."""
    return f"sha256={hmac.new(key.encode(), body, hashlib.sha256).hexdigest()}"


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One thing that happened, with the exact bytes that are sent for it."""

    id: str
    type: str
    created_at: datetime
    practice_id: str
    #: Id of the object the event is about.
    object_id: str
    #: The raw body, as it is sent and signed.
    body: bytes
    #: Ids of the endpoints it is due at, those registered when it happened.
    endpoint_ids: tuple[str, ...]

    def headers(self, signing_key: str) -> dict[str, str]:
        """Returns the headers of its delivery."""
        return {"Content-Type": "application/json", SIGNATURE_HEADER: signature(signing_key, self.body)}


def envelope(event_id: str, kind: str, practice_id: str, at: datetime, shown: object, switches: Switches) -> bytes:
    """Returns the raw body of a webhook, ``object`` being what the API shows of the record."""
    prefix = switches.webhook_practice_prefix
    body: dict[str, object] = {
        "id": event_id,
        "created_at": at,
        "type": kind,
        "practice_id": practice_id.replace("pra-", f"{prefix}-", 1),
        "object": shown,
    }
    if switches.envelope_timestamp:
        body["timestamp"] = at
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)
