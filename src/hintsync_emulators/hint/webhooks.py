"""Webhooks as Hint sends them: the envelope, its signature, and the outbox where they wait.

Source: https://developers.hint.com/reference/webhooks. Events are recorded here with the exact bytes that would be
sent; nothing delivers them yet.
"""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

SIGNATURE_HEADER = "X-Hint-Signature"
#: The published list of July 2026; only the patient events are ever caused by this emulator.
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


@dataclass(slots=True)
class Endpoint:
    """A registered address for webhooks."""

    id: str
    webhook_url: str
    created_at: datetime
    updated_at: datetime
    last_delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """One event waiting in the outbox."""

    id: str
    type: str
    created_at: datetime
    practice_id: str
    #: Id of the object the event is about.
    object_id: str
    #: The raw body, as it would be sent and is signed.
    body: bytes
    #: Ids of the endpoints it is due at, those registered when it happened.
    endpoint_ids: tuple[str, ...]

    def headers(self, signing_key: str) -> dict[str, str]:
        """Returns the headers of its delivery."""
        return {"Content-Type": "application/json", SIGNATURE_HEADER: signature(signing_key, self.body)}
