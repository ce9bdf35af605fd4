"""Turns templates into answers, with the headers that keep a page from being used by others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from importlib import resources
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import RedirectResponse, Response

from hintsync.engine.options import Options
from hintsync.state.port import Connection
from hintsync.surfaces.web.access.frames import frames_of
from hintsync.surfaces.web.access.tokens import Entry, Purpose, Tokens, Visitor
from hintsync.surfaces.web.pages.place import Visit

_PACKAGE = "hintsync.surfaces.web"
STATIC = "/static"
#: Carries a fresh token back to the page.
TOKEN_HEADER = "X-Hintsync-Token"


@dataclass(frozen=True, slots=True)
class NavItem:
    """One word of the bar of pages."""

    label: str
    url: str
    current: bool


def page(visit: Visit, template: str, *, status: int = HTTPStatus.OK, **shown: object) -> Response:
    """Answer with a whole page.

    Args:
        visit: to whom.
        template: its file below `templates/`; extends `base.html` and is given `title` by the caller.
        status: HTTP status.
        shown: what the template shows; everything is escaped.
    """
    tokens = Tokens(visit.service.store, visit.service.clock)
    token = tokens.make(visit.visitor, Purpose.PAGE)
    context = {**_of_visit(visit), "page_token": token, **shown}
    answer = html(template, context, status=status, frames=frames_for(visit.visitor), zone=zone_of(visit.connection))
    answer.headers[TOKEN_HEADER] = token
    return answer


def part(visit: Visit, template: str, *, status: int = HTTPStatus.OK, **shown: object) -> Response:
    """Answer with a part of a page, which the script puts into its place."""
    context = {**_of_visit(visit), **shown}
    return html(template, context, status=status, frames=frames_for(visit.visitor), zone=zone_of(visit.connection))


def text_of(visit: Visit, template: str, **shown: object) -> str:
    """Return a part of a page as text, such as for a stream of events."""
    return _environment(zone_of(visit.connection)).get_template(template).render({**_of_visit(visit), **shown})


def see(visit: Visit, path: str, **query: str | int | None) -> Response:
    """Answer an action: go and see a page of this connection (303)."""
    return RedirectResponse(visit.url(path, **query), status_code=HTTPStatus.SEE_OTHER)


def html(
    template: str,
    context: Mapping[str, object],
    *,
    status: int = HTTPStatus.OK,
    frames: Sequence[str] = (),
    zone: str = "UTC",
) -> Response:
    """Answer with a template outside any visit; see `page`.

    Args:
        template: its file below `templates/`.
        context: what it shows.
        status: HTTP status.
        frames: origins that may show the page in a frame; none: nobody.
        zone: of the times that are shown.
    """
    body = _environment(zone).get_template(template).render(context)
    return Response(body, status, headers=guards(frames), media_type="text/html")


def guards(frames: Sequence[str] = ()) -> dict[str, str]:
    """Return the headers of every page."""
    policy = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": " ".join(frames) or "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }


def frames_for(visitor: Visitor) -> Sequence[str]:
    """Return who may frame the pages of a visitor: the org around them, or nobody."""
    return frames_of(visitor.org_origin) if visitor.entry is Entry.FRAME and visitor.org_origin else ()


def zone_of(connection: Connection) -> str:
    """Return the zone of the clinic's clock."""
    return Options.from_json(connection.settings).time_zone


def _of_visit(visit: Visit) -> dict[str, object]:
    from hintsync.surfaces.web.pages.places import PLACES  # the pages use this module

    nav = [
        NavItem(each.nav, visit.url(each.path), each.path == visit.place.path)
        for each in PLACES
        if each.nav and visit.role >= each.needs
    ]
    framed = visit.visitor.entry is Entry.FRAME
    return {"visit": visit, "nav": nav, "framed": framed, "url": visit.url, "visitor": visit.visitor}


@cache
def _environment(zone: str) -> Environment:
    environment = Environment(
        loader=PackageLoader(_PACKAGE, "pages/templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["static"] = static_url
    environment.filters["when"] = lambda moment: _when(moment, zone)
    environment.filters["number"] = lambda value: f"{value:,}"
    return environment


@cache
def static_url(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    content = resources.files(_PACKAGE).joinpath("static", name).read_bytes()
    return f"{STATIC}/{name}?v={hashlib.sha256(content).hexdigest()[:12]}"


def _when(moment: str | datetime | None, zone: str) -> str:
    """Say a time of the store's in the clinic's zone: `23 Nov 2026, 14:05`; a dash for none."""
    if not moment:
        return "–"
    at = moment if isinstance(moment, datetime) else datetime.fromisoformat(moment.replace("Z", "+00:00"))
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M}"
