"""Live sync: claims what is dirty and brings it into step, one group at a time (semantics section 8).

Claim, lease the links, read both sides, meet fates, plan, pass the guards, write, one commit with the finished marks, let go.
Everything is level-triggered: cut off anywhere, the next pass reaches the same end.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from hintsync.core.errors import FixConfiguration, HintsyncError
from hintsync.core.values import Side
from hintsync.engine.basis import look_again
from hintsync.engine.context import Engine
from hintsync.engine.guards.budgets import lanes_within
from hintsync.engine.guards.stops import Stops, may_write
from hintsync.engine.live.ending import is_parked
from hintsync.engine.live.group import work_pieces
from hintsync.engine.live.one_pass import LEASE, Pass
from hintsync.engine.live.pieces import Ended, Piece, Sorted, sort_marks
from hintsync.engine.live.retry import spread
from hintsync.engine.live.surge import surge_of
from hintsync.state.live import Dirty, Lane

#: Seconds after which it is looked again whether another worker has let go of a link.
_TAKEN = 1.0
#: Failed passes, workers that died included, from which on a piece is worked alone.
_CAREFUL = 3
#: Seconds for which a group waits that ended with an error somebody must look at.
_STOPPED = 30.0

#: Workers of this process whose last pass failed, and whose leases may still stand.
_unclean: set[str] = set()


@dataclass(frozen=True, slots=True)
class Worked:
    """What became of one group."""

    #: Dirty records that were claimed; 0: nothing was due.
    claimed: int = 0
    #: Dirty records that are clean now.
    done: int = 0
    #: Records written, by side.
    written: Mapping[Side, int] = field(default_factory=dict)
    #: Dirty records that are tried again later.
    put_off: int = 0
    #: Dirty records that wait for a person.
    parked: int = 0
    #: Links or patients that have something to be decided.
    held: int = 0
    #: Side of the change and seconds from its first mark to the end of the pass that wrote the other side.
    lags: tuple[tuple[Side, float], ...] = ()


async def work_once(engine: Engine, worker: str, *, limit: int = 200) -> Worked:
    """Claim one group of dirty records and work it.

    Args:
        engine: The connection.
        worker: A name that no other task has; its leases last 15 seconds, and whoever runs it renews them meanwhile.
        limit: Dirty records to be claimed at most.

    Raises:
        FixConfiguration, StopRun: nothing can be worked before somebody looks; the group waits, nothing is lost.
        RetryLater: a system, asked who it is, does not answer (guard G1); nothing was claimed.
    """
    stops = await may_write(engine)
    lanes = _lanes(engine, stops)
    if not lanes:
        return Worked()
    at = Pass(engine, worker, stops)
    claimed: Sequence[Dirty] = ()
    try:
        await _forget_last_pass(at)
        now = at.now
        claimed = await engine.store.claim(engine.connection.id, worker, now, now + LEASE, limit=limit, lanes=lanes)
        worked = await _work(at, claimed) if claimed else Worked()
        await at.release()
    except Exception as error:
        await _let_go(at, claimed)
        if isinstance(error, FixConfiguration):
            with suppress(HintsyncError):  # the error that says more is the one raised below
                await look_again(engine)  # a field that is gone would explain it (guard G5)
        raise
    return worked


async def _forget_last_pass(at: Pass) -> None:
    """Drop what this worker could not let go of when its last pass failed: its leases are renewed as long as it lives."""
    if at.worker in _unclean:
        await at.engine.store.drop_leases(at.engine.connection.id, at.worker)
        _unclean.discard(at.worker)


async def _let_go(at: Pass, claimed: Sequence[Dirty]) -> None:
    """Put a failed pass off and let go of its leases; where the store fails, the next pass does."""
    _unclean.add(at.worker)
    with suppress(HintsyncError):
        await at.engine.store.put_off(claimed, at.now + spread(_STOPPED), failed=False)
        await _forget_last_pass(at)


def _lanes(engine: Engine, stops: Stops) -> Collection[Lane]:
    """Return what may be worked: what the day's calls last for (guard G6), only what people wait for, or nothing (G1)."""
    if stops.of_people is not None:
        return ()
    held = stops.of_work is not None or not surge_of(engine).begin(engine.clock.monotonic())
    return (Lane.INTERACTIVE,) if held else lanes_within(engine)


async def _work(at: Pass, claimed: Sequence[Dirty]) -> Worked:
    sorted_ = await sort_marks(at, claimed)
    if sorted_.taken:
        await at.engine.store.put_off(sorted_.taken, at.now + spread(_TAKEN), failed=False)
    if sorted_.nothing:
        await at.engine.store.finish_marks(sorted_.nothing)
    groups, later = _groups(sorted_)
    if later:  # held no longer: were the worker to die, they would seem to be what it died of
        await at.engine.store.put_off(later, at.now, failed=False)
    ended = list[Ended]()
    for group in groups:
        ended += await work_pieces(at, group)
    taken = len(sorted_.taken) + len(later)
    return replace(_summed(claimed, len(sorted_.nothing), taken, ended), lags=_lags(ended, at.now))


def _groups(sorted_: Sorted) -> tuple[list[list[Piece]], list[Dirty]]:
    """Return what is worked together, in order, and the marks of what another pass works.

    Pairs apart from newcomers: what keeps these from being matched must keep no pair from being synced. What has failed
    again and again may be what its workers died of: it is worked alone, last, and one in a pass.
    """
    pieces = [*sorted_.links, *sorted_.patients]
    careful = [piece for piece in pieces if piece.attempts >= _CAREFUL]
    random.shuffle(careful)
    rest = [piece for piece in pieces if piece.attempts < _CAREFUL]
    pairs = [piece for piece in rest if not piece.is_newcomer]
    newcomers = [piece for piece in rest if piece.is_newcomer]
    later = [mark for piece in careful[1:] for mark in piece.marks]
    return [group for group in (pairs, newcomers, careful[:1]) if group], later


def _lags(ended: Sequence[Ended], now: float) -> tuple[tuple[Side, float], ...]:
    """Return how long each change took that was written to the other side."""
    carried = [one for one in ended if one.again is None]
    marks = [mark for one in carried for mark in one.piece.marks if one.written.get(mark.side.other)]
    return tuple((mark.side, now - mark.since) for mark in marks)


def _summed(claimed: Sequence[Dirty], nothing: int, taken: int, ended: Sequence[Ended]) -> Worked:
    def marks(some: Collection[Ended]) -> int:
        return sum(len(one.piece.marks) for one in some)

    parked = [one for one in ended if is_parked(one)]
    later = [one for one in ended if one.again is not None and not is_parked(one)]
    written: Counter[Side] = sum((one.written for one in ended), Counter())
    return Worked(
        claimed=len(claimed),
        done=nothing + marks([one for one in ended if one.again is None]),
        written=dict(written),
        put_off=taken + marks(later),
        parked=marks(parked),
        held=sum(one.held for one in ended),
    )
