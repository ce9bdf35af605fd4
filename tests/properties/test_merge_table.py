"""T4 of the planner, one field at a time: every combination of a small domain, checked for the same few laws."""

from dataclasses import replace
from itertools import product

import pytest

from hintsync.core.fields import DEFAULT_MAPPING, ConflictPolicy, FieldMapping
from hintsync.core.merge import decide_field
from hintsync.core.plan import Effect, FieldDecision, Mode
from hintsync.core.policy import Constraints
from hintsync.core.records import Fingerprint, Hold
from hintsync.core.values import ABSENT, Seen, Side
from tests.core.pairs import PRINTS

VALUES: list[Seen] = [ABSENT, None, "a", "b", "c"]
CITY = DEFAULT_MAPPING["city"]
ROWS = [
    *(replace(CITY, policy=policy) for policy in ConflictPolicy),
    replace(CITY, clearable=False),
    *(replace(CITY, write_only=frozenset({side})) for side in Side),
]
ONE_WAY = replace(DEFAULT_MAPPING["insurance_payer"], name="city")

_SWAPPED_MODE = {
    Mode.FIRST_HINT_WINS: Mode.FIRST_SALESFORCE_WINS,
    Mode.FIRST_SALESFORCE_WINS: Mode.FIRST_HINT_WINS,
}
_SWAPPED_POLICY = {
    ConflictPolicy.HINT: ConflictPolicy.SALESFORCE,
    ConflictPolicy.SALESFORCE: ConflictPolicy.HINT,
}
_SWAPPED_EFFECT = {
    Effect.WRITE_HINT: Effect.WRITE_SALESFORCE,
    Effect.WRITE_SALESFORCE: Effect.WRITE_HINT,
}
#: Rows that are another's mirror image.
_SWAPPED_ROW = {"F2": "F3", "F3": "F2", "I3": "I4", "I4": "I3"}
_WRITTEN = {Effect.WRITE_HINT: Side.HINT, Effect.WRITE_SALESFORCE: Side.SALESFORCE}

Case = tuple[FieldMapping, Seen, Seen, Fingerprint | None, Mode, Fingerprint | None, Constraints]


def cases(rows: list[FieldMapping]) -> list[Case]:
    """Return every combination of values, base, mode, noted value and paused clears."""
    prints = [None, *(PRINTS.of("city", value) for value in (None, "a", "b"))]
    constraints = [Constraints(), Constraints(paused_clears=frozenset({"city"}))]
    return list(product(rows, VALUES, VALUES, prints, Mode, prints[:3], constraints))


def decide(case: Case, hold: Hold | None = None) -> FieldDecision:
    row, hint, salesforce, base, mode, noted, constraints = case
    seen = {Side.HINT: hint, Side.SALESFORCE: salesforce}
    return decide_field(row, seen, base, hold, PRINTS, mode=mode, noted=noted, constraints=constraints)


def swapped(case: Case) -> Case:
    row, hint, salesforce, base, mode, noted, constraints = case
    mirrored = replace(
        row,
        policy=_SWAPPED_POLICY.get(row.policy, row.policy),
        write_only=frozenset(side.other for side in row.write_only),
    )
    return mirrored, salesforce, hint, base, _SWAPPED_MODE.get(mode, mode), noted, constraints


def test_swapping_the_sides_swaps_the_decision() -> None:
    for case in cases(ROWS):
        one, other = decide(case), decide(swapped(case))
        assert other.effect is _SWAPPED_EFFECT.get(one.effect, one.effect), case
        assert other.row == _SWAPPED_ROW.get(one.row, one.row), case
        assert (other.value, other.noted) == (one.value, one.noted), case


@pytest.mark.parametrize("rows", [ROWS, [ONE_WAY]], ids=["two-way", "one-way"])
def test_a_write_only_ever_brings_what_the_other_side_shows(rows) -> None:
    for case in cases(rows):
        row, hint, salesforce, *_ = case
        decision = decide(case)
        target = _WRITTEN.get(decision.effect)
        if target is not None:
            source = salesforce if target is Side.HINT else hint
            assert source is not ABSENT, case
            assert decision.value == source, case
            shown = hint if target is Side.HINT else salesforce
            assert shown is not ABSENT or target in row.write_only, case
            assert decision.value is not None or row.clearable, case
        if row.one_way:
            assert decision.effect is not Effect.WRITE_HINT, case


@pytest.mark.parametrize("rows", [ROWS, [ONE_WAY]], ids=["two-way", "one-way"])
def test_carrying_a_decision_out_and_deciding_again_changes_nothing(rows) -> None:
    for case in cases(rows):
        decision = decide(case)
        again = decide(after(case, decision), decision.hold)
        assert again.effect in (Effect.NOTHING, Effect.HOLD), case
        assert again.hold == decision.hold, case
        assert again.noted is None, case


def after(case: Case, decision: FieldDecision) -> Case:
    """Return the case as it stands when the decision was carried out and remembered."""
    row, hint, salesforce, base, _, noted, constraints = case
    target = _WRITTEN.get(decision.effect)
    if target is Side.HINT and hint is not ABSENT:
        hint = decision.value
    if target is Side.SALESFORCE and salesforce is not ABSENT:
        salesforce = decision.value
    if target is not None or decision.effect is Effect.AGREE:
        base = PRINTS.of("city", decision.value)
    return row, hint, salesforce, base, Mode.ORDINARY, decision.noted or noted, constraints


def test_a_decision_never_leaves_two_shown_sides_apart_without_saying_so() -> None:
    for case in cases([*ROWS, ONE_WAY]):
        _, hint, salesforce, *_ = case
        if hint is ABSENT or salesforce is ABSENT or hint == salesforce:
            continue
        assert decide(case).effect in (Effect.HOLD, *_WRITTEN), case


def test_equal_values_are_agreement_whatever_the_base_the_mode_and_the_policy() -> None:
    for case in cases([*ROWS, ONE_WAY]):
        _, hint, salesforce, base, *_ = case
        if hint is ABSENT or hint != salesforce:
            continue
        expected = Effect.NOTHING if base == PRINTS.of("city", hint) else Effect.AGREE
        assert decide(case).effect is expected, case
