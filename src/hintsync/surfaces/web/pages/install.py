"""Installing from a page: how the org is, who gets hintsync, on which layouts; then each step as it is done."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from functools import partial
from typing import cast

from starlette.responses import Response

from hintsync.core.errors import BadInput, FixConfiguration, HintsyncError
from hintsync.logins import SALESFORCE_LOGIN, SalesforceLogin, unpack_login
from hintsync.settings import check_public_url
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.install_choices import install, read_choices, wish_of
from hintsync.surfaces.web.installing import Installer, progress_of
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, see, text_of
from hintsync.surfaces.web.pages.streaming import Event, last_event_id, stream
from hintsync.surfaces.web.views.install import findings_view, progress_view

#: Seconds between two looks at how far an installation is.
_LOOK = 1.0


async def show(visit: Visit) -> Response:
    """Show the latest installation, and the way to the next; how the org is comes after it."""
    progress = await progress_of(visit.service.store, visit.service.clock, visit.connection.id)
    return page(
        visit,
        "install.html",
        title="Install in Salesforce",
        progress=progress_view(progress) if progress else None,
        public_url=_address(visit),
    )


async def look(visit: Visit) -> Response:
    """Look at the org, and offer what there is to choose from."""
    return stream(visit, _looked(visit))


async def start(visit: Visit) -> Response:
    """Begin to install."""
    public_url = _address(visit)
    if not public_url:
        raise FixConfiguration("HINTSYNC_PUBLIC_URL is not set, so nobody's browser would find these pages")
    wish = wish_of(await visit.form_list(), public_url)
    if visit.request is None:
        raise BadInput("an installation is begun by the form of its page")
    installer = cast(Installer, visit.request.app.state.installer)
    work = partial(install, visit.service, visit.connection, wish, visit.actor)
    await installer.start(visit.connection.id, visit.actor, work)
    return see(visit, "/install")


async def follow(visit: Visit) -> Response:
    """Tell how far the installation is, until it has ended."""
    return stream(visit, _steps(visit))


async def _looked(visit: Visit) -> AsyncGenerator[Event, None]:
    try:
        choices = await read_choices(visit.service, await _login(visit))
    except HintsyncError as error:
        yield Event("part", text_of(visit, "_install_not_seen.html", problem=str(error)))
    else:
        view = findings_view(choices.findings)
        shown = text_of(
            visit, "_install_choices.html", findings=view, choices=choices, action=visit.url("/install"), hidden=""
        )
        yield Event("part", shown)
        yield Event("tell", "The org was looked at.")
    yield Event("done")


async def _steps(visit: Visit) -> AsyncGenerator[Event, None]:
    seen, clock = last_event_id(visit), visit.service.clock
    while True:
        progress = await progress_of(visit.service.store, clock, visit.connection.id)
        if progress is None or not progress.is_running:
            yield Event("done", visit.url("/install"))
            return
        html = text_of(visit, "_install_progress.html", progress=progress_view(progress))
        mark = hashlib.sha256(html.encode()).hexdigest()[:16]
        if mark != seen:
            seen = mark
            yield Event("part", html, mark)
            yield Event("tell", progress.lines[-1] if progress.lines else "The installation has begun.")
        await clock.sleep(_LOOK)


def _address(visit: Visit) -> str:
    """Return our own address: as set, or for trials on this machine as the browser calls it; empty if nobody knows it."""
    seen = str(visit.request.base_url) if visit.request else ""
    try:
        return check_public_url(visit.service.settings.public_url or seen)
    except ValueError:
        return ""


async def _login(visit: Visit) -> SalesforceLogin:
    stored = await visit.service.store.secret(visit.connection.id, SALESFORCE_LOGIN)
    if stored is None:
        raise FixConfiguration("Salesforce is not connected; run the connect step again")
    return unpack_login(stored)


PLACES: tuple[Place, ...] = (
    Place("/install", show, Role.ADMINISTRATOR, nav="Install"),
    Place("/install", start, Role.ADMINISTRATOR, method="POST"),
    Place("/install/look", look, Role.ADMINISTRATOR),
    Place("/install/progress", follow, Role.ADMINISTRATOR),
)
