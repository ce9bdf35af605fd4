"""States and countries: many names, one code; what no table knows stays text."""

from __future__ import annotations

import pytest

from hintsync.core.canonical import Unreadable
from hintsync.core.places import countries, states


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("California", "CA"),
        ("CA", "CA"),
        (" ca ", "CA"),
        ("Ca.", "CA"),
        ("NEW  YORK", "NY"),
        ("Washington, D.C.", "DC"),
        ("District of Columbia", "DC"),
        ("Puerto Rico", "PR"),
        ("Québec", "QC"),
        ("Quebec", "QC"),
        ("AE", "AE"),
        ("Armed Forces Europe", "AE"),
        ("", None),
        (None, None),
    ],
)
def test_s1_states_are_two_letter_codes(raw: object, expected: str | None) -> None:
    assert states().read(raw) == expected


def test_s1_a_state_of_elsewhere_stays_text_and_a_code_of_elsewhere_a_code() -> None:
    assert states().read("  New South  Wales") == "New South Wales"
    assert states().read("nsw") == "NSW"
    assert states().label("NSW") == "NSW"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("United States", "US"),
        ("United States of America", "US"),
        ("the united states", "US"),
        ("USA", "US"),
        ("U.S.A.", "US"),
        ("us", "US"),
        ("Canada", "CA"),
        ("CA", "CA"),
        ("UK", "GB"),
        ("Great Britain", "GB"),
        ("South Korea", "KR"),
        ("Korea, Republic of", "KR"),
        ("Côte d'Ivoire", "CI"),
        ("Czech Republic", "CZ"),
        ("Turkey", "TR"),
        ("Russia", "RU"),
        ("Trinidad & Tobago", "TT"),
        (" ", None),
    ],
)
def test_s1_countries_are_iso_codes(raw: str, expected: str | None) -> None:
    assert countries().read(raw) == expected


@pytest.mark.parametrize("raw", ["Texas", "Atlantis", "XX", "Korea"])
def test_s1_a_country_in_no_table_is_not_guessed(raw: str) -> None:
    assert countries().read(raw) == raw


def test_s1_every_code_is_found_again_by_its_own_label() -> None:
    for table in (states(), countries()):
        assert {table.read(table.label(code)) for code in table.codes} == set(table.codes)
        assert all(table.read(code.lower()) == code and table.is_code(code) for code in table.codes)


def test_all_states_and_provinces_are_known() -> None:
    assert {"CA", "NY", "TX", "DC", "PR", "GU", "ON", "QC", "BC", "AA", "AE", "AP"} <= set(states().codes)
    assert len(states().codes) == 57 + 13 + 3


def test_the_orgs_own_picklist_adds_places_and_changes_none() -> None:
    listed = (("NSW", "New South Wales"), ("WA", "Western Australia"), ("CA", "Golden State"))
    table = states(listed)
    assert table.read("New South Wales") == "NSW"
    assert table.label("WA") == "Washington"
    assert table.read("Western Australia") == "Western Australia"
    assert table.label("CA") == "California"


def test_a_side_is_seen_to_prefer_codes_or_names_by_what_it_holds() -> None:
    assert states().prefers_codes(["CA", "ny", "Texas", "", None, "Atlantis"]) is True
    assert states().prefers_codes(["California", "New York", "TX"]) is False
    assert states().prefers_codes([]) is states().prefers_codes(["CA", "Texas"]) is None
    assert countries().prefers_codes(["USA", "United States"]) is False


def test_free_text_is_no_code() -> None:
    assert not states().is_code("New South Wales")
    assert states().is_code("NSW")
    assert not countries().is_code("Atlantis")


def test_places_that_are_no_text_are_unreadable() -> None:
    with pytest.raises(Unreadable):
        states().read(["CA"])
