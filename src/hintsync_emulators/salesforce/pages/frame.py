"""From a template to an answer: the frame around every page, its headers, its own style and script."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import resources
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from hintsync_emulators.lab import ADDRESS
from hintsync_emulators.salesforce.errors import not_found
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.tabs import tabs_of
from hintsync_emulators.salesforce.web.call import Answer

_HTML = "text/html;charset=UTF-8"
_TYPES = {"css": "text/css;charset=UTF-8", "js": "text/javascript;charset=UTF-8", "svg": "image/svg+xml"}
#: Where style, script and icon of the pages lie.
STATIC = "/_emulator/pages"


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("hintsync_emulators.salesforce.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(static=_address, faults=ADDRESS)
    made.filters["segment"] = lambda text: quote(str(text), safe="")
    return made


def show(
    click: Click,
    template: str,
    *,
    status: int = 200,
    bare: bool = False,
    frames: Iterable[str] = (),
    sends_to: Iterable[str] = (),
    **values: object,
) -> Answer:
    """Return a page.

    Args:
        click: the request; its person's tabs stand above the page.
        template: name of the file, e.g. ``record.html``.
        status: HTTP status.
        bare: nothing but the content, for a page that stands inside another of ours.
        frames: origins, beside our own, whose pages may stand inside this one.
        sends_to: origins, beside our own, that forms of this page go to or lead on to.
        values: what the template shows.
    """
    common: dict[str, object] = {"person": click.someone, "csrf": _csrf(click), "bare": bare, "path": click.call.path}
    common["tabs"] = tabs_of(click) if click.someone is not None and not bare else ()
    common["clinic"] = click.org.raw("Organization", click.org.org_id)["Name"]
    content = _environment().get_template(template).render({**common, **values})
    headers = {**HEADERS, "Content-Security-Policy": policy(frames, sends_to)}
    return Answer(status, raw=content.encode(), content_type=_HTML, headers=headers)


#: No path or parameter leaves; "no-referrer" would make browsers send "Origin: null", which Salesforce does not.
HEADERS = {"Referrer-Policy": "origin", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


def policy(frames: Iterable[str], sends_to: Iterable[str]) -> str:
    """Return the Content-Security-Policy of our pages: nothing from elsewhere, inside nobody's frame but our own."""
    parts = {
        "default-src": ("'none'",),
        "style-src": ("'self'",),
        "script-src": ("'self'",),
        "img-src": ("'self'",),
        "frame-src": ("'self'", *frames),
        "form-action": ("'self'", *sends_to),
        "frame-ancestors": ("'self'",),
        "base-uri": ("'none'",),
    }
    return "; ".join(f"{name} {' '.join(dict.fromkeys(sources))}" for name, sources in parts.items())


def _csrf(click: Click) -> str:
    return click.org.visitors.door if click.someone is None else click.someone.seat.csrf


def moved(address: str, **headers: str) -> Answer:
    """Send the browser to another page of ours, by GET."""
    return Answer(303, headers={"Location": address, "Cache-Control": "no-store", **headers})


def asset(click: Click) -> Answer:
    """Return the style, script or icon of the pages."""
    name = click.names["file"]
    found = _assets().get(name)
    if found is None:
        raise not_found()
    kind = _TYPES[name.rpartition(".")[2]]
    headers = {"Cache-Control": "public, max-age=86400, immutable", "X-Content-Type-Options": "nosniff"}
    return Answer(raw=found, content_type=kind, headers=headers)


@cache
def _assets() -> dict[str, bytes]:
    folder = resources.files(__package__) / "static"
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.name.rpartition(".")[2] in _TYPES}


def _address(name: str) -> str:
    """Return the address of a static file, which is another after each change."""
    return f"{STATIC}/{name}?{hashlib.sha256(_assets()[name]).hexdigest()[:8]}"
