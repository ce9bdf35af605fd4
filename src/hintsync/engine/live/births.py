"""Creates the contacts of new patients, once each, and says what became of every create (rows L2, L6, L12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hintsync.core.records import LinkState, RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.cases import mode_of
from hintsync.engine.live.one_pass import Pass
from hintsync.engine.live.pairs import Planned
from hintsync.engine.live.pieces import Ended, Piece
from hintsync.engine.live.retry import pause_after
from hintsync.engine.pairs.creating import NO_REPLY, TAKEN, Birth, create_missing
from hintsync.engine.pairs.outcomes import Scribe, reviews_of_holds
from hintsync.engine.pairs.settling import Pair
from hintsync.engine.reviews.standing import OF_MATCHING, OpenReviews
from hintsync.state.port import LogLevel, ReviewKind

#: Questions about a patient without a link; they end when it is linked, or decided anew.
OF_NEWCOMERS = OF_MATCHING | {ReviewKind.REFUSED}


@dataclass(slots=True)
class Births:
    """What is left to be settled after creating, and what ended with it."""

    planned: list[Planned] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)


async def bear(at: Pass, reserved: Sequence[tuple[Piece, LinkState, Snapshot]], reviews: OpenReviews) -> Births:
    """Create the contact of every reservation from its patient; a contact that carries our key already is adopted."""
    births = Births()
    made = await create_missing(at.engine, Side.SALESFORCE, [(state, patient) for _, state, patient in reserved])
    for (piece, state, patient), birth in zip(reserved, made, strict=True):
        if birth.adopted is not None:
            link = replace(state.link, contact_id=birth.adopted.id)
            pair = Pair(LinkState(link, {}, {}), patient, birth.adopted, mode_of(link))
            births.planned.append(Planned(piece, pair))
        else:
            births.ended.append(_ended(at, piece, patient.id, birth, reviews))
    return births


def _ended(at: Pass, piece: Piece, patient_id: RecordId, birth: Birth, reviews: OpenReviews) -> Ended:
    ended = Ended(piece)
    if birth.change is not None:
        ended.records.links.append(birth.change)
    if birth.failure in (NO_REPLY, TAKEN):  # stays reserved: the next try carries the same key, and adopts
        ended.again, ended.failed, ended.reason = pause_after(piece.attempts), True, f"salesforce:{birth.failure}"
    elif birth.duplicates or birth.failure is not None or birth.change is None:
        _refused(at, ended, patient_id, birth)
    else:
        _created(at, ended, patient_id, birth, reviews)
    return ended


def _refused(at: Pass, ended: Ended, patient_id: RecordId, birth: Birth) -> None:
    """Put a create that the org does not take to review; it is tried again when the patient changes."""
    scribe, code = Scribe(at.engine, f"link:{birth.link.id}"), birth.failure or ""
    rule, kind = ("L12", ReviewKind.DUPLICATE_RULE) if _is_duplicate(birth) else ("F9", ReviewKind.REFUSED)
    review = scribe.review(kind, Side.HINT, patient_id, candidates=birth.duplicates, rule=rule, reason=code)
    ended.records.reviews.append(review)
    message = f"the org did not take the new contact: {code}"
    ended.records.logs.append(scribe.log(LogLevel.ERROR, "create-refused", message, patient_id=patient_id))
    ended.held = True


def _is_duplicate(birth: Birth) -> bool:
    return bool(birth.duplicates) or birth.failure == "DUPLICATES_DETECTED"


def _created(at: Pass, ended: Ended, patient_id: RecordId, birth: Birth, reviews: OpenReviews) -> None:
    """Remember a contact that was created; the pair is read at once, which also tells Hint of its contact (B12)."""
    assert birth.change is not None, "a create that was acknowledged changes its link"
    link, records = birth.change.link, ended.records
    scribe = Scribe(at.engine, f"link:{link.id}")
    holds = {name: hold for name, hold in birth.change.holds.items() if hold is not None}
    records.audits.append(scribe.audit("created", link, rule="L2", side=Side.SALESFORCE, fields=birth.written))
    records.reviews.extend(reviews_of_holds(scribe, link.contact_id or "", patient_id, holds))
    records.reviews.extend(reviews.asked_no_more(Side.HINT, patient_id, OF_NEWCOMERS, at.engine.now()))
    ended.written[Side.SALESFORCE] += 1
    ended.held, ended.again, ended.reason = bool(holds), 0.0, "created"
