"""What stands in the way of a decided write, and how long it does (rows F7 to F9)."""

import pytest

from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.merge import Memory, merge_pair
from hintsync.core.plan import Effect, Mode
from hintsync.core.policy import Constraints, record_print
from hintsync.core.records import Hold, HoldKind
from hintsync.core.values import Side
from tests.core.pairs import PRINTS, contact, decide, patient, prints_of
from tests.core.test_merge import Limits


def limited(**limits) -> Constraints:
    return Constraints({Side.SALESFORCE: Limits(**limits)})


@pytest.mark.parametrize(
    ("field", "value", "constraints", "reason"),
    [
        ("city", "Elko", limited(read_only=frozenset({"city"})), "read-only"),
        ("city", "Elko", limited(max_length={"city": 3}), "too-long"),
        ("gender", "x", limited(choices={"gender": frozenset({"male", "female"})}), "not-a-choice"),
    ],
)
def test_f8_a_value_that_a_side_is_known_to_refuse_is_held_without_asking_it(field, value, constraints, reason) -> None:
    decision = decide(field, value, "old", "old", constraints=constraints)
    assert decision.hold is not None
    assert (decision.row, decision.hold.kind, decision.hold.reason) == ("F8", HoldKind.REFUSED, reason)


def test_f8_a_hold_by_rule_ends_with_the_rule_and_stays_the_same_until_then() -> None:
    constraints = limited(max_length={"city": 3})
    hold = decide("city", "Elko", "old", "old", constraints=constraints).hold
    assert decide("city", "Elko", "old", "old", hold=hold, constraints=constraints).hold == hold
    assert decide("city", "Elko", "old", "old", hold=hold).effect is Effect.WRITE_SALESFORCE


def test_f8_limits_of_one_side_do_not_bind_the_other() -> None:
    assert decide("city", "old", "Elko", "old", constraints=limited(max_length={"city": 3})).value == "Elko"


def test_f8_the_length_of_a_form_we_do_not_write_ourselves_is_not_judged() -> None:
    assert decide("mobile_phone", "+14155550132", None, None, constraints=limited(max_length={"mobile_phone": 5})).value


def refused(reason: str = "salesforce:STRING_TOO_LONG") -> Hold:
    seen = {Side.HINT: PRINTS.of("city", "Elko"), Side.SALESFORCE: PRINTS.of("city", "old")}
    return Hold(HoldKind.REFUSED, "F8", reason, seen)


def test_f8_a_refused_value_waits_until_either_side_changes() -> None:
    assert decide("city", "Elko", "old", "old", hold=refused()).effect is Effect.HOLD
    assert decide("city", "Ely", "old", "old", hold=refused()).value == "Ely"
    assert decide("city", "Elko", "Elko", "old", hold=refused()).effect is Effect.AGREE


def test_f9_refused_fields_are_tried_again_when_the_describe_changed() -> None:
    again = Constraints(reopened=frozenset({HoldKind.REFUSED}))
    assert decide("city", "Elko", "old", "old", hold=refused(), constraints=again).effect is Effect.WRITE_SALESFORCE


def test_f9_a_refused_record_is_tried_again_when_anything_in_it_changed() -> None:
    base = prints_of({"city": "old", "zip": "1"})
    hint = patient({"city": "Elko", "zip": "1"})
    then = contact({"city": "old", "zip": "1"}, stamp="s1")
    seen = {Side.HINT: PRINTS.of("city", "Elko"), Side.SALESFORCE: record_print(then, PRINTS)}
    hold = Hold(HoldKind.REFUSED, "F9", "salesforce:FIELD_CUSTOM_VALIDATION_EXCEPTION", seen)

    def plan(now):
        return merge_pair(DEFAULT_MAPPING, hint, now, Memory(base, {"city": hold}), Mode.ORDINARY, PRINTS)

    assert plan(then).changes_nothing
    stamped = contact({"city": "old", "zip": "1"}, stamp="s2")
    assert plan(stamped).writes == {Side.SALESFORCE: {"city": "Elko"}}, (
        "a field that is not mapped may have been put right"
    )


def test_phone_writes_to_hint_pause_and_those_to_salesforce_go_on() -> None:
    paused = Constraints(paused_phones=True)
    assert decide("home_phone", "+1", "+2", "+1", constraints=paused).effect is Effect.HOLD
    assert decide("home_phone", "+1", None, "+1", constraints=paused).effect is Effect.HOLD
    assert decide("home_phone", "+1", "+2", "+2", constraints=paused).effect is Effect.WRITE_SALESFORCE
    assert decide("city", "Elko", "Ely", "Elko", constraints=paused).effect is Effect.WRITE_HINT
