"""A plan at rest: fingerprints of what would be written, what of it is still approved, and the seal over all rows.

A dry run keeps no value. It keeps what it would write as fingerprints, and one hash over all its rows, which is what an
approval names. Carrying the plan out reads again, plans again, and does only what still has the approved fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.records import FieldName, Fingerprint, RecordId, Values
from hintsync.core.values import Side

#: Side to field to the fingerprint of the value that would be written there.
Prints: TypeAlias = Mapping[Side, Mapping[FieldName, Fingerprint]]


def prints_of(writes: Mapping[Side, Values], fp: Fingerprinter) -> dict[Side, dict[FieldName, Fingerprint]]:
    """Return the fingerprints of what would be written; a side without writes is missing."""
    return {
        side: {name: fp.of(name, value) for name, value in values.items()} for side, values in writes.items() if values
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """How a plan that was just made differs from the one approved, by side and field name, sorted."""

    #: Would be written now, with another value than approved or without any approval.
    unapproved: tuple[tuple[Side, FieldName], ...]
    #: Was approved and is not to be written any more (done by somebody, or held now).
    dropped: tuple[tuple[Side, FieldName], ...]

    @property
    def still_approved(self) -> bool:
        """Whether everything that would be written now was approved."""
        return not self.unapproved


def compare(approved: Prints, now: Prints) -> Difference:
    """Compare what was approved with what would be written now."""
    wanted, allowed = _flat(now), _flat(approved)
    unapproved = sorted(place for place, value in wanted.items() if allowed.get(place) != value)
    return Difference(tuple(unapproved), tuple(sorted(allowed.keys() - wanted.keys())))


def _flat(prints: Prints) -> dict[tuple[Side, FieldName], Fingerprint]:
    return {(side, name): value for side, fields in prints.items() for name, value in fields.items()}


def still_approved(approved: Prints, now: Prints) -> bool:
    """Say whether a plan writes nothing but what was approved; writing less is allowed."""
    return compare(approved, now).still_approved


class SealedRow(Protocol):
    """The part of a plan's row that its seal covers; `state.port.RunRow` has this shape."""

    @property
    def position(self) -> int:
        """Place in the run's input, from 0."""

    @property
    def side(self) -> Side:
        """Where the record is."""

    @property
    def record_id(self) -> RecordId:
        """The record."""

    @property
    def outcome(self) -> str:
        """What is to become of it."""

    @property
    def rule(self) -> str:
        """The row of the semantics that decided."""

    @property
    def peers(self) -> Sequence[RecordId]:
        """Whom it is linked with, or the candidates."""

    @property
    def held(self) -> Sequence[FieldName]:
        """Fields that wait."""

    @property
    def prints(self) -> Prints:
        """What would be written."""

    @property
    def versions(self) -> Mapping[Side, str]:
        """What it was decided on."""


class Sealer:
    """Hashes the rows of a plan as they come, so that a plan of any length is sealed in little memory."""

    def __init__(self, *parts: str) -> None:
        """Begin a seal; `parts` are what the plan as a whole depends on, such as the digest of the mapping."""
        self._hash = hashlib.sha256(_encoded(["hintsync-plan-1", *parts]))
        self._last = -1

    def add(self, row: SealedRow) -> None:
        """Take the next row.

        Raises:
            ValueError: the row does not come behind the one before; a plan is sealed in order of position.
        """
        if row.position <= self._last:
            raise ValueError(f"row {row.position} came behind row {self._last}")
        self._last = row.position
        self._hash.update(_encoded(_shape(row)))

    def seal(self) -> str:
        """Return the seal over all rows so far: 64 hexadecimal digits."""
        return self._hash.hexdigest()


def seal(rows: Iterable[SealedRow], *parts: str) -> str:
    """Return the seal over the rows of a plan, in order of position; equal plans have equal seals."""
    sealer = Sealer(*parts)
    for row in rows:
        sealer.add(row)
    return sealer.seal()


def _shape(row: SealedRow) -> list[object]:
    prints = sorted((side, name, value.hex()) for (side, name), value in _flat(row.prints).items())
    versions = sorted(row.versions.items())
    head = [row.position, row.side, row.record_id, row.outcome, row.rule]
    return [*head, list(row.peers), sorted(row.held), prints, versions]


def _encoded(shape: Sequence[object]) -> bytes:
    """Encode with a length in front, so that no two lists of rows run together to the same bytes."""
    text = json.dumps(shape, separators=(",", ":")).encode()
    return len(text).to_bytes(8, "big") + text
