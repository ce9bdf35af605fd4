"""Canvas apps of an org: those that were deployed, and those that the control API gave."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from hintsync_emulators.salesforce.canvas.kept import CanvasApp
from hintsync_emulators.salesforce.metadata.apps import client_of
from hintsync_emulators.salesforce.metadata.xml import parse

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.metadata.store import Component
    from hintsync_emulators.salesforce.org import Org

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?")


class CanvasProblem(Exception):
    """An app cannot be shown; the text says why, to a developer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def every(org: Org) -> list[CanvasApp]:
    """Return the canvas apps of an org, by name."""
    found = {app.name: app for app in (*_deployed(org), *_given(org))}
    return [found[name] for name in sorted(found)]


def named(org: Org, name: str) -> CanvasApp:
    """Return a canvas app.

    Raises:
        CanvasProblem: there is none of that name.
    """
    apps = every(org)
    for app in apps:
        if app.name == name:
            return app
    known = ", ".join(app.name for app in apps) or "none"
    raise CanvasProblem(404, f"the org has no canvas app {name!r}; it has: {known}")


def origin_of(url: str | None) -> str:
    """Return scheme, host and port of an app's page, fit to stand in a Content-Security-Policy.

    Raises:
        CanvasProblem: there is no address, or it is no page of http or https.
    """
    if not url:
        raise CanvasProblem(409, "the app has no canvas URL")
    try:
        parts = urlsplit(url)
    except ValueError:
        raise CanvasProblem(409, "the app's canvas URL is no address") from None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(parts.netloc):
        raise CanvasProblem(409, "the app's canvas URL must begin with http:// or https:// and a host")
    return f"{parts.scheme}://{parts.netloc}"


def _given(org: Org) -> Iterator[CanvasApp]:
    """Return the apps that the control API gave, each with its client as it is now."""
    for app in org.canvas.given.values():
        yield replace(app, client=app.client and org.auth.apps.get(app.client.client_id))


def _deployed(org: Org) -> Iterator[CanvasApp]:
    for settings in org.components.all("ExtlClntAppCanvasSettings"):
        header = org.components.get("ExternalClientApplication", _owner(settings))
        if header is not None:
            yield _read(org, header, settings)


def _owner(settings: Component) -> str:
    return parse(settings.xml).value("externalClientApplication") or ""


def _read(org: Org, header: Component, settings: Component) -> CanvasApp:
    node = parse(settings.xml)
    return CanvasApp(
        name=header.name,
        label=parse(header.xml).value("label") or header.name,
        url=node.value("canvasUrl"),
        application_id=header.id,
        reference_id=settings.id,
        client=client_of(org, header.name),
        access_method=node.value("accessMethod") or "Post",
        locations=tuple(node.values("canvasLocationOptions")),
        options=tuple(node.values("canvasOptions")),
        saml=node.value("samlInitiationMethod") or "None",
    )
