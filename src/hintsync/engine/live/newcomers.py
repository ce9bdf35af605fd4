"""Works patients that are new: matched over the whole org and practice, then linked, created as contacts, or put to review.

Rows L1 to L14 as a batch decides them, with the settings of M13 (row L8). Patients that were there when we connected are
left for the batch. A reservation whose contact was never seen to exist is carried on from here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hintsync.core.link import RECOVERED, Trigger, first_mode
from hintsync.core.plan import Match, Mode, Outcome
from hintsync.core.records import LinkState, LinkStatus, RecordId, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.cases import choices_of, mode_of
from hintsync.engine.batch.deciding import gone_match, match_patient, still_fits
from hintsync.engine.batch.population import read_contacts
from hintsync.engine.detect.intake import KNOWN_TAKEN
from hintsync.engine.live.births import OF_NEWCOMERS, bear
from hintsync.engine.live.census import take_patient_census
from hintsync.engine.live.one_pass import Pass
from hintsync.engine.live.pairs import HELD_BACK, Planned, settle_planned
from hintsync.engine.live.pieces import Ended, Piece
from hintsync.engine.live.reading import Readings, read_pieces
from hintsync.engine.live.retry import pause_after, spread
from hintsync.engine.pairs.creating import new_link
from hintsync.engine.pairs.outcomes import Records, Scribe
from hintsync.engine.pairs.settling import Pair
from hintsync.engine.reviews.standing import OpenReviews, load_open_reviews
from hintsync.state.port import LinkChange, LinkTaken, LogLevel, ReviewKind

#: Seconds until it is looked again whether the patients that were there at connect are known.
_UNKNOWN_YET = 30.0

_REVIEWS = {
    Outcome.AMBIGUOUS: ReviewKind.AMBIGUOUS,
    Outcome.TO_REVIEW: ReviewKind.NEAR_MATCH,
    Outcome.INCOMPLETE: ReviewKind.INCOMPLETE,
}
#: What was decided on moved before it was done: decide again.
_MOVED = frozenset({Outcome.CHANGED_SINCE, Outcome.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A patient with what was decided for it."""

    piece: Piece
    patient: Snapshot
    match: Match


async def work_newcomers(at: Pass, pieces: Sequence[Piece]) -> list[Ended]:
    """Work patients without a link, and reservations that wait for their contact."""
    if not pieces:
        return []
    if at.stops.of_changes(Side.HINT) is not None:
        waiting = [piece for piece in pieces if not piece.interactive]
        held = [Ended(piece, again=spread(HELD_BACK), reason="held-back-by-a-stop") for piece in waiting]
        return held + (await _work(at, [piece for piece in pieces if piece.interactive]))
    return await _work(at, pieces)


async def _work(at: Pass, pieces: Sequence[Piece]) -> list[Ended]:
    new, ended = await _without_known(at, pieces)
    if not new:
        return ended
    readings = await read_pieces(at.engine, new)
    there = []
    for piece in new:
        seen = readings.of(Side.HINT, piece.id_of(Side.HINT))
        if seen is not None and seen.state in (RecordState.LIVE, RecordState.ARCHIVED):
            there.append((piece, seen))
        else:
            ended.append(_not_there(at, piece, readings))
    return ended + await _match(at, there) if there else ended


async def _without_known(at: Pass, pieces: Sequence[Piece]) -> tuple[list[Piece], list[Ended]]:
    """Leave the patients that were there at connect for the batch (row L8); while nobody knows which, all wait."""
    engine, unlinked = at.engine, [piece for piece in pieces if piece.state is None]
    reserved = [piece for piece in pieces if piece.state is not None]
    if not unlinked:
        return reserved, []
    if KNOWN_TAKEN not in engine.connection.facts:
        stored = await engine.store.connection(engine.connection.id)
        if stored is None or KNOWN_TAKEN not in stored.facts:
            return reserved, [Ended(piece, again=_UNKNOWN_YET, reason="known-patients-not-taken") for piece in unlinked]
    ids = [piece.marks[0].record_id for piece in unlinked]
    known = await engine.store.known(engine.connection.id, ids)
    linked = await engine.store.live_links(engine.connection.id, Side.HINT, ids)  # by this very pass, or another
    new = [piece for piece in unlinked if piece.marks[0].record_id not in known | linked.keys()]
    left = [Ended(piece) for piece in unlinked if piece.marks[0].record_id in known - linked.keys()]
    again = [Ended(piece, again=0.0, reason="linked") for piece in unlinked if piece.marks[0].record_id in linked]
    return reserved + new, left + again


def _not_there(at: Pass, piece: Piece, readings: Readings) -> Ended:
    """End a piece whose patient is gone again; a reservation made for it is given up."""
    if readings.failure(piece) is not None:
        return Ended(piece, again=pause_after(piece.attempts), failed=True, reason="patient-not-readable")
    ended = Ended(piece)
    if piece.state is not None:
        link = replace(piece.state.link, status=LinkStatus.ENDED, reason="patient gone before its contact was created")
        ended.records.links.append(LinkChange(link))
        ended.records.audits.append(Scribe(at.engine, f"link:{link.id}").audit("ended", link, reason=link.reason))
    return ended


