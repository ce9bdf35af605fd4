"""The Plan: everything a run would do, as frozen records. In memory it carries values; at rest (`core.seal`) it never does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from hintsync.core.quick import quick
from hintsync.core.records import FieldName, Fingerprint, Hold, RecordId, Values
from hintsync.core.values import Canonical, Side


class Mode(StrEnum):
    """How two snapshots of a pair are compared."""

    #: Three-way, against the base (semantics section 2).
    ORDINARY = "ordinary"
    #: No base yet (section 3): the winner's value is kept where both have one.
    FIRST_SALESFORCE_WINS = "first-salesforce-wins"
    FIRST_HINT_WINS = "first-hint-wins"
    #: Link found again, base lost or taken over: two values are held.
    RECOVERED = "recovered"


class Effect(StrEnum):
    """What a decision does to one field."""

    NOTHING = "nothing"
    WRITE_HINT = "write-hint"
    WRITE_SALESFORCE = "write-salesforce"
    #: The base moves to the value both sides show; nothing is written.
    AGREE = "agree"
    HOLD = "hold"


class FieldDecision(NamedTuple):
    """What was decided for one field of a pair, and by which row of the semantics.

    A named tuple rather than a frozen dataclass: half a million are made in a batch.
    """

    field: FieldName
    #: Row number of the semantics page: "F2", "I3", "W1", …
    row: str
    effect: Effect
    #: The value to write or to agree on; meaningless for NOTHING and HOLD.
    value: Canonical = None
    hold: Hold | None = None
    #: Fingerprint to be remembered beside the base (`core.first_sync.noted_name`) although nothing was agreed.
    noted: Fingerprint | None = None


@quick
@dataclass(frozen=True, slots=True)
class PairPlan:
    """Everything to be done to one pair: what to write where, what to agree on, what to hold."""

    #: One decision a field, in table order; empty when the pair is frozen. They leave out what `writes`, `agreed` and
    #: `noted` tell, so that most are shared by all pairs.
    decisions: tuple[FieldDecision, ...]
    #: Side to the canonical values to write there; a side without writes is missing.
    writes: Mapping[Side, Values]
    #: Fields whose base moves without a write.
    agreed: Values
    #: Holds to be set, new or changed; a hold that goes on waiting only shows in `decisions`.
    holds: Mapping[FieldName, Hold]
    #: Fields that were held and are decided now.
    released: frozenset[FieldName] = frozenset()
    #: Set when the pair as a whole must wait: a guard's name ("G4") and nothing else is done.
    frozen: str | None = None
    #: Fingerprints to be remembered in the base under pseudo-fields (`core.first_sync.noted_name`); nothing was agreed.
    noted: Mapping[str, Fingerprint] = field(default_factory=dict)
    #: For each phone to be written on Hint: the number it takes the place of (`core.phone_list.replaced_phone`).
    replaced_phones: Mapping[FieldName, str] = field(default_factory=dict)

    @property
    def writes_nothing(self) -> bool:
        """Whether no remote write follows."""
        return not self.writes

    @property
    def changes_nothing(self) -> bool:
        """Whether nothing follows at all: no write, no move of the base, no hold set or released, no freeze."""
        return not (self.writes or self.agreed or self.holds or self.released or self.noted or self.frozen)

    @property
    def held(self) -> tuple[FieldName, ...]:
        """The fields that wait, newly or still, in table order."""
        return tuple(decision.field for decision in self.decisions if decision.effect is Effect.HOLD)


class Outcome(StrEnum):
    """The outcome of one record of a run, in the words that results show (M16)."""

    LINKED = "linked"
    CREATED = "created"
    #: Already linked; got an ordinary sync.
    SYNCED = "synced"
    ALREADY_LINKED = "already linked"
    NO_MATCH = "no match"
    AMBIGUOUS = "ambiguous"
    CONTACT_ALREADY_SYNCED = "contact already synced"
    PATIENT_ALREADY_LINKED = "patient already linked"
    TO_REVIEW = "to review"
    INCOMPLETE = "incomplete"
    FIRST_NAME_NEEDED = "first name needed"
    PERSON_ACCOUNT = "person account"
    ARCHIVED = "archived"
    SUSPENDED = "suspended"
    FROZEN = "frozen"
    DECLINED = "declined"
    DUPLICATE_RULE = "duplicate rule"
    NOT_FOUND = "not found"
    BAD_ID = "bad id"
    REPEATED = "repeated"
    #: An approved plan no longer fits what was read.
    CHANGED_SINCE = "changed since"
    #: Parity check: the pair does not agree, and nothing waits for it.
    DIFFERS = "differs"
    FAILED = "failed"


@quick
@dataclass(frozen=True, slots=True)
class Match:
    """A match decision for one record: outcome, semantics row and the candidates it speaks of."""

    outcome: Outcome
    #: "L1" to "L14".
    row: str
    #: The one peer of LINKED / SYNCED, or the candidates that a reviewer must see.
    peers: tuple[RecordId, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """The price of a run in remote calls, and the seconds they take at the limits in force."""

    calls: Mapping[Side, int]
    seconds: float = 0.0
