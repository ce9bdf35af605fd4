"""A plain seeded runner of planner histories: one pair, edits on both sides, faults, and an oracle kept outside the planner.

The oracle knows only what people typed. When everything is quiet, each of their edits must be on both sides, or the field
must be held, or a later edit of the same field on the same side must have taken its place.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from hintsync.core.fields import DEFAULT_MAPPING, ConflictPolicy, FieldMapping, Kind, Mapping
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.merge import Memory, merge_pair
from hintsync.core.plan import Mode, PairPlan
from hintsync.core.policy import UNCONSTRAINED, Constraints
from hintsync.core.records import Fingerprint, Hold, Snapshot
from hintsync.core.settle import SideResult, acknowledged
from hintsync.core.values import ABSENT, Canonical, Seen, Side

#: One row of each behaviour. No birth date: guard G4 has tests of its own.
TABLE = Mapping(
    (
        DEFAULT_MAPPING["name_prefix"],
        DEFAULT_MAPPING["last_name"],
        DEFAULT_MAPPING["city"],
        replace(DEFAULT_MAPPING["email"], policy=ConflictPolicy.HINT),
        replace(DEFAULT_MAPPING["zip"], policy=ConflictPolicy.SALESFORCE),
        DEFAULT_MAPPING["street"],
        DEFAULT_MAPPING["insurance_payer"],
        DEFAULT_MAPPING["hipaa_authorization_accepted"],
    )
)
#: Passes after the last edit within which a pair must come to rest: write, and see that nothing is left.
PASSES_TO_REST = 3


class Broken(AssertionError):
    """A history broke a promise; the message names the seed, so that it can be run again."""


@dataclass
class Edit:
    """What a person typed, and whether it has reached both sides, or the queue, or was withdrawn."""

    value: Canonical
    done: bool = False


@dataclass
class World:
    """One pair of records, what is remembered of it, and the oracle."""

    rng: random.Random
    values: dict[Side, dict[str, Canonical]]
    base: dict[str, Fingerprint] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    #: The oracle: last edit of each field by side; and what both sides last showed together.
    edits: dict[tuple[Side, str], Edit] = field(default_factory=dict)
    together: dict[str, Canonical] = field(default_factory=dict)
    #: Fields written by a pass that was cut off before it could remember.
    forgotten: set[str] = field(default_factory=set)
    constraints: Constraints = UNCONSTRAINED
    merge: Callable[..., PairPlan] = merge_pair
    fresh: int = 0
    prints: Fingerprinter = field(default_factory=lambda: Fingerprinter(b"k" * 32, b"link"))

    def show(self, side: Side, hidden: frozenset[str]) -> Snapshot:
        """Return what a side shows, without the fields that are hidden in this pass and those it never shows."""
        shown: dict[str, Seen] = {}
        for row in TABLE:
            absent = row.name in hidden or side in row.write_only
            shown[row.name] = ABSENT if absent else self.values[side][row.name]
        return Snapshot(side, str(side), f"{self.fresh}", shown)

    def value_to_type(self, row: FieldMapping, side: Side) -> Canonical:
        """Return what a person types: something new, a copy of the other side, a blank, or an old value."""
        if row.kind is Kind.CHECKBOX:
            return self.rng.random() < 0.5
        self.fresh += 1
        new = f"v{self.fresh}"
        if row.name in self.forgotten:
            # An edit back to the value before a write that was forgotten cannot be told from no edit (decision 33).
            return new
        old = self.together.get(row.name)
        return self.rng.choice([new, new, new, None, self.values[side.other][row.name], old])

    def edit(self) -> None:
        """Let a person change a field on a side."""
        row, side = self.rng.choice(TABLE.rows), self.rng.choice(list(Side))
        if side in row.write_only:
            return
        value = self.value_to_type(row, side)
        if value == self.values[side][row.name]:
            return
        self.values[side][row.name] = value
        if not (row.one_way and side is Side.SALESFORCE):
            withdrawn = row.name in self.together and value == self.together[row.name]
            # Where nothing was ever agreed on, to empty one side is to choose the other (rows I3 and I4).
            chosen = value is None and row.name not in self.base
            self.edits[side, row.name] = Edit(value, done=withdrawn or chosen)

    def sync(self, mode: Mode, faults: float = 0.0) -> PairPlan:
        """Plan and carry out one pass; with a fault a side refuses fields, does not answer, or all is forgotten."""
        hidden = frozenset(row.name for row in TABLE if self.rng.random() < faults / 4)
        blind = self.rng.choice(list(Side))
        hint = self.show(Side.HINT, hidden if blind is Side.HINT else frozenset())
        contact = self.show(Side.SALESFORCE, hidden if blind is Side.SALESFORCE else frozenset())
        memory = Memory(dict(self.base), dict(self.holds))
        plan = self.merge(TABLE, hint, contact, memory, mode, self.prints, constraints=self.constraints)
        self.forgive_policies(plan)
        results = {side: self.write(side, plan, faults) for side in plan.writes}
        if self.rng.random() < faults:
            self.forgotten |= {name for values in plan.writes.values() for name in values}
            return plan
        remembered = acknowledged(plan, TABLE, hint, contact, memory.base, results, self.prints)
        self.base.update(remembered.base)
        for name, hold in remembered.holds.items():
            if hold is None:
                self.holds.pop(name, None)
            else:
                self.holds[name] = hold
        self.forgotten -= (
            remembered.base.keys()
        )  # a pass that could not see a field, or holds it, remembers nothing of it
        self.note()
        return plan

    def write(self, side: Side, plan: PairPlan, faults: float) -> SideResult:
        """Carry out a plan's writes on one side, or not, or in part."""
        values = plan.writes[side]
        dice = self.rng.random()
        if dice < faults / 2:
            return SideResult()
        refused: frozenset[str] = frozenset()
        if dice < faults:
            refused = frozenset(name for name in values if self.rng.random() < 0.5)
        written = values.keys() - refused
        self.values[side].update({name: values[name] for name in written})
        return SideResult(frozenset(written), refused, "REFUSED", named=self.rng.random() < 0.5)

    def note(self) -> None:
        """Let the oracle look at both sides after a pass."""
        for row in TABLE:
            name = row.name
            pair = [self.values[side][name] for side in Side]
            if pair[0] == pair[1]:
                self.together[name] = pair[0]
            for side in Side:
                edit = self.edits.get((side, name))
                if edit is not None and (pair[0] == pair[1] == edit.value or name in self.holds):
                    edit.done = True

    def forgive_policies(self, plan: PairPlan) -> None:
        """An edit that loses a conflict by its field's policy is not lost by accident, nor is one beside a forgotten write.

        The second looks like a conflict to the planner (decision 33); without a policy it is held.
        """
        for decision in plan.decisions:
            if decision.row == "F5":
                for side in Side:
                    if (side, decision.field) in self.edits:
                        self.edits[side, decision.field].done = True


