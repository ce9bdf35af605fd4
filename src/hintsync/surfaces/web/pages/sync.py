"""Sync to Hint: search, preview, link."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

from starlette.responses import Response

from hintsync.core.errors import BadInput
from hintsync.core.link_by_hand import Step, Warned
from hintsync.core.person import Person
from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import HandResult, link_by_hand, sync_by_hand
from hintsync.engine.pairs.considering import Considered, consider
from hintsync.engine.pairs.standing import pair_of
from hintsync.engine.search.patients import name_of, patient_index
from hintsync.engine.search.sides import person_at
from hintsync.surfaces.cli.record_ids import patient_id
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.by_hand import addresses, carried_out, contact_of, trouble_page
from hintsync.surfaces.web.pages.peers import peer_names
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, part
from hintsync.surfaces.web.recent_contacts import recent_contacts
from hintsync.surfaces.web.views.comparison import comparison, displaced_by
from hintsync.surfaces.web.views.found import Results, results
from hintsync.surfaces.web.views.values import Who, who, who_of

_SYNC: Final = "/contacts/{contact}/sync"
#: Most results of a search.
_MOST: Final = 8
#: Characters of a search text that are read.
_LONGEST: Final = 200
#: Seconds that a search as keys are pressed waits for the names of contacts; without them it shows ids.
_PATIENCE: Final = 0.04
#: Seconds that the page waits for them, and for patients that are just being read.
_FIRST_PATIENCE: Final = 1.0
#: Seconds that it waits for what changed of late; what comes later it fetches by itself.
_CHANGES_PATIENCE: Final = 0.05


async def search_page(visit: Visit) -> Response:
    """Show the search, its key filled with the contact's name, with what it finds."""
    contact, engine = contact_of(visit), visit.engine
    patient_index(engine).freshen(engine)
    person = await person_at(engine, Side.SALESFORCE, contact)
    recent_contacts(engine).keep(engine, contact, person)
    await patient_index(engine).settled(_FIRST_PATIENCE, once_complete=_CHANGES_PATIENCE)
    key = name_of(person)
    return page(
        visit,
        "sync.html",
        title="Sync to Hint",
        contact=who_of(contact, person),
        key=key,
        results=await _found(visit, contact, key, person, patience=_FIRST_PATIENCE),
        linked_to=(await pair_of(engine, contact)).get(Side.HINT),
        at=await addresses(visit),
    )


async def live_results(visit: Visit) -> Response:
    """Answer a search with the patients found: a part of the page."""
    contact, engine = contact_of(visit), visit.engine
    text = (await visit.form()).get("q", "")[:_LONGEST]
    person = (await recent_contacts(engine).people(engine, [contact])).get(contact)
    found = await _found(visit, contact, text, person, patience=_PATIENCE)
    return part(visit, "_found.html", results=found, at=await addresses(visit))


async def preview_page(visit: Visit) -> Response:
    """Show what linking (or syncing) the contact with a patient would change, before it is done."""
    return await _preview(visit, contact_of(visit), patient_id(visit.query.get("patient", "")))


async def confirm(visit: Visit) -> Response:
    """Carry out what the preview showed; if it would be something else by now, show that instead."""
    contact, form = contact_of(visit), await visit.form_list()
    given = dict(form)
    patient = patient_id(given.get("patient", ""))
    confirmed = [Warned(value) for name, value in form if name == "confirm" and value in set(Warned)]
    considered = await _considered(visit, contact, patient)
    if isinstance(considered, Response):
        return considered
    if considered.seal != given.get("seal"):
        return await _shown(visit, considered, notice="moved")
    if considered.decision.step is Step.REFUSE:
        return await _shown(visit, considered, notice="refused")
    if considered.decision.warnings - frozenset(confirmed):
        return await _shown(visit, considered, notice="unconfirmed")
    action = _link(visit.engine, considered, confirmed)
    again = f"/contacts/{contact}/sync"
    return await carried_out(visit, contact, action, title="Synced to Hint", again=again)


async def _found(visit: Visit, contact: RecordId, text: str, person: Person | None, *, patience: float) -> Results:
    looked = await patient_index(visit.engine).search(visit.engine, text, person, limit=_MOST)
    return results(looked, contact, await peer_names(visit, looked, patience=patience))


async def _preview(visit: Visit, contact: RecordId, patient: RecordId) -> Response:
    considered = await _considered(visit, contact, patient)
    return considered if isinstance(considered, Response) else await _shown(visit, considered)


async def _considered(visit: Visit, contact: RecordId, patient: RecordId) -> Considered | Response:
    """Plan the pair; a record that is gone is told on a page of its own, and is found by no search any more."""
    try:
        return await consider(visit.engine, contact, patient)
    except BadInput as error:
        patient_index(visit.engine).stale()
        return trouble_page(visit, contact, error, f"/contacts/{contact}/sync")


async def _shown(visit: Visit, considered: Considered, *, notice: str = "") -> Response:
    """Show the preview.

    Args:
        visit: Who looks.
        considered: What would be done.
        notice: "moved" if it is not what the person saw before, "unconfirmed" if a box was not ticked, "refused" if the
            two cannot be linked, which the page says in any case.
    """
    shown = comparison(considered, visit.engine.table, await _displaced(visit.engine, considered))
    return page(
        visit,
        "preview.html",
        status=HTTPStatus.CONFLICT if notice else HTTPStatus.OK,
        title="Check before syncing",
        shown=shown,
        notice_of=notice,
        at=await addresses(visit),
    )


async def _displaced(engine: Engine, considered: Considered) -> Mapping[Warned, Who]:
    """Read who would lose a link."""
    former = (await pair_of(engine, considered.settled.pair.salesforce.id)).get(Side.HINT)
    found = {}
    for warned, (side, record_id) in displaced_by(considered.decision, former).items():
        found[warned] = who(record_id, (await engine.replicas[side].read([record_id])).get(record_id))
    return found


async def _link(engine: Engine, considered: Considered, confirmed: Sequence[Warned]) -> HandResult:
    pair = considered.settled.pair
    if considered.decision.step is Step.SYNC:
        return await sync_by_hand(engine, Side.SALESFORCE, pair.salesforce.id)
    return await link_by_hand(engine, pair.salesforce.id, pair.hint.id, confirmed=confirmed)


PLACES: tuple[Place, ...] = (
    Place(_SYNC, search_page, Role.USER),
    Place(f"{_SYNC}/results", live_results, Role.USER, method="POST", only_shows=True),
    Place(f"{_SYNC}/preview", preview_page, Role.USER),
    Place(_SYNC, confirm, Role.USER, method="POST"),
)
