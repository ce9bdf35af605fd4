"""Carries out the fates of links before anything is synced: suspended, moved, frozen, resumed (rows D1 to D9)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hintsync.core.lifecycle import RESUMED, Decision, Fate, base_after_move, decide_fate, moved_link
from hintsync.core.records import Link, LinkState, LinkStatus, RecordId, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.cases import choices_of, mode_of
from hintsync.engine.context import Engine
from hintsync.engine.detect.notices import plain_cause
from hintsync.engine.guards.judging import guard_suspensions
from hintsync.engine.live.facts import Owners, facts_of, owners_of_survivors
from hintsync.engine.live.one_pass import LEASE, Pass
from hintsync.engine.live.pairs import KEPT_BACK, Planned
from hintsync.engine.live.pieces import Ended, Piece
from hintsync.engine.live.reading import Readings
from hintsync.engine.live.retry import pause_after, spread
from hintsync.engine.pairs.outcomes import Records, Scribe
from hintsync.engine.pairs.settling import Pair
from hintsync.engine.pairs.write_back import MESSAGE, write_back
from hintsync.engine.pairs.writing import RecordResult, Trouble, write_side
from hintsync.engine.reviews.standing import load_open_reviews
from hintsync.ports import Bookkeeping, Update, WriteMode
from hintsync.state.live import Mark
from hintsync.state.port import LinkChange, LogEntry, LogLevel, Review, ReviewKind, ReviewStatus

#: Why a link is suspended, as its row.
_WHY = {
    "D1": "contact deleted",
    "D2": "patient destroyed",
    "D9": "record not found",
}


@dataclass(slots=True)
class Fated:
    """What is left to be settled once the fates of all links of a pass are met, and what ended with its fate."""

    planned: list[Planned] = field(default_factory=list)
    ended: list[Ended] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Case:
    """A link with its fate."""

    piece: Piece
    state: LinkState
    decision: Decision

    @property
    def link(self) -> Link:
        return self.state.link


async def meet_fates(at: Pass, pieces: Sequence[Piece], readings: Readings) -> Fated:
    """Decide and carry out the fate of every link of a pass; the pieces' links are ACTIVE or SUSPENDED, and leased."""
    engine = at.engine
    owners = await owners_of_survivors(engine, pieces, readings)
    facts = await facts_of(engine, pieces, readings, owners)
    cases = [
        _Case(piece, piece.state, decide_fate(facts[piece.state.link.id]))
        for piece in pieces
        if piece.state is not None
    ]
    fated, frozen = Fated(), set[str]()
    for case in (case for case in cases if case.decision.fate is Fate.FREEZE):
        frozen |= {case.link.id, case.decision.other_link or ""}
        fated.ended.append(await _freeze(at, case, owners))
    fated.ended += await _suspend(engine, [case for case in cases if case.decision.fate is Fate.SUSPEND], readings)
    for case in cases:
        await _go_on(at, case, readings, fated, frozen)
    return fated


async def _go_on(at: Pass, case: _Case, readings: Readings, fated: Fated, frozen: set[str]) -> None:
    """Put a link to the ordinary sync, moved or resumed first if that is its fate."""
    engine, fate = at.engine, case.decision.fate
    if fate in (Fate.FREEZE, Fate.SUSPEND):
        return
    if fate is Fate.WAIT or case.link.id in frozen:
        fated.ended.append(Ended(case.piece, held=case.link.id in frozen))
    elif fate is Fate.MOVE:
        await _move(at, case, readings, fated)
    elif fate is Fate.RESUME:
        active = replace(case.link, status=LinkStatus.ACTIVE, reason=RESUMED)
        audit = Scribe(engine, f"link:{active.id}").audit("resumed", active, rule="D1", reason=case.link.reason)
        records = Records(audits=[audit], reviews=await _no_longer_asked(engine, case.link))
        _plan(fated, case.piece, replace(case.state, link=active), readings, records)
    else:
        _plan(fated, case.piece, case.state, readings, Records())


