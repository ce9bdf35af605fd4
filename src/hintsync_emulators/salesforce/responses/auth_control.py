"""Routes of the control API about who may call: apps, passwords, the life of sessions.

PUT    /_control/apps/ID         {"client_secret": "s", "redirect_uris": ["http://localhost/back"], "rotate": true}
PUT    /_control/passwords       {"integration@example.org": "secret"}: for the password grant and SOAP
PUT    /_control/sessions        {"lifetime": 7200}: sessions end after so many seconds; null lets them live
GET    /_control/sessions        how long they live now
DELETE /_control/refresh-tokens  forget every refresh token
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hintsync_emulators.control import ControlError, ControlRequest, ControlRoute
from hintsync_emulators.salesforce.auth import App
from hintsync_emulators.salesforce.org import Org

_EXAMPLE_APP = {"client_secret": "s", "redirect_uris": ["http://localhost/back"], "rotate": True}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def _flag(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("a list of texts")
    return tuple(map(_text, value))


#: How the parts of an app are read.
_PARTS: Mapping[str, Callable[[object], object]] = {
    "client_secret": _text,
    "run_as": lambda value: None if value is None else _text(value),
    "certificate": lambda value: None if value is None else _text(value),
    "approved": lambda value: None if value is None else frozenset(_texts(value)),
    "rotate": _flag,
    "scope": _text,
    "redirect_uris": _texts,
    "requires_secret": _flag,
    "requires_pkce": _flag,
}


def read_app(client_id: str, body: Mapping[str, object]) -> App:
    """Build an app from the JSON of a control request.

    Raises:
        ControlError: a part is unknown, of the wrong kind, or the secret is missing.
    """
    parts = {}
    for name, value in body.items():
        if name not in _PARTS:
            raise ControlError(400, f"an app has no {name}; it has {', '.join(_PARTS)}")
        try:
            parts[name] = _PARTS[name](value)
        except ValueError as problem:
            raise ControlError(400, f"{name} must be {problem}") from None
    if "client_secret" not in parts:
        raise ControlError(400, "an app needs a client_secret")
    return App(client_id, **parts)  # type: ignore[arg-type]


class _AuthControl:
    """Translates control requests into changes of who may call."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def app(self, request: ControlRequest) -> None:
        app = read_app(request.path["id"], request.object())
        with self._org.guard:
            self._org.auth.register([app])

    def passwords(self, request: ControlRequest) -> None:
        body = request.object()
        if not all(isinstance(value, str) for value in body.values()):
            raise ControlError(400, "the body must map usernames to passwords")
        with self._org.guard:
            self._org.auth.passwords.update({name: str(value) for name, value in body.items()})

    def show_sessions(self, _: ControlRequest) -> object:
        with self._org.guard:
            return {"lifetime": self._org.auth.lifetime}

    def sessions(self, request: ControlRequest) -> None:
        seconds = request.object().get("lifetime")
        if seconds is not None and (type(seconds) not in (int, float) or not float(str(seconds)) > 0):
            raise ControlError(400, "lifetime must be a number of seconds, or null")
        with self._org.guard:
            self._org.auth.lifetime = None if seconds is None else float(str(seconds))

    def forget_refresh(self, request: ControlRequest) -> object:
        with self._org.guard:
            return {"forgotten": self._org.auth.expire_refresh()}


def auth_routes(org: Org) -> list[ControlRoute]:
    """Return the routes below ``/_control`` about who may call."""
    control = _AuthControl(org)
    lifetime = "let sessions end by themselves after so many seconds; null lets them live"
    return [
        ControlRoute(
            "PUT", "/apps/{id}", control.app, "register or change a client of the login service", _EXAMPLE_APP
        ),
        ControlRoute("PUT", "/passwords", control.passwords, "set passwords", {"integration@example.org": "secret"}),
        ControlRoute("GET", "/sessions", control.show_sessions, "how many seconds sessions live, null for ever"),
        ControlRoute("PUT", "/sessions", control.sessions, lifetime, {"lifetime": 7200}),
        ControlRoute("DELETE", "/refresh-tokens", control.forget_refresh, "forget every refresh token"),
    ]
