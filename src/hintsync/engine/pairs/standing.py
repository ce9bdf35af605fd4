"""How one contact stands: its link, both records as they are now, what waits for a decision, and what was done to it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from hintsync.core.errors import RetryLater
from hintsync.core.records import LinkState, RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.reviews.merges import BOTH_FROZEN
from hintsync.state.live import Dirty
from hintsync.state.port import AuditEvent, Review, ReviewKind

#: Entries of an audit chain that are read at once, and at most.
_PAGE, _MOST = 1_000, 20_000
#: Parked records among which a pair's are looked for.
_ALL_PARKED = 100_000
#: Candidates of reviews that are read to be shown.
_MOST_CANDIDATES = 6


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a contact at this moment. Holds people's data."""

    contact_id: RecordId
    contact: Snapshot | None
    patient: Snapshot | None
    state: LinkState | None
    #: Open reviews about either record.
    reviews: Sequence[Review] = ()
    #: Candidates of these reviews, as they are now.
    candidates: Mapping[tuple[Side, RecordId], Snapshot] = field(default_factory=dict)
    #: Records of the pair that failed too often and wait for a person.
    parked: Sequence[Dirty] = ()
    #: What was done to the link, oldest first.
    trail: Sequence[AuditEvent] = ()
    #: Sides that do not answer now: what they would show is not known.
    silent: frozenset[Side] = frozenset()


async def standing_of(engine: Engine, contact_id: RecordId) -> Standing:
    """Read how a contact stands; one call a side, and one for each candidate of a review.

    A side that does not answer leaves its record out; everything else raises.
    """
    store, connection_id = engine.store, engine.connection.id
    state = (await store.live_links(connection_id, Side.SALESFORCE, [contact_id])).get(contact_id)
    patient_id = state.link.patient_id if state else None
    reviews = await store.reviews(connection_id, record_ids=[i for i in (contact_id, patient_id) if i])
    wanted = {
        Side.SALESFORCE: [contact_id, *_candidates(reviews, Side.SALESFORCE, contact_id)],
        Side.HINT: [*([patient_id] if patient_id else []), *_candidates(reviews, Side.HINT, patient_id)],
    }
    shown = dict(zip(Side, await asyncio.gather(*(_read(engine, side, wanted[side]) for side in Side)), strict=True))
    found = {(side, record.id): record for side, records in shown.items() for record in (records or {}).values()}
    contact = found.pop((Side.SALESFORCE, contact_id), None)
    patient = found.pop((Side.HINT, patient_id), None) if patient_id else None
    parked = await store.dirty(connection_id, parked=True, limit=_ALL_PARKED)
    return Standing(
        contact_id,
        contact,
        patient,
        state,
        reviews,
        found,
        [each for each in parked if each.record_id in (contact_id, patient_id)],
        await trail_of(engine, state.link.id) if state else (),
        frozenset(side for side, records in shown.items() if records is None),
    )


def candidate_side(review: Review) -> Side:
    """Return whose records a review's candidates are: the other side's, save for one about a record that is gone."""
    gone = review.kind is ReviewKind.MERGE and review.details.get("rule") not in BOTH_FROZEN
    return review.side if gone else review.side.other


async def pair_of(engine: Engine, contact_id: RecordId) -> Mapping[Side, RecordId]:
    """Return a contact's id and that of the patient it is linked with, if any, by side."""
    state = (await engine.store.live_links(engine.connection.id, Side.SALESFORCE, [contact_id])).get(contact_id)
    pair = {Side.SALESFORCE: contact_id}
    return {**pair, Side.HINT: state.link.patient_id} if state and state.link.patient_id else pair


async def trail_of(engine: Engine, link_id: str) -> Sequence[AuditEvent]:
    """Return what was done to a link, oldest first."""
    events: list[AuditEvent] = []
    after = 0
    while len(events) < _MOST:
        page = await engine.store.audit(engine.connection.id, chain=f"link:{link_id}", after=after, limit=_PAGE)
        events += [entry.event for entry in page]
        if len(page) < _PAGE:
            break
        after = page[-1].sequence
    return events


def _candidates(reviews: Collection[Review], side: Side, but: RecordId | None) -> Sequence[RecordId]:
    ids = [each for review in reviews if candidate_side(review) is side for each in review.candidates if each != but]
    return list(dict.fromkeys(ids))[:_MOST_CANDIDATES]


async def _read(engine: Engine, side: Side, ids: Sequence[RecordId]) -> Mapping[RecordId, Snapshot] | None:
    """Read records; None if the side does not answer now."""
    if not ids:
        return {}
    try:
        return await engine.replicas[side].read(ids)
    except RetryLater:
        return None
