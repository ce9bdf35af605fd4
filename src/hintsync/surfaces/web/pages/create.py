"""Create New Patient: what will be created, then the create."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from hintsync.core.errors import BadInput
from hintsync.core.near import Grade
from hintsync.core.plan import Outcome
from hintsync.engine.pairs.by_hand import create_by_hand
from hintsync.engine.pairs.considering import ConsideredCreate, consider_create
from hintsync.engine.search.patients import name_of, patient_index
from hintsync.engine.search.sides import whole_person
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.by_hand import addresses, carried_out, contact_of, trouble_page
from hintsync.surfaces.web.pages.peers import peer_names
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page
from hintsync.surfaces.web.views.comparison import draft
from hintsync.surfaces.web.views.found import Result, results

_CREATE: Final = "/contacts/{contact}/create"
_LIKELY: Final = frozenset({Grade.CERTAIN, Grade.PROBABLE})
#: Patients that are shown as perhaps being the same person.
_MOST: Final = 5
#: Seconds to wait for patients that are just being read, and for the names of contacts.
_PATIENCE: Final = 1.0


async def create_page(visit: Visit) -> Response:
    """Show what would be created, and whom Hint may have already."""
    contact = contact_of(visit)
    try:
        considered = await consider_create(visit.engine, contact)
    except BadInput as error:
        return trouble_page(visit, contact, error, f"/contacts/{contact}/sync")
    return await _shown(visit, considered)


async def create(visit: Visit) -> Response:
    """Create the patient; if the contact is not what the person saw any more, show that instead."""
    contact, form = contact_of(visit), await visit.form()
    try:
        considered = await consider_create(visit.engine, contact)
    except BadInput as error:
        return trouble_page(visit, contact, error, f"/contacts/{contact}/sync")
    if considered.seal != form.get("seal"):
        return await _shown(visit, considered, moved=True)
    if considered.match.outcome is not Outcome.CREATED:
        return await _shown(visit, considered)
    action = create_by_hand(visit.engine, contact)
    again = f"/contacts/{contact}/create"
    return await carried_out(visit, contact, action, title="Patient created", again=again)


async def _shown(visit: Visit, considered: ConsideredCreate, *, moved: bool = False) -> Response:
    return page(
        visit,
        "create.html",
        status=HTTPStatus.CONFLICT if moved else HTTPStatus.OK,
        title="Create New Patient",
        draft=draft(considered, visit.engine.table),
        likely=await _likely(visit, considered),
        moved=moved,
        at=await addresses(visit),
    )


async def _likely(visit: Visit, considered: ConsideredCreate) -> tuple[Result, ...]:
    """Return patients that are probably this very person: whoever creates one more makes a double."""
    engine, person = visit.engine, whole_person(considered.contact)
    index = patient_index(engine)
    index.freshen(engine)
    await index.settled(_PATIENCE)
    looked = await index.search(engine, name_of(person), person, limit=_MOST)
    names = await peer_names(visit, looked, patience=_PATIENCE)
    found = results(looked, considered.contact.id, names).found
    return tuple(
        shown
        for each, shown in zip(looked.found, found, strict=True)
        if each.match is not None and each.match.grade in _LIKELY
    )


PLACES: tuple[Place, ...] = (
    Place(_CREATE, create_page, Role.USER),
    Place(_CREATE, create, Role.USER, method="POST"),
)
