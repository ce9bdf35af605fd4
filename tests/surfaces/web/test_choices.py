"""The settings form knows every choice there is."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.engine.choosing import choices_of
from hintsync.engine.options import Options
from hintsync.surfaces.web.views.choices import CHOICES, ELSEWHERE, read, typed_of


def test_every_choice_is_on_the_form_or_on_a_page_that_is_named() -> None:
    assert {each.name for each in fields(Options)} == set(CHOICES) | ELSEWHERE


def test_each_has_a_label_of_its_own_and_a_sentence() -> None:
    labels = [choice.label for choice in CHOICES.values()]
    assert len(set(labels)) == len(labels)
    assert all(choice.words.endswith(".") for choice in CHOICES.values())


@given(
    options=st.builds(
        Options,
        create_contacts=st.booleans(),
        guard_share=st.integers(0, 1000).map(lambda number: number / 1000),
        guard_at_least=st.integers(1, 10**6),
        poll_seconds=st.integers(10, 36000).map(lambda number: number / 10),
        placeholder_dates=st.frozensets(st.dates().map(str)),
        contact_defaults=st.dictionaries(
            st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,9}__c", fullmatch=True),
            st.text("abc =", min_size=1).map(str.strip).filter(bool),
        ),
        time_zone=st.sampled_from(["UTC", "America/Chicago", "US/Hawaii"]),
    )
)
def test_what_is_shown_is_read_back_as_it_was(options: Options) -> None:
    choices = {name: value for name, value in choices_of(options).items() if name in CHOICES}
    assert read(typed_of(choices)) == (choices, {})


@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [
        ("phone_region", "Texas", "Expected a two-letter country code"),
        ("guard_share", "500", "Expected a number from 0 to 100"),
        ("guard_share", "many", "Expected a number from 0 to 100"),
        ("guard_share", "nan", "Expected a number from 0 to 100"),
        ("guard_at_least", "2.5", "Expected a whole number"),
        ("guard_at_least", "-1", "Expected a whole number"),
        ("poll_seconds", "1e99", "Expected 1 to 3600 seconds"),
        ("time_zone", "Mars/Olympus", "Expected a zone"),
        ("parity_hour", "24", "Expected an hour from 0 to 23"),
        ("placeholder_dates", "01/01/1900", "Expected days such as"),
        ("contact_defaults", "LeadSource", "Expected one field a line"),
        ("contact_defaults", "Lead Source = Hint", "Expected API names"),
        ("contact_url", "javascript:alert(1)", "Expected an address"),
        ("topic", "Contact", "Expected a topic such as"),
        ("log_days", "0", "Expected"),
    ],
)
def test_what_cannot_be_is_said_by_its_field_and_the_others_are_read(name: str, typed: str, told: str) -> None:
    shown = typed_of({each: value for each, value in choices_of(Options()).items() if each in CHOICES})
    values, errors = read({**shown, name: typed})
    assert list(errors) == [name]
    assert errors[name].startswith(told)
    assert values.keys() == CHOICES.keys() - {name}
