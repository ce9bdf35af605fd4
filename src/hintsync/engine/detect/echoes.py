"""Tells from an event alone whether it can matter: an echo of our own write, nothing of ours, or a record to look at.

Recognised by value, never by a flag or a clock: every value that the event shows is fingerprinted as the link's base is and
compared with what the link would expect of that side. Doubt always means that the record is read again. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.first_sync import noted_name
from hintsync.core.records import FieldName, Fingerprint, LinkState, LinkStatus, RecordState, Snapshot
from hintsync.core.settle import before_name
from hintsync.core.values import ABSENT, Side
from hintsync.engine.detect.notices import Notice, NoticeKind
from hintsync.state.live import SidePrints

#: Kinds that say what a record shows; the others say whether it is there.
_OF_VALUES = frozenset({NoticeKind.CREATED, NoticeKind.CHANGED})


class Verdict(StrEnum):
    """What is done about an event."""

    MARK = "mark"
    #: It shows what both sides agreed on, or what is being written just now.
    ECHO = "echo"
    #: It cannot concern us.
    IGNORE = "ignore"


def judge_linked(
    notice: Notice, state: LinkState, table: FieldTable, fp: Fingerprinter, at_work: SidePrints | None, *, marks: bool
) -> Verdict:
    """Judge an event about a record that has a live link.

    Args:
        notice: The event.
        state: The record's link with its memory.
        table: The mapping in force.
        fp: The link's fingerprinter.
        at_work: What the worker that holds the link is about to write, by side; empty while it reads; None: nobody does.
        marks: Whether this side carries marks of ours (Hint may be set to carry none).
    """
    if notice.kind not in _OF_VALUES or not notice.complete or state.link.status is not LinkStatus.ACTIVE:
        return Verdict.MARK
    if at_work is not None and not any(at_work.values()):
        return Verdict.MARK  # it may have read the record before this edit, and move the base to what it read
    if marks and not _marks_fit(notice, state):
        return Verdict.MARK
    shown = {name: value for name, value in notice.values.items() if name in table.by_name}
    if not shown and not notice.marks_changed:
        return _judge_unmapped(state)
    expected = (_expected(name, notice.side, state, at_work or {}) for name in shown)
    fits = all(fp.of(name, value) == print_ for (name, value), print_ in zip(shown.items(), expected, strict=True))
    return Verdict.ECHO if fits else Verdict.MARK


def crossed_fields(
    notice: Notice, state: LinkState, table: FieldTable, fp: Fingerprinter, at_work: SidePrints
) -> dict[FieldName, Fingerprint]:
    """Return the edits of a patient that its event shows, as fingerprints by field.

    Hint has no conditional write: an edit that came between our read and our write of that field is gone. Its event comes
    while a worker holds the link, or later. Whether the edit is gone, the next look tells (`engine.live.overwritten`). An event
    shows the whole patient: what it showed before our latest write is no edit.
    """
    if notice.side is not Side.HINT or notice.kind not in _OF_VALUES:
        return {}
    shown = {
        name: fp.of(name, value)
        for name, value in notice.values.items()
        if name in state.base and name in table.by_name and not table[name].one_way and name not in state.holds
    }
    about, base = at_work.get(Side.HINT, {}), state.base
    return {n: p for n, p in shown.items() if p not in (about.get(n), base.get(n), base.get(before_name(n)))}


def is_as_agreed(seen: Snapshot, state: LinkState, table: FieldTable, fp: Fingerprinter) -> bool:
    """Say whether a contact, as just read, shows nothing but what both sides agreed on: its mark asks for no more."""
    link = state.link
    if (
        link.status is not LinkStatus.ACTIVE
        or link.reason is not None
        or state.holds
        or seen.state is not RecordState.LIVE
    ):
        return False
    if not seen.marked or seen.peer_id != link.patient_id:
        return False
    shown = {name: value for name, value in seen.values.items() if name in table.by_name and value is not ABSENT}
    return all(fp.of(name, value) == _expected(name, seen.side, state, {}) for name, value in shown.items())


def _judge_unmapped(state: LinkState) -> Verdict:
    """Judge an event that shows no field of ours: only a record that was refused as a whole may be taken now (row F9)."""
    waits = any(hold.row == "F9" for hold in state.holds.values())
    return Verdict.MARK if waits else Verdict.IGNORE


def _expected(name: FieldName, side: Side, state: LinkState, at_work: SidePrints) -> Fingerprint | None:
    """Return the fingerprint that a field of a side has if nobody edited it since we last looked.

    A field that is being written to either side will have that value agreed on; one that waits shows what was seen.
    """
    for written in (side, side.other):
        about: Mapping[FieldName, Fingerprint] = at_work.get(written, {})
        if name in about:
            return about[name]
    hold = state.holds.get(name)
    if hold is not None:
        return hold.seen.get(side)
    return state.base.get(name, state.base.get(noted_name(name)))


def _marks_fit(notice: Notice, state: LinkState) -> bool:
    """Say whether the marks that an event shows are the link's (row U2); changed ones must be shown."""
    if notice.marks_changed and notice.peer_id is None and notice.marked is None:
        return False
    if notice.marked is False:
        return False
    if notice.peer_id is None:
        return True
    if notice.side is Side.SALESFORCE:
        return notice.peer_id == state.link.patient_id
    return notice.peer_id.partition(".")[0] == state.link.contact_id  # a patient made by us carries the reservation too
