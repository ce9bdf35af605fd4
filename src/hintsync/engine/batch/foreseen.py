"""First syncs planned before the pair is linked, while its records wait for their turn.

What a first sync comes to follows from the two records, their ids and the settings. A batch that waits for its scan can
work that out as soon as both records were read. The plan is used only if, at the pair's turn, it would be made of the very
same things; else it is made anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct
from typing import NamedTuple, Protocol, cast

from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.fingerprints import SIZE, pair_salt
from hintsync.core.merge import NO_MEMORY, merge_pair
from hintsync.core.plan import Effect, FieldDecision, Mode, PairPlan
from hintsync.core.policy import NO_CHOICES, Choices, Constraints
from hintsync.core.quick import but, quick
from hintsync.core.records import FieldName, Fingerprint, LinkState, Snapshot, Values
from hintsync.core.values import ABSENT, Side
from hintsync.engine.context import Engine


class PairAtTurn(Protocol):
    """A pair at its turn; `pairs.Pair` has this shape."""

    @property
    def state(self) -> LinkState:
        """The link with its memory."""

    @property
    def hint(self) -> Snapshot:
        """The patient as read."""

    @property
    def salesforce(self) -> Snapshot:
        """The contact as read."""

    @property
    def mode(self) -> Mode:
        """How they are compared."""

    @property
    def choices(self) -> Choices:
        """What was settled for them."""


class Shape(NamedTuple):
    """What a plan decides without anybody's values; most pairs are decided like many others and share theirs."""

    decisions: tuple[FieldDecision, ...]
    #: Fields that are agreed on, and fields that are written to the contact.
    agreed: tuple[FieldName, ...]
    written: tuple[FieldName, ...]


@quick
@dataclass(frozen=True, slots=True)
class Foreseen:
    """A plan by which the contact is to show what the patient does, and all that it was made of besides the two ids.

    Kept as small as may be, for a batch holds some ten thousand: the values are the patient's.
    """

    shape: Shape
    noted: Mapping[str, Fingerprint]
    #: Fingerprints of all that the plan agrees on and writes, in that order, 16 bytes each.
    packed: bytes
    hint: Snapshot
    salesforce: Snapshot
    mode: Mode
    table: FieldTable
    constraints: Constraints

    def still_holds(self, engine: Engine, pair: PairAtTurn) -> bool:
        """Say whether a pair would be planned alike: the very same records and tables, and nothing remembered or chosen."""
        if pair.hint is not self.hint or pair.salesforce is not self.salesforce or pair.mode is not self.mode:
            return False
        if self.table is not engine.table or self.constraints is not engine.constraints():
            return False
        state = pair.state
        unburdened = not state.base and not state.holds and pair.choices is NO_CHOICES
        return unburdened and state.link.salt == pair_salt(self.salesforce.id, self.hint.id)

    def plan(self) -> PairPlan:
        """Return the plan."""
        return _like_hint(self.shape, self.hint, self.noted)

    def prints(self) -> dict[FieldName, Fingerprint]:
        """Return the fingerprints of what the plan agrees on and writes."""
        names = self.shape.agreed + self.shape.written
        return dict(zip(names, _layout(len(names)).unpack(self.packed), strict=True))


def sharing(snapshot: Snapshot, other: Snapshot) -> Snapshot:
    """Return a snapshot that holds, where it equals another one, that one's very values: a pair takes a third less memory."""
    theirs = other.values
    values = {
        name: theirs[name] if name in theirs and theirs[name] == value else value
        for name, value in snapshot.values.items()
    }
    return but(snapshot, values=values)


def foresee(engine: Engine, hint: Snapshot, salesforce: Snapshot, mode: Mode) -> Foreseen | None:
    """Plan the first sync of two records that may be linked soon; pure but for the engine's tables.

    Returns:
        The plan, unless it does more than to let the contact show what the patient does.
    """
    constraints = engine.constraints()
    fp = engine.fingerprinter(pair_salt(salesforce.id, hint.id))
    plan = merge_pair(engine.table, hint, salesforce, NO_MEMORY, mode, fp, constraints=constraints)
    if plan.holds:  # nor can what holds a field be shared
        return None
    shape = _shape(plan.decisions)
    again = _like_hint(shape, hint, plan.noted)
    if again != plan:
        return None
    values = {**again.agreed, **again.writes.get(Side.SALESFORCE, {})}
    packed = b"".join(fp.of_each(values).values())
    return Foreseen(shape, plan.noted, packed, hint, salesforce, mode, engine.table, constraints)


def _like_hint(shape: Shape, hint: Snapshot, noted: Mapping[str, Fingerprint]) -> PairPlan:
    """Return the plan of this shape in which every value is the patient's; if one is ABSENT, no plan is like it."""
    shown = hint.values
    agreed = cast("Values", {name: shown.get(name, ABSENT) for name in shape.agreed})
    written = cast("Values", {name: shown.get(name, ABSENT) for name in shape.written})
    return PairPlan(shape.decisions, {Side.SALESFORCE: written} if written else {}, agreed, {}, noted=noted)


@lru_cache(maxsize=1024)
def _shape(decisions: tuple[FieldDecision, ...]) -> Shape:
    """Return the shape of these decisions, one for all that are equal."""
    agreed, written = (
        tuple(each.field for each in decisions if each.effect is effect)
        for effect in (Effect.AGREE, Effect.WRITE_SALESFORCE)
    )
    return Shape(decisions, agreed, written)


@lru_cache(maxsize=128)
def _layout(count: int) -> Struct:
    return Struct(f"{SIZE}s" * count)
