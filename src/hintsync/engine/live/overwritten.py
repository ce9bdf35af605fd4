"""Puts edits to review that came between our read and our write of the same field in Hint, as far as an event shows them.

Hint has no conditional write, so such an edit is gone without a trace in the record. Its event is heard while the link is
being worked, or soon after; intake keeps its fingerprint with the mark, and the next look compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.plan import Effect
from hintsync.core.records import FieldName, Fingerprint
from hintsync.core.values import ABSENT, Seen, Side
from hintsync.engine.context import Engine
from hintsync.engine.live.pieces import Ended
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.pairs.settling import Settled
from hintsync.state.port import LogLevel, ReviewKind

#: Seconds by which our write may lie before the moment at which the edit was heard of.
_BEFORE = 60.0


async def note_overwritten(engine: Engine, ended: Ended, settled: Settled) -> None:
    """Add a review for every edit that was heard of, is not there any more, and whose field we wrote at that time.

    A field that differs from the base in Hint was edited after our write, and travels like any other edit. One that nobody
    wrote was edited again by a person: the event was merely late.
    """
    crossed, state = ended.piece.crossed, settled.pair.state
    if not crossed or settled.gone is not None:
        return
    unchanged = {each.field for each in settled.plan.decisions if each.row == "F1" or each.effect is Effect.WRITE_HINT}
    fp, shown = engine.fingerprinter(state.link.salt), settled.pair.hint.values
    lost = {name for name, print_ in crossed.items() if name in unchanged and not _is_there(fp, name, shown, print_)}
    if lost:
        heard = min(mark.since for mark in ended.piece.marks)
        _record(engine, ended, settled, sorted(lost & await _written_lately(engine, state.link.id, heard)))


def _is_there(fp: Fingerprinter, name: FieldName, shown: Mapping[FieldName, Seen], print_: Fingerprint) -> bool:
    """Say whether a patient shows what an event showed of it, which need not be the base: a list may hold several numbers."""
    value = shown.get(name, ABSENT)
    return value is ABSENT or fp.of(name, value) == print_


async def _written_lately(engine: Engine, link_id: str, heard: float) -> set[FieldName]:
    """Return the fields that were written to Hint about when an event was heard, as the link's audit chain tells.

    Where the reply was lost, or the worker died, what was written is found in agreement. Hint takes its list of phones as a
    whole: whoever writes one number writes them all.
    """
    began = datetime.fromtimestamp(heard - _BEFORE, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    names, after = set[FieldName](), 0
    while events := await engine.store.audit(engine.connection.id, chain=f"link:{link_id}", after=after):
        after = events[-1].sequence
        for stored in events:
            event = stored.event
            wrote = event.action == "wrote" and event.side is Side.HINT
            if (wrote or event.action == "agreed") and event.at >= began:
                names.update(event.fields)
    phones = {row.name for row in engine.table.phones}
    return names | phones if names & phones else names


def _record(engine: Engine, ended: Ended, settled: Settled, lost: list[FieldName]) -> None:
    scribe = Scribe(engine, f"link:{settled.pair.state.link.id}")
    contact_id, patient_id = settled.pair.salesforce.id, settled.pair.hint.id
    for name in lost:
        ended.held = True
        ended.records.reviews.append(
            scribe.review(
                ReviewKind.OVERWRITTEN,
                Side.SALESFORCE,
                contact_id,
                field_name=name,
                candidates=[patient_id],
                reason="edited in Hint while it was written",
            )
        )
    if lost:
        message = (
            "an edit in Hint came between our read and our write, and was overwritten; the value of Salesforce stands"
        )
        ids = {"contact_id": contact_id, "patient_id": patient_id}
        ended.records.logs.append(scribe.log(LogLevel.ERROR, "edit-overwritten", message, **ids, fields=lost))
