"""The exact demographics key and the index over it."""

from __future__ import annotations

from hintsync.core.match import KeyIndex, match_key


def test_an_index_names_the_records_whose_key_another_lacks():
    mine, theirs = KeyIndex(), KeyIndex()
    shared, alone = match_key("Ada", "Moor", "1980-05-06"), match_key("Ben", "Moor", "1980-05-06")
    assert shared is not None
    assert alone is not None
    mine.add(shared, "p1")
    mine.add(alone, "p2")
    mine.add(alone, "p3")
    theirs.add(shared, "c1")
    assert list(mine.missing_from(theirs)) == ["p2", "p3"]
