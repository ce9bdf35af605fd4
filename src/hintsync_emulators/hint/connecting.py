"""How a practice's administrator connects Hint to the partner, and how Hint then speaks to the partner's app.

Sources: https://developers.hint.com/docs/integration-activation for the three ways a code arrives;
https://developers.hint.com/docs/building-an-app for the embedded app's handshake.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from hintsync_emulators.hint.announcing import announce
from hintsync_emulators.hint.delivery import client_of, post
from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.hint.webhooks import SIGNATURE_HEADER, signature

if TYPE_CHECKING:
    from hintsync_emulators.hint.practice import Practice

SURFACES = ("core_page", "settings", "clinical_interaction", "clinical_chart")
_USER: dict[str, object] = {
    "id": "user-AlexOffice01",
    "name": "Alex Office",
    "first_name": "Alex",
    "last_name": "Office",
    "email": "alex@example.com",
    "phones": [],
    "partner_roles": ["admin"],
}


@dataclass(frozen=True, slots=True)
class Handover:
    """How the code reached the partner, or is to reach him."""

    #: ``manual``, ``automatic_redirect`` or ``automatic_headless``.
    auth_type: str
    #: The code; under ``manual`` somebody pastes it into the partner's app.
    code: str
    #: Where the browser is sent, or where Hint posted: the redirect address with the code right behind it.
    url: str | None = None
    #: What the partner's server answered to the post; None where nothing was posted or nobody answered.
    status_code: int | None = None
    text: str | None = None


async def connect(practice: "Practice") -> Handover:
    """Lets the administrator connect, or connect again, in the way the backend names.

    Raises:
        HintError: 422, an automatic way without a redirect address.
    """
    backend = practice.partner.backend
    with practice.lock:
        if practice.installation.status == "deactivated":
            practice.installation.status = "onboarding"
        practice.installation.practice_activated = backend.activation_type != "practice_activate"
        code = practice.new_code()
    if backend.auth_type == "manual":
        return Handover("manual", code)
    if backend.redirect_url is None:
        raise HintError(422, "Validation failed: Redirect url can't be blank")
    url = f"{backend.redirect_url}{code}"
    if backend.auth_type == "automatic_redirect":
        return Handover("automatic_redirect", code, url)
    async with client_of(practice.partner) as client:
        outcome = await post(client, url, b"", {}, practice.switches.webhook_timeout_seconds)
    return Handover("automatic_headless", code, url, outcome.status, outcome.text)


def finish_setup(practice: "Practice") -> None:
    """Lets the practice finish its part; under ``practice_activate`` the connection is active from then on."""
    with practice.lock:
        practice.installation.practice_activated = True
        waits = practice.installation.status == "pending"
        if waits and practice.partner.backend.activation_type == "practice_activate":
            set_status(practice, "active", by_api=False)


def set_status(practice: "Practice", status: str, *, by_api: bool) -> None:
    """Activates or deactivates a connection, and announces it under its older and its newer name.

    Raises:
        HintError: 422, the practice has not done its part of an activation yet.
    """
    connection = practice.installation
    if status == "active" and not connection.practice_activated:
        raise HintError(422, "Validation failed: The practice must activate the connection first")
    if connection.status == status:
        return
    connection.status = status
    change = "activated" if status == "active" else "deactivated"
    for thing, connection_id in (("integration", connection.integration_id), ("installation", connection.id)):
        shown = {
            "id": connection_id,
            "status": status,
            "practice": {"id": practice.id, "name": practice.profile["name"]},
        }
        announce(practice, f"{thing}.{change}", connection_id, shown, by_api=by_api, whatever_status=True)


@dataclass(frozen=True, slots=True)
class Session:
    """A session of the partner's app inside Hint."""

    session_key: str
    #: What Hint loads into its frame.
    surface_url: str


async def handshake(
    practice: "Practice",
    surface_url: str,
    *,
    surface: str = "core_page",
    patient_id: str | None = None,
    access_context: str = "standard",
) -> Session:
    """Begins a session of the embedded app, as Hint does when a user opens one of its surfaces.

    Args:
        surface: one of `SURFACES`; only the clinical ones tell the patient.
        access_context: ``standard``, or ``platform_support`` for somebody who works at Hint.

    Raises:
        HintError: 422 without a handshake address, 502 when the partner refused or did not answer as agreed.
    """
    url = practice.partner.backend.handshake_url
    if url is None:
        raise HintError(422, "Validation failed: Handshake url can't be blank")
    with practice.lock:
        token = practice.partner.add_key(practice.installation, label="session").token
    body: dict[str, object] = {
        "timestamp": practice.clock().isoformat(),
        "user": _USER,
        "practice": {"id": practice.id, "name": practice.profile["name"]},
        "integration": {"id": practice.installation.integration_id},
        "access_token": token,
        "browser_allow_list": [],
        "access_context": access_context,
    }
    if surface.startswith("clinical") and patient_id is not None:
        body["patient"] = {"id": patient_id}
    raw = orjson.dumps(body)
    headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature(practice.partner.signing_key, raw)}
    async with client_of(practice.partner) as client:
        outcome = await post(client, url, raw, headers, practice.switches.webhook_timeout_seconds)
    return Session(*_session(outcome.text if outcome.is_success else "", surface_url))


def _session(text: str, surface_url: str) -> tuple[str, str]:
    try:
        answer = orjson.loads(text)
    except ValueError:
        answer = None
    key = answer.get("session_key") if isinstance(answer, dict) else None
    if not isinstance(key, str) or not key:
        raise HintError(502, "The partner's app did not answer with a session key")
    return key, f"{surface_url}{'&' if '?' in surface_url else '?'}session_key={key}"
