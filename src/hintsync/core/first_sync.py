"""The first sync of a field that has no base yet: rows I1 to I6, and what a re-link changes about them (row U3).

One-way fields are not decided here; they follow Hint from the first day (`core.merge`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Final

from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.plan import FieldDecision, Mode
from hintsync.core.policy import Choices, FieldCase, held, nothing, written
from hintsync.core.records import Base, FieldName, HoldKind, Snapshot
from hintsync.core.values import ABSENT, Side

#: Whose value is kept where both sides have one; a recovered link has no winner.
_WINNERS: Final[Mapping[Mode, Side]] = {
    Mode.FIRST_SALESFORCE_WINS: Side.SALESFORCE,
    Mode.FIRST_HINT_WINS: Side.HINT,
}


@lru_cache(maxsize=256)
def noted_name(field: FieldName) -> FieldName:
    """Return the pseudo-field under which a base remembers the visible value of a field that was left alone (row I6)."""
    return f"{field}#noted"


@lru_cache(maxsize=256)
def stale_name(field: FieldName) -> FieldName:
    """Return the pseudo-field under which a restored link remembers what was agreed on when the backup was taken.

    It is no base: both sides may have agreed on other values since (decision 0099). What differs now waits for a person.
    """
    return f"{field}#stale"


def decide_first(case: FieldCase, mode: Mode, *, inherited: bool = False) -> FieldDecision:
    """Decide a two-way field without a base, whose two sides do not show the same (I1 and I5 are agreement).

    Args:
        case: The field, with `base` unset.
        mode: Whose value wins; ORDINARY is taken as RECOVERED, since nobody knows any more who changed what.
        inherited: The contact's value came from the patient of the link before (row U3).
    """
    winner = _WINNERS.get(mode)
    if case.hidden() is not None:
        return _first_unseen(case, winner)
    if inherited:
        return written(case, Side.HINT, "U3")
    if case.hint is None:
        return _fill(case, Side.SALESFORCE, "I3")
    if case.salesforce is None:
        return _fill(case, Side.HINT, "I4")
    if winner is None:
        return held(case, HoldKind.RECOVERED, "I2", "both-filled")
    return written(case, winner, "I2")


def _fill(case: FieldCase, filled: Side, rule: str) -> FieldDecision:
    """Fill the blank side; but in a link out of a backup the blank may be a clear, which filling would undo."""
    if case.stale is not None:
        return held(case, HoldKind.RECOVERED, rule, "differs-since-the-backup")
    return written(case, filled, rule)


def _first_unseen(case: FieldCase, winner: Side | None) -> FieldDecision:
    """Decide a field that one side does not show (row I6).

    A write-only side is written only where the visible side wins and has something to say. Else the base stays unset,
    and the visible value is noted: without that, an edit made later could not be told from what was there all along.
    """
    hidden = case.hidden() or Side.HINT
    visible = hidden.other
    shown = case.print_of(visible)
    if shown is None or not case.write_only(hidden):
        return nothing(case, "I6")
    before = case.stale if case.noted is None else case.noted
    if before is not None and before != shown:
        return written(case, visible, "F6a")
    if winner is visible and case.shown(visible) is not None:
        return written(case, visible, "I6")
    return nothing(case, "I6", noted=shown if case.noted is None else None)


def inherited_fields(contact: Snapshot, old_base: Base, old_prints: Fingerprinter) -> frozenset[FieldName]:
    """Name the fields whose contact value is still what the contact and its former patient agreed on (row U3).

    Such a value may well be the former patient's own, so the new patient must not be given it. The preview of a re-link
    names these fields.

    Args:
        contact: The contact as it is now.
        old_base: The base of the link that ends.
        old_prints: The fingerprinter of that link.
    """
    return frozenset(
        name
        for name, value in contact.values.items()
        if value is not ABSENT and value is not None and old_base.get(name) == old_prints.of(name, value)
    )


def still_inherited(choices: Choices, contact: Snapshot, fp: Fingerprinter) -> Choices:
    """Return choices without the inherited fields that somebody edited in the contact since it was re-linked (row U3).

    Args:
        choices: What was settled when it was re-linked.
        contact: The contact as it is now.
        fp: The fingerprinter of the new link.
    """
    edited = {
        name
        for name, print_ in choices.inherited_as.items()
        if (value := contact.values.get(name, ABSENT)) is not ABSENT and fp.of(name, value) != print_
    }
    return replace(choices, inherited=choices.inherited - edited) if edited else choices
