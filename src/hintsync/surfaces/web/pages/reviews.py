"""The review queue: everything that waits for a person, one review side by side, and deciding one or all alike."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from starlette.responses import Response

from hintsync.core.errors import BadInput
from hintsync.core.link_by_hand import Step, Warned
from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.engine.health.figures import MOST_REVIEWS
from hintsync.engine.pairs.standing import candidate_side
from hintsync.engine.reviews.alike import alike, decide_alike
from hintsync.engine.reviews.cases import read_case
from hintsync.engine.reviews.choices import FOR_MANY, Decision, decide, decisions_of
from hintsync.engine.reviews.standing import OF_FIELDS
from hintsync.state.port import LinkTaken, Review, ReviewKind, StaleLink
from hintsync.surfaces.cli.record_ids import contact_id, patient_id
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.by_hand import addresses
from hintsync.surfaces.web.pages.log import table_of
from hintsync.surfaces.web.pages.names import actor_names, contact_names, last_editor
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import page
from hintsync.surfaces.web.views import reviews as view
from hintsync.surfaces.web.views.comparison import WARNINGS
from hintsync.surfaces.web.views.done import done
from hintsync.surfaces.web.views.review_case import case_view

#: Failures and ids of a group that are listed.
_LISTED = 100


async def show_queue(visit: Visit) -> Response:
    """List what waits, oldest first, by kind."""
    kind = _kind(visit.query.get("kind", ""))
    found = await visit.service.store.reviews(visit.connection.id, limit=MOST_REVIEWS)
    shown = view.queue(found, table_of(visit), kind=kind, number=_number(visit.query.get("page", "1")))
    names = await contact_names(visit, [row.record_id for row in shown.rows if row.side is Side.SALESFORCE])
    return page(visit, "reviews.html", title="Reviews", queue=shown, names=names)


async def show_one(visit: Visit) -> Response:
    """Show one review with all its records."""
    return await _shown(visit, await _review(visit))


async def act(visit: Visit) -> Response:
    """Decide one review."""
    review, form = await _review(visit), await visit.form_list()
    fields = dict(form)
    if not decisions_of(review):
        return await _shown(visit, review)  # it says that it was decided meanwhile, and how
    decision = _decision(fields.get("decision", ""))
    record_id = _record_id(review, fields) if decision is Decision.LINK else ""
    confirmed = [Warned(value) for name, value in form if name == "confirmed" and value in set(Warned)]
    return await _decided(visit, review, decision, record_id, confirmed)


async def show_alike(visit: Visit) -> Response:
    """Say how many are alike, and ask before all of them are decided."""
    review = await _named(visit, visit.query.get("review", ""))
    decision = _decision(visit.query.get("decision", ""))
    if decision not in FOR_MANY or decision not in decisions_of(review):
        return await _shown(visit, review)
    return await _group(visit, review, decision)


async def act_alike(visit: Visit) -> Response:
    """Decide all that are alike and were seen; what takes longer than a moment goes on at the next press."""
    form = await visit.form()
    review = await _named(visit, form.get("review", ""))
    decision, seen = _decision(form.get("decision", "")), form.get("until", "")
    group = [each for each in await alike(visit.service.store, review) if each.opened_at <= seen]
    result = await decide_alike(visit.engine, group, decision)
    return page(
        visit,
        "reviews_alike_done.html",
        title="Decided alike",
        result=result,
        review=review,
        choice=view.choice(decision, review),
        until=seen,
        listed=_LISTED,
    )


async def _shown(visit: Visit, review: Review, *, warnings: Collection[Warned] = (), chosen: str = "") -> Response:
    table = table_of(visit)
    choices = [view.choice(decision, review) for decision in decisions_of(review)]
    is_open = bool(choices) or not view.standing_words(review)
    return page(
        visit,
        "review.html",
        title=view.KINDS[review.kind],
        review=review,
        row=view.queue_row(review, table),
        question=view.question(review),
        because=view.asked_because(review),
        ended=view.standing_words(review),
        case=case_view(await read_case(visit.engine, review), table) if is_open else None,
        choices=choices,
        alike=len(await alike(visit.service.store, review)) if choices else 0,
        many=[str(each.decision) for each in choices if each.decision in FOR_MANY],
        warnings=[(str(each), WARNINGS[each]) for each in Warned if each in warnings],
        chosen=chosen,
        editor=await last_editor(visit, review.record_id) if choices and review.kind in OF_FIELDS else "",
        decider=(await actor_names(visit, [review.decided_by or ""])).get(review.decided_by or "", review.decided_by),
        at=await addresses(visit),
    )


async def _decided(
    visit: Visit, review: Review, decision: Decision, record_id: RecordId, confirmed: Collection[Warned]
) -> Response:
    try:
        result = await decide(visit.engine, review, decision, record_id=record_id, confirmed=confirmed)
    except (LinkTaken, StaleLink):
        raise BadInput("somebody else linked, unlinked or decided this pair just now; look at it again") from None
    if result.step is Step.ASK:
        return await _shown(visit, review, warnings=result.warnings, chosen=record_id)
    told = done(result, visit.engine.table)
    following = await _next(visit, review)
    return page(
        visit,
        "review_done.html",
        title="Decided" if result.done else "Not decided",
        done=told,
        choice=view.choice(decision, review),
        row=view.queue_row(review, visit.engine.table),
        next_url=visit.url(f"/reviews/{following.id}") if following else "",
        again=visit.url(f"/reviews/{review.id}"),
        is_done=result.done,
    )


async def _group(visit: Visit, review: Review, decision: Decision) -> Response:
    group = await alike(visit.service.store, review)
    return page(
        visit,
        "reviews_alike.html",
        title=f"Decide {len(group):,} alike",
        review=review,
        row=view.queue_row(review, table_of(visit)),
        choice=view.choice(decision, review),
        question=view.question(review),
        group=group[:_LISTED],
        count=len(group),
        until=max((each.opened_at for each in group), default=""),
    )


async def _next(visit: Visit, review: Review) -> Review | None:
    """Return the review to look at next: the oldest of the same kind, or of any."""
    store, connection_id = visit.service.store, visit.connection.id
    same: Sequence[Review] = await store.reviews(connection_id, kind=review.kind, limit=2)
    others = [each for each in (*same, *await store.reviews(connection_id, limit=2)) if each.id != review.id]
    return others[0] if others else None


async def _review(visit: Visit) -> Review:
    return await _named(visit, visit.names["review"])


async def _named(visit: Visit, review_id: str) -> Review:
    found = await visit.service.store.review(review_id)
    if found is None or found.connection_id != visit.connection.id:
        raise BadInput("there is no such review; the queue lists those that are open")
    return found


def _record_id(review: Review, fields: Mapping[str, str]) -> RecordId:
    """Return the record that was chosen, or typed in.

    Raises:
        BadInput: it is none of the side that is asked for.
    """
    chosen = (fields.get("other") or "").strip() or (fields.get("record") or "").strip()
    if not chosen:
        raise BadInput("choose one of the records, or type in the id of another one")
    if chosen in review.candidates:
        return chosen
    side = candidate_side(review)
    return contact_id(chosen) if side is Side.SALESFORCE else patient_id(chosen)


def _decision(typed: str) -> Decision:
    if typed not in set(Decision):
        raise BadInput("choose one of the decisions")
    return Decision(typed)


def _kind(typed: str) -> str:
    return typed if typed in set(ReviewKind) else ""


def _number(typed: str) -> int:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 9 else 1


PLACES: tuple[Place, ...] = (
    Place("/reviews", show_queue, Role.ADMINISTRATOR, nav="Reviews"),
    Place("/reviews/alike", show_alike, Role.ADMINISTRATOR),
    Place("/reviews/alike", act_alike, Role.ADMINISTRATOR, "POST"),
    Place("/reviews/{review}", show_one, Role.ADMINISTRATOR),
    Place("/reviews/{review}", act, Role.ADMINISTRATOR, "POST"),
)
