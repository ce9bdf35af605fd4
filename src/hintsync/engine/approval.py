"""What a plan would write, as fingerprints, and whether that is what a person approved (semantics section 9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.plan import PairPlan
from hintsync.core.records import FieldName, Fingerprint, Values
from hintsync.core.values import Side

#: Side to field to the fingerprint of what would be written there.
Prints: TypeAlias = Mapping[Side, Mapping[FieldName, Fingerprint]]


def prints_of(writes: Mapping[Side, Values], fp: Fingerprinter) -> dict[Side, dict[FieldName, Fingerprint]]:
    """Return the fingerprints of what would be written."""
    return {side: {name: fp.of(name, value) for name, value in values.items()} for side, values in writes.items()}


def within(approved: Prints, plan: PairPlan, fp: Fingerprinter) -> bool:
    """Say whether a plan writes nothing that was not approved; writing less is fine, somebody may have done it already."""
    for side, prints in prints_of(plan.writes, fp).items():
        known = approved.get(side, {})
        if any(known.get(name) != value for name, value in prints.items()):
            return False
    return plan.frozen is None
