"""Rows I1 to I6: the first sync of a field without a base; and what a re-link changes about it (U3)."""

import pytest

from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.first_sync import inherited_fields, noted_name, stale_name
from hintsync.core.merge import NO_MEMORY, Memory, merge_pair
from hintsync.core.plan import Effect, Mode
from hintsync.core.policy import Choices, Constraints
from hintsync.core.records import HoldKind
from hintsync.core.values import ABSENT, Side
from tests.core.pairs import PRINTS, contact, decide, patient, prints_of
from tests.core.test_merge import Limits

SALESFORCE_WINS, HINT_WINS, RECOVERED = Mode.FIRST_SALESFORCE_WINS, Mode.FIRST_HINT_WINS, Mode.RECOVERED
FIRST = [SALESFORCE_WINS, HINT_WINS, RECOVERED]
#: Without a base, an ordinary sync treats a field as recovered.
ALL = [*FIRST, Mode.ORDINARY]


@pytest.mark.parametrize("mode", ALL)
def test_i1_two_equal_values_become_the_base(mode) -> None:
    decision = decide("city", "Reno", "Reno", mode=mode)
    assert (decision.row, decision.effect, decision.value) == ("I1", Effect.AGREE, "Reno")


@pytest.mark.parametrize(
    ("mode", "effect", "value"),
    [(SALESFORCE_WINS, Effect.WRITE_HINT, "Ely"), (HINT_WINS, Effect.WRITE_SALESFORCE, "Elko")],
)
def test_i2_of_two_values_the_winner_s_is_written_to_the_other(mode, effect, value) -> None:
    decision = decide("city", "Elko", "Ely", mode=mode)
    assert (decision.row, decision.effect, decision.value) == ("I2", effect, value)


@pytest.mark.parametrize("mode", [RECOVERED, Mode.ORDINARY])
def test_i2_of_a_recovered_link_two_values_are_held(mode) -> None:
    decision = decide("city", "Elko", "Ely", mode=mode)
    assert (decision.row, decision.effect) == ("I2", Effect.HOLD)
    assert decision.hold is not None
    assert decision.hold.kind is HoldKind.RECOVERED


@pytest.mark.parametrize("mode", ALL)
def test_i3_a_blank_in_hint_takes_the_contact_s_value(mode) -> None:
    decision = decide("city", None, "Ely", mode=mode)
    assert (decision.row, decision.effect, decision.value) == ("I3", Effect.WRITE_HINT, "Ely")


@pytest.mark.parametrize("mode", ALL)
def test_i4_a_blank_in_salesforce_takes_the_patient_s_value(mode) -> None:
    decision = decide("city", "Elko", None, mode=mode)
    assert (decision.row, decision.effect, decision.value) == ("I4", Effect.WRITE_SALESFORCE, "Elko")


@pytest.mark.parametrize("mode", ALL)
def test_i3_and_i4_fill_names_too_since_a_fill_is_no_clear(mode) -> None:
    assert decide("gender", None, "female", mode=mode).effect is Effect.WRITE_HINT
    assert decide("gender", "female", None, mode=mode).effect is Effect.WRITE_SALESFORCE


@pytest.mark.parametrize("mode", ALL)
def test_i5_two_blanks_become_a_blank_base(mode) -> None:
    decision = decide("city", None, None, mode=mode)
    assert (decision.row, decision.effect, decision.value) == ("I5", Effect.AGREE, None)


@pytest.mark.parametrize("mode", ALL)
@pytest.mark.parametrize(("hint", "salesforce"), [(ABSENT, "Ely"), ("Ely", ABSENT), (ABSENT, ABSENT)])
def test_i6_a_field_that_one_side_does_not_show_is_left_alone_and_gets_no_base(hint, salesforce, mode) -> None:
    decision = decide("city", hint, salesforce, mode=mode)
    assert (decision.row, decision.effect, decision.noted) == ("I6", Effect.NOTHING, None)


def test_i6_a_write_only_field_is_written_if_salesforce_wins() -> None:
    decision = decide("name_prefix", ABSENT, "Dr.", mode=SALESFORCE_WINS)
    assert (decision.row, decision.effect, decision.value) == ("I6", Effect.WRITE_HINT, "Dr.")


def test_i6_a_blank_is_never_written_over_a_value_nobody_can_see() -> None:
    assert decide("name_prefix", ABSENT, None, mode=SALESFORCE_WINS).effect is Effect.NOTHING


@pytest.mark.parametrize("mode", [HINT_WINS, RECOVERED, Mode.ORDINARY])
def test_i6_a_write_only_field_is_left_alone_if_hint_wins_or_nobody_does(mode) -> None:
    decision = decide("name_prefix", ABSENT, "Dr.", mode=mode)
    assert (decision.row, decision.effect) == ("I6", Effect.NOTHING)
    assert decision.noted == PRINTS.of("name_prefix", "Dr.")


