"""T4 of the planner, whole pairs: correlated triples of base, patient and contact over the shipped table."""

from collections.abc import Iterable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.fields import DEFAULT_MAPPING, Kind, Mapping
from hintsync.core.first_sync import noted_name
from hintsync.core.merge import Memory, decide_field, merge_pair
from hintsync.core.plan import Effect, FieldDecision, Mode
from hintsync.core.policy import Choices, Constraints
from hintsync.core.settle import SideResult, acknowledged
from hintsync.core.values import ABSENT, Canonical, Side
from hintsync.ports import Described
from tests.core.pairs import PRINTS, contact, patient

TWO_WAY = Mapping(tuple(row for row in DEFAULT_MAPPING if not row.one_way))
ALLOWED = Choices(overlay_allowed=True)
MODES = st.sampled_from(Mode)


def of_kind(kind: Kind) -> st.SearchStrategy[Canonical]:
    if kind is Kind.CHECKBOX:
        return st.booleans()
    return st.none() | st.sampled_from(["a", "b"]) | st.text("xyz", min_size=1, max_size=3)


@st.composite
def triples(draw: st.DrawFn, table: Mapping = DEFAULT_MAPPING):
    """Draw a patient, a contact and a base that mostly agree, as those of a real pair do."""
    hint, salesforce, base = {}, {}, {}
    for row in table:
        known = draw(of_kind(row.kind))
        for values in (hint, salesforce):
            values[row.name] = draw(of_kind(row.kind)) if draw(st.integers(0, 3)) == 0 else known
        if draw(st.integers(0, 4)):
            base[row.name] = PRINTS.of(row.name, known)
        if draw(st.integers(0, 9)) == 0:
            draw(st.sampled_from([hint, salesforce]))[row.name] = ABSENT
    return patient(hint), contact(salesforce), base


def carried_out(hint, salesforce, plan):
    """Return both sides as they are once the plan's writes were made; a side shows no field it did not show."""
    written = []
    for snapshot in (hint, salesforce):
        new = {
            name: value
            for name, value in plan.writes.get(snapshot.side, {}).items()
            if snapshot.values[name] is not ABSENT
        }
        written.append(replace(snapshot, values={**snapshot.values, **new}))
    return written


@given(triples(), MODES)
def test_a_plan_carried_out_leaves_nothing_to_plan(triple, mode) -> None:
    hint, salesforce, base = triple
    plan = merge_pair(DEFAULT_MAPPING, hint, salesforce, Memory(base, {}), mode, PRINTS, choices=ALLOWED)
    results = {side: SideResult(frozenset(values)) for side, values in plan.writes.items()}
    done = acknowledged(plan, DEFAULT_MAPPING, hint, salesforce, base, results, PRINTS)
    memory = Memory({**base, **done.base}, {name: hold for name, hold in done.holds.items() if hold is not None})
    again = merge_pair(
        DEFAULT_MAPPING, *carried_out(hint, salesforce, plan), memory, Mode.ORDINARY, PRINTS, choices=ALLOWED
    )
    assert again.changes_nothing


@given(triples(), MODES)
def test_a_plan_whose_outcome_was_forgotten_is_found_to_be_done(triple, mode) -> None:
    hint, salesforce, base = triple
    plan = merge_pair(DEFAULT_MAPPING, hint, salesforce, Memory(base, {}), mode, PRINTS, choices=ALLOWED)
    sides = carried_out(hint, salesforce, plan)
    again = merge_pair(DEFAULT_MAPPING, *sides, Memory(base, {}), mode, PRINTS, choices=ALLOWED)
    hidden = {n for n in DEFAULT_MAPPING.names if ABSENT in (hint.values[n], salesforce.values[n])}
    written = {name: value for values in plan.writes.values() for name, value in values.items() if name not in hidden}
    assert {name for values in again.writes.values() for name in values} <= hidden
    moved = {name: value for name, value in written.items() if base.get(name) != PRINTS.of(name, value)}
    assert again.agreed == {**plan.agreed, **moved}, "a mirror that was put back is where its base says"


