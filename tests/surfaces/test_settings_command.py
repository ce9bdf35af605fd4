"""`hintsync settings`: a connection's choices, shown and changed one at a time."""

from __future__ import annotations

import pytest

from tests.surfaces.town import Town


def test_settings_are_shown_changed_and_kept(town: Town) -> None:
    assert town.json("settings")["settings"]["guard_share"] == 0.05
    assert town.json("settings", "guard_share", "0.2")["changed"] == "guard_share"
    assert town.json("settings", "guard_at_least", "50")["settings"]["guard_share"] == 0.2
    assert town.json("settings", "create_contacts", "true")["settings"]["create_contacts"] is True
    assert town.json("settings", "policies", '{"city": "hint"}')["settings"]["policies"] == {"city": "hint"}
    assert town.json("settings", "time_zone", "America/Chicago")["settings"]["time_zone"] == "America/Chicago"
    assert town.json("settings", "guard_at_least") == {"settings": {"guard_at_least": 50}}
    assert "became" in town.run("settings", "poll_seconds", "60").stdout
    told = town.run("log").stdout
    assert "command line changed poll_seconds: 30.0 became 60" in told
    town.both("Ann", "Moor", "1980-05-06")
    assert town.link_everybody()["outcomes"] == {"linked": 1}  # the engine opens with them


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("colour", "red", "no such setting: colour; there are create_contacts"),
        ("create_contacts", "maybe", "expected true or false"),
        ("guard_at_least", "many", "expected a whole number"),
        ("guard_share", "2", "guard_share: expected a share from 0 to 1"),
        ("time_zone", "Chicago", "time_zone"),
        ("policies", '{"city": "latest"}', "policies: city"),
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_and_the_old_one_stays(
    town: Town, name: str, value: str, complaint: str
) -> None:
    before = town.json("settings")
    assert complaint in town.json("settings", name, value, code=2)["error"]["message"]
    assert town.json("settings") == before
