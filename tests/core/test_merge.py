"""Rows F1 to F7 and W1 to W3: one field of a linked pair against its base; and guard G4."""

from dataclasses import replace

import pytest

from hintsync.core.fields import DEFAULT_MAPPING, ConflictPolicy, Mapping
from hintsync.core.merge import merge_pair
from hintsync.core.plan import Effect, Mode
from hintsync.core.policy import Choices, Constraints
from hintsync.core.records import Hold, HoldKind, PhoneEntry
from hintsync.core.values import ABSENT, Side
from tests.core.pairs import PRINTS, contact, decide, memory, patient

NOTHING, AGREE, HOLD = Effect.NOTHING, Effect.AGREE, Effect.HOLD
TO_HINT, TO_SALESFORCE = Effect.WRITE_HINT, Effect.WRITE_SALESFORCE


@pytest.mark.parametrize(
    ("hint", "salesforce", "base", "row", "effect", "value"),
    [
        pytest.param("Reno", "Reno", "Reno", "F1", NOTHING, None, id="nobody changed it"),
        pytest.param(None, None, None, "F1", NOTHING, None, id="blank as before"),
        pytest.param("Elko", "Reno", "Reno", "F2", TO_SALESFORCE, "Elko", id="hint changed"),
        pytest.param("Elko", None, None, "F2", TO_SALESFORCE, "Elko", id="hint filled a blank"),
        pytest.param("Reno", "Elko", "Reno", "F3", TO_HINT, "Elko", id="salesforce changed"),
        pytest.param("Elko", "Elko", "Reno", "F4", AGREE, "Elko", id="the same edit twice"),
        pytest.param(None, None, "Reno", "F4", AGREE, None, id="cleared twice"),
        pytest.param("Elko", "Ely", "Reno", "F5", HOLD, None, id="two edits"),
        pytest.param(None, "Ely", "Reno", "F5", HOLD, None, id="cleared here and edited there"),
    ],
)
def test_f1_to_f5_a_field_against_its_base(hint, salesforce, base, row, effect, value) -> None:
    decision = decide("city", hint, salesforce, base)
    assert (decision.row, decision.effect, decision.value) == (row, effect, value)


def test_f1_case_of_a_text_is_a_change_and_nothing_else_is_guessed() -> None:
    assert decide("city", "reno", "Reno", "Reno").effect is TO_SALESFORCE


def test_f5_a_conflict_is_held_with_what_was_seen_on_both_sides() -> None:
    hold = decide("city", "Elko", "Ely", "Reno").hold
    assert hold is not None
    assert (hold.kind, hold.row) == (HoldKind.CONFLICT, "F5")
    assert hold.seen == {Side.HINT: PRINTS.of("city", "Elko"), Side.SALESFORCE: PRINTS.of("city", "Ely")}


@pytest.mark.parametrize(
    ("policy", "effect", "value"),
    [(ConflictPolicy.HINT, TO_SALESFORCE, "Elko"), (ConflictPolicy.SALESFORCE, TO_HINT, "Ely")],
)
def test_f5_a_policy_names_the_side_that_wins_a_conflict(policy, effect, value) -> None:
    row = replace(DEFAULT_MAPPING["city"], policy=policy)
    decision = decide(row, "Elko", "Ely", "Reno")
    assert (decision.row, decision.effect, decision.value) == ("F5", effect, value)


def test_f5_a_policy_does_not_clear_a_field_that_may_not_be_cleared() -> None:
    row = replace(DEFAULT_MAPPING["last_name"], policy=ConflictPolicy.HINT)
    decision = decide(row, None, "Ode", "Arden")
    assert (decision.row, decision.effect) == ("F7", HOLD)


