"""Canvas apps as the control API gives, lists, opens and spoils them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from hintsync_emulators.control import ControlError, ControlRequest
from hintsync_emulators.salesforce.auth import App
from hintsync_emulators.salesforce.canvas.apps import CanvasProblem, every, origin_of
from hintsync_emulators.salesforce.canvas.context import open_app
from hintsync_emulators.salesforce.canvas.kept import ACCESS_METHODS, FAULTS, LOCATIONS, CanvasApp
from hintsync_emulators.salesforce.canvas.visit import read_visit
from hintsync_emulators.salesforce.metadata.apps import credentials

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Where the page of the emulator is that shows an app.
PAGE = "/_emulator/canvas"
_PARTS = ("url", "label", "client_id", "access_method", "locations")


class CanvasSteering:
    """Translates control requests into canvas apps and what goes wrong with them."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def show(self, request: ControlRequest) -> object:
        with self._org.guard:
            apps = [_shown(app, request.origin) for app in every(self._org)]
            return {"apps": apps, "faults": dataclasses.asdict(self._org.canvas.faults)}

    def put(self, request: ControlRequest) -> object:
        name, body = request.path["name"], request.object()
        unknown = set(body) - set(_PARTS)
        if unknown:
            raise ControlError(400, f"a canvas app has no {sorted(unknown)[0]}; it has {', '.join(_PARTS)}")
        with self._org.guard:
            known = self._org.canvas.given.get(name)
            app = CanvasApp(
                name=name,
                label=_text(body, "label", name),
                url=_url(body),
                application_id=known.application_id if known else self._org.ids.next("06P"),
                reference_id=known.reference_id if known else self._org.ids.next("09H"),
                client=self._client(name, _text(body, "client_id", "")),
                access_method=_choice(body, "access_method", ACCESS_METHODS),
                locations=_locations(body.get("locations", ["Visualforce"])),
            )
            self._org.canvas.given[name] = app
            return _shown(app, request.origin)

    def _client(self, name: str, client_id: str) -> App:
        """Return the client that is named; an app that names none is given one of its own."""
        key, secret = credentials(self._org, name)
        if not client_id and key not in self._org.auth.apps:
            self._org.auth.register([App(key, secret)])
        found = self._org.auth.apps.get(client_id or key)
        if found is None:
            raise ControlError(400, "the org has no client of that client_id; PUT /_control/apps/{id} makes one")
        return found

    def drop(self, request: ControlRequest) -> None:
        with self._org.guard:
            if self._org.canvas.given.pop(request.path["name"], None) is None:
                raise ControlError(404, "no canvas app of that name was given by the control API")

    def request(self, request: ControlRequest) -> object:
        body = request.object()
        if not all(isinstance(value, str) for value in body.values()):
            raise ControlError(400, "the body must map the parameters of the page to texts")
        params = {name: str(value) for name, value in body.items()}
        with self._org.guard:
            try:
                visit = read_visit(self._org, params, request.origin)
            except CanvasProblem as problem:
                raise ControlError(problem.status, problem.text) from None
            return {"url": visit.app.url, "signed_request": open_app(self._org, visit)}

    def faults(self, request: ControlRequest) -> object:
        body = request.object()
        if set(body) - set(FAULTS) or not all(type(count) is int and count >= 0 for count in body.values()):
            raise ControlError(400, f"{', '.join(FAULTS)} are whole numbers that are not negative")
        with self._org.guard:
            for name, count in body.items():
                setattr(self._org.canvas.faults, name, count)
            return dataclasses.asdict(self._org.canvas.faults)

    def clear(self, request: ControlRequest) -> None:
        with self._org.guard:
            self._org.canvas.faults.clear()


def _shown(app: CanvasApp, origin: str) -> dict[str, object]:
    return {
        "name": app.name,
        "label": app.label,
        "url": app.url,
        "access_method": app.access_method,
        "locations": list(app.locations),
        "client_id": app.client.client_id if app.client else None,
        "client_secret": app.client.client_secret if app.client else None,
        "page": f"{origin}{PAGE}?{urlencode({'app': app.name})}",
    }


def _text(body: Mapping[str, object], name: str, default: str) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise ControlError(400, f"{name} must be a text")
    return value


def _url(body: Mapping[str, object]) -> str:
    url = _text(body, "url", "")
    try:
        origin_of(url)
    except CanvasProblem as problem:
        raise ControlError(400, problem.text) from None
    return url


def _choice(body: Mapping[str, object], name: str, choices: tuple[str, ...]) -> str:
    value = _text(body, name, choices[0])
    if value not in choices:
        raise ControlError(400, f"{name} is one of {', '.join(choices)}")
    return value


def _locations(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(one in LOCATIONS for one in value):
        raise ControlError(400, f"locations is a list of {', '.join(LOCATIONS)}")
    return tuple(value)
