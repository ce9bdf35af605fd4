"""The OpenAPI document of the Hint emulator."""

from collections.abc import Mapping

from hintsync_emulators.hint.backends import ACTIVATION_TYPES, AUTH_TYPES
from hintsync_emulators.hint.forms import ASSOCIATIONS, CHOICES, CONSENT_FIELDS, DATE_FIELDS, TEXT_FIELDS
from hintsync_emulators.hint.requests import STATUSES
from hintsync_emulators.hint.routes import ROUTES, PartnerRoute
from hintsync_emulators.openapi import (
    FLAG,
    FORM,
    JSON,
    NUMBER,
    OPTIONAL_TEXT,
    TEXT,
    Operation,
    Schema,
    document,
    record,
    rows,
)

VERSION = "2026-07-01"
_DATE: Schema = {"type": ["string", "null"], "format": "date"}
_ID: Schema = record(["id"], id=TEXT)
_PHONES = rows(record(["number", "type"], number=TEXT, type=TEXT, us_formattable=FLAG))
_PATIENT: dict[str, Schema] = {
    **dict.fromkeys(sorted(TEXT_FIELDS), OPTIONAL_TEXT),
    **dict.fromkeys(sorted(DATE_FIELDS), _DATE),
    **dict.fromkeys(sorted(CONSENT_FIELDS), FLAG),
    **{name: {"enum": [*choices, None]} for name, choices in CHOICES.items()},
    **{name: {"anyOf": [_ID, {"type": "null"}]} for name in ASSOCIATIONS},
    "phones": _PHONES,
    "emergency_contact": record(name=TEXT, email=TEXT, relationship=TEXT),
    "ssn": record(number=TEXT),
}
_PRACTITIONER: dict[str, Schema] = {"name": TEXT, "email": OPTIONAL_TEXT, "panel_size": NUMBER, "npi": record()}
_BACKEND = record(
    name=TEXT,
    auth_type={"enum": list(AUTH_TYPES)},
    activation_type={"enum": list(ACTIVATION_TYPES)},
    redirect_url={"type": ["string", "null"], "format": "uri"},
    webhooks_paused=FLAG,
    webhooks_disabled=FLAG,
    unmute_self_webhooks=FLAG,
    max_requests_per_minute={"type": ["integer", "null"]},
    listened_events=rows(TEXT),
    webhooks_signature_api_key=_ID,
)
_ENDPOINT = record(["webhook_url"], webhook_url={"type": "string", "format": "uri"})
_LABEL = record(label=OPTIONAL_TEXT)
_ADDRESS_PARTNER = record(webhook_url={"type": ["string", "null"], "format": "uri"})

#: Bodies by the kind of a call.
_BODIES: Mapping[str, Schema] = {
    "patients.create": record(["first_name", "last_name"], **_PATIENT),
    "patients.update": record(**_PATIENT),
    "patients.matching": record(
        ["first_name", "last_name"], first_name=TEXT, last_name=TEXT, email=TEXT, dob=_DATE, phones=_PHONES
    ),
    "practitioners.create": record(["name"], **_PRACTITIONER),
    "practitioners.update": record(**_PRACTITIONER),
    "practice.update": record(name=TEXT, email=TEXT, url=TEXT, integration_record_id=TEXT),
    "oauth.exchange": record(
        ["grant_type", "code"], grant_type={"enum": ["authorization_code"]}, code=TEXT, activate=FLAG
    ),
    "installations.connect": record(["code"], code=TEXT, activate=FLAG),
    "integrations.update": record(webhook_url_override=OPTIONAL_TEXT),
    "partner.update": {"anyOf": [_ADDRESS_PARTNER, record(partner=_ADDRESS_PARTNER)]},
    "webhook_endpoints.create": _ENDPOINT,
    "webhook_endpoints.update": record(webhook_url=TEXT),
    "backends.update": _BACKEND,
    "partner_keys.create": _LABEL,
    "installation_keys.create": _LABEL,
    "installation_keys.update": _LABEL,
}
_PAGE: Mapping[str, Schema] = {"limit": {"type": "integer", "minimum": 0}, "offset": {"type": "integer", "minimum": 0}}
_RANGE: Mapping[str, Schema] = {"created_at": TEXT, "created_at[gte]": {"type": "string", "format": "date-time"}}
#: Parameters by the kind of a call.
_QUERIES: Mapping[str, Mapping[str, Schema]] = {
    "patients.list": {
        **_PAGE,
        **_RANGE,
        "updated_at[gt]": TEXT,
        "filter": {"enum": ["archived", "all"]},
        "sort": {"enum": ["created_at", "-created_at", "last_name", "-last_name"]},
        "last_name": TEXT,
        "dob": TEXT,
        "email": TEXT,
    },
    "webhooks.requests": {
        **_PAGE,
        **_RANGE,
        "status": {"enum": list(STATUSES)},
        "event_type": TEXT,
        "attempts": NUMBER,
        "delivered_at": TEXT,
        "webhook_endpoint": TEXT,
    },
    "installations.list": {**_PAGE, **_RANGE, "status": TEXT, "partner_product": TEXT},
    "installation_keys.list": {**_PAGE, **_RANGE, "label": TEXT, "deactivated_at": TEXT},
    "partner_keys.list": {**_PAGE, **_RANGE, "label": TEXT},
    "backends.list": {**_PAGE, **_RANGE},
    "webhook_endpoints.list": {**_PAGE, "backend": TEXT},
}


def openapi() -> dict[str, object]:
    """Returns the document of everything that is emulated."""
    operations = []
    for (method, path), route in ROUTES.items():
        newer = isinstance(route, PartnerRoute) and route.newer
        operations.append(
            Operation(
                method,
                _named_apart(path),
                route.kind,
                query=_QUERIES.get(route.kind, {}),
                headers={"Hint-Version": {"enum": ["2026-07-01", "marketplace_endpoints"]}} if newer else {},
                body=_BODIES.get(route.kind),
                takes=(JSON, FORM) if route.kind == "oauth.exchange" else (JSON,),
            )
        )
    return document("Hint, emulated", VERSION, operations)


def _named_apart(path: str) -> str:
    """Gives the two placeholders of a path different names."""
    return path.replace("{id}", "{parent_id}", 1) if path.count("{id}") == 2 else path
