"""Records that failed too often and wait for a person; worked again when told so."""

from __future__ import annotations

from starlette.responses import Response

from hintsync.core.errors import BadInput
from hintsync.core.values import Side
from hintsync.engine.live.parked import replay_parked
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.names import contact_names
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, see
from hintsync.surfaces.web.views.stops import parked_row

#: Records that are listed.
_LISTED = 100


async def show(visit: Visit) -> Response:
    """List what is parked, with the reason."""
    store, connection_id = visit.service.store, visit.connection.id
    found = await store.dirty(connection_id, parked=True, limit=_LISTED)
    names = await contact_names(visit, [each.record_id for each in found if each.side is Side.SALESFORCE])
    return page(
        visit,
        "parked.html",
        title="Parked records",
        rows=[parked_row(each) for each in found],
        count=(await store.backlog(connection_id)).parked,
        names=names,
        replayed=visit.query.get("replayed", ""),
    )


async def act(visit: Visit) -> Response:
    """Have one record, or all of them, tried again."""
    form = await visit.form()
    side, record_id = form.get("side", ""), form.get("record", "")
    if form.get("all") == "yes":
        return see(visit, "/parked", replayed=await replay_parked(visit.desk))
    if side not in set(Side) or not record_id:
        raise BadInput("choose a record, or all of them")
    return see(visit, "/parked", replayed=await replay_parked(visit.desk, [(Side(side), record_id)]))


PLACES: tuple[Place, ...] = (
    Place("/parked", show, Role.ADMINISTRATOR),
    Place("/parked/replay", act, Role.ADMINISTRATOR, "POST"),
)