@given(triples(TWO_WAY), st.sampled_from([Mode.ORDINARY, Mode.RECOVERED]))
def test_swapping_the_sides_swaps_the_plan(triple, mode) -> None:
    hint, salesforce, base = triple
    table = Mapping(tuple(replace(row, write_only=frozenset(side.other for side in row.write_only)) for row in TWO_WAY))
    plan = merge_pair(TWO_WAY, hint, salesforce, Memory(base, {}), mode, PRINTS)
    mirrored = merge_pair(table, patient(salesforce.values), contact(hint.values), Memory(base, {}), mode, PRINTS)
    assert mirrored.writes == {side.other: values for side, values in plan.writes.items()}
    assert (mirrored.agreed, mirrored.frozen, mirrored.held) == (plan.agreed, plan.frozen, plan.held)


@given(triples(), MODES, st.randoms(use_true_random=False))
def test_the_order_of_the_table_does_not_matter(triple, mode, random) -> None:
    hint, salesforce, base = triple
    rows = list(DEFAULT_MAPPING)
    random.shuffle(rows)
    one = merge_pair(DEFAULT_MAPPING, hint, salesforce, Memory(base, {}), mode, PRINTS)
    other = merge_pair(Mapping(tuple(rows)), hint, salesforce, Memory(base, {}), mode, PRINTS)
    assert (one.writes, one.agreed, one.holds, one.noted) == (other.writes, other.agreed, other.holds, other.noted)


@given(triples(), MODES)
def test_carrying_out_one_side_first_comes_to_the_same_end(triple, mode) -> None:
    hint, salesforce, base = triple
    plan = merge_pair(DEFAULT_MAPPING, hint, salesforce, Memory(base, {}), mode, PRINTS, choices=ALLOWED)
    both = carried_out(hint, salesforce, plan)
    for side in Side:
        half = replace(plan, writes={side: plan.writes[side]} if side in plan.writes else {})
        sides = carried_out(hint, salesforce, half)
        results = {side: SideResult(frozenset(half.writes.get(side, ())))}
        done = acknowledged(plan, DEFAULT_MAPPING, hint, salesforce, base, results, PRINTS)
        holds = {name: hold for name, hold in done.holds.items() if hold is not None}
        rest = merge_pair(DEFAULT_MAPPING, *sides, Memory({**base, **done.base}, holds), mode, PRINTS, choices=ALLOWED)
        assert carried_out(*sides, rest) == both


NAMES = st.sets(st.sampled_from(DEFAULT_MAPPING.names), max_size=4).map(frozenset)


@st.composite
def limits(draw: st.DrawFn) -> Constraints:
    """Draw what two systems say of their fields: some missing, some for reading only, short ones, picklists."""
    sides = {
        side: Described(
            "d",
            missing=draw(NAMES),
            read_only=draw(NAMES),
            max_length=dict.fromkeys(draw(NAMES), 1),
            choices=dict.fromkeys(draw(NAMES), frozenset({"a", "x"})),
        )
        for side in Side
        if draw(st.booleans())
    }
    return Constraints(sides, paused_clears=draw(NAMES), paused_phones=draw(st.booleans()))


@given(triples(), MODES, limits(), st.booleans(), NAMES)
def test_a_pair_is_decided_as_each_of_its_fields_alone(triple, mode, constraints, remembered, inherited) -> None:
    hint, salesforce, base = triple
    base = base if remembered else {}
    choices = Choices(overlay_allowed=True, inherited=inherited)
    pair = {"constraints": constraints, "choices": choices}
    plan = merge_pair(DEFAULT_MAPPING, hint, salesforce, Memory(base, {}), mode, PRINTS, **pair)
    alone = tuple(
        decide_field(
            row,
            {Side.HINT: hint.values[row.name], Side.SALESFORCE: salesforce.values[row.name]},
            base.get(row.name),
            None,
            PRINTS,
            mode=mode,
            noted=base.get(noted_name(row.name)) if row.write_only else None,
            **pair,
        )
        for row in DEFAULT_MAPPING
    )
    assert without_values(plan.decisions) == without_values(alone)
    told = {effect: {each.field: each.value for each in alone if each.effect is effect} for effect in Effect}
    written = {Side.HINT: told[Effect.WRITE_HINT], Side.SALESFORCE: told[Effect.WRITE_SALESFORCE]}
    assert plan.agreed == told[Effect.AGREE]
    assert plan.noted == {noted_name(each.field): each.noted for each in alone if each.noted is not None}
    assert plan.writes == {side: values for side, values in written.items() if values}


def without_values(decisions: Iterable[FieldDecision]) -> list[FieldDecision]:
    return [each._replace(value=None, noted=None) for each in decisions]
