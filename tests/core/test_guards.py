"""Guards G1 to G3: wrong system, empty side, too many changes."""

from dataclasses import replace

import pytest

from hintsync.core.guards import Pin, RecentChanges, Tolerance, check_identity, check_population
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


def changes(count: int, at: float = 0.0, field: str = "city") -> RecentChanges:
    recent = RecentChanges()
    for number in range(count):
        recent.add(at, f"link-{number}", {field})
    return recent


def test_g3_more_than_a_twentieth_of_the_links_within_an_hour_trips() -> None:
    assert changes(50).check(10, links=1000) is None
    trip = changes(51).check(10, links=1000)
    assert trip is not None
    assert trip.guard == "G3"
    assert "city 51" in trip.reason


def test_g3_twenty_links_may_always_change() -> None:
    assert changes(20).check(10, links=30) is None
    assert changes(21).check(10, links=30) is not None


def test_g3_the_window_is_an_hour_over_all_passes_and_then_forgets() -> None:
    recent = changes(15, at=0.0)
    for number in range(100, 115):
        recent.add(3000.0, f"link-{number}", {"city"})
    assert recent.check(3000.0, links=30) is not None
    assert recent.check(3600.0, links=30) is None


def test_g3_a_link_counts_once_however_often_it_changes_and_a_suspension_counts_too() -> None:
    recent = RecentChanges()
    for number in range(100):
        recent.add(float(number), "link-1", {"city"})
    assert recent.check(100, links=30) is None
    for number in range(20):
        recent.add(100.0, f"gone-{number}")
    trip = recent.check(100, links=30)
    assert trip is not None
    assert "by field" not in trip.reason


def test_g3_the_share_and_the_floor_are_settings() -> None:
    assert changes(3).check(0, links=10, tolerance=Tolerance(share=0.2, at_least=1)) is not None
