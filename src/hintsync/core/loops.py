"""What becomes of a field that would be written in circles (guard G7): a two-way field is held, a one-way field is left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.plan import Effect, FieldDecision, PairPlan
from hintsync.core.records import Base, FieldName, Hold, HoldKind, Snapshot
from hintsync.core.settle import print_shown
from hintsync.core.values import Side

#: Reason of the hold.
IN_CIRCLES = "written-in-circles"


def without_loops(
    plan: PairPlan,
    names: Collection[FieldName],
    table: FieldTable,
    hint: Snapshot,
    salesforce: Snapshot,
    base: Base,
    fp: Fingerprinter,
) -> PairPlan:
    """Take fields out of a plan's writes.

    Args:
        plan: The plan as it was made.
        names: The fields (`guards.find_loops`).
        table: The mapping it was made with.
        hint: The patient it was made on.
        salesforce: The contact it was made on.
        base: The base it was made on.
        fp: The link's fingerprinter.

    Returns:
        The plan with the two-way fields among them held until either side shows something else; one-way fields stay as
        they are, and are decided anew by the next pass.
    """
    cut = frozenset(name for values in plan.writes.values() for name in values if name in names)
    holds = {name: _hold(name, table, hint, salesforce, base, fp) for name in sorted(cut) if not table[name].one_way}
    writes = {
        side: {name: value for name, value in values.items() if name not in cut} for side, values in plan.writes.items()
    }
    return replace(
        plan,
        decisions=tuple(_decision(each, cut, holds.get(each.field)) for each in plan.decisions),
        writes={side: values for side, values in writes.items() if values},
        holds={**plan.holds, **holds},
        released=plan.released - cut,
        replaced_phones={name: number for name, number in plan.replaced_phones.items() if name not in cut},
    )


def _hold(
    name: FieldName, table: FieldTable, hint: Snapshot, salesforce: Snapshot, base: Base, fp: Fingerprinter
) -> Hold:
    seen = {each.side: print_shown(table[name], each, base, fp) for each in (hint, salesforce)}
    return Hold(HoldKind.LOOP, "G7", IN_CIRCLES, {side: seen[side] for side in Side})


def _decision(decision: FieldDecision, cut: Collection[FieldName], hold: Hold | None) -> FieldDecision:
    if decision.field not in cut:
        return decision
    return FieldDecision(decision.field, "G7", Effect.NOTHING if hold is None else Effect.HOLD, hold=hold)
