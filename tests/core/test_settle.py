"""What is remembered after the writes: rows F8 and F9, crash-safety of the base, and records made from their peer."""

from hintsync.core.draft import base_of_created, draft_values
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.merge import NO_MEMORY, Memory, merge_pair
from hintsync.core.plan import Mode
from hintsync.core.policy import Choices, Constraints
from hintsync.core.records import HoldKind, PhoneEntry
from hintsync.core.settle import SideResult, acknowledged, not_kept, without_refused
from hintsync.core.values import ABSENT, Side
from tests.core.pairs import PRINTS, contact, decide, memory, patient, prints_of
from tests.core.test_merge import Limits

BASE = {"city": "Reno", "email": "x", "zip": "1"}
HINT = patient({"city": "Elko", "email": "x", "zip": "2"})
SALESFORCE = contact({"city": "Reno", "email": "y", "zip": "2"})


def settled(results, hint=HINT, salesforce=SALESFORCE, remembered=None, **more):
    before = remembered or memory(BASE)
    plan = merge_pair(DEFAULT_MAPPING, hint, salesforce, before, Mode.ORDINARY, PRINTS, **more)
    return acknowledged(plan, DEFAULT_MAPPING, hint, salesforce, before.base, results, PRINTS)


def test_the_base_moves_for_what_was_acknowledged_and_what_is_agreed() -> None:
    remembered = settled(
        {Side.SALESFORCE: SideResult(frozenset({"city"})), Side.HINT: SideResult(frozenset({"email"}))}
    )
    assert remembered.base == prints_of({"city": "Elko", "email": "y", "zip": "2"})
    assert remembered.holds == {}


def test_a_side_that_did_not_answer_moves_nothing_of_its_own() -> None:
    remembered = settled({Side.HINT: SideResult(frozenset({"email"}))})
    assert remembered.base == prints_of({"email": "y", "zip": "2"})


def test_f8_a_refused_field_is_held_with_the_vendor_s_code_and_its_base_stays() -> None:
    refused = SideResult(refused=frozenset({"city"}), code="STRING_TOO_LONG")
    remembered = settled({Side.SALESFORCE: refused, Side.HINT: SideResult(frozenset({"email"}))})
    assert "city" not in remembered.base
    hold = remembered.holds["city"]
    assert hold is not None
    assert (hold.kind, hold.row, hold.reason) == (HoldKind.REFUSED, "F8", "salesforce:STRING_TOO_LONG")
    written = patient({**HINT.values, "email": "y"})
    after = Memory({**memory(BASE).base, **remembered.base}, {"city": hold})
    again = merge_pair(DEFAULT_MAPPING, written, SALESFORCE, after, Mode.ORDINARY, PRINTS)
    assert again.held == ("city",)
    assert again.changes_nothing


def test_f9_a_refused_record_holds_every_field_that_was_to_be_written() -> None:
    result = SideResult(refused=frozenset({"city"}), code="FIELD_CUSTOM_VALIDATION_EXCEPTION", named=False)
    hold = settled({Side.SALESFORCE: result}).holds["city"]
    assert hold is not None
    assert hold.row == "F9"
    after = Memory(memory(BASE).base, {"city": hold})
    mended = contact(SALESFORCE.values, stamp="s2")
    assert not merge_pair(DEFAULT_MAPPING, HINT, SALESFORCE, after, Mode.ORDINARY, PRINTS).writes.get(Side.SALESFORCE)
    assert merge_pair(DEFAULT_MAPPING, HINT, mended, after, Mode.ORDINARY, PRINTS).writes[Side.SALESFORCE]


def test_f8_a_write_is_tried_once_more_without_the_named_fields() -> None:
    values = {"city": "Elko", "email": "y"}
    assert without_refused(DEFAULT_MAPPING, values, {"email"}) == {"city": "Elko"}


def test_f8_state_goes_with_country() -> None:
    values = {"city": "Elko", "state": "NV", "country": "US"}
    assert without_refused(DEFAULT_MAPPING, values, {"country"}) == {"city": "Elko"}
    assert without_refused(DEFAULT_MAPPING, values, {"state"}) == {"city": "Elko"}


def test_f9_a_refusal_that_names_nothing_that_was_written_leaves_nothing_to_try() -> None:
    assert without_refused(DEFAULT_MAPPING, {"city": "Elko"}, {"email"}) == {}
    assert without_refused(DEFAULT_MAPPING, {"city": "Elko"}, {"city"}) == {}


def test_f7_a_clear_that_was_read_back_and_not_kept_is_seen() -> None:
    assert not_kept({"email": None, "city": "Elko"}, {"email": "x", "city": "Elko"}) == {"email"}
    assert not_kept({"name_prefix": None}, {"name_prefix": ABSENT}) == frozenset(), "what is not shown cannot be judged"


