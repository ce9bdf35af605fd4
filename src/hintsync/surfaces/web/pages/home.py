"""The first page of a connection."""

from __future__ import annotations

from starlette.responses import Response

from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page


async def show(visit: Visit) -> Response:
    """Show where this person can go."""
    return page(visit, "home.html", title="Hint Health")


PLACES: tuple[Place, ...] = (Place("/", show, Role.USER, nav="Hint Health"),)
