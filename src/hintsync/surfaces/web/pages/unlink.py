"""Unlink Patient: what will happen, then the unlink."""

from __future__ import annotations

from typing import Final

from starlette.responses import Response

from hintsync.core.errors import HintsyncError
from hintsync.core.unlink import plan_unlink
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import unlink_by_hand
from hintsync.engine.pairs.standing import Standing, standing_of
from hintsync.engine.search.patients import patient_index
from hintsync.state.port import LinkTaken, StaleLink
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.by_hand import addresses, contact_of, told, trouble_page
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page
from hintsync.surfaces.web.views.done import unlinked
from hintsync.surfaces.web.views.panel import panel

_UNLINK: Final = "/contacts/{contact}/unlink"


async def ask(visit: Visit) -> Response:
    """Ask whether the contact is to be unlinked, and say what will happen."""
    engine = visit.engine
    standing = await standing_of(engine, contact_of(visit))
    shown = panel(standing, engine.table, visit.visitor.user_id)
    emptied = _emptied(engine, standing)
    return page(visit, "unlink.html", title="Unlink Patient", panel=shown, emptied=emptied, at=await addresses(visit))


async def unlink(visit: Visit) -> Response:
    """Unlink the contact from its patient."""
    contact, form = contact_of(visit), await visit.form()
    try:
        result = await unlink_by_hand(visit.engine, contact, clear_mirrors=form.get("empty") == "yes")
    except (HintsyncError, LinkTaken, StaleLink) as error:
        return trouble_page(visit, contact, error, f"/contacts/{contact}/unlink")
    patient_index(visit.engine).stale()
    return await told(visit, contact, unlinked(result, visit.engine.table), title="Unlinked")


def _emptied(engine: Engine, standing: Standing) -> tuple[str, ...]:
    """Return the labels of the contact's fields that would be emptied."""
    state = standing.state
    if state is None or state.link.patient_id is None or state.link.contact_id is None:
        return ()
    plan = plan_unlink(state.link, standing.contact, standing.patient, engine.table)
    return tuple(row.label for row in engine.table if row.name in plan.cleared)


PLACES: tuple[Place, ...] = (
    Place(_UNLINK, ask, Role.USER),
    Place(_UNLINK, unlink, Role.USER, method="POST"),
)