def test_i6_an_edit_made_after_a_write_only_field_was_left_alone_is_written() -> None:
    plan = merge_pair(DEFAULT_MAPPING, patient({}), contact({"name_prefix": "Dr."}), NO_MEMORY, HINT_WINS, PRINTS)
    assert plan.agreed == {}
    assert plan.noted == {noted_name("name_prefix"): PRINTS.of("name_prefix", "Dr.")}
    remembered = Memory(plan.noted, {})

    def later(value: str):
        edited = contact({"name_prefix": value})
        return merge_pair(DEFAULT_MAPPING, patient({}), edited, remembered, Mode.ORDINARY, PRINTS)

    assert later("Dr.").changes_nothing
    assert later("Prof.").writes == {Side.HINT: {"name_prefix": "Prof."}}


@pytest.mark.parametrize("mode", FIRST)
def test_a_checkbox_is_never_blank_so_it_fills_nothing(mode) -> None:
    row = DEFAULT_MAPPING["hipaa_authorization_accepted"]
    assert decide(row, False, True, mode=mode).value is False


def test_u3_a_contact_value_that_came_from_the_former_patient_takes_the_new_patient_s() -> None:
    inherited = Choices(inherited=frozenset({"city", "email", "first_name"}))

    def relinked(field, hint, salesforce):
        return decide(field, hint, salesforce, mode=SALESFORCE_WINS, choices=inherited)

    assert (relinked("city", "Elko", "Ely").row, relinked("city", "Elko", "Ely").value) == ("U3", "Elko")
    assert relinked("city", None, "Ely").effect is Effect.WRITE_SALESFORCE, "the new patient gets nothing of the old"
    assert relinked("first_name", None, "Ada").effect is Effect.HOLD
    assert relinked("zip", "1", "2").value == "2", "a value of the contact's own wins"


def test_u3_inherited_fields_are_those_still_equal_to_the_old_base() -> None:
    old = prints_of({"city": "Reno", "email": "ada@example.org", "zip": None, "state": "NV"})
    now = contact({"city": "Reno", "email": "new@example.org", "zip": None, "state": ABSENT, "street": "1 Elm"})
    assert inherited_fields(now, old, PRINTS) == {"city"}


def test_a_first_sync_does_not_write_what_a_side_is_known_to_refuse() -> None:
    constraints = Constraints({Side.SALESFORCE: Limits(max_length={"city": 3})})
    decision = decide("city", "Elko", None, mode=HINT_WINS, constraints=constraints)
    assert (decision.row, decision.effect) == ("F8", Effect.HOLD)


# --- a link out of a backup: what was agreed on then is no base, and what differs now waits


def restored(hint: object, salesforce: object, agreed: object, field: str = "city"):
    """Plan one field of a restored link whose backup had a value agreed on."""
    base = {stale_name(field): PRINTS.of(field, agreed)}
    plan = merge_pair(
        DEFAULT_MAPPING, patient({field: hint}), contact({field: salesforce}), Memory(base, {}), Mode.ORDINARY, PRINTS
    )
    (decision,) = (each for each in plan.decisions if each.field == field)
    return plan, decision


@pytest.mark.parametrize("agreed", ["Elko", "Ely", "Reno", None])
@pytest.mark.parametrize(
    ("hint", "salesforce", "row"), [("Elko", "Ely", "I2"), (None, "Ely", "I3"), ("Elko", None, "I4")]
)
def test_i2_to_i4_what_differs_in_a_restored_link_waits_whatever_the_backup_had(agreed, hint, salesforce, row) -> None:
    plan, decision = restored(hint, salesforce, agreed)
    assert (decision.row, decision.effect) == (row, Effect.HOLD)
    assert plan.holds["city"].kind is HoldKind.RECOVERED
    assert plan.writes == {}


@pytest.mark.parametrize("agreed", ["Elko", None])
def test_i1_and_i5_what_agrees_in_a_restored_link_becomes_its_base(agreed) -> None:
    assert restored("Reno", "Reno", agreed)[0].agreed == {"city": "Reno"}
    assert restored(None, None, agreed)[0].agreed == {"city": None}


def test_w2_a_one_way_field_of_a_restored_link_follows_hint() -> None:
    plan, _ = restored("Acme", "Old", "Old", "insurance_payer")
    assert plan.writes == {Side.SALESFORCE: {"insurance_payer": "Acme"}}


def test_g4_a_restored_link_whose_record_was_filled_with_somebody_else_is_frozen() -> None:
    agreed = {"first_name": "Ann", "last_name": "Moor", "birth_date": "1980-05-06"}
    other = {"first_name": "Bea", "last_name": "Hill", "birth_date": "1990-01-02", "city": "Reno"}
    base = {stale_name(name): print_ for name, print_ in prints_of(agreed).items()}
    plan = merge_pair(
        DEFAULT_MAPPING, patient(other), contact({**agreed, "city": None}), Memory(base, {}), Mode.ORDINARY, PRINTS
    )
    assert plan.frozen == "G4"
    assert plan.writes == {}


@pytest.mark.parametrize(("shown", "written"), [("Dr.", {}), ("Prof.", {Side.HINT: {"name_prefix": "Prof."}})])
def test_f6a_an_edit_since_the_backup_of_a_field_that_hint_never_shows_is_written(shown, written) -> None:
    assert restored(ABSENT, shown, "Dr.", "name_prefix")[0].writes == written
