"""Which decisions the engine takes about a review, and carrying one out; what a page offers is exactly this."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from hintsync.core.errors import BadInput
from hintsync.core.link_by_hand import Warned
from hintsync.core.records import RecordId
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import HandResult
from hintsync.engine.reviews.deciding import allow_overlay, choose, decline, keep_side, part_overlay
from hintsync.engine.reviews.merges import BOTH_FROZEN
from hintsync.engine.reviews.standing import OF_FIELDS, OF_MATCHING
from hintsync.state.port import Review, ReviewKind, ReviewStatus


class Decision(StrEnum):
    """A way to decide a review."""

    KEEP_SALESFORCE = "keep-salesforce"
    KEEP_HINT = "keep-hint"
    SAME_PERSON = "same-person"
    OTHER_PERSON = "other-person"
    #: One record, a candidate or another one, is the person; needs its id.
    LINK = "link"
    NONE = "none"


#: Decisions that need no look at the records of each review, and may be taken for many alike at once.
FOR_MANY = frozenset({Decision.KEEP_SALESFORCE, Decision.KEEP_HINT, Decision.SAME_PERSON, Decision.NONE})

_WINNERS = {Decision.KEEP_SALESFORCE: Side.SALESFORCE, Decision.KEEP_HINT: Side.HINT}


def decisions_of(review: Review) -> tuple[Decision, ...]:
    """Return the decisions that may be taken about a review; none where only a change of the record settles it."""
    if review.status is not ReviewStatus.OPEN:
        return ()
    if review.kind is ReviewKind.OVERLAY:
        return (Decision.SAME_PERSON, Decision.OTHER_PERSON)
    if review.kind in OF_FIELDS:
        return (Decision.KEEP_SALESFORCE, Decision.KEEP_HINT) if review.field_name else ()
    if review.kind is ReviewKind.MERGE and review.details.get("rule") in BOTH_FROZEN:
        return (Decision.LINK,)
    if review.kind in OF_MATCHING or review.kind is ReviewKind.MERGE:
        return (Decision.LINK, Decision.NONE)
    return ()


async def decide(
    engine: Engine,
    review: Review,
    decision: Decision,
    *,
    record_id: RecordId = "",
    confirmed: Collection[Warned] = (),
) -> HandResult:
    """Carry a decision out.

    Args:
        engine: The connection, in the name of the person.
        review: What is decided.
        decision: How.
        record_id: With LINK: which record.
        confirmed: With LINK: what the person was told and agreed to.

    Raises:
        BadInput: this decision does not fit, the record is missing, or the review is not open any more.
    """
    if decision not in decisions_of(review):
        raise BadInput(f"review {review.id} cannot be decided by {decision}")
    if decision in _WINNERS:
        return await keep_side(engine, review.id, _WINNERS[decision])
    if decision is Decision.SAME_PERSON:
        return await allow_overlay(engine, review.id)
    if decision is Decision.OTHER_PERSON:
        return await part_overlay(engine, review.id)
    if decision is Decision.NONE:
        return await decline(engine, review.id)
    if not record_id:
        raise BadInput("which record is it? Choose one, or give its id")
    return await choose(engine, review.id, record_id, confirmed=confirmed)
