"""Somebody opens a place of Salesforce at which a canvas app is shown: who, which app, where, at which record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from hintsync_emulators.bounds import is_too_deep
from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.auth import App, Session
from hintsync_emulators.salesforce.canvas.apps import CanvasProblem, named, origin_of
from hintsync_emulators.salesforce.canvas.kept import CanvasApp
from hintsync_emulators.salesforce.storage import Row
from hintsync_emulators.salesforce.web.versions import LAST_VERSION

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Looks of Salesforce: Classic, Lightning, the mobile app.
THEMES = ("Theme4d", "Theme3", "Theme4t")
ROOT = f"/services/data/v{LAST_VERSION}.0"


@dataclass(frozen=True, slots=True)
class Visit:
    """One opening of an app, checked."""

    app: CanvasApp
    client: App
    user: Row
    #: Scheme and host of the org.
    origin: str
    location: str
    theme: str
    parameters: Mapping[str, object]
    #: ``attributes``, ``Id`` and the fields that the place passes on, as the user may see them; empty without a record.
    record: Mapping[str, object]
    #: Width and height of the frame in pixels, where the place itself says them.
    size: tuple[int, int] | None = None

    @property
    def user_id(self) -> str:
        """Id of who looks."""
        return str(self.user["Id"])


def read_visit(org: Org, params: Mapping[str, str], origin: str) -> Visit:
    """Read a visit from the parameters of an address.

    Args:
        org: whose app it is.
        params: ``app``, and perhaps ``user`` (a username or id), ``record`` (an id), ``fields`` (names separated by
            commas, or ``*``), ``action``, ``parameters`` (a JSON object), ``location``, ``theme``.
        origin: scheme and host under which the org is reached.

    Raises:
        CanvasProblem: something does not exist, or the user or the place may not have the app.
    """
    app = named(org, params.get("app", ""))
    origin_of(app.url)
    if app.client is None:
        raise CanvasProblem(409, f"the app {app.name} has no OAuth settings: no secret to sign with")
    user = _user(org, params.get("user", ""))
    if app.client.approved is not None and user["Username"] not in app.client.approved:
        raise CanvasProblem(403, "the user is not admin approved to access this app")
    return Visit(
        app=app,
        client=app.client,
        user=user,
        origin=origin,
        location=_location(app, params.get("location", "")),
        theme=_theme(params.get("theme", "")),
        parameters=_parameters(params),
        record=_record(org, str(user["Id"]), params.get("record", ""), params.get("fields", "")),
    )


def _user(org: Org, text: str) -> Row:
    found = org.storage.ids_where("User", "Username", text, live_only=False) if text else [org.user_id]
    user_id = found[0] if found else ids.normalise(text) or ""
    user = org.storage.fetch("User", [user_id]).get(user_id)
    if user is None:
        raise CanvasProblem(404, f"the org has no user {text!r}")
    if not user["IsActive"]:
        raise CanvasProblem(403, "the user is inactive")
    return user


def _location(app: CanvasApp, text: str) -> str:
    if not app.locations:
        raise CanvasProblem(409, f"the app {app.name} is offered at no location")
    location = text or app.locations[0]
    if location not in app.locations:
        raise CanvasProblem(409, f"the app {app.name} is not offered at {text!r}, but at {', '.join(app.locations)}")
    return location


def _theme(text: str) -> str:
    theme = text or THEMES[0]
    if theme not in THEMES:
        raise CanvasProblem(400, f"theme is one of {', '.join(THEMES)}")
    return theme


def _parameters(params: Mapping[str, str]) -> Mapping[str, object]:
    """Return what the place passes to the app: a JSON object, and the action beside it."""
    raw = (params.get("parameters") or "{}").encode("utf-8", "replace")
    try:
        found = orjson.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict) or is_too_deep(raw, found):
        raise CanvasProblem(400, "parameters must be a JSON object")
    return {**found, "action": params["action"]} if params.get("action") else found


def _record(org: Org, user_id: str, text: str, fields: str) -> Mapping[str, object]:
    """Return a record with the fields asked for; names that the user's org does not have are passed over."""
    if not text:
        return {}
    record_id = ids.normalise(text) or ""
    with org.seen_by(Session("", user_id, "")):
        one = org.schema.by_prefix(record_id[:3])
        row = org.storage.fetch(one.name, [record_id]).get(record_id) if one else None
        if one is None or row is None or row.get("IsDeleted"):
            raise CanvasProblem(404, f"the org has no record {text!r}, or the user may not see it")
        known = [found.name for name in fields.split(",") if (found := one.get(name.strip()))]
        if fields.strip() == "*":
            known = [each.name for each in one.fields.values()]
        shown = org.queries.fetch(one, ["Id", *(name for name in known if name != "Id")], [record_id], ROOT)[0]
        return shown or {}
