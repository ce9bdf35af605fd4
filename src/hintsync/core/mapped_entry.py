"""Which entry of Hint's phone list a phone field stands for, and what is remembered beside a base.

Hint keeps any number of phones of one type. The entry that belongs to the link is the one whose fingerprint is the base,
else the first of its type. When that entry was cleared on our account, the others of its type stay in the list and must
not slip into its place: a fingerprint of the rest is kept beside the base, and as long as the rest is unchanged the field
counts as blank.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hintsync.core.fields import FieldMapping
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.records import Base, FieldName, Fingerprint, PhoneEntry, Snapshot

#: In `PairPlan.replaced_phones`: no entry of the list is replaced, the number is added to it.
APPENDED: Final = ""


def noted_name(field: FieldName) -> str:
    """Return the name under which the visible value of a write-only field is remembered (row I6)."""
    return f"{field}/noted"


def rest_name(field: FieldName) -> str:
    """Return the name under which the phones left beside a cleared entry are remembered."""
    return f"{field}/rest"


def mapped_entry(row: FieldMapping, hint: Snapshot, base: Base, fp: Fingerprinter) -> PhoneEntry | None:
    """Find the entry of the phone list that a field stands for.

    Args:
        row: A phone field; its first Hint key is the entries' type.
        hint: The patient, with the whole list.
        base: The link's base.
        fp: The link's fingerprinter.

    Returns:
        The entry; None if there is none of that type, or if all that are left were left over by a clear.
    """
    of_type = _of_type(row, hint)
    if not of_type:
        return None
    agreed = base.get(row.name)
    left_over = base.get(rest_name(row.name))
    if agreed is None or (len(of_type) == 1 and left_over is None):
        return of_type[0]
    for entry in of_type:
        if fp.of(row.name, entry.canonical) == agreed:
            return entry
    if left_over is not None and agreed == fp.of(row.name, None) and left_over == _print_of(row.name, of_type, fp):
        return None
    return of_type[0]


def rest_print(row: FieldMapping, hint: Snapshot, base: Base, fp: Fingerprinter) -> Fingerprint:
    """Return the fingerprint of the entries that stay when the mapped one is removed; order does not matter."""
    mapped = mapped_entry(row, hint, base, fp)
    return _print_of(row.name, (entry for entry in _of_type(row, hint) if entry is not mapped), fp)


def _of_type(row: FieldMapping, hint: Snapshot) -> list[PhoneEntry]:
    return [entry for entry in hint.phones if entry.type == row.hint[0]]


def _print_of(field: FieldName, entries: Iterable[PhoneEntry], fp: Fingerprinter) -> Fingerprint:
    numbers = sorted(entry.canonical or "" for entry in entries)
    return fp.of(rest_name(field), "\x1e".join(numbers) or None)
