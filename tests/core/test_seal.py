"""Section 9: a plan at rest holds fingerprints, is sealed as a whole, and only what was approved is carried out."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.merge import merge_pair
from hintsync.core.plan import Mode
from hintsync.core.seal import Difference, Prints, Sealer, compare, prints_of, seal, still_approved
from hintsync.core.values import Side
from tests.core.pairs import PRINTS, contact, memory, patient

BASE = {"city": "Reno", "email": "x"}


def plan(city: str = "Elko", email: str = "y"):
    hint, salesforce = patient({"city": city, "email": "x"}), contact({"city": "Reno", "email": email})
    return merge_pair(DEFAULT_MAPPING, hint, salesforce, memory(BASE), Mode.ORDINARY, PRINTS)


def test_a_plan_at_rest_holds_no_value() -> None:
    prints = prints_of(plan().writes, PRINTS)
    assert prints == {
        Side.SALESFORCE: {"city": PRINTS.of("city", "Elko")},
        Side.HINT: {"email": PRINTS.of("email", "y")},
    }


def test_the_same_plan_again_is_still_approved() -> None:
    assert still_approved(prints_of(plan().writes, PRINTS), prints_of(plan().writes, PRINTS))


def test_another_value_another_field_and_another_side_are_not_approved() -> None:
    approved = prints_of(plan().writes, PRINTS)
    assert not still_approved(approved, prints_of(plan(city="Ely").writes, PRINTS))
    assert not still_approved({Side.HINT: approved[Side.HINT]}, approved)
    assert not still_approved({Side.HINT: approved[Side.SALESFORCE]}, {Side.SALESFORCE: approved[Side.SALESFORCE]})


def test_writing_less_than_was_approved_is_allowed_and_named() -> None:
    approved = prints_of(plan().writes, PRINTS)
    difference = compare(approved, {Side.HINT: approved[Side.HINT]})
    assert difference == Difference((), ((Side.SALESFORCE, "city"),))
    assert difference.still_approved


@dataclass(frozen=True)
class Row:
    position: int
    record_id: str = "pat-1"
    side: Side = Side.HINT
    outcome: str = "linked"
    rule: str = "L1"
    peers: tuple[str, ...] = ("003A",)
    held: tuple[str, ...] = ()
    prints: Prints = field(default_factory=dict)
    versions: Mapping[Side, str] = field(default_factory=dict)


ROWS = [Row(0), Row(1, "pat-2", prints=prints_of(plan().writes, PRINTS), versions={Side.HINT: "v1"})]


def test_equal_plans_have_equal_seals_and_a_seal_is_made_row_by_row() -> None:
    sealer = Sealer("mapping-1")
    for row in ROWS:
        sealer.add(row)
    assert sealer.seal() == seal(ROWS, "mapping-1")


@pytest.mark.parametrize(
    "changed",
    [
        {"record_id": "pat-3"},
        {"side": Side.SALESFORCE},
        {"outcome": "created"},
        {"rule": "L2"},
        {"peers": ()},
        {"peers": ("003A", "003B")},
        {"held": ("city",)},
        {"prints": {}},
        {"versions": {Side.HINT: "v2"}},
    ],
)
def test_any_change_of_any_row_breaks_the_seal(changed) -> None:
    assert seal([ROWS[0], replace(ROWS[1], **changed)]) != seal(ROWS)


def test_a_missing_row_an_added_row_and_another_mapping_break_the_seal() -> None:
    seals = {seal(ROWS), seal(ROWS[:1]), seal([*ROWS, Row(2)]), seal(ROWS, "mapping-1"), seal([])}
    assert len(seals) == 5


def test_the_order_within_prints_and_held_fields_does_not_matter() -> None:
    one = replace(ROWS[1], held=("city", "zip"), versions={Side.HINT: "a", Side.SALESFORCE: "b"})
    two = replace(ROWS[1], held=("zip", "city"), versions={Side.SALESFORCE: "b", Side.HINT: "a"})
    assert seal([one]) == seal([two])


def test_rows_out_of_order_are_refused_rather_than_sealed() -> None:
    with pytest.raises(ValueError, match="row 0 came behind row 1"):
        seal(reversed(ROWS))


NAMES = st.sampled_from(["city", "email", "zip"])
PRINT_SETS = st.dictionaries(
    st.sampled_from(Side), st.dictionaries(NAMES, st.binary(min_size=16, max_size=16), max_size=3), max_size=2
)


@given(PRINT_SETS, PRINT_SETS)
def test_a_plan_is_approved_exactly_if_each_of_its_writes_is(approved, now) -> None:
    expected = all(approved.get(side, {}).get(name) == value for side in now for name, value in now[side].items())
    assert still_approved(approved, now) is expected
