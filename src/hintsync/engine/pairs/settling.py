"""Brings pairs into step: plans them, writes both sides, looks again where an answer leaves doubt.

The only caller of the replicas' `update` for mapped fields besides creates. What became of a pair is remembered by
`outcomes`, in one commit after all writes (the base moves last); only `_note_rests` must come before them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hintsync.core.agreement import new_agreements, without_agreements
from hintsync.core.errors import RetryLater
from hintsync.core.first_sync import still_inherited
from hintsync.core.merge import merge_pair
from hintsync.core.phone_list import APPEND, numbers_of, rest_after
from hintsync.core.plan import Mode, PairPlan
from hintsync.core.policy import NO_CHOICES, Choices
from hintsync.core.quick import but, quick
from hintsync.core.records import FieldName, Fingerprint, LinkState, LinkStatus, RecordId, RecordState, Snapshot, Values
from hintsync.core.seal import Prints, prints_of, still_approved
from hintsync.core.values import Side
from hintsync.engine.batch.foreseen import Foreseen
from hintsync.engine.context import Engine
from hintsync.engine.pairs.unmarking import take_marks_back
from hintsync.engine.pairs.writing import RecordResult, Trouble, write_side
from hintsync.ports import NO_BOOKKEEPING, Bookkeeping, Update, WriteMode
from hintsync.state.port import Commit, LinkChange
from hintsync.turns import in_turns

#: Times a pair is read again after a write that left doubt, before it is left for a later pass.
LOOKS = 3


@quick
@dataclass(frozen=True, slots=True)
class Pair:
    """A link with both its records as they were read, ready to be planned."""

    state: LinkState
    hint: Snapshot
    salesforce: Snapshot
    mode: Mode
    choices: Choices = NO_CHOICES
    #: Batch stamps for the contact; written along with other changes of it.
    stamps: Bookkeeping = NO_BOOKKEEPING
    #: Fingerprints that a person approved; nothing else may be written. None: no approval is needed.
    approved: Prints | None = None
    #: What was planned for the two records before it was their turn.
    foreseen: Foreseen | None = None

    def seen(self, side: Side) -> Snapshot:
        """Return one side's snapshot."""
        return self.hint if side is Side.HINT else self.salesforce


@dataclass(slots=True)
class Settled:
    """What became of one pair."""

    pair: Pair
    plan: PairPlan
    #: By side; a side that was not written is missing.
    results: dict[Side, RecordResult] = field(default_factory=dict)
    #: A record of the pair is deleted or not to be found.
    gone: Side | None = None
    #: The other one still shows a link that was only reserved, and must be looked at again.
    marks_left: bool = False
    #: The plan is not what was approved; nothing was written.
    changed_since: bool = False
    #: Sides that a guard keeps from being written now; what was planned for them stays to be done.
    barred: frozenset[Side] = frozenset()
    #: All of that is kept in plans, whose approval marks the pair again.
    kept: bool = False
    #: Fingerprints of all that the plan agrees on or writes, if they were made before.
    known: Mapping[FieldName, Fingerprint] = field(default_factory=dict)
    #: Fields that both sides seemed to agree on, and that only another look can tell; nothing is remembered of them.
    unsure: frozenset[FieldName] = frozenset()

    @property
    def trouble(self) -> tuple[Side, RecordResult] | None:
        """The first side whose record could not be written at all."""
        return next(((side, result) for side, result in self.results.items() if result.trouble is not None), None)

    @property
    def doubtful(self) -> bool:
        """Whether a side may or may not have been written: only another look tells."""
        return any(result.trouble is Trouble.LOOK_AGAIN for result in self.results.values())

    @property
    def failed(self) -> bool:
        """Whether a side is still to be written, so that a first sync is not finished."""
        return self.gone is not None or self.trouble is not None


#: Looks at what was planned before it is written (guards G3 and G7, what is about to be written).
BeforeWrite = Callable[[Sequence[Settled]], Awaitable[None]]


def plan_pair(engine: Engine, pair: Pair) -> PairPlan:
    """Decide every field of a pair; pure but for the engine's tables."""
    if pair.foreseen is not None and pair.foreseen.still_holds(engine, pair):
        return pair.foreseen.plan()
    fp = engine.fingerprinter(pair.state.link.salt)
    return merge_pair(
        engine.table,
        pair.hint,
        pair.salesforce,
        pair.state,
        pair.mode,
        fp,
        constraints=engine.constraints(),
        choices=still_inherited(pair.choices, pair.salesforce, fp),
    )


def bookkeeping_of(engine: Engine, pair: Pair, side: Side) -> Bookkeeping:
    """Return what must be written beside the mapped fields so that a side shows the link; empty if it shows it already."""
    contact_id, patient_id = pair.salesforce.id, pair.hint.id
    if side is Side.SALESFORCE:
        return Bookkeeping(
            peer_id=None if pair.salesforce.peer_id == patient_id else patient_id,
            marked=None if pair.salesforce.marked else True,
        )
    if not engine.options.write_back or _names_contact(pair.hint.peer_id, contact_id):
        return NO_BOOKKEEPING
    link = f"{engine.options.contact_url}{contact_id}" if engine.options.contact_url else None
    return Bookkeeping(peer_id=contact_id, web_link=link)


