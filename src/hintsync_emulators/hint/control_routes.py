"""What the Hint emulator adds to the control API.

With several practices a route speaks of the first, or of the one that ``?practice=pra-…`` names. Examples:

    GET    /_control/credentials            partner key, practice token, signing key, ids
    POST   /_control/codes                  {"code": "…"}: an authorization code, as an administrator would paste it
    POST   /_control/tokens/revoke          from now on the practice token answers 401
    GET    /_control/switches               every disputed behaviour and how it is set
    PUT    /_control/switches               {"updated_at_filter": false, "quiet_fields": "phones"}
    POST   /_control/patients               [{"first_name": "Ada", "last_name": "Moor"}, …]: answers the ids
    GET    /_control/patients/{id}          one patient, title included
    PATCH  /_control/patients/{id}          {"email": "new@example.com"}: as the staff does it, so webhooks are due
    POST   /_control/patients/{id}/archive
    POST   /_control/patients/{id}/unarchive
    POST   /_control/patients/{id}/merge    {"into": "pat-…"}
    DELETE /_control/patients/{id}
    GET    /_control/outbox                 the webhook events that wait, each with its signature
    DELETE /_control/outbox
"""

from collections.abc import Callable, Sequence

from hintsync_emulators.control import ControlError, ControlRequest, ControlRoute
from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.hint.practice import Practice

Steer = Callable[[Practice, ControlRequest], object]


def control_routes(practices: Sequence[Practice]) -> list[ControlRoute]:
    """Builds the additional control routes for the practices of one emulator."""
    table: list[tuple[str, str, Steer, str]] = [
        ("GET", "/credentials", _credentials, "partner key, practice token, signing key, ids"),
        ("POST", "/codes", lambda practice, _: {"code": practice.new_code()}, "a fresh authorization code"),
        ("POST", "/tokens/revoke", lambda practice, _: practice.revoke_token(), "the practice token answers 401"),
        ("GET", "/switches", lambda practice, _: practice.switches.to_json(), "disputed behaviours, as set"),
        ("PUT", "/switches", _set_switches, 'set some: {"updated_at_filter": false}'),
        ("POST", "/patients", _create_patients, "register a list of patients; answers their ids"),
        ("GET", "/patients/{id}", _show_patient, "one patient, title included"),
        ("PATCH", "/patients/{id}", _edit_patient, "edit as the staff does"),
        ("POST", "/patients/{id}/archive", lambda at, call: at.archive(call.path["id"]), "archive"),
        ("POST", "/patients/{id}/unarchive", lambda at, call: at.unarchive(call.path["id"]), "bring back"),
        ("POST", "/patients/{id}/merge", _merge_patients, 'merge: {"into": "pat-…"}'),
        ("DELETE", "/patients/{id}", lambda at, call: at.destroy(call.path["id"]), "destroy"),
        ("GET", "/outbox", _outbox, "webhook events that wait, with their signatures"),
        ("DELETE", "/outbox", lambda practice, _: practice.outbox.clear(), "forget them"),
    ]
    return [ControlRoute(method, path, _at_practice(practices, steer), text) for method, path, steer, text in table]


def _at_practice(practices: Sequence[Practice], steer: Steer) -> Callable[[ControlRequest], object]:
    def handler(request: ControlRequest) -> object:
        wanted = request.query.get("practice", practices[0].id)
        practice = next((each for each in practices if each.id == wanted), None)
        if practice is None:
            raise ControlError(404, f"no practice {wanted}")
        try:
            with practice.lock:
                return steer(practice, request)
        except HintError as error:
            raise ControlError(error.status, error.message) from error

    return handler


def _credentials(practice: Practice, request: ControlRequest) -> object:
    key = practice.installation.live_key
    return {
        "partner_key": practice.partner.key,
        "token": key.token if key else None,
        "signing_key": practice.partner.signing_key,
        "practice_id": practice.id,
        "integration_id": practice.installation.integration_id,
        "installation_id": practice.installation.id,
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


def _create_patients(practice: Practice, request: ControlRequest) -> object:
    people = request.body
    if not isinstance(people, list) or not all(isinstance(person, dict) for person in people):
        raise ControlError(400, "the body must be a list of objects")
    return practice.load(people)


def _show_patient(practice: Practice, request: ControlRequest) -> object:
    return practice.patient(request.path["id"])


def _edit_patient(practice: Practice, request: ControlRequest) -> object:
    practice.edit(request.path["id"], **request.object())
    return practice.patient(request.path["id"])


def _merge_patients(practice: Practice, request: ControlRequest) -> object:
    practice.merge(request.path["id"], into=str(request.object().get("into", "")))
    return practice.patient(request.path["id"])


def _outbox(practice: Practice, request: ControlRequest) -> object:
    return [
        {
            "id": event.id,
            "type": event.type,
            "body": event.body.decode(),
            "headers": event.headers(practice.partner.signing_key),
            "webhook_endpoints": event.endpoint_ids,
        }
        for event in practice.outbox
    ]
