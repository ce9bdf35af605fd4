"""The merge: two snapshots of a pair and what both last agreed on go in, a plan for the pair comes out.

Decides by the tables of docs/semantics.md: F1 to F7 where there is a base, I1 to I6 (`core.first_sync`) where there is
none, W1 to W3 for fields that only travel from Hint to Salesforce. Pure, and the hot path of a batch: two sides that show
the same cost one fingerprint, and nothing else is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from hintsync.core.fields import KEY_FIELDS, ConflictPolicy, Direction, FieldMapping, Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.first_sync import decide_first, noted_name, stale_name
from hintsync.core.phone_list import mapped_phone, replaced_phone
from hintsync.core.plan import Effect, FieldDecision, Mode, PairPlan
from hintsync.core.policy import (
    NO_CHOICES,
    NO_RECORDS,
    UNCONSTRAINED,
    Choices,
    Constraints,
    FieldCase,
    FieldLimits,
    held,
    nothing,
    record_print,
    still_waits,
    written,
)
from hintsync.core.records import Base, FieldName, Fingerprint, Hold, HoldKind, Snapshot
from hintsync.core.values import ABSENT, Canonical, Seen, Side

_POLICY_WINNERS: Final[Mapping[ConflictPolicy, Side]] = {
    ConflictPolicy.HINT: Side.HINT,
    ConflictPolicy.SALESFORCE: Side.SALESFORCE,
}


class Remembers(Protocol):
    """What a link remembers; `records.LinkState` has this shape."""

    @property
    def base(self) -> Base:
        """Field name to the fingerprint both sides last agreed on."""

    @property
    def holds(self) -> Mapping[FieldName, Hold]:
        """The fields that wait."""


class Memory(NamedTuple):
    """A memory without a link: for plans of pairs that are not linked yet, and for tests."""

    base: Base
    holds: Mapping[FieldName, Hold]


NO_MEMORY: Final = Memory({}, {})

# Under names of their own: on Python 3.11 a member costs five times as much when it is asked of its class, and a batch asks
# a million times.
_AGREE, _TO_SALESFORCE, _NOTHING = Effect.AGREE, Effect.WRITE_SALESFORCE, Effect.NOTHING
_BOTH_WAYS, _PHONE = Direction.BOTH, Kind.PHONE


def decide_field(
    row: FieldMapping,
    seen: Mapping[Side, Seen],
    base: Fingerprint | None,
    hold: Hold | None,
    fp: Fingerprinter,
    *,
    mode: Mode = Mode.ORDINARY,
    noted: Fingerprint | None = None,
    records: Mapping[Side, Fingerprint] = NO_RECORDS,
    constraints: Constraints = UNCONSTRAINED,
    choices: Choices = NO_CHOICES,
) -> FieldDecision:
    """Decide one field of a pair.

    Args:
        row: The field's row of the mapping table.
        seen: What each side showed; a side that is missing here showed nothing.
        base: Fingerprint both sides last agreed on; None if there is none.
        hold: Why the field waits already, if it does.
        fp: The link's fingerprinter.
        mode: How the pair is compared; only matters where there is no base.
        noted: See `core.first_sync`; None for all but write-only fields.
        records: Each side's `policy.record_print`, by which a hold of row F9 is judged; else not needed.
        constraints: What is true of the connection.
        choices: What a person has settled for the pair.

    Returns:
        The decision. A field that is still held comes back with its old hold, unchanged.
    """
    case = FieldCase(
        row,
        seen.get(Side.HINT, ABSENT),
        seen.get(Side.SALESFORCE, ABSENT),
        base,
        hold,
        noted,
        fp,
        constraints,
        records,
    )
    return _decide(case, mode, choices)


def _decide(case: FieldCase, mode: Mode, choices: Choices) -> FieldDecision:
    if case.row.name in case.constraints.missing:
        case = _without_missing(case)
    if case.hint == case.salesforce and case.hint is not ABSENT:
        decision = _equal(case.row, case.hint, case.base, case.fp)
        return decision._replace(value=case.hint) if decision.effect is _AGREE else decision
    return _decide_unequal(case, mode, choices)


def _without_missing(case: FieldCase) -> FieldCase:
    name, constraints = case.row.name, case.constraints
    hint = ABSENT if constraints.lacks(Side.HINT, name) else case.hint
    salesforce = ABSENT if constraints.lacks(Side.SALESFORCE, name) else case.salesforce
    return case._replace(hint=hint, salesforce=salesforce)


def _equal(row: FieldMapping, value: Canonical, base: Fingerprint | None, fp: Fingerprinter) -> FieldDecision:
    """Decide a field that both sides show alike, the value left out: rows F1 and F4, I1 and I5, W1."""
    both_ways = row.direction is _BOTH_WAYS
    if base is not None and base == fp.of(row.name, value):
        return _bare(row.name, "F1" if both_ways else "W1", _NOTHING)
    if not both_ways:
        rule = "W1"
    elif base is None:
        rule = "I5" if value is None else "I1"
    else:
        rule = "F4"
    return _bare(row.name, rule, _AGREE)


@lru_cache(maxsize=1024)
def _bare(name: FieldName, rule: str, effect: Effect) -> FieldDecision:
    """Return a decision without its value, one for all pairs."""
    return FieldDecision(name, rule, effect)


def _decide_unequal(case: FieldCase, mode: Mode, choices: Choices) -> FieldDecision:
    if still_waits(case) and case.hold is not None:
        chosen = choices.winners.get(case.row.name)
        if chosen is None or case.shown(chosen) is ABSENT:
            return FieldDecision(case.row.name, case.hold.row, Effect.HOLD, hold=case.hold)
        return written(case, chosen, case.hold.row)
    if case.row.one_way:
        return _one_way(case)
    if case.base is None:
        return decide_first(case, mode, inherited=case.row.name in choices.inherited)
    if case.hidden() is not None:
        return _unseen(case)
    return _three_way(case)


def _three_way(case: FieldCase) -> FieldDecision:
    """Decide a two-way field whose sides differ, against its base: rows F2, F3, F5 and F7."""
    hint_moved = case.print_of(Side.HINT) != case.base
    salesforce_moved = case.print_of(Side.SALESFORCE) != case.base
    if not salesforce_moved:
        return written(case, Side.HINT, "F2")
    if not hint_moved:
        return written(case, Side.SALESFORCE, "F3")
    winner = _POLICY_WINNERS.get(case.row.policy)
    if winner is None:
        return held(case, HoldKind.CONFLICT, "F5", "changed-on-both-sides")
    return written(case, winner, "F5")


def _unseen(case: FieldCase) -> FieldDecision:
    """Decide a two-way field with a base that one side does not show: rows F6 and F6a."""
    hidden = case.hidden() or Side.HINT
    shown = case.print_of(hidden.other)
    if shown is None or not case.write_only(hidden):
        return nothing(case, "F6")
    if shown == case.base:
        return nothing(case, "F6a")
    return written(case, hidden.other, "F6a")


def _one_way(case: FieldCase) -> FieldDecision:
    """Decide a field that only Hint may change: Salesforce becomes what Hint says, whatever was edited there."""
    if case.hint is ABSENT:
        return nothing(case, "F6")
    hint_moved = case.base is None or case.print_of(Side.HINT) != case.base
    if case.salesforce is not ABSENT:
        return written(case, Side.HINT, "W2" if hint_moved else "W3")
    if not case.write_only(Side.SALESFORCE):
        return nothing(case, "F6")
    return written(case, Side.HINT, "F6a") if hint_moved else nothing(case, "F6a")


def merge_pair(
    table: FieldTable,
    hint: Snapshot,
    salesforce: Snapshot,
    memory: Remembers,
    mode: Mode,
    fp: Fingerprinter,
    *,
    constraints: Constraints = UNCONSTRAINED,
    choices: Choices = NO_CHOICES,
) -> PairPlan:
    """Plan everything that is to be done to one pair.

    Args:
        table: The mapping in force, without the fields that are paused (guard G5).
        hint: The patient as just read.
        salesforce: The contact as just read.
        memory: Base and holds of the link; `NO_MEMORY` for a pair that is not linked yet.
        mode: ORDINARY for a linked pair; a field without a base is then treated as RECOVERED.
        fp: The link's fingerprinter.
        constraints: What is true of the connection as a whole.
        choices: What a person, or a re-link, has settled for this pair.

    Returns:
        The plan. If it is frozen (guard G4), it decides nothing else.
    """
    base = memory.base
    if base and not choices.overlay_allowed and _is_overlay(hint, salesforce, base, fp):
        return PairPlan((), {}, {}, {}, frozen="G4")
    return _gathered(table, hint, salesforce, memory, mode, fp, constraints, choices)


def _gathered(
    table: FieldTable,
    hint: Snapshot,
    salesforce: Snapshot,
    memory: Remembers,
    mode: Mode,
    fp: Fingerprinter,
    constraints: Constraints,
    choices: Choices,
) -> PairPlan:
    base, holds, missing = memory.base, memory.holds, constraints.missing
    hint_values, salesforce_values = hint.values, salesforce.values
    records = _records(hint, salesforce, holds, fp) if holds else NO_RECORDS
    limits = constraints.sides.get(Side.SALESFORCE)
    agreed: dict[FieldName, Canonical] = {}
    filled: dict[FieldName, Canonical] = {}
    decisions: list[FieldDecision] = []
    others: list[FieldDecision] = []
    for row in table.rows:
        name = row.name
        patient = hint_values.get(name, ABSENT)
        if base and row.kind is _PHONE and hint.phones and patient is not ABSENT:
            patient = mapped_phone(row, hint, base, fp)  # without a base it is the first of its type, as shown
        contact = salesforce_values.get(name, ABSENT)
        if patient == contact and patient is not ABSENT and name not in missing:
            decision = _equal(row, patient, base.get(name), fp)
            decisions.append(decision)
            if decision.effect is _AGREE:
                agreed[name] = patient
            continue
        stale = base.get(stale_name(name)) if base else None
        if stale is None and not (name in base or name in holds or name in missing or name in choices.inherited):
            short = _filled(row, patient, contact, limits)
            if short is not None and patient is not ABSENT:
                decisions.append(short)
                filled[name] = patient
                continue
        hold = holds.get(name)
        noted = base.get(noted_name(name)) if row.write_only else None
        case = FieldCase(row, patient, contact, base.get(name), hold, noted, fp, constraints, records, stale)
        decision = _decide(case, mode, choices)
        others.append(decision)
        decisions.append(decision if decision.hold else _bare(name, decision.row, decision.effect))
    return _plan(tuple(decisions), others, agreed, filled, table, hint, base, holds, fp)


def _filled(row: FieldMapping, patient: Seen, contact: Seen, limits: FieldLimits | None) -> FieldDecision | None:
    """Decide at once what a first sync comes to most often: a value of Hint's that Salesforce takes (rows I4, W2).

    Args:
        row: The field, which has neither base nor hold.
        patient: What Hint shows.
        contact: What Salesforce shows, which is something else.
        limits: What Salesforce says of its fields.

    Returns:
        What the long way would decide, the value left out, or None where it must be taken.
    """
    if patient is None or patient is ABSENT or contact is ABSENT:
        return None
    both_ways = row.direction is _BOTH_WAYS
    if both_ways and contact is not None:
        return None
    name = row.name
    if limits is not None:
        if name in limits.read_only or name in limits.choices:
            return None
        if patient.__class__ is str and len(patient) > limits.max_length.get(name, len(patient)):
            return None
    return _bare(name, "I4" if both_ways else "W2", _TO_SALESFORCE)


def _records(
    hint: Snapshot, salesforce: Snapshot, holds: Mapping[FieldName, Hold], fp: Fingerprinter
) -> Mapping[Side, Fingerprint]:
    if all(hold.row != "F9" for hold in holds.values()):
        return NO_RECORDS
    return {snapshot.side: record_print(snapshot, fp) for snapshot in (hint, salesforce)}


def _plan(
    decisions: tuple[FieldDecision, ...],
    others: Sequence[FieldDecision],
    agreed: dict[FieldName, Canonical],
    to_salesforce: dict[FieldName, Canonical],
    table: FieldTable,
    hint: Snapshot,
    base: Base,
    holds: Mapping[FieldName, Hold],
    fp: Fingerprinter,
) -> PairPlan:
    """Sort the other decisions by what they ask for; the quick ones are in `agreed` and `to_salesforce` already."""
    to_hint: dict[FieldName, Canonical] = {}
    new_holds: dict[FieldName, Hold] = {}
    noted: dict[str, Fingerprint] = {}
    for decision in others:
        effect = decision.effect
        if effect is Effect.AGREE:
            agreed[decision.field] = decision.value
        elif effect is Effect.WRITE_SALESFORCE:
            to_salesforce[decision.field] = decision.value
        elif effect is Effect.WRITE_HINT:
            to_hint[decision.field] = decision.value
        elif effect is Effect.HOLD and decision.hold is not None and decision.hold != holds.get(decision.field):
            new_holds[decision.field] = decision.hold
        if decision.noted is not None:
            noted[noted_name(decision.field)] = decision.noted
    writes = {side: v for side, v in ((Side.HINT, to_hint), (Side.SALESFORCE, to_salesforce)) if v}
    released = _released(decisions, holds) if holds else frozenset()
    replaced = _replaced_phones(table, hint, to_hint, base, fp) if to_hint and hint.phones else {}
    return PairPlan(decisions, writes, agreed, new_holds, released, None, noted, replaced)


def _released(decisions: tuple[FieldDecision, ...], holds: Mapping[FieldName, Hold]) -> frozenset[FieldName]:
    return frozenset(d.field for d in decisions if d.field in holds and d.effect is not Effect.HOLD)


def _replaced_phones(
    table: FieldTable, hint: Snapshot, to_hint: Mapping[FieldName, Canonical], base: Base, fp: Fingerprinter
) -> Mapping[FieldName, str]:
    """Name the entry of the list that each phone to be written takes the place of."""
    return {
        row.name: replaced_phone(row, hint, base, fp)
        for row in table.rows
        if row.kind is Kind.PHONE and row.name in to_hint
    }


def _is_overlay(hint: Snapshot, salesforce: Snapshot, base: Base, fp: Fingerprinter) -> bool:
    """Say whether one side's record was filled with another person (guard G4): name and birth date both left the base.

    If the two sides agree on all three fields nothing can spread any more, and a person may have set both right.
    """
    patient, contact = hint.values, salesforce.values
    if all(patient.get(name) == contact.get(name) for name in KEY_FIELDS):
        return False
    return any(_identity_moved(values, base, fp) for values in (patient, contact))


def _identity_moved(values: Mapping[FieldName, Seen], base: Base, fp: Fingerprinter) -> bool:
    def moved(name: FieldName) -> bool:
        value, known = values.get(name, ABSENT), base.get(name, base.get(stale_name(name)))
        return value is not ABSENT and known is not None and fp.of(name, value) != known

    return moved("birth_date") and (moved("first_name") or moved("last_name"))