def _names_contact(peer_id: str | None, contact_id: RecordId) -> bool:
    """A patient made by us carries the contact's id and the reservation behind it (see `creating`)."""
    return peer_id is not None and peer_id.partition(".")[0] == contact_id


def updates_of(engine: Engine, settled: Settled) -> dict[Side, Update]:
    """Return the writes that a planned pair needs, at most one a side."""
    pair, plan = settled.pair, settled.plan
    updates = {}
    for side in (side for side in Side if side not in settled.barred):
        values = plan.writes.get(side, {})
        keeping = NO_BOOKKEEPING if plan.frozen else bookkeeping_of(engine, pair, side)
        if not values and keeping == NO_BOOKKEEPING:
            continue
        if side is Side.SALESFORCE:
            keeping = _stamped(keeping, pair.stamps)
        seen = pair.seen(side)
        replaced = plan.replaced_phones if side is Side.HINT else {}
        updates[side] = Update(seen.id, values, seen, keeping, replaced)
    return updates


def _stamped(keeping: Bookkeeping, stamps: Bookkeeping) -> Bookkeeping:
    return but(keeping, batch_id=stamps.batch_id, batch_outcome=stamps.batch_outcome, batch_reason=stamps.batch_reason)


async def settle(
    engine: Engine, pairs: Sequence[Pair], mode: WriteMode, before_write: BeforeWrite | None = None
) -> list[Settled]:
    """Plan and write pairs; those that moved meanwhile, or whose reply was lost, are read and decided again.

    Args:
        engine: The connection.
        pairs: What to bring into step.
        mode: How careful and how fast writes must be.
        before_write: Called with what was planned, before every round of writes; it may replace plans or bar sides.

    Returns:
        One result for each pair, in order. A pair still in doubt after `LOOKS` rounds carries the trouble.
    """
    done: dict[str, Settled] = {}
    todo = list(pairs)
    for _ in range(LOOKS):
        rounds = await _write_once(engine, todo, mode, before_write)
        for settled in rounds:
            link_id = settled.pair.state.link.id
            done[link_id] = _joined(done.get(link_id), settled)
        doubtful = [s.pair for s in rounds if s.doubtful]
        if not doubtful:
            break
        todo = await _look_again(engine, doubtful, done)
    for one in done.values():
        await _come_to_nothing(engine, one)
    return [done[pair.state.link.id] for pair in pairs]


async def _come_to_nothing(engine: Engine, one: Settled) -> None:
    """Take our marks back off the record that is left of a reservation whose other record is gone."""
    if one.gone is None or one.pair.state.link.status is not LinkStatus.RESERVED:
        return
    left, gone = one.pair.seen(one.gone.other), one.pair.seen(one.gone)
    one.marks_left = not await take_marks_back(engine, left.side, left.id, gone.id)


def _joined(before: Settled | None, after: Settled) -> Settled:
    """Keep what an earlier round wrote: a later one only sees agreement there."""
    if before is None:
        return after
    for side, result in before.results.items():
        later = after.results.get(side)
        if later is None and result.trouble is Trouble.LOOK_AGAIN:
            continue  # the write turned out to have happened: both sides agree now
        if later is None:
            after.results[side] = result
        else:
            after.results[side] = replace(later, written=later.written | result.written)
    return after


async def _write_once(
    engine: Engine, pairs: Sequence[Pair], mode: WriteMode, before_write: BeforeWrite | None
) -> list[Settled]:
    settled = [_planned(engine, pair) async for pair in in_turns(pairs)]
    if mode is WriteMode.LIVE:
        settled = await _agreed_twice(engine, settled)
    if before_write is not None:
        await before_write(settled)
    updates: dict[Side, list[Update]] = {side: [] for side in Side}
    async for one in in_turns(settled):
        if one.changed_since:
            continue
        for side, update in updates_of(engine, one).items():
            updates[side].append(update)
    await _note_rests(engine, settled)
    results = await _write_both(engine, updates, mode)
    for one in settled:
        one.results = {
            side: found[one.pair.seen(side).id] for side, found in results.items() if one.pair.seen(side).id in found
        }
        one.gone = next((side for side, result in one.results.items() if result.trouble is Trouble.GONE), None)
    return settled


async def _note_rests(engine: Engine, settled: Sequence[Settled]) -> None:
    """Remember, before Hint's phone lists are written, which numbers will stand beside what is written.

    Without this, a list that was written and a base that has not moved yet (a crash lies between them) would read as an
    edit in Hint: the number that a clear left behind, or one that stands before the replaced one, is the first of its type.
    """
    changes = []
    for one in settled:
        rests = {} if one.changed_since else _rests_of(engine, one)
        if rests:
            state = one.pair.state
            changes.append(LinkChange(state.link, rests))
            link = replace(state.link, revision=state.link.revision + 1)
            one.pair = replace(one.pair, state=replace(state, link=link, base={**state.base, **rests}))
    if changes:
        await engine.store.commit(Commit(links=changes))


