"""Works a group of pieces to its end, so that what fails fails alone.

Everything is level-triggered: whatever a pass leaves half done is read and decided anew by the next one. A group that meets
something unforeseen is halved until the piece that causes it stands alone.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Sequence
from dataclasses import replace

from hintsync.core.errors import FixConfiguration, HintsyncError, RetryLater, SafetyStop, StopRun
from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.live.ending import remember
from hintsync.engine.live.fates import meet_fates
from hintsync.engine.live.newcomers import work_newcomers
from hintsync.engine.live.one_pass import Pass
from hintsync.engine.live.pairs import Planned, settle_planned
from hintsync.engine.live.pieces import Ended, Piece, is_young
from hintsync.engine.live.reading import Readings, read_pieces
from hintsync.engine.live.reserved import plan_reserved
from hintsync.engine.live.retry import PARK_AFTER, pause_after, pause_of_outage, spread
from hintsync.engine.pairs.by_hand import finish_create
from hintsync.engine.pairs.parting import NotReleased, finish_parting_of, intent_of
from hintsync.state.port import LinkTaken, StaleLink

_log = logging.getLogger(__name__)

#: Seconds after which a side that showed nobody is asked again.
_EMPTY_SIDE = 300.0
#: Seconds after which it is looked again whether a reservation was finished by whoever made it.
_LEFT_TO_ITS_MAKER = 30.0


async def work_pieces(at: Pass, pieces: Sequence[Piece]) -> list[Ended]:
    """Work pieces and remember what became of each.

    Raises:
        FixConfiguration, StopRun: nothing can be worked before somebody looks; nothing of these pieces is lost.
    """
    if not pieces:
        return []
    if len(pieces) == 1 and pieces[0].attempts >= PARK_AFTER:  # parked ones begin anew: these are dead workers
        return await remember(at.engine, [Ended(pieces[0], again=0.0, failed=True, reason="its workers died")])
    try:
        ended = await _work(at, pieces)
        return await remember(at.engine, ended)
    except RetryLater as error:
        return await _side_in_trouble(at, pieces, error)
    except SafetyStop as error:  # a side that shows nobody (guard G2): this pass stops, other work goes on
        _log.error("live work of %s: %s", at.engine.connection.id, error)
        return await remember(at.engine, [Ended(p, again=spread(_EMPTY_SIDE), reason=error.guard) for p in pieces])
    except (FixConfiguration, StopRun):
        raise
    except Exception as error:
        if len(pieces) == 1:
            return await remember(at.engine, [_failed(pieces[0], error)])
    again = await _as_they_are_now(at, pieces)
    half = len(again) // 2
    return await work_pieces(at, again[:half]) + await work_pieces(at, again[half:])


async def _work(at: Pass, pieces: Sequence[Piece]) -> list[Ended]:
    by_status = {status: [p for p in pieces if p.state and p.state.link.status is status] for status in LinkStatus}
    young = [piece for piece in by_status[LinkStatus.RESERVED] if is_young(at.engine, piece)]
    by_status[LinkStatus.RESERVED] = [piece for piece in by_status[LinkStatus.RESERVED] if piece not in young]
    fated = [*by_status[LinkStatus.ACTIVE], *by_status[LinkStatus.SUSPENDED]]
    reserved = [piece for piece in by_status[LinkStatus.RESERVED] if _has_both(piece)]
    ended = [await _meet_owner(at, piece) for piece in by_status[LinkStatus.FROZEN]]
    ended += [await _create_patient(at, p) for p in by_status[LinkStatus.RESERVED] if not p.id_of(Side.HINT)]
    ended += [Ended(piece) for piece in by_status[LinkStatus.ENDED]]
    ended += [Ended(piece, again=spread(_LEFT_TO_ITS_MAKER), reason="being-linked") for piece in young]
    ended += await _work_pairs(at, fated, reserved)
    contactless = [p for p in by_status[LinkStatus.RESERVED] if p.id_of(Side.HINT) and not _has_both(p)]
    return ended + await work_newcomers(at, [*contactless, *(piece for piece in pieces if piece.state is None)])


def _has_both(piece: Piece) -> bool:
    return bool(piece.id_of(Side.SALESFORCE) and piece.id_of(Side.HINT))


async def _work_pairs(at: Pass, fated: Sequence[Piece], reserved: Sequence[Piece]) -> list[Ended]:
    """Read both sides of all pairs at once, meet their fates, settle what is left."""
    if not fated and not reserved:
        return []
    readings = await read_pieces(at.engine, [*fated, *reserved])
    ended = [_unread(piece) for piece in (*fated, *reserved) if readings.failure(piece) is not None]
    ended += [Ended(piece) for piece in (*fated, *reserved) if readings.is_unchanged(piece)]
    met = await meet_fates(at, _readable(fated, readings), readings)
    for piece in _readable(reserved, readings):
        came = await plan_reserved(at.engine, piece, readings)
        if isinstance(came, Planned):
            met.planned.append(came)
        else:
            ended.append(came)
    return ended + met.ended + await settle_planned(at.engine, met.planned)


def _readable(pieces: Sequence[Piece], readings: Readings) -> list[Piece]:
    return [piece for piece in pieces if readings.failure(piece) is None and not readings.is_unchanged(piece)]


def _unread(piece: Piece) -> Ended:
    return Ended(piece, again=pause_after(piece.attempts), failed=True, reason="record-not-readable")


async def _meet_owner(at: Pass, piece: Piece) -> Ended:
    """Finish a parting that was cut off; every other frozen link belongs to whoever decides its review."""
    if piece.state is not None and intent_of(piece.state.link) is not None:
        try:
            await finish_parting_of(at.engine, piece.state)
        except NotReleased:
            return Ended(piece, again=pause_after(piece.attempts), failed=True, reason="not-released")
        return Ended(piece, again=0.0, reason="parted")  # a re-link may have reserved the next link
    return Ended(piece, held=True)


async def _create_patient(at: Pass, piece: Piece) -> Ended:
    """Finish a create of a patient that a person began."""
    if piece.state is None:
        return Ended(piece)
    result = await finish_create(at.engine, piece.state)
    return Ended(piece, held=not result.done)


async def _as_they_are_now(at: Pass, pieces: Sequence[Piece]) -> list[Piece]:
    """Return pieces with their links as they are stored now: part of the failed try may have been remembered."""
    fresh = []
    for piece in pieces:
        state = await at.engine.store.link(piece.state.link.id) if piece.state else None
        fresh.append(replace(piece, state=state))
    return fresh


async def _side_in_trouble(at: Pass, pieces: Sequence[Piece], error: RetryLater) -> list[Ended]:
    """Put everything off; nobody's failure, so nothing is ever parked for it."""
    pause = await pause_of_outage(at.engine, error)
    _log.warning("live work of %s waits %.0f s: %s", at.engine.connection.id, pause, error.code)
    return await remember(at.engine, [Ended(p, again=spread(pause) + pause / 2, reason=error.code) for p in pieces])


def _failed(piece: Piece, error: Exception) -> Ended:
    """Put one piece off after an error that only concerns it; ids, codes and places are told, never texts."""
    if isinstance(error, StaleLink | LinkTaken):
        reason = "the link moved meanwhile"
    elif isinstance(error, HintsyncError):
        reason = error.code
    else:
        reason = f"{type(error).__name__} at {_place(error)}"
        _log.error("live work of %s failed: %s", "/".join(mark.record_id for mark in piece.marks), reason)
    return Ended(piece, again=pause_after(piece.attempts), failed=True, reason=reason)


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].name}:{frames[-1].lineno}" if frames else "unknown"