def _plan(fated: Fated, piece: Piece, state: LinkState, readings: Readings, records: Records) -> None:
    link = state.link
    contact, patient = readings.of(Side.SALESFORCE, link.contact_id), readings.of(Side.HINT, link.patient_id)
    if contact is not None and patient is not None:
        pair = Pair(state, patient, contact, mode_of(link), choices_of(link))
        fated.planned.append(Planned(piece, pair, records))


async def _move(at: Pass, case: _Case, readings: Readings, fated: Fated) -> None:
    """Rows D4 and D7: the link goes to the survivor first, in a commit of its own; its first pass follows at once.

    The survivor is marked before that, for later: once the link is moved, the mark of the loser leads nowhere, and a pass
    that is cut off here must be taken up by somebody.
    """
    before = case.link
    engine, side = at.engine, case.decision.side
    assert side is not None, "a link is moved on one side"
    survivor = readings.survivor(side, case.piece.id_of(side))
    other = readings.of(side.other, case.piece.id_of(side.other))
    if survivor is None:
        return
    base = base_after_move(case.state, survivor, other) if other else dict(case.state.base)
    if side is Side.HINT:
        base.pop(MESSAGE, None)  # the survivor shows none yet
    both_there = other is not None and _is_there(survivor) and _is_there(other)
    due = at.now + (2 * LEASE if both_there else 0.0)
    first = case.piece.marks[0]
    mark = Mark(side, survivor.id, plain_cause(first.cause), due, first.lane)
    await engine.store.mark(engine.connection.id, [mark])
    link = moved_link(before, side, survivor.id)
    scribe = Scribe(engine, f"link:{link.id}")
    loser = case.piece.id_of(side)
    records = Records(
        links=[LinkChange(link, base, clear_base=True)],
        audits=[scribe.audit("moved", link, rule=case.decision.row, side=side, reason=f"{loser} was merged")],
        logs=[_log(scribe, link, "link-moved", f"{side} {loser} was merged into {survivor.id}; its link goes there")],
        reviews=await _no_longer_asked(engine, before),
    )
    await engine.store.commit(records.commit())
    moved = LinkState(replace(link, revision=link.revision + 1), base, case.state.holds)
    if both_there:
        _plan(fated, case.piece, moved, readings, Records())
    else:  # the survivor's own fate is met by its mark
        fated.ended.append(Ended(case.piece))


def _is_there(seen: Snapshot) -> bool:
    return seen.state in (RecordState.LIVE, RecordState.ARCHIVED)


async def _suspend(engine: Engine, cases: Sequence[_Case], readings: Readings) -> list[Ended]:
    """Rows D1, D2 and D9, unless guard G3 holds them back: a whole side that seems to vanish is an outage first."""
    ended, going_on = list[Ended](), list[_Case]()
    for side in Side:
        mine = [case for case in cases if case.decision.side is side]
        judged = [case for case in mine if not case.piece.interactive]
        held = await _held_back(engine, judged, side)
        ended += [Ended(case.piece, again=spread(KEPT_BACK), reason="held-back-by-a-stop") for case in held]
        going_on += [case for case in mine if case not in held]
    unticked = await _untick(engine, going_on, readings)
    return ended + [_suspended(engine, case, unticked) for case in going_on]


async def _held_back(engine: Engine, cases: Sequence[_Case], gone: Side) -> list[_Case]:
    """Return the cases that may not be suspended now; where a stop is met, each is asked for by itself."""
    if not cases or await guard_suspensions(engine, [case.link for case in cases], gone) is None:
        return []
    if len(cases) == 1:
        return list(cases)
    return [case for case in cases if await guard_suspensions(engine, [case.link], gone) is not None]


async def _untick(engine: Engine, cases: Sequence[_Case], readings: Readings) -> Mapping[RecordId, RecordResult]:
    """Switch Synced to Hint off on the contacts whose patients were destroyed (row D2)."""
    seen = [readings.of(Side.SALESFORCE, case.link.contact_id) for case in cases if case.decision.untick]
    updates = [Update(each.id, {}, None, Bookkeeping(marked=False)) for each in seen if each and each.marked]
    return await write_side(engine, Side.SALESFORCE, updates, WriteMode.LIVE) if updates else {}