def test_a_person_s_choice_stays_open_until_its_write_is_acknowledged() -> None:
    hold = decide("city", "Elko", "Ely", "Reno").hold
    assert hold is not None
    hint, salesforce = patient({"city": "Elko"}), contact({"city": "Ely"})
    before = memory({"city": "Reno"}, {"city": hold})
    choices = Choices(winners={"city": Side.HINT})
    assert settled({}, hint, salesforce, before, choices=choices).holds == {}
    done = settled({Side.SALESFORCE: SideResult(frozenset({"city"}))}, hint, salesforce, before, choices=choices)
    assert done.holds == {"city": None}
    assert done.base == prints_of({"city": "Elko"})


def test_a_cleared_phone_lets_no_other_number_of_its_type_slip_into_its_place() -> None:
    def entries(*numbers: str) -> tuple[PhoneEntry, ...]:
        return tuple(PhoneEntry("mobile", number, {}) for number in numbers)

    base = memory({"mobile_phone": "+1"})
    hint = patient({"mobile_phone": "+1"}, phones=entries("+1", "+2"))
    cleared = contact({"mobile_phone": None})
    done = settled({Side.HINT: SideResult(frozenset({"mobile_phone"}))}, hint, cleared, base)
    after = Memory({**base.base, **done.base}, {})
    left = patient({"mobile_phone": "+2"}, phones=entries("+2"))
    assert merge_pair(DEFAULT_MAPPING, left, cleared, after, Mode.ORDINARY, PRINTS).changes_nothing
    edited = patient({"mobile_phone": "+3"}, phones=entries("+3"))
    plan = merge_pair(DEFAULT_MAPPING, edited, cleared, after, Mode.ORDINARY, PRINTS)
    assert plan.writes == {Side.SALESFORCE: {"mobile_phone": "+3"}}
    refilled = contact({"mobile_phone": "+4"})
    added = merge_pair(DEFAULT_MAPPING, left, refilled, after, Mode.ORDINARY, PRINTS)
    assert added.writes == {Side.HINT: {"mobile_phone": "+4"}}
    assert added.replaced_phones == {"mobile_phone": ""}, "the number that is there is not replaced"


PERSON = {"first_name": "Ada", "last_name": "Arden", "email": None, "insurance_payer": "P", "name_prefix": "Dr."}


def test_a_new_patient_is_given_every_two_way_value_and_no_mirror() -> None:
    values = draft_values(DEFAULT_MAPPING, contact(PERSON))
    assert values == {"first_name": "Ada", "last_name": "Arden", "name_prefix": "Dr."}


def test_a_new_contact_is_given_the_mirrors_too_but_nothing_it_is_known_to_refuse() -> None:
    source = patient({**PERSON, "name_prefix": ABSENT})
    assert draft_values(DEFAULT_MAPPING, source)["insurance_payer"] == "P"
    constraints = Constraints({Side.SALESFORCE: Limits(max_length={"last_name": 3}, missing=frozenset({"first_name"}))})
    assert draft_values(DEFAULT_MAPPING, source, constraints) == {"insurance_payer": "P"}


def test_the_base_of_a_created_pair_holds_what_was_taken_and_the_blanks_of_both() -> None:
    source = contact(PERSON)
    values = draft_values(DEFAULT_MAPPING, source)
    base = base_of_created(DEFAULT_MAPPING, source, values, PRINTS)
    assert base == prints_of({**values, "email": None})
    made = patient({**values, "email": None, "insurance_payer": None, "name_prefix": ABSENT})
    plan = merge_pair(DEFAULT_MAPPING, made, source, Memory(base, {}), Mode.ORDINARY, PRINTS)
    assert plan.writes == {Side.SALESFORCE: {"insurance_payer": None}}, "a mirror of nobody is put right"


def test_what_a_create_left_out_is_held_by_the_next_sync_and_not_forgotten() -> None:
    constraints = Constraints({Side.SALESFORCE: Limits(max_length={"last_name": 3})})
    source = patient({"first_name": "Ada", "last_name": "Arden"})
    values = draft_values(DEFAULT_MAPPING, source, constraints)
    base = base_of_created(DEFAULT_MAPPING, source, values, PRINTS)
    made = contact({"first_name": "Ada", "last_name": None})
    plan = merge_pair(DEFAULT_MAPPING, source, made, Memory(base, {}), Mode.ORDINARY, PRINTS, constraints=constraints)
    assert plan.held == ("last_name",)


def test_settling_a_first_sync_and_planning_again_finds_nothing_to_do() -> None:
    hint = patient({"city": "Elko", "email": None, "zip": "1", "name_prefix": ABSENT})
    salesforce = contact({"city": "Ely", "email": "y", "zip": "1", "name_prefix": "Dr."})
    plan = merge_pair(DEFAULT_MAPPING, hint, salesforce, NO_MEMORY, Mode.FIRST_HINT_WINS, PRINTS)
    results = {side: SideResult(frozenset(values)) for side, values in plan.writes.items()}
    done = acknowledged(plan, DEFAULT_MAPPING, hint, salesforce, {}, results, PRINTS)
    after_hint = patient({**hint.values, **plan.writes.get(Side.HINT, {})})
    after_contact = contact({**salesforce.values, **plan.writes.get(Side.SALESFORCE, {})})
    again = merge_pair(DEFAULT_MAPPING, after_hint, after_contact, Memory(done.base, {}), Mode.ORDINARY, PRINTS)
    assert again.changes_nothing
