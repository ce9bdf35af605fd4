"""Writes one side, record by record as far as answers go: refusals are told apart and tried once more (rows F8, F9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.quick import quick
from hintsync.core.records import FieldName, RecordId, Snapshot
from hintsync.core.settle import without_refused
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.pairs.first_writes import update_verified
from hintsync.ports import NO_BOOKKEEPING, Gone, Later, Moved, Refused, Unknown, Update, WriteAnswer, WriteMode, Written


class Trouble(StrEnum):
    """What keeps a whole record from being written."""

    GONE = "gone"
    #: It moved, or the reply was lost: read again and decide again.
    LOOK_AGAIN = "look again"
    #: A lock or a limit; the same write may work later.
    LATER = "later"
    #: The system refuses the record (row F9).
    REFUSED = "refused"


@quick
@dataclass(frozen=True, slots=True)
class RecordResult:
    """What became of one update."""

    record_id: RecordId
    #: Fields whose write was acknowledged.
    written: frozenset[FieldName] = frozenset()
    #: Fields refused by name, with the vendor's code.
    refused: Mapping[FieldName, str] = field(default_factory=dict)
    #: Peer id, mark and stamps were acknowledged.
    bookkept: bool = False
    trouble: Trouble | None = None
    #: Vendor code behind `trouble`, or of a write-back that was refused.
    code: str | None = None
    #: The record as the answer showed it.
    snapshot: Snapshot | None = None
    #: The vendor's words, for the person acting only.
    shown_once: str | None = field(default=None, repr=False)


async def write_side(
    engine: Engine, side: Side, updates: Sequence[Update], mode: WriteMode
) -> dict[RecordId, RecordResult]:
    """Write to one side; one result for each update, by record id."""
    results: dict[RecordId, RecordResult] = {}
    second: list[tuple[Update, Refused]] = []
    answers = await update_verified(engine, side, updates, mode)
    for update, answer in zip(updates, answers, strict=True):
        shorter = _without_refused(engine.table, side, update, answer) if isinstance(answer, Refused) else None
        if shorter is not None and isinstance(answer, Refused):
            second.append((shorter, answer))
        else:
            results[update.record_id] = _result(engine.table, side, update, answer)
    if second:
        results.update(await _write_shorter(engine, side, second, mode))
    return results


async def _write_shorter(
    engine: Engine, side: Side, second: Sequence[tuple[Update, Refused]], mode: WriteMode
) -> dict[RecordId, RecordResult]:
    """Row F8: once more, without the fields that were named."""
    answers = await update_verified(engine, side, [update for update, _ in second], mode)
    results = {}
    for (update, first), answer in zip(second, answers, strict=True):
        result = _result(engine.table, side, update, answer)
        dropped = dict.fromkeys(_together(engine.table, first), first.code)
        results[update.record_id] = replace(result, refused={**dropped, **result.refused}, shown_once=first.shown_once)
    return results


def _together(table: FieldTable, refused: Refused) -> frozenset[FieldName]:
    """Return the fields a refusal takes along: state goes with country (row F8)."""
    every = dict.fromkeys(table.names)
    left = without_refused(table, every, refused.fields)
    return frozenset(every) - frozenset(left) if refused.fields else frozenset()


def _without_refused(table: FieldTable, side: Side, update: Update, refused: Refused) -> Update | None:
    """Return what is left of an update after a refusal, or None if nothing else can be tried."""
    if refused.fields & set(update.values):
        shorter = replace(update, values=without_refused(table, update.values, refused.fields))
        return shorter if shorter.values or update.bookkeeping != NO_BOOKKEEPING else None
    if side is Side.HINT and update.values and update.bookkeeping != NO_BOOKKEEPING:
        # Hint refuses a taken integration_record_id with a text only: the write-back must not stop the values.
        return replace(update, bookkeeping=NO_BOOKKEEPING)
    return None


def _result(table: FieldTable, side: Side, update: Update, answer: WriteAnswer) -> RecordResult:
    match answer:
        case Written(snapshot=snapshot):
            return RecordResult(update.record_id, frozenset(update.values), bookkept=True, snapshot=snapshot)
        case Refused():
            return _refused(table, side, update, answer)
        case Moved() | Unknown():
            return RecordResult(update.record_id, trouble=Trouble.LOOK_AGAIN)
        case Gone():
            return RecordResult(update.record_id, trouble=Trouble.GONE)
        case Later(code=code):
            return RecordResult(update.record_id, trouble=Trouble.LATER, code=code)


def _refused(table: FieldTable, side: Side, update: Update, answer: Refused) -> RecordResult:
    named = _together(table, answer) & set(update.values)
    if named and named == set(update.values):  # every value was refused by name, and there is no more to write
        return RecordResult(update.record_id, refused=dict.fromkeys(named, answer.code), shown_once=answer.shown_once)
    if (
        side is Side.HINT and not update.values
    ):  # only the write-back: it is told, and the link stands all the same (B12)
        return RecordResult(update.record_id, code=answer.code, shown_once=answer.shown_once)
    return RecordResult(update.record_id, trouble=Trouble.REFUSED, code=answer.code, shown_once=answer.shown_once)
