"""View Log: what people should know, by level, time, record and run; each entry opens to its details."""

from __future__ import annotations

from starlette.responses import Response

from hintsync.core.errors import BadInput
from hintsync.core.fields import Mapping as FieldTable
from hintsync.engine.options import Options
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.hint_log import copies_of
from hintsync.surfaces.web.pages.names import actor_names, contact_names
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, zone_of
from hintsync.surfaces.web.views import log as view

#: Entries of one page.
ROWS = 50


async def show(visit: Visit) -> Response:
    """List the log, newest first."""
    asked, zone = view.asked(visit.query), zone_of(visit.connection)
    found = await visit.service.store.log(
        visit.connection.id,
        levels=asked.levels,
        naming=asked.naming or None,
        since=asked.since(zone),
        until=asked.until(zone),
        before=asked.before,
        limit=ROWS + 1,
    )
    options = Options.from_json(visit.connection.settings)
    people = await actor_names(visit, view.actors_in(found))
    return page(
        visit,
        "log.html",
        title="View Log",
        rows=[view.log_row(entry, table_of(visit), people) for entry in found[:ROWS]],
        more=len(found) > ROWS,
        asked=asked,
        levels=[(str(level), word) for level, (word, _) in view.LEVELS.items()],
        kept=(view.LEVELS[options.log_level][0], options.log_days),
        copies=await copies_of(visit),
    )


async def show_entry(visit: Visit) -> Response:
    """Show one entry with all its details."""
    entry_id = visit.names["entry"]
    found = []
    if entry_id.isascii() and entry_id.isdigit() and len(entry_id) < 19:
        found = list(await visit.service.store.log(visit.connection.id, before=int(entry_id) + 1, limit=1))
    if not found or found[0].id != int(entry_id):
        raise BadInput("there is no such entry in the log, or not any more")
    contact_id = found[0].contact_id
    names = await contact_names(visit, [contact_id] if contact_id else [])
    row = view.log_row(found[0], table_of(visit), await actor_names(visit, view.actors_in(found)))
    return page(visit, "log_entry.html", title="Log entry", row=row, names=names)


def table_of(visit: Visit) -> FieldTable:
    """Return the mapping in force, whether or not the connection is open."""
    engine = visit.engines.engine(visit.connection.id)
    return engine.table if engine else Options.from_json(visit.connection.settings).table()


PLACES: tuple[Place, ...] = (
    Place("/log", show, Role.ADMINISTRATOR, nav="View Log"),
    Place("/log/{entry}", show_entry, Role.ADMINISTRATOR),
)
