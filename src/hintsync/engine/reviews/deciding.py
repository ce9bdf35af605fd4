"""What a person decides about a review: whose value stays, who is whom, whether a changed person is the same."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from hintsync.core.errors import BadInput
from hintsync.core.link_by_hand import Step, Warned
from hintsync.core.plan import Outcome
from hintsync.core.policy import Choices
from hintsync.core.records import LinkState, LinkStatus, RecordId
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import HandResult, link_by_hand, sync_with_choices, unlink_by_hand
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.reviews.merges import BOTH_FROZEN, keep_after_merge
from hintsync.engine.reviews.standing import OF_FIELDS, OF_MATCHING
from hintsync.state.port import AuditEvent, Commit, Review, ReviewKind, ReviewStatus


async def keep_side(engine: Engine, review_id: str, side: Side) -> HandResult:
    """Decide a conflict: the value of one side stays and is written to the other.

    Raises:
        BadInput: no such open review, or it is not about a field.
    """
    review = await _open(engine, review_id, OF_FIELDS)
    state = await _link_of(engine, review)
    result = await sync_with_choices(engine, state, Choices(winners={review.field_name: side}))
    if review.field_name not in result.held and result.done:
        await _decide(engine, review, f"keep {side}", link=state)
    return result


async def allow_overlay(engine: Engine, review_id: str) -> HandResult:
    """Decide an overlay (guard G4): it is the same person after all, name and birth date may travel.

    Raises:
        BadInput: no such open review, or it is about something else.
    """
    review = await _open(engine, review_id, {ReviewKind.OVERLAY})
    state = await _link_of(engine, review)
    if state.link.status is not LinkStatus.FROZEN:
        raise BadInput(f"the link of {review.record_id} is not frozen any more")
    thawed = LinkState(replace(state.link, status=LinkStatus.ACTIVE, reason=None), state.base, state.holds)
    result = await sync_with_choices(engine, thawed, Choices(overlay_allowed=True))
    if result.done:
        await _decide(engine, review, "same person", link=state)
    return result


async def part_overlay(engine: Engine, review_id: str) -> HandResult:
    """Decide an overlay (guard G4): it is somebody else by now. The link ends and the pair is remembered (rows U1, U4).

    Raises:
        BadInput: no such open review, or it is about something else.
    """
    review = await _open(engine, review_id, {ReviewKind.OVERLAY})
    state = await _link_of(engine, review)
    result = await unlink_by_hand(engine, review.record_id)
    await _decide(engine, review, "another person", link=state)
    return result


async def choose(
    engine: Engine, review_id: str, candidate: RecordId, *, confirmed: Collection[Warned] = ()
) -> HandResult:
    """Decide who a record is: link it with one of the candidates, or with another record the person names.

    After a merge: which of the candidates stays linked with the record that is left (`merge_reviews`).

    Raises:
        BadInput: no such open review, or it is not about a match or a merge.
    """
    review = await _open(engine, review_id, OF_MATCHING | {ReviewKind.MERGE})
    if review.kind is ReviewKind.MERGE:
        kept = await keep_after_merge(engine, review, candidate)
        if kept.done:
            await _decide(engine, review, f"kept {candidate}")
        return kept
    contact_id, patient_id = _pair(review, candidate)
    result = await link_by_hand(engine, contact_id, patient_id, confirmed=confirmed)
    if result.done:
        await _decide(engine, review, f"linked with {candidate}")
    return result


async def decline(engine: Engine, review_id: str) -> HandResult:
    """Decide that none of the candidates is this person; nothing automatic suggests or links them again (row U4).

    Of a record that is gone: nobody took its place, its link goes on waiting for it.

    Raises:
        BadInput: no such open review, it is not about a match, or one of two frozen links must be kept.
    """
    review = await _open(engine, review_id, OF_MATCHING | {ReviewKind.MERGE})
    if review.kind is ReviewKind.MERGE:
        return await _nobody_instead(engine, review)
    for candidate in review.candidates:
        await engine.store.decline(engine.connection.id, *_pair(review, candidate), by=engine.actor, at=engine.now())
    await _decide(engine, review, "none of them")
    return HandResult(Step.LINK, "U4", Outcome.DECLINED)


async def _nobody_instead(engine: Engine, review: Review) -> HandResult:
    rule = str(review.details.get("rule"))
    if rule in BOTH_FROZEN:
        raise BadInput(f"two linked records were merged: keep one of {', '.join(review.candidates)}")
    await _decide(engine, review, "nobody took its place")
    return HandResult(Step.LINK, rule, Outcome.SUSPENDED)


async def _open(engine: Engine, review_id: str, kinds: Collection[ReviewKind]) -> Review:
    review = await engine.store.review(review_id)
    if review is None or review.connection_id != engine.connection.id:
        raise BadInput(f"no review {review_id}; `hintsync review` lists them")
    if review.status is not ReviewStatus.OPEN:
        raise BadInput(f"review {review_id} is {review.status} already")
    if review.kind not in kinds:
        raise BadInput(f"review {review_id} is of the kind {review.kind}; it is decided in another way")
    return review


async def _link_of(engine: Engine, review: Review) -> LinkState:
    found = await engine.store.live_links(engine.connection.id, review.side, [review.record_id])
    if review.record_id not in found:
        raise BadInput(f"{review.side} {review.record_id} is not linked any more")
    return found[review.record_id]


def _pair(review: Review, candidate: RecordId) -> tuple[RecordId, RecordId]:
    return (review.record_id, candidate) if review.side is Side.SALESFORCE else (candidate, review.record_id)


async def _decide(engine: Engine, review: Review, decision: str, *, link: LinkState | None = None) -> None:
    decided = replace(
        review, status=ReviewStatus.DECIDED, decided_at=engine.now(), decided_by=engine.actor, decision=decision
    )
    await engine.store.commit(Commit(reviews=[decided], audits=[_audit(engine, review, decision, link)]))


def _audit(engine: Engine, review: Review, decision: str, link: LinkState | None) -> AuditEvent:
    scribe = Scribe(engine, f"link:{link.link.id}" if link else "connection")
    fields = [review.field_name] if review.field_name else []
    event = scribe.audit("decided", link.link if link else None, side=review.side, fields=fields, reason=decision)
    if link is not None:
        return event
    ids = {"contact_id": review.record_id} if review.side is Side.SALESFORCE else {"patient_id": review.record_id}
    return replace(event, contact_id=ids.get("contact_id"), patient_id=ids.get("patient_id"))
