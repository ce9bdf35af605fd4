"""Reads the records that live work is about: contacts 200 in a call, patients singly or from a list of changes by cost.

Merges are followed to the record that is left. One patient that cannot be read stops nobody but itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hintsync.core.errors import BudgetSpent, RetryLater
from hintsync.core.records import RecordId, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.population import read_contacts
from hintsync.engine.context import Engine
from hintsync.engine.detect.echoes import is_as_agreed
from hintsync.engine.live.pieces import Piece
from hintsync.state.live import Lane

#: Patients from which on a list of changes is tried before single reads.
LIST_FROM = 12
#: Seconds by which an event may come later than the change it tells of, for a list of changes to hold it.
_SLACK = 60.0
#: Marks older than this many seconds are read singly: a list that goes so far back holds too many others.
_LIST_AGE = 900.0
#: Single reads that are sent before it is looked whether any went well.
_TOGETHER = 16
#: Merges that are followed from one record.
_MERGES = 5


@dataclass(slots=True)
class Readings:
    """What was read of both sides; a record that is in neither part is not there."""

    found: dict[tuple[Side, RecordId], Snapshot] = field(default_factory=dict)
    #: Records that could not be read now, although others of their side could.
    unread: dict[tuple[Side, RecordId], RetryLater] = field(default_factory=dict)
    asked: set[tuple[Side, RecordId]] = field(default_factory=set)
    #: Links whose contact alone was marked and shows what was agreed on; their patients were not read.
    unchanged: set[str] = field(default_factory=set)

    def of(self, side: Side, record_id: RecordId | None) -> Snapshot | None:
        """Return what was read of a record."""
        return self.found.get((side, record_id)) if record_id else None

    def is_unchanged(self, piece: Piece) -> bool:
        """Say whether nothing follows from the marks of a piece."""
        return piece.state is not None and piece.state.link.id in self.unchanged

    def survivor(self, side: Side, record_id: RecordId | None) -> Snapshot | None:
        """Return the record that took the place of a merged one; None if it was not merged, or nobody knows into which."""
        seen = self.of(side, record_id)
        for _ in range(_MERGES):
            if seen is None or seen.state is not RecordState.MERGED:
                break
            seen = self.of(side, seen.merged_into)
        return None if seen is None or seen.id == record_id or seen.state is RecordState.MERGED else seen

    def failure(self, piece: Piece) -> RetryLater | None:
        """Return why a record of a piece, or one that it was merged into, could not be read, if so."""
        keys = [key for side in Side for key in self._behind(side, piece.id_of(side))]
        return next((self.unread[key] for key in keys if key in self.unread), None)

    def _behind(self, side: Side, record_id: RecordId | None) -> list[tuple[Side, RecordId]]:
        """Return a record and all that it was merged into, one after the other."""
        chain = list[tuple[Side, RecordId]]()
        while record_id is not None and len(chain) <= _MERGES:
            chain.append((side, record_id))
            seen = self.of(side, record_id)
            record_id = seen.merged_into if seen is not None and seen.state is RecordState.MERGED else None
        return chain


async def read_pieces(engine: Engine, pieces: Sequence[Piece]) -> Readings:
    """Read both records of every piece, and those they were merged into.

    Raises:
        RetryLater: a side is in trouble as a whole.
    """
    readings = Readings()
    await _read_contacts_alone(engine, readings, pieces)
    rest = [piece for piece in pieces if not readings.is_unchanged(piece)]
    contacts = [record_id for piece in rest if (record_id := piece.id_of(Side.SALESFORCE))]
    patients = [record_id for piece in rest if (record_id := piece.id_of(Side.HINT))]
    missing = [record_id for record_id in contacts if (Side.SALESFORCE, record_id) not in readings.asked]
    await _read_both(engine, readings, missing, patients, _moments(pieces))
    for _ in range(_MERGES):
        behind = _behind_merges(readings)
        if not behind:
            break
        by_side = {side: [record_id for of, record_id in behind if of is side] for side in Side}
        await _read_both(engine, readings, by_side[Side.SALESFORCE], by_side[Side.HINT], {})
    return readings


async def _read_contacts_alone(engine: Engine, readings: Readings, pieces: Sequence[Piece]) -> None:
    """Read the contacts that alone were marked: 200 cost one call, and an unchanged one spares the call for its patient.

    So the echoes of a batch, and events that do not say what changed, cost next to nothing.
    """
    alone = [piece for piece in pieces if _is_contact_alone(piece)]
    ids = [record_id for piece in alone if (record_id := piece.id_of(Side.SALESFORCE))]
    readings.asked.update((Side.SALESFORCE, record_id) for record_id in ids)
    await _read_contacts(engine, readings, ids)
    for piece in alone:
        seen, state = readings.of(Side.SALESFORCE, piece.id_of(Side.SALESFORCE)), piece.state
        if seen is None or state is None:
            continue
        if is_as_agreed(seen, state, engine.table, engine.fingerprinter(state.link.salt)):
            readings.unchanged.add(state.link.id)


def _is_contact_alone(piece: Piece) -> bool:
    ours = all(mark.side is Side.SALESFORCE and mark.lane in (Lane.LIVE, Lane.CATCH_UP) for mark in piece.marks)
    return ours and piece.state is not None


def _moments(pieces: Iterable[Piece]) -> dict[RecordId, float]:
    """Return when we learned of the change of each patient that changed."""
    return {mark.record_id: mark.since for piece in pieces for mark in piece.marks if mark.side is Side.HINT}


def _behind_merges(readings: Readings) -> list[tuple[Side, RecordId]]:
    named = {(seen.side, seen.merged_into) for seen in readings.found.values() if seen.merged_into}
    return sorted(named - readings.asked)


async def _read_both(
    engine: Engine,
    readings: Readings,
    contacts: Sequence[RecordId],
    patients: Sequence[RecordId],
    moments: Mapping[RecordId, float],
) -> None:
    """Read both sides at once; if one fails, the other's reads are still waited for."""
    readings.asked.update([(Side.SALESFORCE, each) for each in contacts], [(Side.HINT, each) for each in patients])
    answers = await asyncio.gather(
        _read_contacts(engine, readings, contacts),
        _read_patients(engine, readings, patients, moments),
        return_exceptions=True,
    )
    for answer in answers:
        if answer is not None:
            raise answer


