"""The guards as rules: wrong system, empty side, too many changes, an outdated plan, loops, event deliveries."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.guards import (
    Deliveries,
    FieldWrite,
    LinkWrites,
    Pin,
    Tolerance,
    Touch,
    check_changes,
    check_deliveries,
    check_identity,
    check_made_with,
    check_population,
    find_loops,
    is_loop,
)
from hintsync.core.values import Side

PINNED = Pin("00D000000000001AAA", False, "prac-1")


@pytest.mark.parametrize(
    "seen",
    [
        replace(PINNED, org_id="00D000000000002AAA"),
        replace(PINNED, org_sandbox=True),
        replace(PINNED, practice_id="prac-2"),
    ],
)
def test_g1_another_org_a_sandbox_or_another_practice_trips(seen) -> None:
    trip = check_identity(PINNED, seen)
    assert trip is not None
    assert trip.guard == "G1"


def test_g1_the_pinned_systems_pass_with_an_id_of_15_or_18_characters() -> None:
    assert check_identity(PINNED, PINNED) is None
    assert check_identity(PINNED, replace(PINNED, org_id="00D000000000001")) is None


@pytest.mark.parametrize("empty", list(Side))
def test_g2_a_side_without_anybody_trips_where_links_exist(empty) -> None:
    trip = check_population(3, {empty: 0, empty.other: 10})
    assert trip is not None
    assert (trip.guard, str(empty) in trip.reason) == ("G2", True)


def test_g2_an_empty_side_is_fine_before_the_first_link() -> None:
    assert check_population(0, {Side.HINT: 0, Side.SALESFORCE: 0}) is None
    assert check_population(3, {Side.HINT: 1, Side.SALESFORCE: 1}) is None


def touches(count: int, field: str = "city") -> list[Touch]:
    return [Touch(f"link-{number}", {field}) for number in range(count)]


def test_g3_more_than_a_twentieth_of_the_links_trips() -> None:
    assert check_changes(touches(50), links=1000) is None
    trip = check_changes(touches(51), links=1000)
    assert trip is not None
    assert trip.guard == "G3"
    assert "city 51" in trip.reason


def test_g3_twenty_links_may_always_change() -> None:
    assert check_changes(touches(20), links=30) is None
    assert check_changes(touches(21), links=30) is not None


def test_g3_a_link_counts_once_however_often_it_changes_and_a_suspension_counts_too() -> None:
    often = [Touch("link-1", {"city"})] * 100
    assert check_changes(often, links=30) is None
    gone = [Touch(f"gone-{number}") for number in range(20)]
    trip = check_changes([*often, *gone], links=30)
    assert trip is not None
    assert "by field" not in trip.reason


def test_g3_the_fields_that_change_too_often_are_named_and_others_are_not() -> None:
    trip = check_changes([*touches(30), *touches(5, "email")], links=30)
    assert trip is not None
    assert "city 30" in trip.reason
    assert "email" not in trip.reason


def test_g3_the_share_and_the_floor_are_settings() -> None:
    assert check_changes(touches(3), links=10, tolerance=Tolerance(share=0.2, at_least=1)) is not None


def test_g5_a_plan_made_with_another_mapping_or_other_fields_trips() -> None:
    assert check_made_with(["mapping", "hint", "org"], ["mapping", "hint", "org"]) is None
    for place in range(3):
        now = ["mapping", "hint", "org"]
        now[place] = "other"
        trip = check_made_with(["mapping", "hint", "org"], now)
        assert trip is not None
        assert trip.guard == "G5"


writes_of = st.lists(st.tuples(st.sampled_from(list(Side)), st.sampled_from([b"A", b"B", b"C"])), max_size=8)


def loop(text: str, *, one_way: bool = False) -> bool:
    """Judge writes from a text such as "hA sB": side and value."""
    made = [FieldWrite(Side.HINT if each[0] == "h" else Side.SALESFORCE, each[1:].encode()) for each in text.split()]
    return is_loop(made, one_way=one_way)


@pytest.mark.parametrize("text", ["hA", "hA hB", "hA sB", "hA hB hC", "hA sB hC"])
def test_g7_up_to_three_writes_of_other_values_are_no_loop(text: str) -> None:
    assert not loop(text)


@pytest.mark.parametrize("text", ["hA hB hC hD", "hA sB hC sD"])
def test_g7_after_three_writes_in_an_hour_a_field_goes_in_circles(text: str) -> None:
    assert loop(text)


@pytest.mark.parametrize("text", ["hA hB hA", "hA sB hA", "sA hB sA", "hA sB sB hA"])
def test_g7_to_and_fro_between_two_values_is_a_loop(text: str) -> None:
    assert loop(text)


def test_g7_a_write_that_is_made_again_counts_once_unless_it_reverts_one_more_edit() -> None:
    assert not loop("sA sA sA sA sA")
    assert not loop("sA sA sA", one_way=True)
    assert loop("sA sA sA sA", one_way=True)


@given(writes_of)
def test_g7_a_loop_stays_one_when_its_last_write_is_made_again(made: list[tuple[Side, bytes]]) -> None:
    history = [FieldWrite(*each) for each in made]
    if is_loop(history):
        assert is_loop([*history, history[-1]])


def test_g7_loops_are_found_by_link_and_field() -> None:
    made = [
        LinkWrites("one", Side.HINT, {"city": b"A", "email": b"x"}),
        LinkWrites("one", Side.SALESFORCE, {"city": b"B"}),
        LinkWrites("two", Side.HINT, {"city": b"A"}),
    ]
    planned = [
        LinkWrites("one", Side.HINT, {"city": b"A", "email": b"y"}),
        LinkWrites("two", Side.HINT, {"city": b"C"}),
    ]
    assert find_loops(made, planned) == {"one": frozenset({"city"})}


def test_g8_polling_takes_over_near_the_limit_and_stays_until_the_window_clears() -> None:
    assert check_deliveries(Deliveries(7_999, 10_000)) is None
    trip = check_deliveries(Deliveries(8_000, 10_000))
    assert trip is not None
    assert trip.guard == "G8"
    assert not Deliveries(6_000, 10_000).are_clear
    assert Deliveries(5_999, 10_000).are_clear


def test_g8_the_echoes_of_a_batch_are_counted_before_they_come() -> None:
    assert check_deliveries(Deliveries(5_000, 10_000), expected=2_999) is None
    trip = check_deliveries(Deliveries(5_000, 10_000), expected=3_000)
    assert trip is not None
    assert "3000 of them our own echoes" in trip.reason
