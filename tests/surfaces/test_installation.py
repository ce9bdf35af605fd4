"""`hintsync connect`, `status`, `emulate`: setting an installation up and looking at it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hintsync.settings import SETTINGS_FILE
from hintsync.surfaces.cli.main import app
from tests.surfaces.town import Town


def secrets(tmp_path: Path, town: Town) -> list[object]:
    """Write a practice's and an org's credentials into files, as options name them."""
    (tmp_path / "hint").write_text(f"{town.practice.token}\n", encoding="utf-8")
    (tmp_path / "org").write_text(town.org.issue_token(), encoding="utf-8")
    files = ["--hint-token-file", tmp_path / "hint", "--access-token-file", tmp_path / "org"]
    return ["--salesforce-url", town.org_url, *files]


def test_m3_a_connection_is_made_pinned_and_seen(town: Town, tmp_path: Path) -> None:
    answer = town.json("connect", "second", *secrets(tmp_path, town), "--create-contacts")
    assert answer["connection"].pop("changes_found_by").startswith("polling every 30 seconds: ")
    assert answer["connection"] == {
        "name": "second",
        "org_id": town.org.org_id,
        "org_sandbox": False,
        "practice_id": town.practice.id,
    }
    names = [each["name"] for each in town.json("status", "--online")["connections"]]
    assert names == ["clinic", "second"]
    town.patient("Ann", "Moor", "1980-05-06")
    assert town.json("batch", "patients", "--connection", "second")["outcomes"] == {"created": 1}


def test_with_two_connections_a_command_asks_which(town: Town, tmp_path: Path) -> None:
    town.json("connect", "second", *secrets(tmp_path, town))
    message = town.json("runs", code=2)["error"]["message"]
    assert "clinic, second" in message


def test_connecting_again_keeps_the_settings_that_are_not_named(town: Town, tmp_path: Path) -> None:
    given = secrets(tmp_path, town)
    town.json("connect", "clinic", *given, "--create-contacts", "--no-deploy")
    town.json("connect", "clinic", *given, "--phone-region", "CA", "--no-deploy")
    town.patient("Ann", "Moor", "1980-05-06")
    assert town.json("batch", "patients")["outcomes"] == {"created": 1}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--salesforce-url", "http://example.org"], "https://"),
        (["--salesforce-url", "https://example.org"], "--client-id"),
        (["--salesforce-url", "https://example.org", "--client-id", "x", "--username", "u"], "hintsync salesforce-key"),
        (
            ["--salesforce-url", "https://example.org", "--client-id", "x", "--private-key-file", "f"],
            "needs --username",
        ),
        (["--salesforce-url", "https://example.org", "--client-id", "x"], "client secret"),
        (["--salesforce-url", "https://example.org", "--access-token-file", "nowhere"], "nowhere cannot be read"),
    ],
)
def test_credentials_that_do_not_hang_together_are_refused(town: Town, options: list[str], told: str) -> None:
    result = town.run("connect", "second", *options)
    assert (result.exit_code, told in result.stderr) == (2, True)


def test_a_refused_token_is_said_without_showing_it(town: Town, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text("not-the-token-4711", encoding="utf-8")
    given = [*secrets(tmp_path, town), "--hint-token-file", tmp_path / "bad"]
    result = town.run("connect", "second", *given)
    assert result.exit_code == 2
    assert "not-the-token-4711" not in result.output
    assert len(town.json("status")["connections"]) == 1


def test_an_empty_state_folder_says_what_to_do(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hintsync", "runs", "--state", str(tmp_path / "new"), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, json.loads(done.stdout)["error"]["code"]) == (2, "bad-input")
    assert done.stderr.count("\n") == 1


def test_a_setting_that_does_not_exist_is_refused_by_name(town: Town) -> None:
    with (town.state / "settings.env").open("a", encoding="utf-8") as file:
        file.write("HINTSYNC_HNT_URL=x\n")
    result = town.run("status")
    assert (result.exit_code, "HINTSYNC_HNT_URL" in result.stderr) == (2, True)


def test_a_state_folder_that_cannot_be_made_is_said(tmp_path: Path, town: Town) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    town.state = tmp_path / "file" / "state"
    assert town.run("status").exit_code == 2


def test_the_status_shows_no_password(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    url = f"sqlite:///{town.state / 'hintsync.sqlite3'}"
    monkeypatch.setenv("HINTSYNC_DATABASE_URL", url)
    assert town.json("status")["database"] == url
    monkeypatch.setenv("HINTSYNC_DATABASE_URL", "postgresql://user:hunter2@127.0.0.1:1/none")
    result = town.run("status")
    assert result.exit_code in (1, 2)
    assert "hunter2" not in result.output
    assert result.stderr.startswith("hintsync: postgresql")


def test_an_emulator_says_what_is_wrong_with_its_people(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hintsync", "emulate", "hint", "--people", str(tmp_path / "none.csv")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, "none.csv" in done.stderr) == (2, True)


@pytest.mark.parametrize("arguments", [[], ["batch"], ["emulate"], ["frobnicate"], ["status", "--frobnicate"]])
def test_what_is_no_command_is_a_usage_error(town: Town, arguments: list[str]) -> None:
    result = town.runner.invoke(app, arguments)
    assert result.exit_code == 2


def test_status_shows_the_rest_and_names_the_system_that_does_not_answer(town: Town) -> None:
    town.both("Ann", "Moor", "1980-05-06")
    town.link_everybody()
    town.practice.revoke_token()
    (stands,) = town.json("status", "--online", code=2)["connections"]
    assert stands["links"] == {"active": 1}
    assert stands["last_run"]["status"] == "done"
    assert stands["online"]["hint"]["error"]["code"] == "reconnect-needed"
    assert "missing_fields" in stands["online"]["salesforce"]
    shown = town.run("status", "--online")
    assert shown.exit_code == 2
    assert "salesforce answers and is the one that was pinned" in shown.stdout
    assert "hint FAILED (reconnect-needed)" in shown.stdout
    assert "audit trail: whole" in shown.stdout


def test_status_of_a_system_that_cannot_be_reached_is_that_of_something_passing(town: Town) -> None:
    other = "HINTSYNC_HINT_URL=http://127.0.0.1:9\n"
    (town.state / SETTINGS_FILE).write_text(other, encoding="utf-8")
    (stands,) = town.json("status", "--online", code=1)["connections"]
    assert stands["online"]["hint"]["error"]["code"] == "retry-later"
    assert "error" not in stands["online"]["salesforce"]


def test_m3_the_org_may_be_connected_alone_and_hint_later(town: Town, tmp_path: Path) -> None:
    given = secrets(tmp_path, town)
    at = given.index("--hint-token-file")
    answer = town.json("connect", "second", *given[:at], *given[at + 2 :], "--salesforce-only")
    assert (answer["connection"]["name"], answer["connection"]["practice_id"]) == ("second", "")
    assert answer["connection"]["org_id"]
    (half,) = [each for each in town.json("status")["connections"] if each["name"] == "second"]
    assert half["practice_id"] == ""