def _rests_of(engine: Engine, one: Settled) -> dict[str, Fingerprint]:
    """Return the base entries that `_note_rests` moves for a pair: only those whose list would be misread."""
    rests: dict[str, Fingerprint] = {}
    hint, state, values = one.pair.hint, one.pair.state, one.plan.writes.get(Side.HINT, {})
    if not values or Side.HINT in one.barred:
        return rests
    for row in engine.table.phones:
        replaced = one.plan.replaced_phones.get(row.name, APPEND)
        if row.name not in values or replaced == APPEND:
            continue
        if values[row.name] is None or numbers_of(hint.phones, row.hint[0])[0] != replaced:
            fp = engine.fingerprinter(state.link.salt)
            left = rest_after(row, hint, None, state.base, fp)
            rests.update({name: fp.of(name, numbers) for name, numbers in left.items() if numbers is not None})
    return rests


def _planned(engine: Engine, pair: Pair) -> Settled:
    settled = Settled(pair, plan_pair(engine, pair))
    if pair.foreseen is not None and pair.foreseen.still_holds(engine, pair):
        settled.known = pair.foreseen.prints()
    if pair.approved is not None:
        fp = engine.fingerprinter(pair.state.link.salt)
        now = prints_of(settled.plan.writes, fp)
        settled.changed_since = not still_approved(pair.approved, now)  # to freeze a pair (G4) writes nothing anywhere
    return settled


async def _write_both(
    engine: Engine, updates: Mapping[Side, Sequence[Update]], mode: WriteMode
) -> dict[Side, dict[RecordId, RecordResult]]:
    """Write both sides at once; if one fails as a whole, the other's writes are still waited for."""
    sides = [side for side in Side if updates[side]]
    answers = await asyncio.gather(
        *(write_side(engine, side, updates[side], mode) for side in sides), return_exceptions=True
    )
    results = {}
    for side, answer in zip(sides, answers, strict=True):
        if isinstance(answer, BaseException):
            raise answer
        results[side] = answer
    return results


async def _agreed_twice(engine: Engine, settled: Sequence[Settled]) -> list[Settled]:
    """Let an agreement (row F4) count only if a second reading of both sides shows it too.

    The two sides are never read in one moment: what the first showed may have been changed before the second was read, and
    its new value would then be overwritten as if it were older. Costs a reading of the few pairs that agree on something new.
    """
    first = {one.pair.state.link.id: found for one in settled if (found := _agreements(engine, one))}
    if not first:
        return list(settled)
    doubtful = [one.pair for one in settled if one.pair.state.link.id in first]
    try:
        again = {pair.state.link.id: pair for pair in (await _read_again(engine, doubtful))[0]}
    except RetryLater:  # what is to be written can be; the agreements wait for the next look
        again = {}
    return [
        _as_seen_twice(engine, one, first[link_id], again.get(link_id))
        if (link_id := one.pair.state.link.id) in first
        else one
        for one in settled
    ]


def _agreements(engine: Engine, one: Settled) -> Values:
    return {} if one.changed_since else new_agreements(one.plan, engine.table, one.pair.state)


def _as_seen_twice(engine: Engine, before: Settled, agreed: Values, again: Pair | None) -> Settled:
    """Plan a pair on its second reading; what that does not agree on likewise stays as it was."""
    one = _planned(engine, again) if again is not None else before
    now = _agreements(engine, one) if again is not None else {}
    sure = {name for name, value in now.items() if name in agreed and agreed[name] == value}
    one.unsure = frozenset({*agreed, *now} - sure)
    one.plan = without_agreements(one.plan, one.unsure)
    return one


async def _look_again(engine: Engine, pairs: Sequence[Pair], done: dict[str, Settled]) -> list[Pair]:
    """Read both records of each pair again; a pair with a record gone is settled as that."""
    again, gone = await _read_again(engine, pairs)
    for link_id, side in gone.items():
        done[link_id].gone = side
    return again


async def _read_again(engine: Engine, pairs: Sequence[Pair]) -> tuple[list[Pair], dict[str, Side]]:
    """Return pairs with their records as they are now, and for each pair that lacks one the side that is gone, by link."""
    hints = await engine.hint.read([pair.hint.id for pair in pairs])
    contacts: dict[RecordId, Snapshot] = {}
    size = engine.salesforce.capabilities.read_size
    ids = [pair.salesforce.id for pair in pairs]
    for start in range(0, len(ids), size):
        contacts.update(await engine.salesforce.read(ids[start : start + size]))
    again, missing = list[Pair](), dict[str, Side]()
    for pair in pairs:
        hint, contact = hints.get(pair.hint.id), contacts.get(pair.salesforce.id)
        if hint is None or is_gone(hint) or contact is None or is_gone(contact):
            missing[pair.state.link.id] = Side.HINT if hint is None or is_gone(hint) else Side.SALESFORCE
        else:
            again.append(replace(pair, hint=hint, salesforce=contact))
    return again, missing


def is_gone(snapshot: Snapshot) -> bool:
    """Say whether a record can no longer be written: deleted, or merged into another."""
    return snapshot.state in (RecordState.DELETED, RecordState.MERGED)