def _suspended(engine: Engine, case: _Case, unticked: Mapping[RecordId, RecordResult]) -> Ended:
    ended, decision = Ended(case.piece), case.decision
    result = unticked.get(case.link.contact_id or "")
    if result is not None and result.trouble in (Trouble.LATER, Trouble.LOOK_AGAIN):
        ended.again, ended.failed, ended.reason = pause_after(case.piece.attempts), True, f"salesforce:{result.code}"
        return ended
    link = replace(case.link, status=LinkStatus.SUSPENDED, reason=_WHY[decision.row])
    scribe = Scribe(engine, f"link:{link.id}")
    ended.records.links.append(LinkChange(link))
    ended.records.audits.append(
        scribe.audit("suspended", link, rule=decision.row, side=decision.side, reason=link.reason)
    )
    message = f"{link.reason}; the link waits, nothing is deleted ({decision.row})"
    ended.records.logs.append(_log(scribe, link, "link-suspended", message))
    if result is not None and result.bookkept:
        ended.written[Side.SALESFORCE] += 1
    if decision.review and decision.side is not None:
        ended.held = True
        gone = case.piece.id_of(decision.side) or ""
        ended.records.reviews.append(
            scribe.review(
                ReviewKind.MERGE,
                decision.side,
                gone,
                candidates=decision.candidates,
                rule=decision.row,
                reason=link.reason or "",
            )
        )
    return ended


async def _freeze(at: Pass, case: _Case, owners: Owners) -> Ended:
    """Rows D6 and D8: both links wait, and a person decides who is whom; committed at once, for both or for none."""
    engine, side, survivor = at.engine, case.decision.side, case.decision.survivor
    assert side is not None, "a merge happens on one side"
    other = owners[side, survivor or ""]
    if other.link.status is LinkStatus.RESERVED or not await at.lease([other.link.id]):
        return Ended(case.piece, again=spread(2.0), reason="the-survivors-link-is-being-worked")
    states = [case.state] + ([other] if other.link.status is not LinkStatus.FROZEN else [])
    records = Records(reviews=[_merge_review(engine, case, other, side)])
    for state in states:
        link = replace(state.link, status=LinkStatus.FROZEN, reason=case.decision.row)
        scribe = Scribe(engine, f"link:{link.id}")
        records.links.append(LinkChange(link))
        records.audits.append(scribe.audit("frozen", link, rule=case.decision.row, side=side, reason="merged"))
        records.logs.append(_log(scribe, link, "links-frozen", f"two linked records were merged ({case.decision.row})"))
    there = [
        state for state in states if side is Side.SALESFORCE or state is other
    ]  # a merged patient takes no message
    await write_back(engine, [(state, records) for state in there])
    await engine.store.commit(records.commit())
    return Ended(case.piece, held=True)


def _merge_review(engine: Engine, case: _Case, other: LinkState, side: Side) -> Review:
    mine, theirs = case.piece.id_of(side.other), other.link
    others = theirs.patient_id if side is Side.SALESFORCE else theirs.contact_id
    return Scribe(engine, f"link:{case.link.id}").review(
        ReviewKind.MERGE,
        side,
        case.decision.survivor or "",
        candidates=[record_id for record_id in (mine, others) if record_id],
        rule=case.decision.row,
        reason=f"{case.piece.id_of(side)} was merged into it",
    )


async def _no_longer_asked(engine: Engine, link: Link) -> list[Review]:
    """Return the reviews to be closed that asked where a record of the link went (rows D2 and D9)."""
    ids = {(Side.SALESFORCE, link.contact_id), (Side.HINT, link.patient_id)}
    known = await load_open_reviews(engine)
    asked = [review for key in ids if key[1] for review in known.by_record.get((key[0], key[1]), ())]
    return [
        replace(
            r, status=ReviewStatus.OBSOLETE, decided_at=engine.now(), decided_by="hintsync", decision="settled itself"
        )
        for r in asked
        if r.kind is ReviewKind.MERGE
    ]


def _log(scribe: Scribe, link: Link, event: str, message: str) -> LogEntry:
    return scribe.log(LogLevel.ERROR, event, message, contact_id=link.contact_id, patient_id=link.patient_id)
