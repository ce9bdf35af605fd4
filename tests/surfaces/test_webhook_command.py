"""`hintsync webhook` (M5): the address is shown, told to Hint, tested, and turns green at the first signed event."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hintsync.bootstrap import open_service
from hintsync.engine.detect.webhooks import SEEN
from hintsync.settings import load_settings
from hintsync.surfaces.cli.main import app
from tests.surfaces.town import Town

URL = "https://sync.example.org/webhooks/hint"
KEY = "whsec-test"


def set_up(town: Town, **settings: str) -> None:
    """Add to the settings file; the partner key and the signature key unless others are named."""
    usual = {"HINT_PARTNER_KEY": town.practice.partner.key, "HINT_WEBHOOK_KEYS": KEY}
    with (town.state / "settings.env").open("a", encoding="utf-8") as file:
        file.writelines(f"HINTSYNC_{name}={value}\n" for name, value in {**usual, **settings}.items())


def addresses(town: Town) -> list[str]:
    return [each.webhook_url for each in town.practice.installation.endpoints]


async def note_first_event(town: Town) -> None:
    async with open_service(load_settings(state=town.state)) as service:
        await service.store.put_cursor("clinic", SEEN, "2026-11-22T10:00:00Z")


@pytest.mark.parametrize("routes", ["legacy", "installations"])
def test_m5_an_address_is_told_to_hint_once_and_shown(town: Town, routes: str) -> None:
    set_up(town, HINT_ROUTES=routes)
    before = town.json("webhook")
    assert (before["registered"], before["seen_at"], before["signature_keys"]) == (None, None, 1)
    first = town.json("webhook", "--url", URL)
    assert first["registered"]["url"] == URL
    assert town.json("webhook", "--url", URL) == first == town.json("webhook")
    assert addresses(town) == [URL]
    assert "not reached it yet" in town.run("webhook").stdout
    asyncio.run(note_first_event(town))
    assert "Hint has reached it" in town.run("webhook").stdout


def test_m5_update_takes_the_public_address(town: Town) -> None:
    set_up(town, PUBLIC_URL="https://sync.example.org/clinic/")
    town.json("webhook", "--update")
    assert addresses(town) == ["https://sync.example.org/clinic/webhooks/hint"]


@pytest.mark.parametrize(
    ("options", "settings", "told"),
    [
        (["--update"], {}, "public_url is not set"),
        (["--url", "http://sync.example.org/x"], {}, "expected an https:// address"),
        (["--url", "https://user:hunter2@sync.example.org/x"], {}, "expected an https:// address"),
        (["--url", URL], {"HINT_PARTNER_KEY": ""}, "hint_partner_key"),
        (["--url", URL], {"HINT_PARTNER_KEY": "wrong-key-4711"}, "hint_partner_key"),
        (["--url", URL], {"HINT_PARTNER_KEY": "", "HINT_WEBHOOK_KEYS": ""}, "hint_webhook_keys"),
        (["--test"], {}, "public_url is not set"),
    ],
)
def test_m5_what_is_missing_is_said_by_name(
    town: Town, options: list[str], settings: dict[str, str], told: str
) -> None:
    set_up(town, **settings)
    result = town.run("webhook", *options)
    assert (result.exit_code, told in result.stderr) == (2, True), result.stderr
    assert not [secret for secret in ("hunter2", "4711") if secret in result.output]
    assert addresses(town) == []


def test_m5_an_address_that_does_not_lead_here_is_said(town: Town) -> None:
    set_up(town, PUBLIC_URL=town.hint_url)
    answer = town.json("webhook", "--test", code=2)
    assert (answer["test"]["reached"], answer["test"]["code"]) == (False, "status")


def test_m5_the_test_reaches_the_running_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "tests.surfaces.web.server_process", str(tmp_path), "0"]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as serving:
        assert serving.stdout is not None
        monkeypatch.setenv("HINTSYNC_PUBLIC_URL", json.loads(serving.stdout.readline())["url"])
        result = CliRunner().invoke(app, ["webhook", "--test", "--state", str(tmp_path), "--json"])
        assert result.exit_code == 0, result.output
        assert json.loads(result.stdout)["test"]["code"] == "reached"
