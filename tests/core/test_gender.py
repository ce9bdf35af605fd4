"""The gender table: editable, and never a guess."""

from __future__ import annotations

import pytest

from hintsync.core.canonical import Unreadable
from hintsync.core.errors import BadInput
from hintsync.core.gender import GenderTable

SHIPPED = GenderTable()


@pytest.mark.parametrize("word", ["male", "female", "intersex"])
def test_s1_the_shipped_table_knows_the_words_hint_takes(word: str) -> None:
    assert SHIPPED.read_hint()(word.upper()) == word
    assert SHIPPED.read_salesforce()(SHIPPED.label(word)) == word


@pytest.mark.parametrize("value", ["M", "nonbinary", "Other", "Male?"])
def test_s1_a_gender_without_counterpart_is_unreadable_rather_than_guessed(value: str) -> None:
    for read in (SHIPPED.read_hint(), SHIPPED.read_salesforce()):
        with pytest.raises(Unreadable):
            read(value)


def test_s1_a_blank_gender_is_blank() -> None:
    assert SHIPPED.read_hint()(None) is SHIPPED.read_salesforce()(" ") is None


def test_an_edited_table_reads_all_pairs_and_writes_the_first() -> None:
    table = GenderTable((("male", "Man"), ("female", "Woman"), ("male", "M"), ("intersex", "X")))
    assert table.read_salesforce()("m") == table.read_salesforce()("man") == "male"
    assert table.label("male") == "Man"


@pytest.mark.parametrize("pairs", [(("male", "M"), ("female", "m")), (("male", ""),), ((" male", "M"),)])
def test_a_table_that_would_need_guessing_is_refused_with_its_row(pairs: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(BadInput, match=f"row {len(pairs)}"):
        GenderTable(pairs)
