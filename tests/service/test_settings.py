"""Settings from the environment: every one also as a file, loud on nonsense."""

from __future__ import annotations

from pathlib import Path

import pytest

from hintsync.core.errors import BadInput
from hintsync.settings import load_settings


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("HINTSYNC_")]:
        monkeypatch.delenv(name)


def test_defaults_are_one_file_in_one_folder():
    settings = load_settings()
    assert settings.database() == "sqlite:///hintsync-state/hintsync.sqlite3"
    assert settings.hint_requests_per_second == 8


def test_the_command_line_outranks_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HINTSYNC_STATE", "/elsewhere")
    assert load_settings(state=tmp_path).state == tmp_path


def test_every_setting_may_lie_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    secret = tmp_path / "partner"
    secret.write_text("partner-key\n")
    monkeypatch.setenv("HINTSYNC_HINT_PARTNER_KEY_FILE", str(secret))
    settings = load_settings()
    assert settings.hint_partner_key.get_secret_value() == "partner-key"
    assert "partner-key" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("HINTSYNC_HINT_CONCURENCY", "4", "no such setting: HINTSYNC_HINT_CONCURENCY"),
        ("HINTSYNC_HINT_REQUESTS_PER_SECOND", "fast", "HINTSYNC_HINT_REQUESTS_PER_SECOND"),
        ("HINTSYNC_HINT_REQUESTS_PER_SECOND", "0", "HINTSYNC_HINT_REQUESTS_PER_SECOND"),
        ("HINTSYNC_HINT_URL", "http://api.hint.example", "expected an https"),
        ("HINTSYNC_MASTER_KEYS_FILE", "/no/such/file", "MASTER_KEYS_FILE: /no/such/file cannot be read"),
    ],
)
def test_nonsense_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(BadInput, match=says):
        load_settings()