@pytest.mark.parametrize(
    ("hint", "salesforce"), [(ABSENT, "Ely"), ("Ely", ABSENT), (ABSENT, ABSENT), (ABSENT, None), (None, ABSENT)]
)
def test_f6_a_side_that_shows_nothing_has_no_say_and_is_not_written(hint, salesforce) -> None:
    decision = decide("city", hint, salesforce, "Reno")
    assert (decision.row, decision.effect) == ("F6", NOTHING)


def test_f6_a_field_that_the_describe_lacks_is_absent_whatever_a_snapshot_says() -> None:
    constraints = Constraints({Side.SALESFORCE: Limits(missing=frozenset({"city"}))})
    assert decide("city", "Elko", None, "Reno", constraints=constraints).effect is NOTHING


def test_f6_a_missing_field_is_not_written_even_if_its_side_is_write_only() -> None:
    constraints = Constraints({Side.HINT: Limits(missing=frozenset({"name_prefix"}))})
    assert decide("name_prefix", ABSENT, "Dr.", "Ms.", constraints=constraints).effect is NOTHING


def test_f6a_a_write_only_side_is_written_when_the_other_changed() -> None:
    decision = decide("name_prefix", ABSENT, "Dr.", "Ms.")
    assert (decision.row, decision.effect, decision.value) == ("F6a", TO_HINT, "Dr.")


def test_f6a_a_write_only_side_is_left_alone_while_the_other_shows_what_was_acknowledged() -> None:
    decision = decide("name_prefix", ABSENT, "Dr.", "Dr.")
    assert (decision.row, decision.effect) == ("F6a", NOTHING)


def test_f6a_a_field_that_turns_out_to_be_shown_is_an_ordinary_one() -> None:
    assert decide("name_prefix", "Dr.", "Ms.", "Ms.").row == "F2"


@pytest.mark.parametrize(("hint", "salesforce", "effect"), [(None, "x", TO_SALESFORCE), ("x", None, TO_HINT)])
def test_f7_a_clear_is_an_edit_and_travels(hint, salesforce, effect) -> None:
    decision = decide("email", hint, salesforce, "x")
    assert (decision.row, decision.effect, decision.value) == ("F7", effect, None)


@pytest.mark.parametrize("name", ["first_name", "last_name", "birth_date", "gender"])
@pytest.mark.parametrize(("hint", "salesforce"), [(None, "x"), ("x", None)])
def test_f7_a_clear_of_a_name_birth_date_or_gender_is_held(name, hint, salesforce) -> None:
    decision = decide(name, hint, salesforce, "x")
    assert (decision.row, decision.effect) == ("F7", HOLD)
    assert decision.hold is not None
    assert decision.hold.kind is HoldKind.CLEAR


def test_f7_clears_of_a_field_pause_once_one_was_not_kept_and_go_on_when_they_may() -> None:
    paused = Constraints(paused_clears=frozenset({"email"}))
    waiting = decide("email", None, "x", "x", constraints=paused)
    assert waiting.hold is not None
    assert waiting.hold.kind is HoldKind.UNVERIFIED
    assert decide("email", None, "x", "x", hold=waiting.hold, constraints=paused).effect is HOLD
    assert decide("email", None, "x", "x", hold=waiting.hold).effect is TO_SALESFORCE


def test_f7_paused_clears_of_one_field_do_not_stop_another() -> None:
    paused = Constraints(paused_clears=frozenset({"email"}))
    assert decide("city", None, "x", "x", constraints=paused).effect is TO_SALESFORCE


