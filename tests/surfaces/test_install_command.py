"""`hintsync install` (M1, M6): our pages come into the org, for whom the administrator chose, onto the layouts that were named."""

from __future__ import annotations

from pathlib import Path

import pytest

from hintsync_emulators.salesforce.canvas.apps import every
from tests.surfaces.town import Town

URL = "https://sync.clinic.example"


def layout(town: Town) -> bytes:
    found = town.org.components.get("Layout", "Contact-Contact Layout")
    assert found is not None
    return found.xml


def hire(town: Town, profile: str, name: str) -> None:
    profile_id = town.org.storage.ids_where("Profile", "Name", profile, live_only=False)[0]
    values = {"Username": f"{name}@x.example", "LastName": name, "Email": f"{name}@x.example", "ProfileId": profile_id}
    town.org.insert("User", values)


def test_m1_it_installs_and_says_what_it_did_and_again_changes_nothing(town: Town) -> None:
    hire(town, "Standard User", "finn")
    first = town.json("install", "--public-url", URL, "--grant", "everybody")
    assert (first["pages_changed"], first["key_missing"], first["check_only"]) == (["Contact Layout"], False, False)
    assert first["granted"] == {"Hint_Sync_Admin": 1, "Hint_Sync_User": 1}
    assert [app.url for app in every(town.org)] == [f"{URL}/canvas"]
    again = town.json("install", "--public-url", URL, "--grant", "everybody")
    assert (again["created"], again["granted"]) == (0, {"Hint_Sync_Admin": 0, "Hint_Sync_User": 0})
    assert (again["pages_changed"], again["pages_unchanged"]) == ([], ["Contact Layout"])


def test_m1_people_see_each_step_and_what_came_of_it(town: Town) -> None:
    with (town.state / "settings.env").open("a", encoding="utf-8") as file:
        file.write(f"HINTSYNC_PUBLIC_URL={URL}\n")
    told = town.run("install", "--grant", "admins")
    assert told.exit_code == 0
    assert "deploying fields, pages and buttons, which lead to https://sync.clinic.example" in told.stderr
    assert "granting permission sets" in told.stderr
    assert "Contact Layout: section and buttons put on" in told.stdout
    secret = every(town.org)[0].client
    assert secret is not None
    assert secret.client_secret not in told.stdout + told.stderr


def test_what_is_only_checked_is_said_as_such_and_nothing_changes(town: Town) -> None:
    before = layout(town)
    told = town.run("install", "--public-url", URL, "--check-only")
    assert told.stdout.endswith("nothing was changed\n")
    assert (every(town.org), layout(town)) == ([], before)


def test_only_the_layouts_that_are_named_get_our_section(town: Town) -> None:
    told = town.json("install", "--public-url", URL, "--layout", "Nurses", code=2)
    assert "no page layout Nurses for contacts; there are: Contact Layout" in told["error"]["message"]
    assert town.json("install", "--public-url", URL, "--layout", "Contact Layout")["pages_changed"] == [
        "Contact Layout"
    ]


def test_an_org_that_makes_its_own_key_says_where_to_copy_it(town: Town, tmp_path: Path) -> None:
    told = town.run("install", "--public-url", URL, "--org-makes-key")
    assert "copy it from Setup" in told.stderr
    client = every(town.org)[0].client
    assert client is not None
    secret = tmp_path / "secret"
    secret.write_text(client.client_secret + "\n", encoding="utf-8")
    given = town.json(
        "install", "--public-url", URL, "--consumer-key", client.client_id, "--consumer-secret-file", secret
    )
    assert not given["key_missing"]
    assert every(town.org)[0].client == client


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "public_url is not set"),
        (("--public-url", "http://clinic.example"), "expected an https:// address"),
        (("--public-url", URL, "--grant", "nurses"), "expected admins, everybody or profile:NAME, and got nurses"),
        (("--public-url", URL, "--grant", "profile:"), "expected admins, everybody or profile:NAME"),
        (("--public-url", URL, "--grant", "profile:Nurses"), "the org has no profile Nurses"),
        (("--public-url", URL, "--consumer-key", "abc"), "belong together"),
        (("--public-url", URL, "--consumer-key", "abc", "--consumer-secret-file", "nowhere"), "cannot be read"),
    ],
)
def test_what_cannot_be_installed_is_refused_with_the_reason(
    town: Town, arguments: tuple[str, ...], problem: str
) -> None:
    told = town.json("install", *arguments, code=2)
    assert problem in told["error"]["message"]
    assert b"Hintsync" not in layout(town)
