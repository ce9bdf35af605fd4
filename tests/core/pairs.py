"""Small pairs of invented people for the tests of the decisions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hintsync.core.fields import DEFAULT_MAPPING, FieldMapping
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.merge import Memory, decide_field
from hintsync.core.plan import FieldDecision, Mode
from hintsync.core.records import FieldName, Fingerprint, Hold, PhoneEntry, Snapshot
from hintsync.core.values import Canonical, Seen, Side

PRINTS = Fingerprinter(b"k" * 32, b"003A:pat-1")

#: Stands for "there is no base", since a base may well be blank.
UNSET = object()


def patient(values: Mapping[FieldName, Seen], *, phones: tuple[PhoneEntry, ...] = (), stamp: str = "h1") -> Snapshot:
    return Snapshot(Side.HINT, "pat-1", stamp, values, phones=phones)


def contact(values: Mapping[FieldName, Seen], *, stamp: str = "s1") -> Snapshot:
    return Snapshot(Side.SALESFORCE, "003A", stamp, values)


def prints_of(values: Mapping[FieldName, Canonical]) -> dict[FieldName, Fingerprint]:
    return {name: PRINTS.of(name, value) for name, value in values.items()}


def memory(values: Mapping[FieldName, Canonical], holds: Mapping[FieldName, Hold] | None = None) -> Memory:
    return Memory(prints_of(values), holds or {})


def decide(
    field: FieldName | FieldMapping,
    hint: Seen,
    salesforce: Seen,
    base: Any = UNSET,
    *,
    hold: Hold | None = None,
    mode: Mode = Mode.ORDINARY,
    noted: Any = UNSET,
    **more: Any,
) -> FieldDecision:
    """Decide one field of the shipped table, the base given as a value."""
    row = DEFAULT_MAPPING[field] if isinstance(field, str) else field
    return decide_field(
        row,
        {Side.HINT: hint, Side.SALESFORCE: salesforce},
        None if base is UNSET else PRINTS.of(row.name, base),
        hold,
        PRINTS,
        mode=mode,
        noted=None if noted is UNSET else PRINTS.of(row.name, noted),
        **more,
    )
