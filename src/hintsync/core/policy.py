"""What stands in the way of a write that was decided, and when a field that waits is judged anew.

The merge says what a field should become; this module says whether it may: clears that a field does not allow or that
are paused (row F7), values that a side is known not to take (row F8, before the side has to refuse them), phone writes
that are paused. Holds that follow from such a rule are worked out anew at every pass, so that they end with the rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Final, NamedTuple, Protocol

from hintsync.core.fields import FieldMapping, Kind
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.plan import Effect, FieldDecision
from hintsync.core.records import FieldName, Fingerprint, Hold, HoldKind, Snapshot
from hintsync.core.values import ABSENT, Canonical, Seen, Side


class FieldLimits(Protocol):
    """What a side says of its own fields; `ports.Described` has this shape."""

    @property
    def missing(self) -> frozenset[FieldName]:
        """Fields the side does not have, or that we may not read."""

    @property
    def read_only(self) -> frozenset[FieldName]:
        """Fields we may read but not write."""

    @property
    def max_length(self) -> Mapping[FieldName, int]:
        """Longest text a field takes, in characters, where the side says so."""

    @property
    def choices(self) -> Mapping[FieldName, frozenset[str]]:
        """Canonical values a restricted picklist takes, where there is one."""


@dataclass(frozen=True)
class Constraints:
    """What is true of a connection as a whole: made once a pass, used for every pair."""

    sides: Mapping[Side, FieldLimits] = field(default_factory=dict)
    #: Fields whose first clear was not kept by a side (row F7).
    paused_clears: frozenset[FieldName] = frozenset()
    #: Hint did not keep the first phone entry as it was sent (section 1).
    paused_phones: bool = False
    #: Kinds of hold that are judged anew whatever was seen, such as REFUSED after the org's describe changed (row F9).
    reopened: frozenset[HoldKind] = frozenset()

    @cached_property
    def missing(self) -> frozenset[FieldName]:
        """The fields that one side or the other does not have."""
        return frozenset().union(*(limits.missing for limits in self.sides.values()))

    def lacks(self, side: Side, name: FieldName) -> bool:
        """Say whether a side does not have the field at all."""
        return name in self.missing and side in self.sides and name in self.sides[side].missing


UNCONSTRAINED = Constraints()


@dataclass(frozen=True, slots=True)
class Choices:
    """What a person, or a re-link, has settled for one pair before it is merged."""

    #: Held fields for which a person chose the side to be kept; used only while both sides show what the person saw.
    winners: Mapping[FieldName, Side] = field(default_factory=dict)
    #: Fields whose contact value came from the patient of the link before: the new patient's value is taken (row U3).
    inherited: frozenset[FieldName] = frozenset()
    #: Fingerprints of those values as the contact showed them when it was re-linked: one that was edited since is no
    #: former patient's any more. A field without one is taken as it stands.
    inherited_as: Mapping[FieldName, Fingerprint] = field(default_factory=dict)
    #: A person looked at the changed name and birth date and allows them (guard G4).
    overlay_allowed: bool = False


NO_CHOICES = Choices()


#: No record prints were needed (`FieldCase.records`).
NO_RECORDS: Final[Mapping[Side, Fingerprint]] = MappingProxyType({})


class FieldCase(NamedTuple):
    """One field of one pair, as it is put to the decision tables."""

    row: FieldMapping
    hint: Seen
    salesforce: Seen
    #: Fingerprint both sides last agreed on; None if there is none yet.
    base: Fingerprint | None
    hold: Hold | None
    #: Fingerprint of the visible side's value when the other, write-only one was left alone (row I6).
    noted: Fingerprint | None
    fp: Fingerprinter
    constraints: Constraints
    #: Fingerprint of each side's whole record; only needed where a hold of row F9 is to be judged.
    records: Mapping[Side, Fingerprint] = NO_RECORDS
    #: Fingerprint both sides agreed on when the backup was taken that the link comes from (`first_sync.stale_name`).
    stale: Fingerprint | None = None

    def shown(self, side: Side) -> Seen:
        """Return what one side showed."""
        return self.hint if side is Side.HINT else self.salesforce

    def print_of(self, side: Side) -> Fingerprint | None:
        """Return the fingerprint of what one side showed; None if it was ABSENT."""
        value = self.shown(side)
        return None if value is ABSENT else self.fp.of(self.row.name, value)

    def hidden(self) -> Side | None:
        """Return the side that showed nothing: Hint, if neither did."""
        if self.hint is ABSENT:
            return Side.HINT
        return Side.SALESFORCE if self.salesforce is ABSENT else None

    def write_only(self, side: Side) -> bool:
        """Say whether a side takes the field although it never shows it (row F6a)."""
        return side in self.row.write_only and not self.constraints.lacks(side, self.row.name)


#: Reasons of holds that follow from a rule alone; they are worked out anew at every pass.
READ_ONLY = "read-only"
TOO_LONG = "too-long"
NOT_A_CHOICE = "not-a-choice"
_BY_RULE = frozenset({READ_ONLY, TOO_LONG, NOT_A_CHOICE})

_PLAIN_TEXT = frozenset({Kind.TEXT, Kind.EMAIL, Kind.STREET})
_WRITE = {Side.HINT: Effect.WRITE_HINT, Side.SALESFORCE: Effect.WRITE_SALESFORCE}


def nothing(case: FieldCase, rule: str, noted: Fingerprint | None = None) -> FieldDecision:
    """Decide that a field stays as it is."""
    return FieldDecision(case.row.name, rule, Effect.NOTHING, noted=noted)


def held(case: FieldCase, kind: HoldKind, rule: str, reason: str) -> FieldDecision:
    """Decide that a field waits, with what was seen, so that it is judged anew once either side differs."""
    seen = {side: case.print_of(side) for side in Side}
    return FieldDecision(case.row.name, rule, Effect.HOLD, hold=Hold(kind, rule, reason, seen))


def written(case: FieldCase, winner: Side, rule: str) -> FieldDecision:
    """Decide that one side's value is written to the other, or is held if something stands in the way.

    A clear carries row F7 in place of F2 or F3; one that a conflict's policy or a re-link decides keeps their row.
    """
    value = case.shown(winner)
    assert value is not ABSENT, "a side that showed nothing cannot win"
    target = winner.other
    if value is None and rule in ("F2", "F3"):
        rule = "F7"
    in_the_way = obstacle(case.row, target, value, case.constraints)
    if in_the_way is not None:
        return held(case, *in_the_way)
    return FieldDecision(case.row.name, rule, _WRITE[target], value)


class Obstacle(NamedTuple):
    """Why a side will not be written, as the hold that it becomes."""

    kind: HoldKind
    rule: str
    reason: str


def obstacle(row: FieldMapping, target: Side, value: Canonical, constraints: Constraints) -> Obstacle | None:
    """Return what stands in the way of writing a value to a side; None if nothing does."""
    limits = constraints.sides.get(target)
    if limits is not None and row.name in limits.read_only:
        return Obstacle(HoldKind.REFUSED, "F8", READ_ONLY)
    if row.kind is Kind.PHONE and target is Side.HINT and constraints.paused_phones:
        return Obstacle(HoldKind.UNVERIFIED, "F7" if value is None else "F8", "phone-writes-paused")
    if value is None:
        return _clear_obstacle(row, constraints)
    if limits is not None and isinstance(value, str):
        return _value_obstacle(row, value, limits)
    return None


def _clear_obstacle(row: FieldMapping, constraints: Constraints) -> Obstacle | None:
    if not row.clearable:
        return Obstacle(HoldKind.CLEAR, "F7", "clear-not-allowed")
    if row.name in constraints.paused_clears:
        return Obstacle(HoldKind.UNVERIFIED, "F7", "clears-paused")
    return None


def _value_obstacle(row: FieldMapping, value: str, limits: FieldLimits) -> Obstacle | None:
    if row.kind in _PLAIN_TEXT and len(value) > limits.max_length.get(row.name, len(value)):
        return Obstacle(HoldKind.REFUSED, "F8", TOO_LONG)
    if value not in limits.choices.get(row.name, (value,)):
        return Obstacle(HoldKind.REFUSED, "F8", NOT_A_CHOICE)
    return None


def still_waits(case: FieldCase) -> bool:
    """Say whether the field's hold goes on: nobody changed either side since it was set.

    A side that shows nothing has no say, so it ends no hold. A side that refused the whole record (row F9) is compared by
    the record. Holds that follow from a rule never wait by themselves.
    """
    hold = case.hold
    if hold is None:
        return False
    if hold.kind is HoldKind.UNVERIFIED or hold.reason in _BY_RULE or hold.kind in case.constraints.reopened:
        return False
    return all(_as_held(case, hold, side) for side in Side)


def _as_held(case: FieldCase, hold: Hold, side: Side) -> bool:
    then, now = hold.seen.get(side), case.print_of(side)
    if hold.row == "F9":
        return then in (now, case.records.get(side))
    return now is None or now == then


def record_print(snapshot: Snapshot, fp: Fingerprinter) -> Fingerprint:
    """Return a fingerprint that moves when anything in the record does, fields that are not mapped included."""
    return fp.of_all({**snapshot.values, "/stamp": snapshot.stamp})
