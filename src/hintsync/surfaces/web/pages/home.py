"""The first page of a connection: for an administrator how everything stands, for anybody else where to go."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import Response

from hintsync.core.errors import HintsyncError
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.looking import Answered, ask_sides
from hintsync.surfaces.web.pages import batches, health, log, reviews, runs, stops
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, part
from hintsync.surfaces.web.views.first_steps import first_steps
from hintsync.surfaces.web.views.overview import read_stands, runs_of, sides_of, stops_of, waiting_of


async def show(visit: Visit) -> Response:
    """Show an administrator how the connection stands, and anybody else where the work is."""
    if visit.role < Role.ADMINISTRATOR:
        return page(visit, "home_user.html", title="Hint Health", contact_list=await _contact_list(visit))
    stands = await read_stands(visit.service.store, visit.service.clock, visit.connection)
    paths = _paths()
    steps = first_steps(stands, paths["batches"])
    return page(
        visit,
        "home.html",
        title="Hint Health",
        sides=sides_of(stands.lines),
        is_open=visit.is_open,
        problem=visit.engines.closed.get(visit.connection.id, ""),
        stops=stops_of(stands.figures.stops),
        waiting=waiting_of(stands.figures),
        links=stands.links,
        runs=runs_of(stands.runs),
        steps=steps,
        begun=all(step.done for step in steps),
        paths=paths,
    )


async def show_sides(visit: Visit) -> Response:
    """Ask both systems now, and show what they say."""
    return part(visit, "_sides.html", answers=await _answers(visit))


async def _answers(visit: Visit) -> list[Answered]:
    if not visit.is_open:
        return []
    return await ask_sides(visit.service, visit.engine)


async def origin_of(visit: Visit) -> str:
    """Return where the org's pages are, for links that a page can do without; empty while the org does not answer."""
    try:
        return await visit.org_origin()
    except HintsyncError:
        return ""


async def _contact_list(visit: Visit) -> str:
    origin = await origin_of(visit)
    return f"{origin}/lightning/o/Contact/list" if origin else ""


def _paths() -> Mapping[str, str]:
    """Return the path of the front page of each module that is linked from here; empty while it has none."""
    modules = {"batches": batches, "runs": runs, "reviews": reviews, "stops": stops, "health": health, "log": log}
    return {name: _front(module.PLACES) for name, module in modules.items()}


def _front(places: tuple[Place, ...]) -> str:
    return next((place.path for place in places if place.method == "GET" and "{" not in place.path), "")


PLACES: tuple[Place, ...] = (
    Place("/", show, Role.USER, nav="Hint Health"),
    # a POST that only looks: it costs calls of both systems, so no link and no robot may set it off
    Place("/sides", show_sides, Role.ADMINISTRATOR, method="POST"),
)