@pytest.mark.parametrize(
    ("hint", "salesforce", "base", "row", "effect"),
    [
        pytest.param("P", "P", "P", "W1", NOTHING, id="as it was"),
        pytest.param("P", "P", "O", "W1", AGREE, id="set by hand to what Hint says"),
        pytest.param("P", "O", "O", "W2", TO_SALESFORCE, id="hint changed"),
        pytest.param(None, "O", "O", "W2", TO_SALESFORCE, id="hint cleared"),
        pytest.param("P", "X", "O", "W2", TO_SALESFORCE, id="both changed"),
        pytest.param("O", "X", "O", "W3", TO_SALESFORCE, id="edited in salesforce"),
        pytest.param("O", None, "O", "W3", TO_SALESFORCE, id="cleared in salesforce"),
        pytest.param(ABSENT, "X", "O", "F6", NOTHING, id="hint does not say"),
        pytest.param("P", ABSENT, "O", "F6", NOTHING, id="salesforce does not have it"),
    ],
)
def test_w1_to_w3_a_one_way_field_becomes_what_hint_says(hint, salesforce, base, row, effect) -> None:
    decision = decide("insurance_payer", hint, salesforce, base)
    assert (decision.row, decision.effect) == (row, effect)
    if effect is TO_SALESFORCE:
        assert decision.value == hint


@pytest.mark.parametrize("mode", list(Mode))
def test_w2_a_one_way_field_without_a_base_follows_hint_in_every_mode(mode) -> None:
    assert decide("insurance_payer", "P", "X", mode=mode).effect is TO_SALESFORCE
    assert decide("insurance_payer", "P", "P", mode=mode).effect is AGREE
    assert decide("insurance_payer", None, "X", mode=mode).effect is TO_SALESFORCE


def test_a_held_field_waits_until_either_side_shows_something_else() -> None:
    hold = decide("city", "Elko", "Ely", "Reno").hold
    assert decide("city", "Elko", "Ely", "Reno", hold=hold).hold == hold
    assert decide("city", "Elko", "Elko", "Reno", hold=hold).effect is AGREE
    assert decide("city", "Elko", "Reno", "Reno", hold=hold).effect is TO_SALESFORCE
    newer = decide("city", "Elko", "Gabbs", "Reno", hold=hold)
    assert newer.effect is HOLD
    assert newer.hold != hold


def test_a_side_that_stops_showing_a_field_does_not_end_its_hold() -> None:
    hold = decide("city", "Elko", "Ely", "Reno").hold
    assert decide("city", ABSENT, "Ely", "Reno", hold=hold).hold == hold


def test_g7_a_field_held_for_a_loop_waits_although_only_one_side_left_the_base() -> None:
    seen = {Side.HINT: PRINTS.of("city", "Elko"), Side.SALESFORCE: PRINTS.of("city", "Reno")}
    loop = Hold(HoldKind.LOOP, "G7", "to-and-fro", seen)
    assert decide("city", "Elko", "Reno", "Reno", hold=loop).effect is HOLD


@pytest.mark.parametrize(
    ("winner", "effect", "value"), [(Side.HINT, TO_SALESFORCE, "Elko"), (Side.SALESFORCE, TO_HINT, "Ely")]
)
def test_a_person_decides_a_conflict_for_the_values_they_saw(winner, effect, value) -> None:
    hold = decide("city", "Elko", "Ely", "Reno").hold
    choices = Choices(winners={"city": winner})
    decided = decide("city", "Elko", "Ely", "Reno", hold=hold, choices=choices)
    assert (decided.effect, decided.value) == (effect, value)
    assert decide("city", "Elko", "Gabbs", "Reno", hold=hold, choices=choices).effect is HOLD


def test_a_pair_plan_sorts_the_fields_by_what_follows() -> None:
    base = {"city": "Reno", "email": "x", "zip": "1", "state": "NV"}
    plan = merge_pair(
        DEFAULT_MAPPING,
        patient({"city": "Elko", "email": "x", "zip": "2", "state": "CA"}),
        contact({"city": "Reno", "email": "y", "zip": "2", "state": "OR"}),
        memory(base),
        Mode.ORDINARY,
        PRINTS,
    )
    assert plan.writes == {Side.SALESFORCE: {"city": "Elko"}, Side.HINT: {"email": "y"}}
    assert plan.agreed == {"zip": "2"}
    assert set(plan.holds) == {"state"}
    assert plan.held == ("state",)
    assert len(plan.decisions) == len(DEFAULT_MAPPING.rows)


