"""The settings of a connection: stored and read back, loud on nonsense."""

from __future__ import annotations

import pytest

from hintsync.core.errors import BadInput
from hintsync.core.fields import ConflictPolicy
from hintsync.engine.options import Options
from hintsync.state.port import LogLevel


def test_settings_come_back_as_they_were_stored():
    options = Options(
        create_contacts=True,
        default_account_id="001000000000001AAA",
        contact_defaults={"LeadSource": "Hint"},
        placeholder_dates=frozenset({"1900-01-01"}),
        policies={"email": ConflictPolicy.HINT},
        guard_share=0.1,
        guard_at_least=5,
        time_zone="America/Chicago",
        parity_hour=2,
        contact_url="https://acme.lightning.force.com/lightning/r/Contact/",
    )
    assert Options.from_json(options.to_json()) == options


@pytest.mark.parametrize(("level", "copied"), [(None, []), (LogLevel.ERROR, ["error", "exception"])])
def test_the_copy_of_the_log_is_switched_off_or_begins_at_a_level(level: LogLevel | None, copied: list[str]):
    options = Options(hint_log_level=level)
    assert Options.from_json(options.to_json()) == options
    assert [str(each) for each in options.levels_copied] == copied


def test_what_is_missing_takes_its_default():
    assert Options.from_json({}) == Options()


def test_a_policy_reaches_the_mapping_table():
    assert Options(policies={"email": ConflictPolicy.SALESFORCE}).table()["email"].policy is ConflictPolicy.SALESFORCE


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ({"create_contact": True}, "no such setting: create_contact"),
        ({"policies": {"email": "newest"}}, "policies: email: expected"),
        ({"policies": {"shoe_size": "hint"}}, "policies: shoe_size: expected"),
        ({"policies": ["hint"]}, "policies: expected field names"),
        ({"placeholder_dates": "1900-01-01"}, "placeholder_dates: expected a list"),
        ({"salesforce_reserve": 2}, "salesforce_reserve: expected a share"),
        ({"guard_share": -0.1}, "guard_share: expected a share"),
        ({"guard_at_least": 0}, "guard_at_least: expected a whole number"),
        ({"guard_at_least": 2.5}, "guard_at_least: expected a whole number"),
        ({"time_zone": "Mars/Olympus"}, "time_zone: expected a zone"),
        ({"time_zone": ""}, "time_zone: expected a zone"),
        ({"time_zone": "../etc"}, "time_zone: expected a zone"),
        ({"parity_hour": 24}, "parity_hour: expected an hour"),
        ({"create_contacts": "yes"}, "create_contacts: expected true or false"),
        ({"guard_share": True}, "guard_share: expected a share"),
        ({"placeholder_dates": ["1900"]}, "placeholder_dates: expected days"),
        ({"contact_defaults": {"Lead Source": "Hint"}}, "contact_defaults: expected API names"),
        ({"contact_defaults": {"LeadSource": 3}}, "contact_defaults: expected API names"),
        ({"contact_url": "javascript:alert(1)"}, "contact_url: expected an address"),
        ({"phone_region": "us"}, "phone_region: expected a two-letter"),
        ({"hint_log_level": "grave"}, "hint_log_level: expected one of off, debug, error, exception"),
        ({"hint_log_level": None}, "hint_log_level: expected one of"),
        ({"hint_log_days": 0}, "hint_log_days: expected 1 to 3650 days"),
        ({"hint_log_most": 199}, "hint_log_most: expected 200 to 100000 entries"),
        ({"hint_log_most": 1e6}, "hint_log_most: expected 200"),
    ],
)
def test_nonsense_is_refused_by_name(stored: dict[str, object], says: str):
    with pytest.raises(BadInput, match=says):
        Options.from_json(stored)
