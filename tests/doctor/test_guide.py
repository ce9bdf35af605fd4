"""The guide to the checks says what the table says, and the table nothing that nobody can do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hintsync.doctor.check import Check
from hintsync.doctor.checks import CHECKS, NOT_KNOWN
from hintsync.doctor.guide import guide
from hintsync.doctor.known import Why
from hintsync.settings import PREFIX, Settings
from hintsync.surfaces.cli.main import app

ROOT = Path(__file__).parents[2]
#: A command of ours in running text.
_COMMAND = re.compile(r"hintsync ([a-z][a-z-]+)(?: [A-Z]+)?((?: --[a-z-]+)*)")
_SETTING = re.compile(rf"{PREFIX}([A-Z_]+)")


def texts(check: Check) -> list[str]:
    return [check.looks_at, *check.remedies.values()]


def test_the_guide_is_the_one_that_the_table_makes() -> None:
    kept = (ROOT / "docs" / "howto" / "doctor.md").read_text(encoding="utf-8")
    assert kept == guide(), "run: python -m hintsync.doctor.guide > docs/howto/doctor.md"


def test_every_reason_for_not_knowing_has_a_remedy() -> None:
    assert set(NOT_KNOWN) == set(Why)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_a_remedy_names_commands_options_and_settings_that_there_are(check: Check) -> None:
    reference = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    commands = {each.name or each.callback.__name__ for each in app.registered_commands if each.callback}
    commands = {name.replace("_", "-") for name in commands}
    for text in check.remedies.values():
        for name, options in _COMMAND.findall(text):
            assert name in commands, (check.code, name)
            section = reference.partition(f"## `hintsync {name}`")[2].partition("\n## ")[0]
            unknown = [each for each in options.split() if not re.search(rf"{each}[ `/]", section)]
            assert unknown == [], (check.code, name)
        settings = {each.removesuffix("_FILE").lower() for each in _SETTING.findall(text)}
        assert settings <= set(Settings.model_fields), check.code


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_a_check_says_what_it_looks_at_and_what_to_do_in_sentences(check: Check) -> None:
    assert check.remedies
    assert all(text[0].isupper() or text.startswith("hintsync ") for text in texts(check)), check.code
    assert all(text.endswith((".", "?", "…")) for text in texts(check)), check.code