def test_a_plan_releases_a_hold_that_is_over_and_does_not_repeat_one_that_goes_on() -> None:
    city = decide("city", "Elko", "Ely", "Reno").hold
    state = decide("state", "CA", "OR", "NV").hold
    assert city is not None
    assert state is not None
    plan = merge_pair(
        DEFAULT_MAPPING,
        patient({"city": "Ely", "state": "CA"}),
        contact({"city": "Ely", "state": "OR"}),
        memory({"city": "Reno", "state": "NV"}, {"city": city, "state": state}),
        Mode.ORDINARY,
        PRINTS,
    )
    assert plan.released == {"city"}
    assert plan.holds == {}
    assert plan.held == ("state",)


PERSON = {"first_name": "Ada", "last_name": "Arden", "birth_date": "1980-02-03", "city": "Reno"}


def overlaid(hint: dict, salesforce: dict, base: dict = PERSON, **more):
    return merge_pair(
        DEFAULT_MAPPING, patient({**PERSON, **hint}), contact({**PERSON, **salesforce}), memory(base), Mode.ORDINARY,
        PRINTS, **more,
    )  # fmt: skip


OTHER = {"last_name": "Ode", "birth_date": "1991-12-01"}


@pytest.mark.parametrize(("hint", "salesforce"), [(OTHER, {}), ({}, OTHER), ({**OTHER, "first_name": "Bo"}, {})])
def test_g4_name_and_birth_date_changing_on_one_side_freeze_the_pair(hint, salesforce) -> None:
    plan = overlaid(hint, salesforce)
    assert plan.frozen == "G4"
    assert plan.writes_nothing
    assert not plan.decisions


def test_g4_a_married_name_a_corrected_date_or_one_of_each_is_no_overlay() -> None:
    assert overlaid({"last_name": "Ode"}, {}).frozen is None
    assert overlaid({}, {"birth_date": "1980-02-13"}).frozen is None
    assert overlaid({"last_name": "Ode"}, {"birth_date": "1980-02-13"}).frozen is None


def test_g4_two_sides_that_agree_again_spread_nothing_and_are_let_through() -> None:
    plan = overlaid(OTHER, OTHER)
    assert plan.frozen is None
    assert plan.agreed == OTHER


def test_g4_a_person_may_allow_the_change() -> None:
    plan = overlaid(OTHER, {}, choices=Choices(overlay_allowed=True))
    assert plan.writes == {Side.SALESFORCE: OTHER}


def phones(*numbers: str) -> tuple[PhoneEntry, ...]:
    return tuple(PhoneEntry("mobile", number, {"number": number}) for number in numbers)


def phone_plan(listed: tuple[str, ...], salesforce: str | None, base: dict):
    return merge_pair(
        Mapping((DEFAULT_MAPPING["mobile_phone"],)),
        patient({"mobile_phone": listed[0] if listed else None}, phones=phones(*listed)),
        contact({"mobile_phone": salesforce}),
        memory(base),
        Mode.ORDINARY,
        PRINTS,
    )


def test_a_phone_is_the_entry_that_was_agreed_on_not_the_first() -> None:
    assert phone_plan(("+1", "+2"), "+2", {"mobile_phone": "+2"}).changes_nothing
    assert phone_plan(("+1", "+2"), "+3", {"mobile_phone": "+2"}).replaced_phones == {"mobile_phone": "+2"}


def test_a_phone_whose_agreed_entry_is_gone_becomes_the_first_of_its_type() -> None:
    assert phone_plan(("+1", "+3"), "+2", {"mobile_phone": "+2"}).writes == {Side.SALESFORCE: {"mobile_phone": "+1"}}


class Limits:
    """What a side says of its fields."""

    def __init__(self, missing=frozenset(), read_only=frozenset(), max_length=None, choices=None) -> None:
        self.missing, self.read_only = missing, read_only
        self.max_length, self.choices = max_length or {}, choices or {}