async def _read_contacts(engine: Engine, readings: Readings, ids: Sequence[RecordId]) -> None:
    if ids:
        found = await read_contacts(engine.salesforce, list(dict.fromkeys(ids)))
        readings.found.update({(Side.SALESFORCE, record_id): seen for record_id, seen in found.items()})


async def _read_patients(
    engine: Engine, readings: Readings, ids: Sequence[RecordId], moments: Mapping[RecordId, float]
) -> None:
    listed = await _read_from_list(engine, [each for each in ids if each in moments], moments)
    readings.found.update({(Side.HINT, record_id): seen for record_id, seen in listed.items()})
    await _read_singly(engine, readings, [each for each in dict.fromkeys(ids) if each not in listed])


async def _read_from_list(
    engine: Engine, ids: Sequence[RecordId], moments: Mapping[RecordId, float]
) -> dict[RecordId, Snapshot]:
    """Read patients from the list of what changed lately, as long as its pages cost less than single reads."""
    now, found = engine.clock.now().timestamp(), dict[RecordId, Snapshot]()
    missing = {each for each in ids if now - moments[each] <= _LIST_AGE}
    if len(missing) < LIST_FROM or not engine.hint.capabilities.changed_since:
        return found
    since = datetime.fromtimestamp(min(moments[each] for each in missing) - _SLACK, UTC)
    try:
        async with aclosing(engine.hint.scan(since=since)) as pages:  # type: ignore[type-var]  # our replicas' are generators
            async for page in pages:
                found.update({each.id: each for each in page.records if each.id in missing})
                missing.difference_update(found)
                left = -(-(page.total or 0) // engine.hint.capabilities.page_size) - page.ref.number - 1
                if not missing or left >= len(missing):
                    break
    except BudgetSpent:
        raise
    except RetryLater:
        return found  # the list kept moving: single reads do not mind
    return found


async def _read_singly(engine: Engine, readings: Readings, ids: Sequence[RecordId]) -> None:
    """Read patients one by one.

    Raises:
        RetryLater: nothing could be read at all.
    """
    for start in range(0, len(ids), _TOGETHER):
        some = ids[start : start + _TOGETHER]
        answers = await asyncio.gather(*(engine.hint.read([each]) for each in some), return_exceptions=True)
        failed: dict[RecordId, RetryLater] = {}
        for record_id, answer in zip(some, answers, strict=True):
            if isinstance(answer, RetryLater) and not isinstance(answer, BudgetSpent):
                failed[record_id] = answer
            elif isinstance(answer, BaseException):
                raise answer
            else:
                readings.found.update({(Side.HINT, seen.id): seen for seen in answer.values()})
        if len(failed) == len(some) and not any(side is Side.HINT for side, _ in readings.found):
            raise next(iter(failed.values()))
        readings.unread.update({(Side.HINT, record_id): error for record_id, error in failed.items()})
