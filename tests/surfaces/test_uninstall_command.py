"""`hintsync uninstall` (M19): says what it does, what stays, what is left to a person; deletes fields only if told twice."""

from __future__ import annotations

from pathlib import Path

from tests.surfaces.town import Town

URL = "https://sync.clinic.example"


def install(town: Town) -> None:
    with (town.state / "settings.env").open("a", encoding="utf-8") as file:
        file.write(f"HINTSYNC_HINT_PARTNER_KEY={town.practice.partner.key}\n")
    town.json("install", "--public-url", URL)


def field_names(town: Town) -> list[str]:
    return [name for name in town.org.components.names("CustomField") if name.startswith("Contact.")]


def test_m19_it_says_each_step_and_what_stays(town: Town) -> None:
    install(town)
    town.both("Ada", "Moss", "1990-01-02")
    town.link_everybody()
    told = town.run("uninstall")
    assert told.exit_code == 0, told.stderr
    assert "pausing all automatic work" in told.stderr
    assert "deactivating the integration in Hint" in told.stderr
    for line in (
        "Contact Layout: section and buttons taken off",
        "ApexPage Hintsync_Panel: deleted",
        "Hint: the integration deactivated",
        f"1 links written to {town.state / 'links-clinic.csv'}",
        "- this installation keeps 1 links and the audit trail, as ids",
    ):
        assert line in told.stdout, line
    assert town.org.components.names("ApexPage") == []
    assert town.practice.installation.status == "deactivated"
    assert len(field_names(town)) == 15
    assert "it was uninstalled" in town.run("sync", "003000000000001AAA").stderr
    assert "Moss" not in told.output


def test_m19_fields_are_deleted_only_by_who_says_it_twice(town: Town) -> None:
    install(town)
    asked = town.json("uninstall", "--fields", code=3)
    assert "--yes-delete-fields" in asked["error"]["message"]
    assert len(field_names(town)) == 15
    checked = town.json("uninstall", "--fields", "--check-only")
    assert ["CustomField", "Contact.Hint_Gender__c"] in checked["salesforce"]["components"]
    done = town.json("uninstall", "--fields", "--yes-delete-fields")
    assert done["secrets_destroyed"] == 3
    assert field_names(town) == []


def test_m19_what_is_only_checked_changes_nothing(town: Town) -> None:
    install(town)
    told = town.run("uninstall", "--check-only")
    assert "Contact Layout: section and buttons would be taken off" in told.stdout
    assert "nothing was changed" in told.stdout
    assert "paused" not in town.run("status").stdout
    assert len(town.org.components.names("ApexPage")) == 4


def test_a_folder_that_is_none_is_said_before_anything_is_done(town: Town, tmp_path: Path) -> None:
    install(town)
    told = town.json("uninstall", "--export", tmp_path / "nowhere" / "links.csv", code=2)
    assert "--export: there is no folder" in told["error"]["message"]
    assert town.practice.installation.status != "deactivated"
