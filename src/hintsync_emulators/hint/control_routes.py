"""What the Hint emulator adds to the control API; ``GET /_control`` lists it with examples.

With several practices a route speaks of the first, or of the one that ``?practice=pra-…`` names.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from typing import cast

from hintsync_emulators.control import ControlError, ControlRequest, ControlRoute
from hintsync_emulators.hint.backends import Endpoint, is_web_address
from hintsync_emulators.hint.connecting import SURFACES, handshake
from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.hint.event_faults import EventFault
from hintsync_emulators.hint.practice import Practice
from hintsync_emulators.hint.practitioners import read_practitioner

Steer = Callable[[Practice, ControlRequest], object]
AsyncSteer = Callable[[Practice, ControlRequest], Awaitable[object]]

_EXAMPLE_PATIENTS = [{"first_name": "Ada", "last_name": "Moor", "dob": "1980-02-29"}]
_EXAMPLE_FAULTS = {"faults": [{"do": "double", "match": "^patient", "times": 2}]}
_EXAMPLE_EVENT = {"type": "invoice.paid", "object": {"id": "inv-1"}}
_DELIVERIES_SHOWN = 20
_EXAMPLE_BACKEND = {"auth_type": "automatic_headless", "redirect_url": "http://127.0.0.1:9000/connect/"}


def control_routes(practices: Sequence[Practice]) -> list[ControlRoute]:
    """Builds the additional control routes for the practices of one emulator."""

    def at(method: str, path: str, steer: Steer, text: str, example: object = None) -> ControlRoute:
        return ControlRoute(method, path, _at_practice(practices, steer), text, example)

    def later(method: str, path: str, steer: AsyncSteer, text: str, example: object = None) -> ControlRoute:
        return ControlRoute(method, path, _at_practice_later(practices, steer), text, example)

    return [
        at("GET", "/credentials", _credentials, "partner key, practice token, signing key, ids"),
        at("GET", "/switches", lambda practice, _: practice.switches.to_json(), "every disputed behaviour, as set"),
        at("PUT", "/switches", _set_switches, "set some", {"updated_at_filter": False, "quiet_fields": "phones"}),
        at("POST", "/codes", lambda practice, _: {"code": practice.new_code()}, "a fresh authorization code"),
        later("POST", "/connect", _connect, "connect as the administrator does: paste, redirect or post a code"),
        at("POST", "/finish-setup", lambda practice, _: practice.finish_setup(), "the practice ends its set-up"),
        at("POST", "/activate", lambda practice, _: practice.set_status("active"), "activate in Hint's settings"),
        at("POST", "/deactivate", lambda practice, _: practice.set_status("deactivated"), "deactivate there"),
        at("POST", "/tokens/revoke", lambda practice, _: practice.revoke_token(), "the practice token answers 401"),
        at("GET", "/backend", lambda practice, _: _backend(practice), "the default backend, as set"),
        at("PATCH", "/backend", _set_backend, "the default backend, as the Partner Portal sets it", _EXAMPLE_BACKEND),
        later("POST", "/handshake", _handshake, "open the embedded app", {"surface": "core_page", "surface_url": ""}),
        at("POST", "/patients", _create_patients, "register a list of patients; answers their ids", _EXAMPLE_PATIENTS),
        at("GET", "/patients/{id}", lambda practice, call: practice.patient(call.path["id"]), "one, title included"),
        at("PATCH", "/patients/{id}", _edit_patient, "edit as the staff does", {"email": "new@example.com"}),
        at("POST", "/patients/{id}/archive", lambda practice, call: practice.archive(call.path["id"]), "archive"),
        at(
            "POST", "/patients/{id}/unarchive", lambda practice, call: practice.unarchive(call.path["id"]), "bring back"
        ),
        at("POST", "/patients/{id}/merge", _merge_patients, "merge into another", {"into": "pat-ab12C345DeF6"}),
        at("DELETE", "/patients/{id}", lambda practice, call: practice.destroy(call.path["id"]), "destroy"),
        at("POST", "/practitioners", _create_practitioner, "add one; answers the id", {"name": "Dr. Roe"}),
        at("PATCH", "/practitioners/{id}", _edit_practitioner, "edit one", {"name": "Dr. Roe-Moor"}),
        at("DELETE", "/practitioners/{id}", lambda at, call: at.remove_practitioner(call.path["id"]), "remove one"),
        at("GET", "/deliveries", _deliveries, "the latest webhooks and what became of them, the newest first"),
        at("GET", "/outbox", _outbox, "webhook events not delivered yet, with their signatures"),
        at("DELETE", "/outbox", _clear_outbox, "never deliver them"),
        later("POST", "/deliver", _deliver, "send now what is due now"),
        at("POST", "/events", _announce, "let any event happen", _EXAMPLE_EVENT),
        at("GET", "/events/faults", lambda practice, _: _event_faults(practice), "what awaits the next events"),
        at("PUT", "/events/faults", _set_event_faults, "drop, double, delay or reorder events", _EXAMPLE_FAULTS),
        at(
            "POST",
            "/events/release",
            lambda practice, _: practice.partner.requests.release(),
            "let go what a delay or a reorder holds back",
        ),
    ]


def _at_practice(practices: Sequence[Practice], steer: Steer) -> Callable[[ControlRequest], object]:
    def handler(request: ControlRequest) -> object:
        practice = _wanted(practices, request)
        try:
            with practice.lock:
                return steer(practice, request)
        except HintError as error:
            raise ControlError(error.status, error.message) from error

    return handler


def _at_practice_later(
    practices: Sequence[Practice], steer: AsyncSteer
) -> Callable[[ControlRequest], Awaitable[object]]:
    async def handler(request: ControlRequest) -> object:
        try:
            return await steer(_wanted(practices, request), request)
        except HintError as error:
            raise ControlError(error.status, error.message) from error

    return handler


def _wanted(practices: Sequence[Practice], request: ControlRequest) -> Practice:
    wanted = request.query.get("practice", practices[0].id)
    practice = next((each for each in practices if each.id == wanted), None)
    if practice is None:
        raise ControlError(404, f"no practice {wanted}")
    return practice


def _credentials(practice: Practice, request: ControlRequest) -> object:
    key = practice.installation.live_key
    return {
        "partner_key": practice.partner.key,
        "token": key.token if key else None,
        "signing_key": practice.partner.signing_key,
        "practice_id": practice.id,
        "integration_id": practice.installation.integration_id,
        "installation_id": practice.installation.id,
        "backend_id": practice.partner.backend.id,
    }


def _set_switches(practice: Practice, request: ControlRequest) -> object:
    for name, value in request.object().items():
        try:
            practice.switches.set(name, value)
        except KeyError as error:
            raise ControlError(400, f"no switch {name!r}; GET /_control/switches lists them") from error
        except TypeError as error:
            raise ControlError(400, str(error)) from error
    return practice.switches.to_json()


async def _connect(practice: Practice, request: ControlRequest) -> object:
    return dataclasses.asdict(await practice.connect())


def _set_backend(practice: Practice, request: ControlRequest) -> object:
    body = request.object()
    backend, partner = practice.partner.backend, practice.partner
    address = body.pop("handshake_url", backend.handshake_url)
    if address is not None and not is_web_address(address):
        raise ControlError(400, "handshake_url must be a web address")
    backend.update(body, partner.keys, partner.now())
    backend.handshake_url = None if address is None else str(address)
    return _backend(practice)


def _backend(practice: Practice) -> object:
    backend = practice.partner.backend
    return {
        "id": backend.id,
        "auth_type": backend.auth_type,
        "activation_type": backend.activation_type,
        "redirect_url": backend.redirect_url,
        "handshake_url": backend.handshake_url,
        "listened_events": backend.listened_events,
        "max_requests_per_minute": backend.max_requests_per_minute,
        "unmute_self_webhooks": backend.unmute_self_webhooks,
        "webhooks_disabled": backend.webhooks_disabled,
        "webhooks_paused": backend.webhooks_paused,
    }


async def _handshake(practice: Practice, request: ControlRequest) -> object:
    body = request.object()
    surface, patient_id = body.get("surface", "core_page"), body.get("patient_id")
    if surface not in SURFACES:
        raise ControlError(400, f"surface must be one of {', '.join(SURFACES)}")
    session = await handshake(
        practice,
        str(body.get("surface_url", "")),
        surface=str(surface),
        patient_id=None if patient_id is None else str(patient_id),
        access_context=str(body.get("access_context", "standard")),
    )
    return dataclasses.asdict(session)


def _create_patients(practice: Practice, request: ControlRequest) -> object:
    people = request.body
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise ControlError(400, "the body must be a list of objects")
    return practice.load(people)


def _edit_patient(practice: Practice, request: ControlRequest) -> object:
    practice.edit(request.path["id"], **request.object())
    return practice.patient(request.path["id"])


def _merge_patients(practice: Practice, request: ControlRequest) -> object:
    practice.merge(request.path["id"], into=str(request.object().get("into", "")))
    return practice.patient(request.path["id"])


def _create_practitioner(practice: Practice, request: ControlRequest) -> object:
    values = read_practitioner(request.object(), creating=True)
    return {"id": practice.add_practitioner(str(values.pop("name")), **_keywords(values))}


def _edit_practitioner(practice: Practice, request: ControlRequest) -> None:
    values = read_practitioner(request.object(), creating=False)
    practice.edit_practitioner(request.path["id"], **_keywords(values))


def _keywords(values: dict[str, object]) -> dict[str, bool]:
    """Lets a checked body pass as keywords; `by_api` is none of the fields of a practitioner."""
    return cast("dict[str, bool]", values)


def _outbox(practice: Practice, request: ControlRequest) -> object:
    waiting = [each for each in practice.partner.requests.waiting() if each.event.practice_id == practice.id]
    endpoints: dict[str, list[Endpoint]] = {}
    for each in waiting:
        endpoints.setdefault(each.event.id, []).append(each.endpoint)
    return [
        {
            "id": event.id,
            "type": event.type,
            "body": event.body.decode(),
            "headers": event.headers(endpoints[event.id][0].backend.signature_key.token),
            "webhook_endpoints": [endpoint.id for endpoint in endpoints[event.id]],
        }
        for event in dict.fromkeys(each.event for each in waiting)
    ]


def _deliveries(practice: Practice, request: ControlRequest) -> object:
    about = [each for each in practice.partner.requests if each.event.practice_id == practice.id]
    return [
        {
            "created_at": each.created_at,
            "event_type": each.event.type,
            "object_id": each.event.object_id,
            "status": each.status,
            "attempts": each.attempts,
            "last_status_code": each.last_status_code,
            "webhook_url": each.endpoint.webhook_url,
        }
        for each in about[: -_DELIVERIES_SHOWN - 1 : -1]
    ]


def _clear_outbox(practice: Practice, request: ControlRequest) -> None:
    practice.partner.requests.cancel(lambda each: each.event.practice_id == practice.id)


async def _deliver(practice: Practice, request: ControlRequest) -> object:
    return [
        {"event_type": each.event.type, "status": each.status, "last_status_code": each.last_status_code}
        for each in await practice.deliver()
    ]


def _announce(practice: Practice, request: ControlRequest) -> None:
    body = request.object()
    kind, shown = body.get("type"), body.get("object", {})
    if not isinstance(kind, str) or not kind or not isinstance(shown, dict):
        raise ControlError(400, "type must be a text and object an object")
    practice.announce(kind, shown)


def _event_faults(practice: Practice) -> object:
    return {"faults": [each.to_json() for each in practice.partner.requests.faults]}


def _set_event_faults(practice: Practice, request: ControlRequest) -> object:
    faults = request.object().get("faults")
    if not isinstance(faults, list):
        raise ControlError(400, "faults must be a list")
    practice.partner.requests.faults = [EventFault.from_json(each) for each in faults]
    return _event_faults(practice)
