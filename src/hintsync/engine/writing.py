"""Writes one side, record by record as far as answers go: refusals are told apart and tried once more (rows F8, F9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from hintsync.core.records import FieldName, RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.first_writes import update_verified
from hintsync.ports import NO_BOOKKEEPING, Gone, Later, Moved, Refused, Unknown, Update, WriteAnswer, WriteMode, Written

#: Fields that one refusal takes along: a state is only valid within its country (row F8).
_TOGETHER = frozenset({"state", "country"})


class Trouble(StrEnum):
    """What keeps a whole record from being written."""

    GONE = "gone"
    #: It moved, or the reply was lost: read again and decide again.
    LOOK_AGAIN = "look again"
    #: A lock or a limit; the same write may work later.
    LATER = "later"
    #: The system refuses the record (row F9).
    REFUSED = "refused"


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
    #: Vendor code behind `trouble`.
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
        shorter = _without_refused(update, answer) if isinstance(answer, Refused) else None
        if shorter is not None and isinstance(answer, Refused):
            second.append((shorter, answer))
        else:
            results[update.record_id] = _result(update, answer)
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
        result = _result(update, answer)
        dropped = dict.fromkeys(_dropped(first), first.code)
        results[update.record_id] = replace(result, refused={**dropped, **result.refused}, shown_once=first.shown_once)
    return results


def _dropped(refused: Refused) -> frozenset[FieldName]:
    return refused.fields | _TOGETHER if refused.fields & _TOGETHER else refused.fields


def _without_refused(update: Update, refused: Refused) -> Update | None:
    """Return what is left of an update after a refusal, or None if nothing else can be tried."""
    dropped = _dropped(refused) & set(update.values)
    if dropped:
        values = {name: value for name, value in update.values.items() if name not in dropped}
        shorter = replace(update, values=values)
        return shorter if values or update.bookkeeping != NO_BOOKKEEPING else None
    if update.values and update.bookkeeping.web_link is not None:
        # Hint refuses a taken integration_record_id with a text only: the status write-back must not stop the values.
        return replace(update, bookkeeping=NO_BOOKKEEPING)
    return None


def _result(update: Update, answer: WriteAnswer) -> RecordResult:
    match answer:
        case Written(snapshot=snapshot):
            return RecordResult(update.record_id, frozenset(update.values), bookkept=True, snapshot=snapshot)
        case Refused():
            return _refused(update, answer)
        case Moved() | Unknown():
            return RecordResult(update.record_id, trouble=Trouble.LOOK_AGAIN)
        case Gone():
            return RecordResult(update.record_id, trouble=Trouble.GONE)
        case Later(code=code):
            return RecordResult(update.record_id, trouble=Trouble.LATER, code=code)


def _refused(update: Update, answer: Refused) -> RecordResult:
    named = _dropped(answer) & set(update.values)
    if named == set(update.values) and named:  # every value was refused by name, and there is no more to write
        return RecordResult(update.record_id, refused=dict.fromkeys(named, answer.code), shown_once=answer.shown_once)
    return RecordResult(update.record_id, trouble=Trouble.REFUSED, code=answer.code, shown_once=answer.shown_once)
