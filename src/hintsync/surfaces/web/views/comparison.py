"""What linking or syncing two records would do, field by field, as a person reads it before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hintsync.core.fields import FieldMapping
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.link_by_hand import ManualDecision, Step, Warned
from hintsync.core.plan import Effect, FieldDecision, Outcome
from hintsync.core.records import RecordId
from hintsync.core.values import ABSENT, Side
from hintsync.engine.pairs.considering import Considered, ConsideredCreate
from hintsync.engine.pairs.settling import Settled
from hintsync.surfaces.web.views.rule_words import hold_words, words_ahead
from hintsync.surfaces.web.views.values import Shown, Who, shown, who

_SILENT: Final = frozenset({Effect.NOTHING, Effect.AGREE})

#: What a person who presses Confirm has agreed to, each with a box of its own.
WARNINGS: Final = {
    Warned.ARCHIVED: "This patient is archived in Hint. Link it all the same.",
    Warned.DECLINED: "Somebody unlinked these two before, or said that they are not the same person. Link them all the same.",
    Warned.RELINK: "This contact is linked with another patient. That link ends, and this patient takes its place.",
    Warned.MOVE: "This patient is linked with another contact. That link ends, and this contact takes its place.",
}

_REFUSED: Final = {
    "person-account": "This contact belongs to a person account, which hintsync does not sync.",
    "deleted": "This patient was deleted in Hint.",
    "merged": "This patient was merged into another one in Hint. Search for that one.",
    "suspended": "The link of one of the two is suspended: a record of it is gone. Unlink it first, or bring the record back.",
    "frozen": "The link of one of the two waits for a decision. Decide that first, or unlink it.",
    "reserved": "One of the two is being linked at this moment, or such a link was cut off. Look again in a moment.",
}

_NOT_CREATED: Final = {
    Outcome.PERSON_ACCOUNT: "This contact belongs to a person account, which hintsync does not sync.",
    Outcome.SUSPENDED: "This contact has a link that is suspended. Unlink it first.",
    Outcome.FROZEN: "This contact has a link that waits for a decision. Decide that first, or unlink it.",
    Outcome.ALREADY_LINKED: "This contact is linked with a patient already.",
    Outcome.FIRST_NAME_NEEDED: "Hint needs a first name. Fill in the contact’s first name and try again.",
    Outcome.INCOMPLETE: "Hint needs a last name. Fill in the contact’s last name and try again.",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One field of a pair. Holds a person's data."""

    label: str
    contact: Shown
    patient: Shown
    #: What both will show; None where they go on to differ.
    result: Shown | None
    #: Sides whose value changes.
    changes: frozenset[Side]
    #: Who wins and why; or why it waits.
    why: str


@dataclass(frozen=True, slots=True)
class ToConfirm:
    """What must be confirmed, and whom it concerns. Holds a person's data."""

    name: str
    text: str
    #: Who is linked with one of the two now, and loses that link.
    displaced: Who | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two records side by side. Holds people's data."""

    contact: Who
    patient: Who
    step: Step
    seal: str
    changed: tuple[Line, ...]
    stays: tuple[Line, ...]
    warnings: tuple[ToConfirm, ...] = ()
    #: Why it cannot be done at all.
    refused: str = ""
    #: The two would be frozen at once: name and birth date both differ from what was agreed on.
    overlay: bool = False

    @property
    def counts(self) -> Mapping[Side, int]:
        """Fields that change, by side."""
        return {side: sum(side in line.changes for line in self.changed) for side in Side}

    @property
    def waiting(self) -> int:
        """Fields that will wait for a decision."""
        return sum(line.result is None for line in self.changed)


