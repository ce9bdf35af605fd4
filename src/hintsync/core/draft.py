"""What a record that is created from its peer is filled with, and what the new link remembers of it."""

from __future__ import annotations

from collections.abc import Mapping

from hintsync.core.fields import FieldMapping
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.policy import UNCONSTRAINED, Constraints, obstacle
from hintsync.core.records import FieldName, Fingerprint, Snapshot, Values
from hintsync.core.values import ABSENT, Canonical, Seen, Side


def draft_values(table: FieldTable, source: Snapshot, constraints: Constraints = UNCONSTRAINED) -> Values:
    """Return the values a new record takes from its peer: every non-blank field that its side may be given.

    Values that the side is known to refuse are left out; the first ordinary sync of the pair then holds them.
    """
    target = source.side.other
    values: dict[FieldName, Canonical] = {}
    for row in table:
        value = source.values.get(row.name, ABSENT)
        if value is not ABSENT and value is not None and _may_take(row, target, value, constraints):
            values[row.name] = value
    return values


def _may_take(row: FieldMapping, target: Side, value: Canonical, constraints: Constraints) -> bool:
    if row.one_way and target is Side.HINT:
        return False
    return not constraints.lacks(target, row.name) and obstacle(row, target, value, constraints) is None


def base_of_created(
    table: FieldTable, source: Snapshot, written: Values, fp: Fingerprinter
) -> Mapping[FieldName, Fingerprint]:
    """Return the base of a pair whose second record was just created from the first.

    Args:
        table: The mapping in force.
        source: The record it was created from.
        written: What the answer to the create acknowledged, a part of `draft_values`.
        fp: The new link's fingerprinter.

    Returns:
        The fields that were written, and those that are blank on both sides since the new record was given none. What
        was left out has no base yet.
    """
    base = {name: fp.of(name, value) for name, value in written.items()}
    for row in table:
        value: Seen = source.values.get(row.name, ABSENT)
        if value is None and not (row.one_way and source.side is Side.SALESFORCE):
            base[row.name] = fp.of(row.name, None)
    return base
