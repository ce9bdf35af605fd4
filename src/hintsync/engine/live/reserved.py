"""Carries on first syncs that were cut off: reservations of two records that a marked record belongs to."""

from __future__ import annotations

from dataclasses import replace

from hintsync.core.records import LinkStatus, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.cases import choices_of, mode_of
from hintsync.engine.context import Engine
from hintsync.engine.live.pairs import Planned
from hintsync.engine.live.pieces import Ended, Piece
from hintsync.engine.live.reading import Readings
from hintsync.engine.live.retry import pause_after
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.pairs.settling import Pair
from hintsync.engine.pairs.unmarking import unmark
from hintsync.state.port import LinkChange


async def plan_reserved(engine: Engine, piece: Piece, readings: Readings) -> Planned | Ended:
    """Plan the first sync of a reservation as it was meant to go; one whose record is gone is given up.

    The record that is left may show the link already, if the first sync was cut off after its write: that is taken back first.
    """
    state = piece.state
    assert state is not None, "a reservation is a link"
    contact = readings.of(Side.SALESFORCE, state.link.contact_id)
    patient = readings.of(Side.HINT, state.link.patient_id)
    if contact is not None and patient is not None and _is_there(contact) and _is_there(patient):
        return Planned(piece, Pair(state, patient, contact, mode_of(state.link), choices_of(state.link)))
    for left, gone in ((contact, state.link.patient_id), (patient, state.link.contact_id)):
        if left is not None and not await unmark(engine, left, gone):
            return Ended(piece, again=pause_after(piece.attempts), failed=True, reason="marks-not-taken-back")
    link = replace(state.link, status=LinkStatus.ENDED, reason="a record was gone before its first sync")
    ended = Ended(piece, again=0.0, reason="reservation-ended")  # the record that is left is decided anew
    ended.records.links.append(LinkChange(link))
    ended.records.audits.append(Scribe(engine, f"link:{link.id}").audit("ended", link, reason=link.reason))
    return ended


def _is_there(seen: Snapshot) -> bool:
    return seen.state in (RecordState.LIVE, RecordState.ARCHIVED)