def comparison(considered: Considered, table: FieldTable, displaced: Mapping[Warned, Who] | None = None) -> Comparison:
    """Return what was considered as a page shows it.

    Args:
        considered: What would be done.
        table: The mapping in force.
        displaced: Who loses a link, by the warning that says so.
    """
    pair, plan, decision = considered.settled.pair, considered.settled.plan, considered.decision
    lines = [(each, _line(table[each.field], each, considered.settled)) for each in plan.decisions]
    return Comparison(
        contact=who(pair.salesforce.id, pair.salesforce),
        patient=who(pair.hint.id, pair.hint),
        step=decision.step,
        seal=considered.seal,
        changed=tuple(line for each, line in lines if each.effect not in _SILENT),
        stays=tuple(line for each, line in lines if each.effect in _SILENT),
        warnings=_warnings(decision, displaced or {}),
        refused=_refused(decision),
        overlay=plan.frozen is not None,
    )


def displaced_by(decision: ManualDecision, former_patient: RecordId | None) -> Mapping[Warned, tuple[Side, RecordId]]:
    """Return the records that lose their link if the pair is linked, by the warning that says so.

    Args:
        decision: What would be done.
        former_patient: The patient that the contact is linked with now.
    """
    found = {}
    if Warned.RELINK in decision.warnings and former_patient:
        found[Warned.RELINK] = (Side.HINT, former_patient)
    if Warned.MOVE in decision.warnings and decision.linked_to:
        found[Warned.MOVE] = (Side.SALESFORCE, decision.linked_to)
    return found


def _warnings(decision: ManualDecision, displaced: Mapping[Warned, Who]) -> tuple[ToConfirm, ...]:
    if decision.step is not Step.ASK:
        return ()
    told = (name for name in Warned if name in decision.warnings)
    return tuple(ToConfirm(name.value, WARNINGS[name], displaced.get(name)) for name in told)


def _refused(decision: ManualDecision) -> str:
    if decision.step is not Step.REFUSE:
        return ""
    return _REFUSED.get(decision.reason or "", f"These two cannot be linked ({decision.row}).")


def _line(row: FieldMapping, decision: FieldDecision, settled: Settled) -> Line:
    mine, theirs = (settled.pair.seen(side).values.get(row.name, ABSENT) for side in (Side.SALESFORCE, Side.HINT))
    changes: frozenset[Side] = frozenset()
    result = None
    if decision.effect in (Effect.WRITE_HINT, Effect.WRITE_SALESFORCE):
        side = Side.HINT if decision.effect is Effect.WRITE_HINT else Side.SALESFORCE
        changes, result = frozenset({side}), shown(row, settled.plan.writes[side][row.name])
        why = words_ahead(decision.row, side)
    elif decision.effect is Effect.HOLD and decision.hold is not None:
        why = hold_words(decision.hold.kind, decision.hold.reason)
    else:
        result = shown(row, theirs if mine is ABSENT else mine)
        why = words_ahead(decision.row)
    return Line(row.label, shown(row, mine), shown(row, theirs), result, changes, _sentence(why))


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]


@dataclass(frozen=True, slots=True)
class Draft:
    """A patient that would be created. Holds a person's data."""

    contact: Who
    seal: str
    #: Label and value of each field that the new patient is given.
    given: tuple[tuple[str, Shown], ...]
    #: Labels of two-way fields that the contact leaves blank, or that Hint would not take.
    left_out: tuple[str, ...]
    refused: str = ""


def draft(considered: ConsideredCreate, table: FieldTable) -> Draft:
    """Return the patient that would be created as a page shows it."""
    values = considered.values
    refused = considered.match.outcome is not Outcome.CREATED
    return Draft(
        contact=who(considered.contact.id, considered.contact),
        seal=considered.seal,
        given=tuple((row.label, shown(row, values[row.name])) for row in table if row.name in values),
        left_out=tuple(row.label for row in table if not row.one_way and row.name not in values),
        refused=not_created(considered.match.outcome) if refused else "",
    )


def not_created(outcome: Outcome) -> str:
    """Say why a patient is not created."""
    return _NOT_CREATED.get(outcome, f"No patient was created ({outcome}).")