async def _match(at: Pass, there: Sequence[tuple[Piece, Snapshot]]) -> list[Ended]:
    """Match all new patients of the pass against one census, and carry out what was decided."""
    engine = at.engine
    census = await take_patient_census(engine, [patient for _, patient in there])
    decided = [
        Newcomer(piece, patient, match_patient(engine, census, patient, piece.state, Trigger.NEW_PATIENT))
        for piece, patient in there
    ]
    reviews = await load_open_reviews(engine)
    linked = [each for each in decided if each.match.outcome is Outcome.LINKED]
    created = [each for each in decided if each.match.outcome is Outcome.CREATED]
    plain = [each for each in decided if each.match.outcome not in (Outcome.LINKED, Outcome.CREATED)]
    ended = [_plain(at, each, reviews) for each in plain]
    ended += await _link(at, linked, reviews)
    return ended + await _create(at, created, reviews)


def _plain(at: Pass, newcomer: Newcomer, reviews: OpenReviews) -> Ended:
    """Record a decision that leads to no link; what was asked of this patient before is asked no longer."""
    match, patient_id = newcomer.match, newcomer.patient.id
    ended = Ended(newcomer.piece)
    kind = _REVIEWS.get(match.outcome)
    scribe = Scribe(at.engine, f"patient:{patient_id}")
    if kind is not None:
        ended.held = True
        review = scribe.review(
            kind, Side.HINT, patient_id, candidates=match.peers, rule=match.row, reason=match.reason or ""
        )
        ended.records.reviews.append(review)
    if match.outcome is Outcome.CONTACT_ALREADY_SYNCED:
        contact_id = next(iter(match.peers), None)
        message = f"{match.outcome}: nothing was linked ({match.row})"
        ended.records.logs.append(
            scribe.log(LogLevel.ERROR, "contact-already-synced", message, contact_id=contact_id, patient_id=patient_id)
        )
    now = at.engine.now()
    ended.records.reviews += reviews.asked_no_more(Side.HINT, patient_id, OF_NEWCOMERS, now, but=kind)
    return ended


async def _link(at: Pass, newcomers: Sequence[Newcomer], reviews: OpenReviews) -> list[Ended]:
    """Rows L1 and R: reserve, then give the pair its first sync, on contacts read just now."""
    if not newcomers:
        return []
    ids = [newcomer.match.peers[0] for newcomer in newcomers]
    contacts = await read_contacts(at.engine.salesforce, list(dict.fromkeys(ids)))
    ended, planned = list[Ended](), list[Planned]()
    for newcomer in newcomers:
        pair = await _first_pair(at, newcomer, contacts.get(newcomer.match.peers[0]))
        if pair is None:
            piece = newcomer.piece
            ended.append(Ended(piece, again=pause_after(piece.attempts), failed=True, reason="changed-since-matched"))
        else:
            settled = reviews.asked_no_more(Side.HINT, newcomer.patient.id, OF_NEWCOMERS, at.engine.now())
            planned.append(Planned(newcomer.piece, pair, Records(reviews=settled)))
    return ended + await settle_planned(at.engine, planned)


async def _first_pair(at: Pass, newcomer: Newcomer, contact: Snapshot | None) -> Pair | None:
    """Reserve the link of a patient and its one match; None if something moved meanwhile."""
    match = gone_match(newcomer.match, contact) or newcomer.match
    if contact is None or match.outcome in _MOVED:
        return None
    if still_fits(at.engine, match, newcomer.patient, contact).outcome is not Outcome.LINKED:
        return None
    state = newcomer.piece.state or await _reserve(at, newcomer, contact.id)
    if state is None:
        return None
    return Pair(state, newcomer.patient, contact, mode_of(state.link), choices_of(state.link))


async def _reserve(at: Pass, newcomer: Newcomer, contact_id: RecordId | None) -> LinkState | None:
    """Reserve a link and hold it; None if another one was faster."""
    mode = first_mode(Trigger.NEW_PATIENT, newcomer.match)
    origin = RECOVERED if mode is Mode.RECOVERED else str(Trigger.NEW_PATIENT)
    link = new_link(at.engine, origin, contact_id=contact_id, patient_id=newcomer.patient.id, reason=str(mode))
    try:
        stored = await at.engine.store.reserve(link)
    except LinkTaken:
        return None
    return LinkState(stored, {}, {}) if await at.lease([stored.id]) else None


async def _create(at: Pass, newcomers: Sequence[Newcomer], reviews: OpenReviews) -> list[Ended]:
    """Rows L2 and L6: reserve, then create the contact; one that exists already gets a first sync instead."""
    reserved, ended = list[tuple[Newcomer, LinkState]](), list[Ended]()
    for newcomer in newcomers:
        state = newcomer.piece.state or await _reserve(at, newcomer, None)
        if state is None:
            piece = newcomer.piece
            ended.append(Ended(piece, again=pause_after(piece.attempts), failed=True, reason="linked-meanwhile"))
        else:
            reserved.append((newcomer, state))
    if not reserved:
        return ended
    births = await bear(at, [(each.piece, state, each.patient) for each, state in reserved], reviews)
    return ended + births.ended + await settle_planned(at.engine, births.planned)
