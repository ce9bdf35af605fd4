"""What an installation is told of a setting that makes no sense: its name and what was expected, in our words."""

from __future__ import annotations

from pathlib import Path

import pytest

from hintsync.core.errors import BadInput
from hintsync.settings import PREFIX, SETTINGS_FILE, Settings, load_settings

#: Must show nowhere.
VALUE = "Zyxwvutcanary"


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("HINT_REQUESTS_PER_SECOND", VALUE, "expected a number, above 0 and at most 1,000"),
        ("HINT_REQUESTS_PER_SECOND", "0", "expected a number, above 0 and at most 1,000"),
        ("HINT_DAILY_RESERVE", "1", "expected a number, at least 0 and below 1"),
        ("HINT_CONCURRENCY", "2.5", "expected a whole number, at least 1 and at most 32"),
        ("ALERT_QUEUE_MINUTES", "-1", "expected a number, above 0"),
        ("HINT_ROUTES", VALUE, "expected one of legacy, installations"),
        ("HINT_URL", f"http://{VALUE}.example.org", "expected an https:// address"),
        (
            "PUBLIC_URL",
            f"https://user:{VALUE}@example.org",
            "expected an https:// address without user, query or fragment",
        ),
        ("SALESFORCE_EVENTS", VALUE, "expected host:port"),
    ],
)
def test_a_value_that_makes_no_sense_is_told_by_name_and_by_what_was_expected(
    tmp_path: Path, name: str, value: str, told: str
) -> None:
    (tmp_path / SETTINGS_FILE).write_text(f"{PREFIX}{name}={value}\n", encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        load_settings(state=tmp_path)
    assert str(refused.value) == f"settings: {PREFIX}{name}: {told}"


def test_several_are_told_at_once_and_a_name_that_nobody_knows_too(tmp_path: Path) -> None:
    lines = f"{PREFIX}HINT_CONCURRENCY={VALUE}\n{PREFIX}NOT_A_SETTING={VALUE}\n{PREFIX}LISTEN_PORT=70000\n"
    (tmp_path / SETTINGS_FILE).write_text(lines, encoding="utf-8")
    with pytest.raises(BadInput) as refused:
        load_settings(state=tmp_path)
    text = str(refused.value)
    assert f"{PREFIX}HINT_CONCURRENCY: expected a whole number, at least 1 and at most 32" in text
    assert f"{PREFIX}LISTEN_PORT: expected a whole number, at least 0 and at most 65,535" in text
    assert f"{PREFIX}NOT_A_SETTING: no such setting" in text
    assert VALUE not in text


def test_no_setting_however_wrong_shows_its_value_secrets_among_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in Settings.model_fields:
        monkeypatch.setenv(f"{PREFIX}{name.upper()}", f"ftp://{VALUE}")
    with pytest.raises(BadInput) as refused:
        load_settings(state=tmp_path)
    assert VALUE not in str(refused.value)
    assert str(refused.value).count(": expected ") > 10
