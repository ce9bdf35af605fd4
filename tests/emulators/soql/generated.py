"""Worlds and statements for the SOQL engine and its evaluator to agree on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

from hypothesis import strategies as st

from tests.emulators.soql.evaluator import (
    LEVELS,
    UP,
    Among,
    Compare,
    Condition,
    Expr,
    Includes,
    Joined,
    Like,
    Literal,
    Not,
    Row,
    Several,
    quoted,
    stretch,
)
from tests.emulators.soql.statements import Aggregate, Grouped, Having, Query, Sort

TEXTS = st.text("aAbBéÉ'\\%_", min_size=1, max_size=3) | st.text("aAb", min_size=1, max_size=2)
NUMBERS = st.sampled_from([-1.5, 0.0, 0.25, 2.0, 7.25])
COUNTS = st.integers(0, 3)
DAYS = st.sampled_from(["2026-03-02", "2026-03-01", "2026-02-28", "2025-12-31", "2026-04-01", "2024-02-29"])
MOMENTS = st.sampled_from(
    ["2026-03-02T09:00:00", "2026-03-02T00:00:00", "2026-03-01T23:59:59", "2025-03-02T12:30:00", "2026-04-01T00:00:00"]
).map(lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC))
TAGS = st.lists(st.sampled_from(["x", "y", "Z"]), min_size=1, max_size=3, unique=True)
WANTED = st.lists(TAGS.map(tuple), min_size=1, max_size=2)
TRUTHS = st.booleans() | st.none()
_FIXED_UNITS = ("WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")
FIXED = (
    *("TODAY", "YESTERDAY", "TOMORROW"),
    *(f"{word}_{unit}" for word in ("LAST", "THIS", "NEXT") for unit in _FIXED_UNITS),
)
COUNTED = tuple(
    f"{word}_N_{unit}S" for word in ("LAST", "NEXT") for unit in ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
)
AGO = tuple(f"N_{unit}S_AGO" for unit in ("DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR"))
BOTH = ("CALENDAR_YEAR", "CALENDAR_QUARTER", "CALENDAR_MONTH", "DAY_IN_MONTH", "DAY_IN_WEEK", "DAY_IN_YEAR")
WEEKS = ("WEEK_IN_MONTH", "WEEK_IN_YEAR")

#: Object -> kind -> its fields.
OWN: dict[str, dict[str, tuple[str, ...]]] = {
    "Contact": {
        "text": ("LastName", "Title"),
        "number": ("MailingLatitude",),
        "date": ("Day__c",),
        "moment": ("When__c",),
        "level": ("Level__c",),
        "id": ("Id", "AccountId", "ReportsToId"),
    },
    "Account": {"text": ("Name", "Site"), "number": ("NumberOfEmployees",), "id": ("Id", "ParentId")},
}


def paths(object_name: str, kind: str, deep: int) -> list[tuple[str, ...]]:
    """Return every path to a field of a kind that climbs no more than so many parents."""
    found: list[tuple[str, ...]] = [(name,) for name in OWN[object_name].get(kind, ())]
    if deep:
        for (child, relationship), (_, parent) in UP.items():
            if child == object_name:
                found += [(relationship, *path) for path in paths(parent, kind, deep - 1)]
    return found


@cache
def fields(object_name: str, kinds: tuple[str, ...], deep: int = 3) -> st.SearchStrategy[Expr]:
    """Draw a field of one of some kinds."""
    return st.sampled_from([Expr(path, kind) for kind in kinds for path in paths(object_name, kind, deep)])


@cache
@st.composite
def _parts_of_dates(draw: st.DrawFn, object_name: str) -> Expr:
    inner = draw(fields(object_name, ("date", "moment")))
    functions = BOTH + WEEKS + (("DAY_ONLY", "HOUR_IN_DAY") if inner.kind == "moment" else ())
    function = draw(st.sampled_from(functions))
    return Expr(inner.path, "date" if function == "DAY_ONLY" else "number", function)


def _written(kind: str, value: object) -> Literal:
    if kind in ("text", "level"):
        return Literal(quoted(str(value)), value)
    if isinstance(value, datetime):
        return Literal(value.strftime("%Y-%m-%dT%H:%M:%SZ"), value)
    return Literal(str(value), value)


@cache
def _values(kind: str) -> st.SearchStrategy[object]:
    values: dict[str, st.SearchStrategy[object]] = {
        "text": TEXTS,
        "level": st.sampled_from([*LEVELS, "HIGH", "none"]),
        "number": NUMBERS | COUNTS | st.sampled_from([15, 60, 2025, 2026]),
        "date": DAYS,
        "birthday": DAYS,
        "moment": MOMENTS,
    }
    return values[kind]


EQUALITY = st.sampled_from(["=", "!=", "<>"])
OPERATORS = st.sampled_from(["=", "!=", "<>", "<", "<=", ">", ">="])


NULLS = st.sampled_from(["", "FIRST", "LAST"])
LIMITS, OFFSETS = st.sampled_from([None, None, None, None, 0, 1, 2, 5]), st.sampled_from([None, None, None, 0, 1, 2])
JOINED = st.sampled_from([0, 0, 1, 2])
CHILDREN = st.lists(st.sampled_from(["Contacts", "Patients__r", "ChildAccounts"]), max_size=2, unique=True)


def _kinds(object_name: str, *kinds: str) -> tuple[str, ...]:
    """Add the kinds of fields that only contacts have."""
    return (*kinds, "date", "moment", "level") if object_name == "Contact" else kinds


@cache
def _some(of: st.SearchStrategy[Expr], least: int, most: int) -> st.SearchStrategy[list[Expr]]:
    return st.lists(of, min_size=least, max_size=most, unique_by=lambda one: one.soql())


@cache
def _perhaps(object_name: str) -> st.SearchStrategy[Condition | None]:
    return st.none() | conditions(object_name)


@cache
def _keys(object_name: str) -> st.SearchStrategy[Expr]:
    if object_name == "Account":
        return fields(object_name, ("text", "id"), 2)
    plain = fields(object_name, ("text", "id", "date", "level"), 2)
    return plain | _parts_of_dates(object_name) | st.just(Expr(("DoNotCall",), "boolean"))


@cache
@st.composite
def _date_literals(draw: st.DrawFn) -> Literal:
    name = draw(st.sampled_from(FIXED + COUNTED + AGO))
    count = draw(st.integers(1, 5))
    return Literal(name if name in FIXED else f"{name}:{count}", days=stretch(name, count))


@cache
@st.composite
def _leaf(draw: st.DrawFn, object_name: str) -> Condition:
    left = draw(fields(object_name, _kinds(object_name, "text", "number")))
    if left.kind in ("date", "moment") and draw(st.booleans()):
        return Compare(left, draw(OPERATORS), draw(_date_literals()))
    operator = draw(EQUALITY if left.kind == "level" else OPERATORS)
    return Compare(left, operator, _written(left.kind, draw(_values(left.kind))))


@cache
@st.composite
def _part_leaf(draw: st.DrawFn, object_name: str) -> Condition:
    left = draw(_parts_of_dates(object_name))
    return Compare(left, draw(OPERATORS), _written(left.kind, draw(_values(left.kind))))


@cache
@st.composite
def _empty(draw: st.DrawFn, object_name: str) -> Condition:
    left = draw(fields(object_name, _kinds(object_name, "text", "number", "id")))
    texts = ["null", "NULL"] + (["''"] if left.kind == "text" else [])
    return Compare(left, draw(EQUALITY), Literal(draw(st.sampled_from(texts))))


@cache
@st.composite
def _among(draw: st.DrawFn, object_name: str) -> Condition:
    left = draw(fields(object_name, ("text", "number")))
    values = draw(st.lists(_values(left.kind), min_size=1, max_size=3))
    literals = [_written(left.kind, one) for one in values]
    if draw(st.integers(0, 4)) == 0:
        literals.append(Literal("null"))
    return Among(left, draw(st.booleans()), tuple(literals))


@cache
@st.composite
def _like(draw: st.DrawFn, object_name: str) -> Condition:
    parts = st.sampled_from(["%", "_", "a", "B", "É", "\\%", "\\_", "'", "\\"])
    pattern = draw(st.lists(parts, min_size=1, max_size=4))
    return Like(draw(fields(object_name, ("text",))), tuple(pattern))


@cache
@st.composite
def _contact_only(draw: st.DrawFn) -> Condition:
    which = draw(st.sampled_from(["boolean", "birthday", "tags"]))
    if which == "boolean":
        value = draw(TRUTHS)
        literal = Literal("null" if value is None else str(value).lower(), value)
        return Compare(Expr(("DoNotCall",), "boolean"), draw(EQUALITY), literal)
    if which == "birthday":
        day = draw(DAYS)
        return Compare(Expr(("Birthdate",), "birthday"), draw(OPERATORS), Literal(day, day))
    wanted = draw(WANTED)
    return Includes(Expr(("Tags__c",), "tags"), draw(st.booleans()), tuple(wanted))


@cache
def conditions(object_name: str) -> st.SearchStrategy[Condition]:
    """Draw a condition without statements inside."""
    leaves = [_leaf(object_name), _empty(object_name), _among(object_name), _like(object_name)]
    if object_name == "Contact":
        leaves += [_part_leaf(object_name), _contact_only()]
    return st.recursive(
        st.one_of(leaves),
        lambda inner: (
            inner.map(Not)
            | st.builds(
                Several,
                st.sampled_from(["AND", "OR"]),
                st.lists(inner, min_size=2, max_size=3).map(tuple),
                st.just(False),
            )
        ),
        max_leaves=5,
    )


#: (object, field) -> statements inside IN that give ids it can hold.
JOINS: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("Account", "Id"): (("Contact", "AccountId"), ("Contact", "Clinic__c")),
    ("Account", "ParentId"): (("Contact", "AccountId"),),
    ("Contact", "AccountId"): (("Account", "Id"), ("Account", "ParentId")),
}


@cache
@st.composite
def _joins(draw: st.DrawFn, object_name: str) -> Condition:
    name, inner = draw(
        st.sampled_from(
            [(field, one) for (owner, field), all_ in JOINS.items() if owner == object_name for one in all_]
        )
    )
    where = draw(_perhaps(inner[0]))
    return Joined(Expr((name,), "id"), draw(st.booleans()), inner[0], Expr((inner[1],), "id"), where)


@cache
@st.composite
def wheres(draw: st.DrawFn, object_name: str) -> Condition | None:
    """Draw a WHERE; statements inside IN stand only at its top, side by side with AND."""
    plain = draw(_perhaps(object_name))
    joins = [draw(_joins(object_name)) for _ in range(draw(JOINED))]
    parts = [*([plain] if plain else []), *joins]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else Several("AND", tuple(parts), bare=True)


@cache
@st.composite
def _sorts(draw: st.DrawFn, object_name: str) -> tuple[Sort, ...]:
    by = draw(_some(fields(object_name, _kinds(object_name, "text", "number", "id"), 2), 0, 3))
    return tuple(Sort(one, draw(st.booleans()), draw(NULLS)) for one in by)


@cache
@st.composite
def _plain(draw: st.DrawFn, object_name: str, deep: int) -> Query:
    selected = draw(_some(fields(object_name, _kinds(object_name, "text", "number", "id")), 1, 4))
    children = []
    if object_name == "Account" and deep:
        for name in draw(CHILDREN):
            child = draw(_plain("Account" if name == "ChildAccounts" else "Contact", deep - 1))
            children += [(name, child)]
    return Query(
        object_name,
        tuple(selected),
        tuple(children),
        draw(wheres(object_name) if deep == 2 else _perhaps(object_name)),
        draw(_sorts(object_name)),
        draw(LIMITS),
        draw(OFFSETS),
    )


@cache
@st.composite
def _totals(draw: st.DrawFn, object_name: str) -> Aggregate:
    function = draw(st.sampled_from(["COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"]))
    kinds: tuple[str, ...] = ("number",)
    if function not in ("SUM", "AVG"):
        kinds = _kinds(object_name, "text", "number", *(("id",) if function.startswith("COUNT") else ()))
    return Aggregate(function, draw(fields(object_name, kinds, 2)))


@cache
@st.composite
def _grouped(draw: st.DrawFn, object_name: str) -> Grouped:
    by = tuple(draw(_some(_keys(object_name), 0, 2)))
    totals = tuple(draw(_some(_totals(object_name), 1, 3)))
    having, order = None, list[Sort]()
    if by:
        counted = Aggregate("COUNT", Expr(("Id",), "id"))
        left = draw(_totals(object_name))
        if draw(st.booleans()):
            having = Having(left if left.kind == "number" else counted, draw(OPERATORS), draw(COUNTS))
        chosen = draw(st.permutations([*by, *totals]))[: draw(JOINED)]
        order = [Sort(one, draw(st.booleans()), draw(NULLS)) for one in chosen]
    return Grouped(object_name, by, totals, draw(wheres(object_name)), having, tuple(order))


OBJECTS = st.sampled_from(["Contact", "Contact", "Account"])
QUERIES: st.SearchStrategy[Query] = OBJECTS.flatmap(lambda name: _plain(name, 2))
GROUPED: st.SearchStrategy[Grouped] = OBJECTS.flatmap(_grouped)


# --- worlds ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """What to put into an org: parents are named by their place among the accounts, superiors among the contacts."""

    accounts: tuple[Row, ...]
    contacts: tuple[Row, ...]


ACCOUNTS = st.lists(
    st.fixed_dictionaries({"Name": TEXTS, "Site": st.none() | TEXTS, "NumberOfEmployees": st.none() | COUNTS}),
    min_size=2,
    max_size=4,
)
CONTACTS = st.lists(
    st.fixed_dictionaries(
        {
            "LastName": TEXTS,
            "Title": st.none() | TEXTS,
            "MailingLatitude": st.none() | NUMBERS,
            "DoNotCall": st.booleans(),
            "Birthdate": st.none() | DAYS,
            "Day__c": st.none() | DAYS,
            "When__c": st.none() | MOMENTS,
            "Tags__c": st.none() | TAGS.map(";".join),
            "Level__c": st.none() | st.sampled_from(LEVELS),
            "Gone": st.sampled_from([False, False, False, False, True]),
        }
    ),
    min_size=4,
    max_size=8,
)
#: Places among rows; what lies beyond them stands for none.
REFERENCES = st.lists(st.integers(0, 9), min_size=32, max_size=32)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Draw the rows of a world."""
    accounts, contacts = draw(ACCOUNTS), draw(CONTACTS)
    places = iter(draw(REFERENCES))
    for number, account in enumerate(accounts):
        account["Parent"] = _below(next(places), range(number))
    for number, contact in enumerate(contacts):
        contact["Account"] = _below(next(places), range(len(accounts)))
        contact["Clinic"] = _below(next(places), range(len(accounts)))
        living = [place for place in range(number) if not contacts[place]["Gone"]]
        contact["Superior"] = _below(next(places), living)
    return Plan(tuple(accounts), tuple(contacts))


def _below(place: int, among: Sequence[int]) -> int | None:
    return among[place] if place < len(among) else None
