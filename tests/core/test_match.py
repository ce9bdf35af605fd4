"""The exact demographics key: which differences of writing it forgives, which it keeps, and when there is none."""

from __future__ import annotations

import pytest

from hintsync.core.match import (
    DEFAULT_PLACEHOLDER_DATES,
    KeyIndex,
    MatchKey,
    calendar_day,
    fold_name,
    match_key,
)

BORN = "1984-03-02"


def key_of(first: str, last: str, birth_date: str = BORN) -> MatchKey:
    key = match_key(first, last, birth_date)
    assert key is not None
    return key


SMITH = key_of("Ann", "Smith")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Jose\u0301", "Jos\u00e9", id="composed and decomposed accents"),
        pytest.param("Mary\u00a0Ann", "Mary Ann", id="no-break space"),
        pytest.param("  Mary \t Ann ", "Mary Ann", id="white space around and doubled"),
        pytest.param("MARY ann", "Mary Ann", id="case"),
        pytest.param("Strauß", "STRAUSS", id="sharp s"),
        pytest.param("Griﬃn", "Griffin", id="ligature"),
        pytest.param("Ｍａｒｙ", "Mary", id="full width"),
        pytest.param("O\u2019Brien", "O'Brien", id="curly apostrophe"),
        pytest.param("O`Brien", "O'Brien", id="grave accent for an apostrophe"),
        pytest.param("O\u00b4Brien", "O'Brien", id="acute accent for an apostrophe"),
        pytest.param("Ka\u02bbiulani", "Ka'iulani", id="okina"),
        pytest.param("Smith\u2011Jones", "Smith-Jones", id="non-breaking hyphen"),
        pytest.param("Smith\u2013Jones", "Smith-Jones", id="en dash for a hyphen"),
        pytest.param("Smith\u200bJones", "SmithJones", id="zero-width space"),
        pytest.param("\ufeffSmith", "Smith", id="byte order mark"),
        pytest.param("Smi\u00adth", "Smith", id="soft hyphen"),
    ],
)
def test_section4_writings_of_one_typed_name_share_a_key(one: str, other: str) -> None:
    assert match_key(one, one, BORN) == match_key(other, other, BORN)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Peña", "Pena", id="accent"),
        pytest.param("Nguyễn", "Nguyen", id="two accents"),
        pytest.param("O'Brien", "OBrien", id="apostrophe missing"),
        pytest.param("Smith-Jones", "Smith Jones", id="hyphen missing"),
        pytest.param("De La Cruz", "Delacruz", id="spaces missing"),
        pytest.param("Sørensen", "Sorensen", id="slashed o"),
        pytest.param("İpek", "Ipek", id="dotted capital I"),
        pytest.param("Müller", "Mueller", id="umlaut written out"),
        pytest.param("Smith Jr", "Smith", id="suffix"),
        pytest.param("J.", "J", id="full stop"),
        pytest.param("Bob", "Robert", id="nickname"),
        pytest.param("Иван", "Ivan", id="transliteration"),
        pytest.param("ポール", "ポ-ル", id="katakana length mark is no hyphen"),
    ],
)
def test_section4_different_names_keep_different_keys(one: str, other: str) -> None:
    assert match_key(one, "Smith", BORN) != match_key(other, "Smith", BORN)
    assert match_key("Ann", one, BORN) != match_key("Ann", other, BORN)


@pytest.mark.parametrize("name", ["王小明", "Иван", "محمد", "दीपिका", "김민준", "Ελένη"])
def test_names_of_any_script_have_a_key_of_their_own(name: str) -> None:
    key = key_of(name, name)
    assert key.first == key.last != ""
    assert key != match_key("x", "x", BORN)


@pytest.mark.parametrize("blank", [None, "", "   ", "\u00a0", "\u200b", "\u3164", " \ufeff\t"])
def test_l7_a_blank_part_gives_no_key(blank: str | None) -> None:
    assert match_key(blank, "Smith", BORN) is None
    assert match_key("Ann", blank, BORN) is None
    assert match_key("Ann", "Smith", blank) is None


@pytest.mark.parametrize("placeholder", sorted(DEFAULT_PLACEHOLDER_DATES))
def test_l7_a_placeholder_date_gives_no_key(placeholder: str) -> None:
    assert calendar_day(placeholder) == placeholder, "a placeholder that is no day would never be compared"
    assert match_key("Ann", "Smith", placeholder) is None


def test_l7_the_settings_decide_which_dates_are_placeholders() -> None:
    assert match_key("Ann", "Smith", "1900-01-01", frozenset()) is not None
    assert match_key("Ann", "Smith", BORN, frozenset({BORN})) is None


@pytest.mark.parametrize(
    "text",
    ["2001-02-30", "1999-13-01", "-0050-01-0", "0000-00-00", "1984-3-2", "19840302", "1984-W09-5", "03/02/1984",
     "1984-03-02T00:00:00Z", "٢٠٠١-٠١-٠١", "unknown", "1984-03-02 x"],
)  # fmt: skip
def test_a_date_that_is_no_calendar_day_gives_no_key(text: str) -> None:
    assert match_key("Ann", "Smith", text) is None


def test_a_leap_day_is_a_birthday_in_leap_years_only() -> None:
    assert match_key("Ann", "Smith", "2000-02-29") is not None
    assert match_key("Ann", "Smith", "1999-02-29") is None


def test_a_separator_cannot_stand_in_a_part() -> None:
    assert key_of("Ann\x1fMarie", "Smith") == key_of("Ann Marie", "Smith")
    assert key_of("Ann Marie", "Smith") != key_of("Ann", "Marie Smith")


def test_half_a_surrogate_pair_from_broken_json_can_be_looked_up() -> None:
    index = KeyIndex()
    index.add(key_of("Ann\ud83d", "Smith"), "c1")
    assert index.candidates(key_of("Ann\ud83d", "Smith")) == ("c1",)


def test_folding_keeps_accents_and_letters() -> None:
    assert fold_name("  ÉLODIE  d\u2019Arc ") == "élodie d'arc"


class TestKeyIndex:
    def test_records_of_one_key_are_counted_in_the_order_they_came(self) -> None:
        index = KeyIndex()
        key = key_of("Ann", "Smith")
        for record_id in ("a", "b", "c"):
            index.add(key, record_id)
        assert index.candidates(key) == ("a", "b", "c")
        assert index.candidates(key_of("Ann", "Smyth")) == ()
        assert len(index) == 1
        assert list(index.repeated()) == [("a", "b", "c")]

    def test_a_record_read_twice_counts_once(self) -> None:
        index = KeyIndex()
        key = key_of("Ann", "Smith")
        for record_id in ("a", "a", "b", "a", "b"):
            index.add(key, record_id)
        assert index.candidates(key) == ("a", "b")

    def test_a_corrected_record_no_longer_counts_for_its_old_key(self) -> None:
        index = KeyIndex()
        key = key_of("Ann", "Smith")
        index.add(key, "a")
        index.add(key, "b")
        index.discard(key, "a")
        assert index.candidates(key) == ("b",)
        assert list(index.repeated()) == []
        index.discard(key, "unknown")
        index.discard(key, "b")
        index.discard(key, "b")
        assert index.candidates(key) == ()
        assert len(index) == 0
