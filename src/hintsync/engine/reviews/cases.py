"""One review with everything a person needs to decide it: all records read now, side by side, and what speaks for each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hintsync.core.errors import RetryLater
from hintsync.core.near import NearMatch, Population, Scorer
from hintsync.core.records import FieldName, LinkState, RecordId, Snapshot
from hintsync.core.values import ABSENT, Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.standing import candidate_side, trail_of
from hintsync.engine.reviews.standing import OF_MATCHING, OF_PAIRS
from hintsync.engine.search.sides import whole_person
from hintsync.state.port import AuditEvent, Review

#: Candidates that are read; more of one key are looked at in their own systems.
MOST_CANDIDATES: Final = 6
#: Actions after which both sides are known to have shown the same.
_AGREED: Final = frozenset({"wrote", "agreed", "linked", "created"})


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A record that a review speaks of. Holds a person's data."""

    side: Side
    record_id: RecordId
    #: As it is now; None: it is gone, or its system does not answer.
    record: Snapshot | None
    #: The record that it is linked with.
    linked_to: RecordId | None = None
    #: How it compares with the record the review is about; None where that is not the question.
    match: NearMatch | None = None


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """A review with all its records. Holds people's data."""

    review: Review
    subject: CaseRecord
    candidates: tuple[CaseRecord, ...]
    #: Candidates that were not read.
    left_out: int = 0
    #: The link in question, for questions about a pair.
    state: LinkState | None = None
    #: Sides whose value of the field is not what both last agreed on; None: nothing was agreed on.
    moved: frozenset[Side] | None = None
    #: When both sides last showed the same in the field.
    agreed: AuditEvent | None = None
    #: Sides that do not answer now.
    silent: frozenset[Side] = field(default_factory=frozenset)


async def read_case(engine: Engine, review: Review) -> ReviewCase:
    """Read a review's records; one call to the org, and one for each patient.

    A side that does not answer leaves its records out; everything else raises.
    """
    side, ids = candidate_side(review), review.candidates[:MOST_CANDIDATES]
    wanted: dict[Side, list[RecordId]] = {each: [] for each in Side}
    wanted[review.side].append(review.record_id)
    wanted[side] += ids
    shown = dict(zip(Side, await asyncio.gather(*(_read(engine, each, wanted[each]) for each in Side)), strict=True))
    states = {each: await engine.store.live_links(engine.connection.id, each, wanted[each]) for each in Side}
    subject = _record(review.side, review.record_id, shown, states)
    found = [_record(side, each, shown, states) for each in ids]
    state = states[review.side].get(review.record_id) if review.kind in OF_PAIRS else None
    return ReviewCase(
        review,
        subject,
        tuple(await _compared(engine, subject, found) if review.kind in OF_MATCHING else found),
        len(review.candidates) - len(ids),
        state,
        _moved(engine, review.field_name, state, [subject, *found]),
        await _last_agreed(engine, state, review.field_name),
        frozenset(each for each, records in shown.items() if records is None),
    )


async def _read(engine: Engine, side: Side, ids: Sequence[RecordId]) -> Mapping[RecordId, Snapshot] | None:
    if not ids:
        return {}
    try:
        return await engine.replicas[side].read(list(dict.fromkeys(ids)))
    except RetryLater:
        return None


def _record(
    side: Side,
    record_id: RecordId,
    shown: Mapping[Side, Mapping[RecordId, Snapshot] | None],
    states: Mapping[Side, Mapping[RecordId, LinkState]],
) -> CaseRecord:
    state = states[side].get(record_id)
    peer = None if state is None else state.link.patient_id if side is Side.SALESFORCE else state.link.contact_id
    return CaseRecord(side, record_id, (shown[side] or {}).get(record_id), peer)


async def _compared(engine: Engine, subject: CaseRecord, found: Sequence[CaseRecord]) -> list[CaseRecord]:
    """Weigh what speaks for and against each candidate.

    The names' rarity is that of a population as large as the linked one in which nobody else bears them: what is known
    without reading everybody.
    """
    population = Population()
    population.size = sum((await engine.store.count_links(engine.connection.id)).values())
    scorer = Scorer(population, engine.options.placeholder_dates)
    return [_with_match(scorer, subject.record, each) for each in found]


def _with_match(scorer: Scorer, subject: Snapshot | None, found: CaseRecord) -> CaseRecord:
    if subject is None or found.record is None:
        return found
    match = scorer.compare(whole_person(subject), whole_person(found.record))
    return CaseRecord(found.side, found.record_id, found.record, found.linked_to, match)


def _moved(
    engine: Engine, name: FieldName, state: LinkState | None, records: Sequence[CaseRecord]
) -> frozenset[Side] | None:
    """Return the sides that left what was agreed on in a field."""
    if state is None or name not in state.base:
        return None
    fp, base = engine.fingerprinter(state.link.salt), state.base[name]
    ends = {state.link.contact_id, state.link.patient_id}
    values = {
        each.side: value
        for each in records
        if each.record is not None
        and each.record_id in ends
        and (value := each.record.values.get(name, ABSENT)) is not ABSENT
    }
    return frozenset(side for side, value in values.items() if fp.of(name, value) != base)


async def _last_agreed(engine: Engine, state: LinkState | None, name: FieldName) -> AuditEvent | None:
    if state is None or not name:
        return None
    trail = await trail_of(engine, state.link.id)
    return next((event for event in reversed(trail) if event.action in _AGREED and name in event.fields), None)