def new_world(rng: random.Random, merge: Callable[..., PairPlan] = merge_pair) -> World:
    """Begin with a correlated pair: mostly equal, some blank, some different."""
    values: dict[Side, dict[str, Canonical]] = {side: {} for side in Side}
    for row in TABLE:
        for side in Side:
            choices: list[Canonical] = [None, "a", "a", "b"] if row.kind is not Kind.CHECKBOX else [False, True]
            values[side][row.name] = rng.choice(choices)
        if rng.random() < 0.5:
            values[Side.HINT][row.name] = values[Side.SALESFORCE][row.name]
    constraints = Constraints(paused_clears=frozenset({"street"})) if rng.random() < 0.2 else Constraints()
    return World(rng, values, constraints=constraints, merge=merge)


def run_history(seed: int, merge: Callable[..., PairPlan] = merge_pair) -> int:
    """Run one history and check it; return the number of passes.

    Args:
        seed: Names the history.
        merge: The planner under test.

    Raises:
        Broken: a promise was broken; the text names the seed.
    """
    rng = random.Random(seed)
    world = new_world(rng, merge)
    mode = rng.choice([Mode.FIRST_HINT_WINS, Mode.FIRST_SALESFORCE_WINS, Mode.RECOVERED])
    faults = rng.choice([0.0, 0.2])
    world.sync(mode)
    passes = 1
    for _ in range(rng.randrange(1, 8)):
        for _ in range(rng.randrange(3)):
            world.edit()
        world.sync(Mode.ORDINARY, faults)
        passes += 1
    passes += come_to_rest(world, seed)
    check(world, seed)
    return passes


def come_to_rest(world: World, seed: int) -> int:
    """Run passes without faults until one finds nothing to do; it must come soon, and stay that way."""
    passes = 1
    while not world.sync(Mode.ORDINARY).changes_nothing:
        passes += 1
        if passes > PASSES_TO_REST:
            raise Broken(f"seed {seed}: not at rest after {PASSES_TO_REST} passes")
    if not world.sync(Mode.ORDINARY).changes_nothing:
        raise Broken(f"seed {seed}: a pass at rest found something to do")
    return passes + 1


def check(world: World, seed: int) -> None:
    """Check that the pair agrees or waits, and that no edit was lost."""
    for row in TABLE:
        hint, contact = (world.values[side][row.name] for side in (Side.HINT, Side.SALESFORCE))
        if row.write_only or row.name in world.holds or hint == contact:
            continue
        raise Broken(f"seed {seed}: {row.name} differs and is not held")
    for (side, name), edit in world.edits.items():
        if edit.done or name in world.holds:
            continue
        if world.values[side.other][name] != edit.value or world.values[side][name] != edit.value:
            raise Broken(f"seed {seed}: an edit of {name} on {side} is lost")
