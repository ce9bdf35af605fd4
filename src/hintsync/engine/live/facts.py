"""Gathers what `core.lifecycle` must know of the links of a pass: how both records stand, who took their place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hintsync.core.lifecycle import PairFacts, RecordFacts, needs_namesakes
from hintsync.core.records import LinkState, LinkStatus, RecordId, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.live.pieces import Piece
from hintsync.engine.live.reading import Readings
from hintsync.ports import Demographics

#: Live links of records that took another's place.
Owners = Mapping[tuple[Side, RecordId], LinkState]


async def owners_of_survivors(engine: Engine, pieces: Sequence[Piece], readings: Readings) -> Owners:
    """Return the live links of the records that merged ones of these pieces were merged into."""
    owners: dict[tuple[Side, RecordId], LinkState] = {}
    for side in Side:
        found = [readings.survivor(side, piece.id_of(side)) for piece in pieces]
        ids = [survivor.id for survivor in found if survivor is not None]
        if ids:
            states = await engine.store.live_links(engine.connection.id, side, ids)
            owners.update({(side, record_id): state for record_id, state in states.items()})
    return owners


async def facts_of(engine: Engine, pieces: Sequence[Piece], readings: Readings, owners: Owners) -> dict[str, PairFacts]:
    """Return what is known of each piece's link, by link."""
    states = {piece.state.link.id: (piece, piece.state.link.status) for piece in pieces if piece.state is not None}
    sides = {
        link_id: {side: _record(piece, side, readings, owners) for side in Side}
        for link_id, (piece, _) in states.items()
    }
    destroyed = {
        link_id: contact
        for link_id, (piece, status) in states.items()
        if status is LinkStatus.ACTIVE
        and needs_namesakes(sides[link_id][Side.SALESFORCE], sides[link_id][Side.HINT])
        and (contact := readings.of(Side.SALESFORCE, piece.id_of(Side.SALESFORCE))) is not None
    }
    namesakes = await _namesakes(engine, destroyed)
    return {
        link_id: PairFacts(
            status, sides[link_id][Side.SALESFORCE], sides[link_id][Side.HINT], namesakes.get(link_id, ())
        )
        for link_id, (_, status) in states.items()
    }


def _record(piece: Piece, side: Side, readings: Readings, owners: Owners) -> RecordFacts:
    record_id = piece.id_of(side)
    seen, survivor = readings.of(side, record_id), readings.survivor(side, record_id)
    owner = owners.get((side, survivor.id)) if survivor else None
    return RecordFacts(
        seen.state if seen else None,
        survivor.id if survivor else None,
        owner.link.id if owner else None,
        told_gone=piece.told_gone(side),
    )


async def _namesakes(engine: Engine, contacts: Mapping[str, Snapshot]) -> dict[str, tuple[RecordId, ...]]:
    """Find the patients with the demographics of contacts, by link, whose own patient was destroyed (row D2)."""
    keys = {link_id: key for link_id, contact in contacts.items() if (key := engine.key_of(contact)) is not None}
    if not keys:
        return {}
    alike = await _patients_like(engine, [_demographics(contacts[link_id]) for link_id in keys])
    there = [(engine.key_of(each), each.id) for each in alike if each.state in (RecordState.LIVE, RecordState.ARCHIVED)]
    return {link_id: tuple(sorted({who for key, who in there if key == mine})) for link_id, mine in keys.items()}


def _demographics(seen: Snapshot) -> Demographics:
    return Demographics(*(str(seen.values[name]) for name in ("first_name", "last_name", "birth_date")))


async def _patients_like(engine: Engine, people: Sequence[Demographics]) -> Sequence[Snapshot]:
    """Return every patient born on these people's birth dates, or the whole practice where Hint cannot be asked that."""
    if engine.hint.capabilities.find_by_birth_date:
        return await engine.hint.find(people)
    return [each async for page in engine.hint.scan() for each in page.records]
