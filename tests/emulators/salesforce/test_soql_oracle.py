"""SOQL conditions against an evaluator that is slow and plainly right."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hintsync_emulators.salesforce import ManualClock, Org

Row = dict[str, object]
Truth = Callable[[Row], bool]

TEXTS = ("LastName", "Title")
LETTERS = st.text("aAbB éÉ'\\%_", min_size=1, max_size=4).filter(lambda text: text.strip() == text)
PLAIN = st.text("aAbBcC", min_size=1, max_size=3)
NUMBERS = st.sampled_from([-1.5, 0.0, 2.0, 7.25])
DAYS = st.sampled_from(["1980-03-02", "2001-03-02", "1999-12-31", "1960-02-29", "2020-01-01"])
PEOPLE = st.lists(
    st.fixed_dictionaries(
        {
            "LastName": LETTERS,
            "Title": st.none() | LETTERS | PLAIN,
            "MailingLatitude": st.none() | NUMBERS,
            "DoNotCall": st.booleans(),
            "Birthdate": st.none() | DAYS,
        }
    ),
    min_size=1,
    max_size=8,
)


@dataclass(frozen=True)
class Condition:
    """A condition as SOQL, and as a function of a record."""

    soql: str
    holds: Truth


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _folded(value: object) -> str | None:
    return None if value is None else str(value).casefold()


@st.composite
def _equal(draw: st.DrawFn) -> Condition:
    name, text, same = draw(st.sampled_from(TEXTS)), draw(LETTERS | PLAIN), draw(st.booleans())
    operator = "=" if same else draw(st.sampled_from(["!=", "<>"]))
    return Condition(f"{name} {operator} {_quoted(text)}", lambda row: (_folded(row[name]) == text.casefold()) is same)


@st.composite
def _empty(draw: st.DrawFn) -> Condition:
    name, same = draw(st.sampled_from([*TEXTS, "MailingLatitude", "Birthdate"])), draw(st.booleans())
    return Condition(f"{name} {'=' if same else '!='} null", lambda row: (row[name] is None) is same)


@st.composite
def _ordered(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from(["MailingLatitude", "Birthdate"]))
    operator = draw(st.sampled_from(["<", "<=", ">", ">=", "=", "!="]))
    value: object = draw(NUMBERS if name == "MailingLatitude" else DAYS)

    def holds(row: Row) -> bool:
        if row[name] is None:
            return operator == "!="
        # Birthdays are compared without their year.
        left, right = (str(one)[5:] if name == "Birthdate" else one for one in (row[name], value))
        return {
            "<": left < right,
            "<=": left <= right,
            ">": left > right,
            ">=": left >= right,
            "=": left == right,
            "!=": left != right,
        }[operator]

    return Condition(f"{name} {operator} {value}", holds)


@st.composite
def _among(draw: st.DrawFn) -> Condition:
    name, negated = draw(st.sampled_from(TEXTS)), draw(st.booleans())
    texts = draw(st.lists(LETTERS | PLAIN, min_size=1, max_size=3))
    folded = {text.casefold() for text in texts}
    soql = f"{name} {'NOT IN' if negated else 'IN'} ({', '.join(map(_quoted, texts))})"
    return Condition(soql, lambda row: (_folded(row[name]) in folded) is not negated)


@st.composite
def _like(draw: st.DrawFn) -> Condition:
    name = draw(st.sampled_from(TEXTS))
    parts = draw(st.lists(st.sampled_from(["%", "_", "a", "B", "É", "\\%", "\\_", "'"]), min_size=1, max_size=5))
    pattern = "".join({"%": ".*", "_": "."}.get(part, re.escape(part.removeprefix("\\").casefold())) for part in parts)
    soql = "".join(part.replace("'", "\\'") for part in parts)

    def holds(row: Row) -> bool:
        return row[name] is not None and re.fullmatch(pattern, str(_folded(row[name])), re.DOTALL) is not None

    return Condition(f"{name} LIKE '{soql}'", holds)


@st.composite
def _boolean(draw: st.DrawFn) -> Condition:
    wanted, same = draw(st.booleans()), draw(st.booleans())
    soql = f"DoNotCall {'=' if same else '!='} {str(wanted).lower()}"
    return Condition(soql, lambda row: (row["DoNotCall"] is wanted) is same)


def _not(one: Condition) -> Condition:
    return Condition(f"(NOT {one.soql})", lambda row: not one.holds(row))


def _all(parts: list[Condition]) -> Condition:
    return Condition(f"({' AND '.join(one.soql for one in parts)})", lambda row: all(one.holds(row) for one in parts))


def _any(parts: list[Condition]) -> Condition:
    return Condition(f"({' OR '.join(one.soql for one in parts)})", lambda row: any(one.holds(row) for one in parts))


CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    _equal() | _empty() | _ordered() | _among() | _like() | _boolean(),
    lambda inner: (
        inner.map(_not)
        | st.lists(inner, min_size=2, max_size=3).map(_all)
        | st.lists(inner, min_size=2, max_size=3).map(_any)
    ),
    max_leaves=6,
)


@pytest.fixture(scope="module")
def org() -> Org:
    return Org(seed=1, clock=ManualClock())


@settings(max_examples=300, deadline=None)
@given(people=PEOPLE, condition=CONDITIONS)
def test_a_condition_finds_what_the_evaluator_finds(org: Org, people: list[Row], condition: Condition) -> None:
    for old in org.rows("Contact"):
        org.purge("Contact", str(old["Id"]))
    ids = org.insert_many("Contact", people)
    answer = org.queries.run(f"SELECT Id FROM Contact WHERE {condition.soql}", False, 2000, "")
    records = answer["records"]
    assert isinstance(records, list)
    expected = [record_id for record_id, person in zip(ids, people, strict=True) if condition.holds(person)]
    assert [one["Id"] for one in records] == expected
