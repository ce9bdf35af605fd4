"""Phone numbers: what is one number, what is text, and how each side gets it."""

from __future__ import annotations

import pytest

from hintsync.core.canonical import Unreadable
from hintsync.core.phones import PhoneFormat

US = PhoneFormat("US")


@pytest.mark.parametrize(
    "raw",
    [
        "(415) 555-0132",
        "4155550132",
        4155550132,
        "+1 415 555 0132",
        "1-415-555-0132",
        "415.555.0132",
        "415–555–0132",
        " 415 555 0132 ",
        "011 1 415 555 0132",
    ],
)
def test_s1_one_number_in_many_spellings_is_one_value(raw: object) -> None:
    assert US.read(raw) == "+14155550132"


@pytest.mark.parametrize("raw", ["415-555-0132 x12", "(415) 555-0132 ext. 12", "+14155550132;ext=12", "4155550132 #12"])
def test_s1_an_extension_is_part_of_the_number(raw: str) -> None:
    assert US.read(raw) == "+14155550132;ext=12"


@pytest.mark.parametrize(
    "raw",
    ["555-0132", "ask for Ana 415 555 0132", "415 555 0132 / 33", "1-800-FLOWERS", "none", "12", "x12", "0115550132"],
)
def test_s1_what_is_not_plainly_a_number_stays_the_text_it_is(raw: str) -> None:
    assert US.read(raw) == raw
    assert US.for_hint(raw) == (raw, False)
    assert US.for_salesforce(raw) == raw


def test_s1_numbers_from_abroad_keep_their_country() -> None:
    assert US.read("+44 (0)20 7946 0958") == US.read("011442079460958") == "+442079460958"
    assert US.for_salesforce("+442079460958") == "+44 20 7946 0958"
    assert US.for_hint("+442079460958") == ("+44 20 7946 0958", False)


def test_s1_a_number_without_country_code_belongs_to_the_connections_country() -> None:
    assert PhoneFormat("GB").read("020 7946 0958") == "+442079460958"
    assert PhoneFormat("GB").read("+1 415 555 0132") == "+14155550132"
    assert PhoneFormat("GB").for_hint("+14155550132") == ("+1 415-555-0132", False)


def test_each_side_gets_the_form_it_is_used_to() -> None:
    assert US.for_hint("+14155550132") == ("4155550132", True)
    assert US.for_salesforce("+14155550132") == "(415) 555-0132"
    assert US.for_salesforce("+14155550132;ext=12") == "(415) 555-0132 ext. 12"


def test_blank_numbers_are_blank_and_other_things_unreadable() -> None:
    assert US.read(None) is US.read(" ") is None
    with pytest.raises(Unreadable):
        US.read({"number": "4155550132"})
