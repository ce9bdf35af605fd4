"""Bitmaps, against examples that were recorded and against a reader of another make."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from hintsync_emulators.salesforce.pubsub.bitmap import FieldSet, encode
from tests.emulators.pubsub.conftest import places


def test_recorded_bitmaps_come_out_as_they_were() -> None:
    assert encode({1, 23}, {}) == ["0x800002"]
    assert encode({22}, {4: {0}}) == ["0x400000", "4-0x01"]
    assert encode({16, 22}, {}) == ["0x410000"]
    assert encode({16}, {}) == ["0x010000"]


def test_no_field_is_no_bitmap() -> None:
    assert FieldSet().encode() == []


def test_hexadecimal_digits_are_capitals_for_clients_that_read_no_others() -> None:
    assert encode({1, 3, 5, 7}, {2: {8, 10}}) == ["0xAA", "2-0x0500"]


@given(
    st.sets(st.integers(0, 60)),
    st.dictionaries(st.integers(1, 60), st.sets(st.integers(0, 12), min_size=1), max_size=4),
)
def test_what_is_written_is_read_back(top: set[int], children: dict[int, set[int]]) -> None:
    maps = encode(top, children)
    assert {place for one in maps if "-" not in one for place in places(one)} == top
    assert {int(one.split("-")[0]): set(places(one.split("-")[1])) for one in maps if "-" in one} == children
    assert all(re.fullmatch(r"(\d+-)?0x([0-9A-F]{2})+", one) for one in maps)
    assert not any("0x00" in one for one in maps), "a leading byte of zeros"
