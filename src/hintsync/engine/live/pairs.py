"""Brings the pairs of a live pass into step and says how each ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.live.guarding import Gate
from hintsync.engine.live.overwritten import note_overwritten
from hintsync.engine.live.pieces import Ended, Piece
from hintsync.engine.live.retry import pause_after, spread
from hintsync.engine.pairs.outcomes import Records, Scribe, record_pair
from hintsync.engine.pairs.settling import Pair, Settled, settle
from hintsync.engine.pairs.write_back import write_back
from hintsync.engine.pairs.writing import Trouble
from hintsync.engine.reviews.standing import OpenReviews, load_open_reviews
from hintsync.ports import WriteMode
from hintsync.turns import in_turns

#: Seconds after which it is looked again whether a stop still holds a pair back.
HELD_BACK = 60.0
#: The same for what is kept in a plan: whoever ends the stop makes it due at once, so looking costs calls for nothing.
KEPT_BACK = 3600.0

#: Seconds after which a pair is read once more whose base moved to what both sides showed while others were written.
_AGREED = 2.0
#: Seconds, at least, after which a message that Hint did not take is sent again.
_UNTOLD = 20.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A pair to be settled, with what is to be remembered beside what comes of it."""

    piece: Piece
    pair: Pair
    records: Records = field(default_factory=Records)


async def settle_planned(engine: Engine, planned: Sequence[Planned]) -> list[Ended]:
    """Settle pairs in live mode, behind the guards; one ending for each, in order."""
    if not planned:
        return []
    gate = Gate(engine, exempt=[one.pair.state.link.id for one in planned if one.piece.interactive])
    settled = await settle(engine, [one.pair for one in planned], WriteMode.LIVE, gate)
    await gate.close(settled)
    reviews = await load_open_reviews(engine) if any(_may_close(one.pair) for one in planned) else None
    came_to = zip(planned, settled, strict=True)
    ended = [_ended(engine, one, came, reviews) async for one, came in in_turns(came_to)]
    for end, came in zip(ended, settled, strict=True):
        await note_overwritten(engine, end, came)
    there = [(one, end) for one, end in zip(settled, ended, strict=True) if one.gone is None]
    told = [(one.pair.state, end.records) for one, end in there if Side.HINT not in one.barred]
    unsent = await write_back(engine, told)
    for one, end in there:
        if end.again is None and one.pair.state.link.id in unsent:
            end.again, end.reason = pause_after(end.piece.attempts) + _UNTOLD, "message-not-sent"
    return ended


def _may_close(pair: Pair) -> bool:
    """Say whether settling a pair may answer a review: a field waits, or the link is not yet what it was meant to be."""
    return bool(pair.state.holds) or pair.state.link.status is not LinkStatus.ACTIVE


def _ended(engine: Engine, planned: Planned, settled: Settled, reviews: OpenReviews | None) -> Ended:
    ended = Ended(planned.piece, planned.records)
    if settled.gone is not None:
        return _again(ended, "record-gone")  # the next pass finds out why, and what becomes of the link (rows D1 to D9)
    scribe = Scribe(engine, f"link:{settled.pair.state.link.id}", open_reviews=reviews)
    told = record_pair(scribe, settled, ended.records)
    ended.written.update(side for side, result in settled.results.items() if result.written or result.bookkept)
    ended.held = bool(settled.plan.frozen or settled.plan.held or any(told.holds.values()))
    if settled.barred:
        ended.again, ended.reason = spread(KEPT_BACK if settled.kept else HELD_BACK), "held-back-by-a-stop"
    elif settled.trouble is not None and settled.trouble[1].trouble is not Trouble.REFUSED:
        side, result = settled.trouble
        _again(ended, f"{side}:{result.code or 'kept-changing'}")
    elif settled.unsure:
        ended.again, ended.reason = spread(_AGREED), "to-be-seen-again"
    elif settled.results and any(decision.row == "F4" for decision in settled.plan.decisions):
        # An edit back to the old base, heard while this pass wrote other fields, looked like an echo (see `echoes`).
        ended.again, ended.reason = spread(_AGREED), "agreed"
    return ended


def _again(ended: Ended, reason: str) -> Ended:
    ended.again, ended.failed, ended.reason = pause_after(ended.piece.attempts), True, reason
    return ended
