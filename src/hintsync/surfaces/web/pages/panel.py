"""The contact panel, and what can be decided in it."""

from __future__ import annotations

from starlette.responses import Response

from hintsync.core.errors import BadInput
from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.engine.pairs.by_hand import HandResult, sync_by_hand
from hintsync.engine.pairs.standing import pair_of
from hintsync.engine.reviews.deciding import allow_overlay, choose, decline, keep_side
from hintsync.state.port import Review
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.by_hand import addresses, carried_out, contact_of, panel_of
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page, see

_PANEL = "/contacts/{contact}"


async def show(visit: Visit) -> Response:
    """Show how a contact stands with Hint."""
    shown = await panel_of(visit, contact_of(visit))
    return page(visit, "panel.html", title="Hint Health", panel=shown, at=await addresses(visit))


async def sync_now(visit: Visit) -> Response:
    """Bring a linked contact and its patient into step now."""
    contact = contact_of(visit)
    action = sync_by_hand(visit.engine, Side.SALESFORCE, contact)
    return await carried_out(visit, contact, action, title="Synced to Hint", again=f"/contacts/{contact}")


async def decide(visit: Visit) -> Response:
    """Carry out a decision: whose value stays, whether it is the same person, which record it is."""
    contact, form = contact_of(visit), await visit.form()
    action = _decided(visit, contact, form.get("review", ""), form.get("take", ""))
    return await carried_out(visit, contact, action, title="Decided", again=f"/contacts/{contact}")


async def retry(visit: Visit) -> Response:
    """Let the workers try the parked records of a contact again."""
    contact, engine = contact_of(visit), visit.engine
    keys = [(side, record_id) for side, record_id in (await pair_of(engine, contact)).items()]
    await engine.store.replay(engine.connection.id, engine.clock.now().timestamp(), keys)
    return see(visit, f"/contacts/{contact}")


async def _review(visit: Visit, contact: RecordId, review_id: str) -> Review:
    """Return an open review that is about this contact or its patient.

    Raises:
        BadInput: it is about neither, or it is decided already.
    """
    ids = (await pair_of(visit.engine, contact)).values()
    for each in await visit.engine.store.reviews(visit.connection.id, record_ids=list(ids)):
        if each.id == review_id:
            return each
    raise BadInput("this question was decided meanwhile, or is about another contact")


async def _decided(visit: Visit, contact: RecordId, review_id: str, take: str) -> HandResult:
    review = await _review(visit, contact, review_id)
    if take in set(Side):
        return await keep_side(visit.engine, review.id, Side(take))
    if take == "same":
        return await allow_overlay(visit.engine, review.id)
    if take == "none":
        return await decline(visit.engine, review.id)
    if take in review.candidates:
        return await choose(visit.engine, review.id, take)
    raise BadInput("take: expected one of the choices of the page")


PLACES: tuple[Place, ...] = (
    Place(_PANEL, show, Role.USER),
    Place(f"{_PANEL}/sync-now", sync_now, Role.USER, method="POST"),
    Place(f"{_PANEL}/decide", decide, Role.USER, method="POST"),
    Place(f"{_PANEL}/retry", retry, Role.USER, method="POST"),
)
