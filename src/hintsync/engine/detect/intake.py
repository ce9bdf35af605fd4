"""The one way into the dirty set: what events say is checked against links, and what may matter is marked.

Costs no remote call. Events may come twice, late, in any order, or not at all: a mark only says that a record must be read
again, and marks of one record coalesce. What is dropped here is dropped for good, so doubt always marks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hintsync.core.link import UnlinkedChange, decide_unlinked_change
from hintsync.core.records import FieldName, Fingerprint, LinkState, LinkStatus, RecordId
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.echoes import Verdict, crossed_fields, judge_linked
from hintsync.engine.detect.notices import TOLD_GONE, Notice, NoticeKind
from hintsync.state.live import CROSSED, Lane, Mark, SidePrints
from hintsync.state.port import StateStore
from hintsync.turns import in_turns

#: Fact of a connection: when its patients were taken as known (row L8); ISO 8601, UTC.
KNOWN_TAKEN = "known_taken_at"

_LANES = {"catch-up": Lane.CATCH_UP, "parity": Lane.PARITY, "person": Lane.INTERACTIVE}

_States = dict[tuple[Side, RecordId], LinkState]

#: Times that a link which moves under the look at it is judged anew; one that moves still is marked.
_LOOKS = 3


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the store said about the records that events tell of: first the links, then who works them."""

    states: _States
    at_work: Mapping[str, SidePrints]
    #: Unlinked patients that were there when we connected.
    left_for_batch: frozenset[RecordId]


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of some events."""

    #: Marks that were new.
    marked: int
    #: Our own writes coming back.
    echoes: int
    #: Events that cannot concern us, or that were taken in before.
    ignored: int


async def take_in(engine: Engine, notices: Sequence[Notice], *, cursors: Mapping[str, str] | None = None) -> TakenIn:
    """Mark the records that events tell of, and store the cursors of their stream, in one transaction.

    Args:
        engine: The connection.
        notices: Events that passed their check, in any order, doubles included.
        cursors: Positions reached with these events, by cursor name; stored even if every event is dropped.
    """
    seen = await _looked(engine, notices)
    verdicts = [_judge(engine, notice, seen) async for notice in in_turns(notices)]
    for _ in range(_LOOKS):
        moved = await _moved(engine, notices, verdicts, seen.states)
        if not moved:
            break
        seen = await _looked_again(engine, seen, moved)
        verdicts = [
            _judge(engine, notice, seen) if _key(notice) in moved else verdict
            for notice, verdict in zip(notices, verdicts, strict=True)
        ]
    restless = await _moved(engine, notices, verdicts, seen.states) if moved else {}
    verdicts = [Verdict.MARK if _key(n) in restless else verdict for n, verdict in zip(notices, verdicts, strict=True)]
    marking = [notice for notice, verdict in zip(notices, verdicts, strict=True) if verdict is Verdict.MARK]
    crossed = await _crossed(engine, marking, seen)
    marks = [_mark(notice, crossed.get(_key(notice), {})) for notice in marking]
    new = await engine.store.mark(engine.connection.id, marks, cursors=cursors) if marks or cursors else 0
    echoes = verdicts.count(Verdict.ECHO)
    return TakenIn(new, echoes, len(notices) - echoes - new)


async def take_in_unread(
    store: StateStore, connection_id: str, notices: Sequence[Notice], *, cursors: Mapping[str, str] | None = None
) -> int:
    """Mark every record that events name, for lack of an engine that could tell which of them matter.

    Args:
        store: Where they are marked.
        connection_id: Whose they are.
        notices: Events that passed their check; what they show is not looked at.
        cursors: Stored in the same transaction.

    Returns:
        How many marks told of a new event.
    """
    if not notices and not cursors:
        return 0
    return await store.mark(connection_id, [_mark(notice, {}) for notice in notices], cursors=cursors)


def _mark(notice: Notice, crossed: Mapping[FieldName, Fingerprint]) -> Mark:
    lane, cause = _LANES.get(notice.cause, Lane.LIVE), notice.cause
    if notice.kind is NoticeKind.DELETED:
        cause += TOLD_GONE
    elif crossed:
        cause += CROSSED + ",".join(f"{name}={print_.hex()}" for name, print_ in sorted(crossed.items()))
    return Mark(notice.side, notice.record_id, cause, notice.at, lane, notice.event_id)


async def _crossed(
    engine: Engine, notices: Sequence[Notice], seen: _Seen
) -> Mapping[tuple[Side, RecordId], Mapping[FieldName, Fingerprint]]:
    """Return the edits heard of patients, in case we wrote at that time; of each all, since its marks become one."""
    found: dict[tuple[Side, RecordId], dict[FieldName, Fingerprint]] = defaultdict(dict)
    async for notice in in_turns(notices):
        state = seen.states.get(_key(notice))
        if state is not None and state.link.status is LinkStatus.ACTIVE:
            fp, at_work = engine.fingerprinter(state.link.salt), seen.at_work.get(state.link.id, {})
            found[_key(notice)].update(crossed_fields(notice, state, engine.table, fp, at_work))
    return found


async def _looked(engine: Engine, notices: Sequence[Notice]) -> _Seen:
    states = await _states(engine, notices)
    return _Seen(states, await _at_work(engine, states), await _left_for_batch(engine, notices, states))


async def _looked_again(engine: Engine, seen: _Seen, moved: _States) -> _Seen:
    """Look anew at who works the links that moved."""
    gone = {state.link.id for state in moved.values()}
    at_work = {link_id: prints for link_id, prints in seen.at_work.items() if link_id not in gone}
    return replace(seen, states={**seen.states, **moved}, at_work={**at_work, **await _at_work(engine, moved)})


async def _states(engine: Engine, notices: Sequence[Notice]) -> _States:
    """Return the live links of the records that events tell of."""
    states: _States = {}
    for side in Side:
        ids = list(dict.fromkeys(notice.record_id for notice in notices if notice.side is side))
        if ids:
            found = await engine.store.live_links(engine.connection.id, side, ids)
            states.update({(side, record_id): state for record_id, state in found.items()})
    return states


async def _at_work(engine: Engine, states: _States) -> Mapping[str, SidePrints]:
    link_ids = {state.link.id for state in states.values()}
    return await engine.store.pending(engine.connection.id, link_ids) if link_ids else {}


async def _left_for_batch(engine: Engine, notices: Sequence[Notice], states: _States) -> frozenset[RecordId]:
    """Return the unlinked patients that were there when we connected: they are left for the batch (row L8)."""
    ids = {n.record_id for n in notices if n.side is Side.HINT and (n.side, n.record_id) not in states}
    if not ids or KNOWN_TAKEN not in engine.connection.facts:
        return frozenset()
    return await engine.store.known(engine.connection.id, ids)


def _judge(engine: Engine, notice: Notice, seen: _Seen) -> Verdict:
    state = seen.states.get(_key(notice))
    if state is None:
        return _judge_unlinked(notice, seen.left_for_batch)
    fp = engine.fingerprinter(state.link.salt)
    marks = notice.side is Side.SALESFORCE or engine.options.write_back
    return judge_linked(notice, state, engine.table, fp, seen.at_work.get(state.link.id), marks=marks)


def _judge_unlinked(notice: Notice, left_for_batch: frozenset[RecordId]) -> Verdict:
    """Judge an event about a record without a link (rows L8, L9); one that is gone again needs nothing."""
    change = decide_unlinked_change(notice.side, notice.record_id, left_for_batch)
    new = change is UnlinkedChange.TREATED_AS_NEW and notice.kind is not NoticeKind.DELETED
    return Verdict.MARK if new else Verdict.IGNORE


async def _moved(engine: Engine, notices: Sequence[Notice], verdicts: Sequence[Verdict], states: _States) -> _States:
    """Return the links, as they are now, that moved since they were judged, of the events that would be dropped.

    An event is dropped only if its link did not move between the look at the link and the look at who works it: a worker
    may have read the record before this edit, moved the base and let go of the link in between. A worker that comes later
    reads the record later, and sees the edit itself. A link that is gone by now is returned as it was: nothing is dropped.
    """
    doubtful = [n for n, verdict in zip(notices, verdicts, strict=True) if verdict is not Verdict.MARK]
    before = {_key(n): states[_key(n)] for n in doubtful if _key(n) in states}
    again = await _states(engine, [n for n in doubtful if _key(n) in before])
    return {
        key: again.get(key, state)
        for key, state in before.items()
        if key not in again or again[key].link.revision != state.link.revision
    }


def _key(notice: Notice) -> tuple[Side, RecordId]:
    return notice.side, notice.record_id
