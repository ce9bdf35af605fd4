"""The page about security names tests, files and decisions that exist."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
_TEST = re.compile(r"`(test_\w+)`")
_FILE = re.compile(r"`((?:tests|src|deploy)/[\w/.-]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def text() -> str:
    return PAGE.read_text(encoding="utf-8")


@cache
def known() -> frozenset[str]:
    """Return the names of all tests there are."""
    found = [
        re.findall(r"^(?:async )?def (test_\w+)", path.read_text("utf-8"), re.M) for path in ROOT.glob("tests/**/*.py")
    ]
    return frozenset(name for names in found for name in names)


def test_every_test_that_it_names_exists() -> None:
    named = set(_TEST.findall(text()))
    assert len(named) > 10
    assert named - known() == set()


def test_every_file_that_it_names_or_links_to_exists() -> None:
    named, linked = set(_FILE.findall(text())), set(_LINK.findall(text()))
    assert len(named) > 15
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []
    assert [link for link in sorted(linked) if not (PAGE.parent / link).resolve().exists()] == []
