from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.replicas.salesforce.id_ranges import IdRange, id_ranges
from hintsync.replicas.salesforce.ids import long_id

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
FIRST, LAST = "003000000000000", "003zzzzzzzzzzzz"
ids = st.text(_ALPHABET, min_size=15, max_size=15)
#: Ids of one object that lie near one another, as those of a small org do.
near = st.text(_ALPHABET, min_size=1, max_size=2).map(lambda end: FIRST[: -len(end)] + end)


def holds(within: IdRange, record_id: str) -> bool:
    """Say whether an org finds an id in a range; it compares the fifteen characters by their place in ASCII."""
    above = within.start is None or record_id >= within.start[:15]
    return above and (within.end is None or record_id < within.end[:15])


@given(ids | near, ids | near, st.integers(1, 8), ids | near)
def test_every_id_is_in_exactly_one_range_whatever_was_cut(lowest: str, highest: str, most: int, any_id: str) -> None:
    ranges = id_ranges(lowest, highest, most)
    assert 1 <= len(ranges) <= most
    for record_id in (any_id, lowest, highest, FIRST, LAST, *(each.start[:15] for each in ranges if each.start)):
        assert [holds(each, record_id) for each in ranges].count(True) == 1


@given(ids | near, ids | near, st.integers(1, 8))
def test_no_range_is_empty_by_its_bounds_and_bounds_are_ids_of_the_long_form(low: str, high: str, most: int) -> None:
    ranges = id_ranges(*sorted([low, high]), most)
    bounds = [each.start for each in ranges[1:]]
    assert bounds == [each.end for each in ranges[:-1]]
    assert [ranges[0].start, ranges[-1].end] == [None, None]
    assert bounds == sorted(set(map(str, bounds)))
    assert all(bound is not None and long_id(bound) == bound for bound in bounds)


def test_the_span_is_cut_evenly() -> None:
    # Salesforce's own example of ids that are 250,000 apart ("PK Chunking Header").
    bounds = ["001300000000000", "00130000000132G", "00130000000264W", "00130000000396m"]
    ranges = id_ranges(bounds[0], "0013000000039Zz", 3)
    assert [each.start and each.start[:13] for each in ranges] == [None, *(bound[:13] for bound in bounds[1:3])]


def test_ids_next_to_one_another_make_fewer_ranges() -> None:
    assert id_ranges("003000000000004", "003000000000004", 4) == [IdRange(None, None)]
    assert id_ranges("003000000000009", "00300000000000A", 4) == [
        IdRange(None, "00300000000000AAAQ"),
        IdRange("00300000000000AAAQ", None),
    ]


def test_a_highest_id_below_the_lowest_makes_one_range_of_everything() -> None:
    assert id_ranges(LAST, FIRST, 4) == [IdRange(None, None)]


def test_an_id_may_come_in_either_form() -> None:
    assert id_ranges("0038c00002XoT5bAAF", "0038c00003XoT5b", 3) == id_ranges(
        "0038c00002XoT5b", "0038c00003XoT5bAAF", 3
    )


def test_a_range_tells_its_bounds_in_soql() -> None:
    low, high = "003000000000001AAA", "003000000000009AAA"
    assert IdRange(None, None).condition == ""
    assert IdRange(None, high).condition == f"Id < '{high}'"
    assert IdRange(low, None).condition == f"Id >= '{low}'"
    assert IdRange(low, high).condition == f"Id >= '{low}' AND Id < '{high}'"


@pytest.mark.parametrize("wrong", ["", "003", "pat-1", "0038C00002XOT5BAAF"])
def test_what_is_no_record_id_cannot_be_cut_at(wrong: str) -> None:
    with pytest.raises(ValueError, match="no record id"):
        id_ranges(wrong, LAST, 4)
