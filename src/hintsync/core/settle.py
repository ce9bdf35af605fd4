"""What is remembered after the writes: which base moves, which field is held because a side refused it (rows F8 and F9).

The base of a field moves only when the side that had to be written has acknowledged it, so a crash or a refusal leaves
the field where it was and the next pass decides it again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from hintsync.core.fields import FieldMapping, Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.phone_list import mapped_phone, rest_after
from hintsync.core.plan import PairPlan
from hintsync.core.policy import record_print
from hintsync.core.quick import quick
from hintsync.core.records import Base, FieldName, Fingerprint, Hold, HoldKind, Snapshot, Values
from hintsync.core.values import ABSENT, Canonical, Seen, Side

#: No fingerprints were made before.
NONE_KNOWN: Final[Mapping[FieldName, Fingerprint]] = {}


def before_name(field: FieldName) -> FieldName:
    """Return the pseudo-field under which a base remembers what Hint showed of a field before our latest live write."""
    return f"{field}#before"


@quick
@dataclass(frozen=True, slots=True)
class SideResult:
    """What became of a plan's writes on one side. A field in neither set was not tried, and stays as it was."""

    written: frozenset[FieldName] = frozenset()
    refused: frozenset[FieldName] = frozenset()
    #: Vendor code of the refusal.
    code: str = ""
    #: Whether the side named the fields it refuses (row F8), or took offence at the record as a whole (row F9).
    named: bool = True


@quick
@dataclass(frozen=True, slots=True)
class Remembered:
    """What a link's row must remember; has the shape of `state.port.LinkChange`."""

    base: Mapping[str, Fingerprint]
    #: Holds set (a value) or released (None).
    holds: Mapping[FieldName, Hold | None]


def without_refused(table: FieldTable, values: Values, refused: Collection[FieldName]) -> Values:
    """Return what may be written once more after a side named the fields it refuses (row F8).

    State and country go together: a state alone may belong to no country that the side knows.

    Returns:
        The other fields; empty if none is left or if the side named none of those written, which is row F9.
    """
    dropped = frozenset(refused) & frozenset(values)
    if not dropped:
        return {}
    regional = frozenset(row.name for row in table if row.kind in (Kind.STATE, Kind.COUNTRY))
    if dropped & regional:
        dropped |= regional
    return {name: value for name, value in values.items() if name not in dropped}


def not_kept(values: Values, shown: Mapping[FieldName, Seen]) -> frozenset[FieldName]:
    """Name the written fields that a record, read back, shows otherwise; one it does not show cannot be judged."""
    return frozenset(name for name, value in values.items() if shown.get(name, ABSENT) not in (ABSENT, value))


def acknowledged(
    plan: PairPlan,
    table: FieldTable,
    hint: Snapshot,
    salesforce: Snapshot,
    base: Base,
    results: Mapping[Side, SideResult],
    fp: Fingerprinter,
    known: Mapping[FieldName, Fingerprint] = NONE_KNOWN,
) -> Remembered:
    """Work out what the link remembers once both sides have answered.

    Args:
        plan: The plan that was carried out.
        table: The mapping it was made with.
        hint: The patient it was made on.
        salesforce: The contact it was made on.
        base: The base it was made on.
        results: What became of the writes; a side that is missing was not written (or its outcome is not known).
        fp: The link's fingerprinter.
        known: Fingerprints of all that the plan agrees on or writes, if they were made before.

    Returns:
        Base fields that move, and holds set or released. A hold whose write is not acknowledged is not released.
    """
    settled: dict[FieldName, Canonical] = dict(plan.agreed)
    holds: dict[FieldName, Hold | None] = dict(plan.holds)
    open_writes: set[FieldName] = set()
    snapshots = {Side.HINT: hint, Side.SALESFORCE: salesforce}
    for side, values in plan.writes.items():
        result = results.get(side, SideResult())
        left = values.keys() - result.written
        settled.update({name: value for name, value in values.items() if name not in left} if left else values)
        open_writes |= left
        for name in values.keys() & result.refused:
            holds[name] = _refused(table[name], side, snapshots, base, result, fp)
    holds.update(dict.fromkeys(plan.released - open_writes))
    moved = {name: known[name] for name in settled} if known else fp.of_each(settled)
    return Remembered({**plan.noted, **moved, **_rests(table, hint, settled, base, fp)}, holds)


def _rests(
    table: FieldTable, hint: Snapshot, settled: Values, base: Base, fp: Fingerprinter
) -> Mapping[str, Fingerprint]:
    """Return what is remembered of the numbers that stay in Hint's list beside a phone that is settled."""
    rests: dict[str, Fingerprint] = {}
    types = {entry.type for entry in hint.phones}
    for row in table.phones:
        value = settled.get(row.name, False)
        if not base and (value is not None or row.hint[0] not in types):  # nothing was left beside it, now or before
            continue
        if not isinstance(value, bool) and row.name in hint.values:
            left = rest_after(row, hint, value, base, fp)
            rests.update({name: fp.of(name, numbers) for name, numbers in left.items()})
    return rests


def _refused(
    row: FieldMapping,
    side: Side,
    snapshots: Mapping[Side, Snapshot],
    base: Base,
    result: SideResult,
    fp: Fingerprinter,
) -> Hold:
    """Hold a field that a side refused: until either value changes (F8), or the record that refused does (F9)."""
    seen = {s: print_shown(row, snapshots[s], base, fp) for s in Side}
    if not result.named:
        seen[side] = record_print(snapshots[side], fp)
    return Hold(HoldKind.REFUSED, "F8" if result.named else "F9", f"{side}:{result.code}", seen)


def print_shown(row: FieldMapping, snapshot: Snapshot, base: Base, fp: Fingerprinter) -> Fingerprint | None:
    """Return the fingerprint of what a record shows of a field, of the mapped entry where it is a phone of Hint's."""
    value = snapshot.values.get(row.name, ABSENT)
    if row.kind is Kind.PHONE and snapshot.phones and value is not ABSENT:
        value = mapped_phone(row, snapshot, base, fp)
    return None if value is ABSENT else fp.of(row.name, value)
