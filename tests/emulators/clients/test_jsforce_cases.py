"""jsforce's published cases: every one of the seven groups is played by a test of ours that there really is."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

_FOLDER = Path(__file__).parent / "jsforce"
#: How many cases the published suites of each group hold.
PUBLISHED = {"connection": 26, "CRUD": 12, "query": 27, "sobject": 27, "bulk2": 16, "metadata": 13, "oauth": 5}
_ROW = re.compile(r"^\| (?P<group>[\w]+) \| (?P<case>[^|]+) \| (?P<played>[^|]+) \|$", re.MULTILINE)
_TEST = re.compile(r"""\btest\((?P<quote>["`])(?P<name>.+?)(?P=quote), """)


def _table() -> list[tuple[str, str, list[str]]]:
    """Return group, published case and our tests of every row of the first table."""
    text = (_FOLDER / "README.md").read_text(encoding="utf-8").partition("\n## ")[0]
    rows = [match for match in _ROW.finditer(text) if match["group"] != "group"]
    return [(row["group"], row["case"].strip(), row["played"].strip().split(" + ")) for row in rows]


def _ours() -> set[str]:
    """Return every test of the scripts, as ``group: name``."""
    scripts = (one for one in sorted(_FOLDER.glob("*.mjs")) if one.stem != "setup")
    return {f"{one.stem}: {match['name']}" for one in scripts for match in _TEST.finditer(one.read_text("utf-8"))}


def test_every_published_case_of_the_seven_groups_is_listed_once() -> None:
    rows = _table()
    assert Counter(group for group, _, _ in rows) == PUBLISHED
    assert len({(group, case) for group, case, _ in rows}) == len(rows)


def test_every_listed_case_is_played_by_a_test_that_there_is() -> None:
    ours = _ours()
    assert [name for _, _, played in _table() for name in played if name not in ours] == []


def test_suites_that_are_not_played_say_why() -> None:
    rest = (_FOLDER / "README.md").read_text(encoding="utf-8").partition("\n## ")[2]
    rows = re.findall(r"^\| ([a-z0-9, -]+) \| (.+) \|$", rest, re.MULTILINE)
    named = {name for suites, _ in rows if suites != "suite" for name in suites.split(", ")}
    assert len(named) >= 20
    assert all(len(why.split()) >= 4 for suites, why in rows if suites not in ("suite", "---"))
