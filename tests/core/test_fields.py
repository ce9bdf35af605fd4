"""The mapping table as shipped: the article's fields, their directions, and what may be cleared."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.core.fields import DEFAULT_MAPPING, KEY_FIELDS, ConflictPolicy, Direction, Kind, Mapping
from hintsync.core.values import Side

ONE_WAY = {
    "practitioner_name",
    "insurance_payer",
    "insurance_group_id",
    "insurance_member_id",
    "member_contract_accepted",
    "member_contract_accepted_at",
    "hipaa_authorization_accepted",
    "hipaa_authorization_accepted_at",
    "membership_status",
}


def test_m7_the_fields_that_only_hint_may_change_are_the_articles_and_the_membership_status() -> None:
    assert {row.name for row in DEFAULT_MAPPING if row.one_way} == ONE_WAY
    assert len(DEFAULT_MAPPING.names) == 24


def test_f7_names_birth_date_and_gender_do_not_allow_clears() -> None:
    fixed = {row.name for row in DEFAULT_MAPPING if not row.clearable}
    assert fixed == {"first_name", "last_name", "birth_date", "gender"}


def test_f5_every_field_holds_its_conflicts_unless_told_otherwise() -> None:
    assert {row.policy for row in DEFAULT_MAPPING} == {ConflictPolicy.HOLD}


def test_f6a_only_the_name_prefix_is_taken_for_write_only_before_an_answer_shows_it() -> None:
    assert {row.name: row.write_only for row in DEFAULT_MAPPING if row.write_only} == {"name_prefix": {Side.HINT}}


def test_no_two_fields_share_a_name_or_a_place() -> None:
    rows = list(DEFAULT_MAPPING)
    assert len({row.name for row in rows}) == len({row.salesforce for row in rows}) == len(rows)
    keys = [key for row in rows for key in row.hint]
    assert len(set(keys)) == len(keys)


def test_the_key_fields_are_in_the_table() -> None:
    assert set(KEY_FIELDS) <= set(DEFAULT_MAPPING.names)
    with pytest.raises(KeyError):
        DEFAULT_MAPPING["shoe_size"]


def test_a_street_has_two_lines_and_a_phone_one_type() -> None:
    for row in DEFAULT_MAPPING:
        if row.kind is Kind.STREET:
            assert len(row.hint) == 2
        if row.kind is Kind.PHONE:
            assert row.hint in (("mobile",), ("home",), ("office",))


def test_g5_the_digest_moves_with_anything_in_the_table() -> None:
    first = DEFAULT_MAPPING.rows[0]
    changes = (
        replace(first, salesforce="Title"),
        replace(first, direction=Direction.HINT_TO_SALESFORCE),
        replace(first, clearable=False),
        replace(first, policy=ConflictPolicy.HINT),
        replace(first, write_only=frozenset()),
    )
    digests = {Mapping((changed, *DEFAULT_MAPPING.rows[1:])).digest() for changed in changes}
    assert len(digests | {DEFAULT_MAPPING.digest(), DEFAULT_MAPPING.without(["city"]).digest()}) == 7
    assert DEFAULT_MAPPING.without([]).digest() == DEFAULT_MAPPING.digest()
