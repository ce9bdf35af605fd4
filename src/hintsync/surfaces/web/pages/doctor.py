"""The doctor: everything that can be checked, area by area as it becomes known, each with what to do about it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from starlette.responses import Response

from hintsync.doctor.check import Area
from hintsync.doctor.examine import look_over
from hintsync.doctor.findings import Finding
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, text_of
from hintsync.surfaces.web.pages.streaming import Event, last_event_id, stream
from hintsync.surfaces.web.views.doctor import doctor_view


async def show(visit: Visit) -> Response:
    """Show the page; what is found follows."""
    return page(visit, "doctor.html", title="Doctor", doctor=doctor_view({}), broken=False)


async def checks(visit: Visit) -> Response:
    """Look everything over, and tell what is found as it becomes known; a line that broke does not begin it anew."""
    return stream(visit, _broken_off(visit) if last_event_id(visit) else _findings(visit))


async def _findings(visit: Visit) -> AsyncGenerator[Event, None]:
    found: dict[Area, Sequence[Finding]] = {}
    async with aclosing(look_over(visit.service, visit.connection)) as areas:
        async for area, findings in areas:
            found[area] = findings
            yield Event("part", text_of(visit, "_doctor.html", doctor=doctor_view(found), broken=False), id=area)
    yield Event("tell", f"Everything was looked at: {doctor_view(found).sum}")
    yield Event("done")


async def _broken_off(visit: Visit) -> AsyncGenerator[Event, None]:
    """Say that the line broke: asking both systems anew is for the person to order, or a page left open would do so all day."""
    yield Event("part", text_of(visit, "_doctor.html", doctor=doctor_view({}), broken=True))
    yield Event("done")


PLACES: tuple[Place, ...] = (
    Place("/doctor", show, Role.ADMINISTRATOR, nav="Doctor"),
    Place("/doctor/checks", checks, Role.ADMINISTRATOR),
)
