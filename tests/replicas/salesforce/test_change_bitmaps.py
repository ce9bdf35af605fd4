"""Bitmaps of change events: recorded ones, both spellings of parts, and what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.replicas.salesforce.change_bitmaps import Place, UnknownBitmap, places


@pytest.mark.parametrize(
    ("maps", "expected"),
    [
        ([], []),
        (["0x800002"], [Place(1), Place(23)]),
        (["0x400000", "4-0x01"], [Place(22), Place(4, 0)]),
        (["2-0x02"], [Place(2, 1)]),
        (["0x00", "2-0x02"], [Place(2, 1)]),
        (["0x", "2-0x0102"], [Place(2, 1), Place(2, 8)]),
        (["0xfF"], [Place(bit) for bit in range(8)]),
    ],
)
def test_bitmaps_name_places(maps: list[str], expected: list[Place]) -> None:
    assert list(places(maps)) == expected


@pytest.mark.parametrize("maps", [["LastName"], ["Name.FirstName"], ["x-0x01"], ["-0x01"], ["0xzz"], ["4-01"], [""]])
def test_what_is_no_bitmap_is_refused(maps: list[str]) -> None:
    with pytest.raises(UnknownBitmap):
        list(places(maps))


@given(st.sets(st.integers(0, 90)), st.dictionaries(st.integers(1, 60), st.sets(st.integers(0, 12), min_size=1)))
def test_every_set_of_places_can_be_read_back(top: set[int], parts: dict[int, set[int]]) -> None:
    def bits(of: set[int]) -> str:
        number = sum(1 << each for each in of)
        return f"0x{number.to_bytes(max(1, (number.bit_length() + 7) // 8)).hex()}"

    maps = [bits(top), *(f"{field}-{bits(children)}" for field, children in parts.items())]
    assert set(places(maps)) == {Place(each) for each in top} | {Place(f, p) for f in parts for p in parts[f]}
