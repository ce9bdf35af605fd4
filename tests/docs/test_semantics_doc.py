"""The page of decision tables and the tests name the same rows."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from hintsync.core.fields import Kind

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")

_TABLE_ROW = re.compile(r"^\| ([FWILUGD]\d+a?) \|", re.MULTILINE)
_RANGE = re.compile(r"(?<![a-z0-9])([fwilugd])(\d+)_to_\1(\d+)(?![a-z0-9])")
_NUMBER = re.compile(r"(?<![a-z0-9])([fwilugd]\d+a?)(?![a-z0-9])")


def rows_of(text: str) -> list[str]:
    """Return the row numbers in the first columns of a page's tables."""
    return _TABLE_ROW.findall(text)


def rows_named_by(test: str) -> set[str]:
    """Return the rows that a test's name carries; `f1_to_f5` stands for all from one to the other."""
    named = {number.upper() for number in _NUMBER.findall(test)}
    for letter, first, last in _RANGE.findall(test):
        named |= {f"{letter.upper()}{number}" for number in range(int(first), int(last) + 1)}
    return {name[:-1] + "a" if name.endswith("A") else name for name in named}


def names_of_tests() -> dict[str, str]:
    """Return the name of every test function, with the file it is in."""
    found = {}
    for path in (ROOT / "tests").rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found[node.name] = str(path.relative_to(ROOT))
    return found


@cache
def rows_with_a_test() -> dict[str, str]:
    """Return each row that some test is named with, and the file of one such test."""
    return {row: path for name, path in names_of_tests().items() for row in rows_named_by(name.removeprefix("test_"))}


def test_every_row_of_the_page_has_a_test_named_with_it() -> None:
    missing = [row for row in rows_of(PAGE) if row not in rows_with_a_test()]
    assert not missing, f"rows without a test: {missing}"


def test_every_row_that_a_test_is_named_with_is_on_the_page() -> None:
    known = set(rows_of(PAGE))
    strangers = {row: path for row, path in rows_with_a_test().items() if row not in known}
    assert not strangers, f"rows that the page does not have: {strangers}"


def test_no_row_is_on_the_page_twice() -> None:
    rows = rows_of(PAGE)
    assert sorted(set(rows)) == sorted(rows)


def test_the_page_numbers_its_rows_without_a_gap() -> None:
    numbers: dict[str, set[int]] = {}
    for row in rows_of(PAGE):
        numbers.setdefault(row[0], set()).add(int(row[1:].rstrip("a")))
    assert numbers == {letter: set(range(1, max(found) + 1)) for letter, found in numbers.items()}


def test_rows_in_the_code_are_on_the_page() -> None:
    literal = re.compile(r'"([FWILUGD]\d+a?)"')
    used = {
        row: path.name
        for path in (ROOT / "src" / "hintsync").rglob("*.py")
        for row in literal.findall(path.read_text(encoding="utf-8"))
    }
    assert used, "the code names rows"
    assert not {row: name for row, name in used.items() if row not in set(rows_of(PAGE))}


def test_every_kind_of_field_is_in_the_table_of_values() -> None:
    words = {Kind.EMAIL: "e-mail"}
    section = PAGE.partition("## When are two values the same?")[2].partition("\n## ")[0]
    kinds = {
        word.strip() for line in section.splitlines() if line.startswith("| ") for word in line.split("|")[1].split(",")
    }
    assert {words.get(kind, str(kind)) for kind in Kind} <= kinds


def test_a_name_carries_its_rows() -> None:
    assert rows_named_by("f1_to_f3_fields") == {"F1", "F2", "F3"}
    assert rows_named_by("f6a_a_side") == {"F6a"}
    assert rows_named_by("l4_and_u3_choosing") == {"L4", "U3"}
    assert rows_named_by("the_l_shaped_f_of_utf8") == set()
