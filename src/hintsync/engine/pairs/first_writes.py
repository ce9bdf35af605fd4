"""The first write of a kind is read back before others follow: Hint's phone list, and each field's first clear.

The vendors' papers do not say what these do, so a connection finds out once, with one record (semantics section 1, F7).
If the record does not come back as sent, that kind of write pauses for the connection and people are told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from hintsync.core.fields import Kind
from hintsync.core.phone_list import APPEND, numbers_of
from hintsync.core.records import FieldName, RecordId, Snapshot
from hintsync.core.settle import not_kept
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.ports import Refused, Update, WriteAnswer, WriteMode, Written
from hintsync.state.port import Commit, Connection, Json, LogEntry, LogLevel

PHONES = "phones"
#: Code of the refusal that a paused kind of write gets from us.
PAUSED = "paused-after-first-write"


def clear_kind(side: Side, name: FieldName) -> str:
    """Return the name under which the first clear of a field on a side is remembered."""
    return f"clear:{side}:{name}"


async def update_verified(engine: Engine, side: Side, updates: Sequence[Update], mode: WriteMode) -> list[WriteAnswer]:
    """Write; the first update of a kind that was never verified goes alone and is read back before the rest."""
    answers: dict[RecordId, WriteAnswer] = {}
    rest = [update for update in updates if not _refuse_paused(engine, side, update, answers)]
    while unproven := next((update for update in rest if _unverified(engine, side, update)), None):
        rest.remove(unproven)
        answers[unproven.record_id] = await _write_and_read_back(engine, side, unproven, mode)
        rest = [update for update in rest if not _refuse_paused(engine, side, update, answers)]
    if rest:
        for update, answer in zip(rest, await engine.replicas[side].update(rest, mode), strict=True):
            answers[update.record_id] = answer
    return [answers[update.record_id] for update in updates]


def _kinds(engine: Engine, side: Side, update: Update) -> dict[str, frozenset[FieldName]]:
    """Return the kinds of write an update contains, each with its fields."""
    kinds = {clear_kind(side, name): frozenset({name}) for name, value in update.values.items() if value is None}
    if side is Side.HINT:
        phones = frozenset(row.name for row in engine.table.phones if row.name in update.values)
        if phones:
            kinds[PHONES] = phones
    return kinds


def _facts(engine: Engine, key: str) -> frozenset[str]:
    return _known(engine.connection, key)


def _known(connection: Connection, key: str) -> frozenset[str]:
    stored = connection.facts.get(key, [])
    return frozenset(item for item in stored if isinstance(item, str)) if isinstance(stored, list) else frozenset()


def _unverified(engine: Engine, side: Side, update: Update) -> bool:
    kinds = _kinds(engine, side, update)
    return bool(kinds) and not _facts(engine, "verified").issuperset(kinds)


def _refuse_paused(engine: Engine, side: Side, update: Update, answers: dict[RecordId, WriteAnswer]) -> bool:
    paused = _facts(engine, "paused")
    if not paused:
        return False
    fields = [names for kind, names in _kinds(engine, side, update).items() if kind in paused]
    if not fields:
        return False
    answers[update.record_id] = Refused(update.record_id, PAUSED, frozenset().union(*fields))
    return True


async def _write_and_read_back(engine: Engine, side: Side, update: Update, mode: WriteMode) -> WriteAnswer:
    async with engine.first_write:
        refused: dict[RecordId, WriteAnswer] = {}
        if _refuse_paused(engine, side, update, refused):  # another chunk found out while this one waited
            return refused[update.record_id]
        kinds = _kinds(engine, side, update)
        answer = (await engine.replicas[side].update([update], mode))[0]
        if not isinstance(answer, Written):
            return answer
        now = (await engine.replicas[side].read([update.record_id])).get(update.record_id)
        gone = _not_kept(engine, update, now)
        lost = {kind for kind, names in kinds.items() if names & gone}
        await _remember(engine, verified=set(kinds) - lost, paused=lost)
        if lost:
            names = frozenset().union(*(kinds[kind] for kind in lost))
            return Refused(update.record_id, PAUSED, names)
        return answer


def _not_kept(engine: Engine, update: Update, now: Snapshot | None) -> frozenset[FieldName]:
    """Name the written fields that the record, read back, does not show as sent; what it never shows is believed."""
    if now is None:
        return frozenset(update.values)
    phones = {name for name in update.values if engine.table[name].kind is Kind.PHONE and now.side is Side.HINT}
    plain = {name: value for name, value in update.values.items() if name not in phones}
    lost = {name for name in phones if not _phone_kept(engine.table[name].hint[0], name, update, now)}
    return not_kept(plain, now.values) | lost


def _phone_kept(type_: str, name: FieldName, update: Update, now: Snapshot) -> bool:
    """Say whether Hint's list holds the number that was sent, lacks the one it replaced, and has lost no other."""
    sent, left = update.values[name], list(numbers_of(now.phones, type_))
    seen = list(numbers_of(update.seen.phones, type_)) if update.seen else []
    replaced = update.replaced_phones.get(name, next(iter(seen), APPEND))
    if replaced in seen:
        seen.remove(replaced)
    if sent is None:
        return left.count(replaced) <= seen.count(replaced) and not Counter(seen) - Counter(left)
    return not Counter([*seen, str(sent)]) - Counter(left)


async def _remember(engine: Engine, *, verified: set[str], paused: set[str]) -> None:
    stored = await engine.store.connection(engine.connection.id) or engine.connection
    facts: dict[str, Json] = dict(stored.facts)  # others learn, too: which patients there were, what else was verified
    facts["verified"] = [*sorted(_known(stored, "verified") | _facts(engine, "verified") | verified)]
    facts["paused"] = [*sorted(_known(stored, "paused") | _facts(engine, "paused") | paused)]
    engine.connection = replace(engine.connection, facts=facts)
    await engine.store.put_connection(replace(stored, facts=facts))
    if paused:
        await engine.store.commit(Commit(logs=[_alert(engine, kind) for kind in sorted(paused)]))


def _alert(engine: Engine, kind: str) -> LogEntry:
    return LogEntry(
        connection_id=engine.connection.id,
        at=engine.now(),
        level=LogLevel.ERROR,
        event="write-not-kept",
        message=f"the first write of the kind {kind} was not kept as sent; writes of this kind are paused",
    )
