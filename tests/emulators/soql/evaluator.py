"""SOQL evaluated by loops over dictionaries: slow, plainly right, and without a line of the engine's.

A statement is described by the classes below. Each writes itself as SOQL (`soql`) and says what it means for rows in
memory (`holds`, `value`, `answer`). What is meant follows the reference: an empty field differs from every value, a
parent that is not there has only empty fields, text is compared without case, Birthdate without its year.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache

Row = dict[str, object]
#: Object -> its rows, oldest first; `Gone` marks those in the recycle bin.
World = dict[str, list[Row]]

#: The day on which all statements run.
TODAY = date(2026, 3, 2)
#: (object, relationship) -> (field that refers, parent)
UP = {
    ("Contact", "Account"): ("AccountId", "Account"),
    ("Contact", "Clinic__r"): ("Clinic__c", "Account"),
    ("Contact", "ReportsTo"): ("ReportsToId", "Contact"),
    ("Account", "Parent"): ("ParentId", "Account"),
}
#: (object, relationship) -> (child, its field that refers)
DOWN = {
    ("Account", "Contacts"): ("Contact", "AccountId"),
    ("Account", "Patients__r"): ("Contact", "Clinic__c"),
    ("Account", "ChildAccounts"): ("Account", "ParentId"),
}
#: Values of Level__c in the order in which the picklist holds them.
LEVELS = ("low", "mid", "High")


@dataclass(frozen=True)
class Place:
    """Where a condition is held: a row of an object of a world."""

    world: World
    object: str
    row: Row
    #: The statement sees deleted rows too, and so do those inside it.
    everything: bool

    def up(self, relationship: str) -> Place | None:
        field, parent = UP[self.object, relationship]
        for row in self.world[parent]:
            if row["Id"] == self.row[field]:
                return Place(self.world, parent, row, self.everything)
        return None


def rows_of(world: World, name: str, everything: bool, among: Iterable[Row] | None = None) -> list[Place]:
    """Return the rows of an object (or some of them) that a statement sees."""
    found = world[name] if among is None else among
    return [Place(world, name, row, everything) for row in found if everything or not row["Gone"]]


@dataclass(frozen=True)
class Expr:
    """A field, perhaps of a parent, perhaps inside a date function. `kind` says how its values compare."""

    path: tuple[str, ...]
    kind: str
    function: str | None = None

    def soql(self) -> str:
        dotted = ".".join(self.path)
        return f"{self.function}({dotted})" if self.function else dotted

    def value(self, place: Place) -> object:
        here: Place | None = place
        for relationship in self.path[:-1]:
            here = here.up(relationship) if here else None
        found = here.row[self.path[-1]] if here else None
        return PARTS[self.function](found) if self.function and found is not None else found


def _day(value: object) -> date:
    return value.date() if isinstance(value, datetime) else date.fromisoformat(str(value))


#: Date function -> what it makes of a date (text) or moment.
PARTS: dict[str, Callable[[object], object]] = {
    "CALENDAR_YEAR": lambda value: _day(value).year,
    "CALENDAR_QUARTER": lambda value: {1: 1, 2: 1, 3: 1, 4: 2, 5: 2, 6: 2, 7: 3, 8: 3, 9: 3}.get(_day(value).month, 4),
    "CALENDAR_MONTH": lambda value: _day(value).month,
    "DAY_IN_MONTH": lambda value: _day(value).day,
    "DAY_IN_WEEK": lambda value: _day(value).isoweekday() % 7 + 1,
    "DAY_IN_YEAR": lambda value: (_day(value) - date(_day(value).year, 1, 1)).days + 1,
    "WEEK_IN_MONTH": lambda value: (_day(value).day - 1) // 7 + 1,
    "WEEK_IN_YEAR": lambda value: (_day(value) - date(_day(value).year, 1, 1)).days // 7 + 1,
    "DAY_ONLY": lambda value: _day(value).isoformat(),
    "HOUR_IN_DAY": lambda value: value.hour if isinstance(value, datetime) else None,
}


def key(kind: str, value: object) -> object:
    """Return what two values of a kind are compared by."""
    if value is None:
        return None
    if kind in ("text", "level"):
        return str(value).lower()
    if kind == "birthday":
        return str(value)[5:]
    if kind == "moment":
        assert isinstance(value, datetime)
        return value.timestamp()
    return value


# --- literals -------------------------------------------------------------------------------------------------------


def quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


@dataclass(frozen=True)
class Literal:
    """A value as a statement writes it; `days` for a date literal, which covers a stretch."""

    text: str
    value: object = None
    days: tuple[date, date] | None = None


def _months(day: date) -> int:
    return day.year * 12 + day.month - 1


def _quarters(day: date) -> int:
    return _months(day) // 3


def _weeks(day: date) -> int:
    """Number weeks that begin on Sunday."""
    return (day - date(1899, 12, 31)).days // 7


_UNITS: dict[str, Callable[[date], int]] = {
    "DAY": date.toordinal,
    "WEEK": _weeks,
    "MONTH": _months,
    "QUARTER": _quarters,
    "YEAR": lambda day: day.year,
}


def _is_in(name: str, count: int, day: date) -> bool:
    """Say whether a day lies in what a date literal names, the count of those with N being `count`."""
    fixed = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}
    if name in fixed:
        return day == TODAY + timedelta(days=fixed[name])
    words = name.replace("FISCAL_", "").split("_")
    unit = _UNITS[next(word for word in words if word.rstrip("S") in _UNITS).rstrip("S")]
    away = unit(day) - unit(TODAY)
    if words[-1] == "AGO":
        return away == -count
    if words[:2] == ["LAST", "N"]:
        return -count <= away <= (0 if words[2] == "DAYS" else -1)
    if words[:2] == ["NEXT", "N"]:
        return 1 <= away <= count
    return away == {"LAST": -1, "THIS": 0, "NEXT": 1}[words[0]]


@cache
def stretch(name: str, count: int) -> tuple[date, date]:
    """Return first and last day of a date literal, found by trying every day of some years."""
    start = date(2010, 1, 1)
    inside = [day for day in (start + timedelta(days=n) for n in range(12_000)) if _is_in(name, count, day)]
    return inside[0], inside[-1]


# --- conditions -----------------------------------------------------------------------------------------------------


class Condition:
    """Something that is true or false of a row; SOQL has no third value."""

    def soql(self) -> str:
        raise NotImplementedError

    def holds(self, place: Place) -> bool:
        raise NotImplementedError


def compared(operator: str, left: object, right: object) -> bool:
    """Compare two keys; an empty one equals nothing, differs from everything and is neither less nor more."""
    if operator == "=":
        return left is not None and left == right
    if operator in ("!=", "<>"):
        return left is None or left != right
    if left is None:
        return False
    signs = {"<": -1, "<=": -1, ">": 1, ">=": 1}
    order = (left > right) - (left < right)  # type: ignore[operator]
    return order == signs[operator] or (order == 0 and operator in ("<=", ">="))


@dataclass(frozen=True)
class Compare(Condition):
    """A field beside a literal."""

    left: Expr
    operator: str
    right: Literal

    def soql(self) -> str:
        return f"{self.left.soql()} {self.operator} {self.right.text}"

    def holds(self, place: Place) -> bool:
        found = self.left.value(place)
        if self.right.days is not None:
            return self._lies(found, *self.right.days)
        if self.right.value is None:
            empty = found is None or found is False
            return empty is (self.operator == "=")
        return compared(self.operator, key(self.left.kind, found), key(self.left.kind, self.right.value))

    def _lies(self, found: object, first: date, last: date) -> bool:
        if found is None:
            return self.operator in ("!=", "<>")
        day = _day(found)
        return {
            "=": first <= day <= last,
            "!=": not first <= day <= last,
            "<>": not first <= day <= last,
            "<": day < first,
            "<=": day <= last,
            ">": day > last,
            ">=": day >= first,
        }[self.operator]


@dataclass(frozen=True)
class Like(Condition):
    """LIKE; the pattern is a list of literal characters and the two wildcards."""

    left: Expr
    pattern: tuple[str, ...]

    def soql(self) -> str:
        written = {"%": "%", "_": "_", "\\%": "\\%", "\\_": "\\_", "'": "\\'", "\\": "\\\\"}
        return f"{self.left.soql()} LIKE '{''.join(written.get(part, part) for part in self.pattern)}'"

    def holds(self, place: Place) -> bool:
        found = self.left.value(place)
        return found is not None and _matches(str(found).lower(), self.pattern)


def _matches(text: str, pattern: Sequence[str]) -> bool:
    if not pattern:
        return not text
    first, rest = pattern[0], pattern[1:]
    if first == "%":
        return any(_matches(text[start:], rest) for start in range(len(text) + 1))
    wanted = first[-1].lower()
    return bool(text) and (first == "_" or text[0] == wanted) and _matches(text[1:], rest)


@dataclass(frozen=True)
class Among(Condition):
    """IN and NOT IN over literals."""

    left: Expr
    negated: bool
    values: tuple[Literal, ...]

    def soql(self) -> str:
        values = ", ".join(one.text for one in self.values)
        return f"{self.left.soql()} {'NOT IN' if self.negated else 'IN'} ({values})"

    def holds(self, place: Place) -> bool:
        return any(Compare(self.left, "=", one).holds(place) for one in self.values) is not self.negated


@dataclass(frozen=True)
class Includes(Condition):
    """INCLUDES and EXCLUDES: one of the sets of values is held wholly."""

    left: Expr
    negated: bool
    values: tuple[tuple[str, ...], ...]

    def soql(self) -> str:
        values = ", ".join(quoted(";".join(one)) for one in self.values)
        return f"{self.left.soql()} {'EXCLUDES' if self.negated else 'INCLUDES'} ({values})"

    def holds(self, place: Place) -> bool:
        held = str(self.left.value(place) or "").lower().split(";")
        found = any(all(part.lower() in held for part in wanted) for wanted in self.values)
        return found is not self.negated


@dataclass(frozen=True)
class Joined(Condition):
    """IN and NOT IN over another statement."""

    left: Expr
    negated: bool
    object: str
    field: Expr
    where: Condition | None

    def soql(self) -> str:
        where = f" WHERE {self.where.soql()}" if self.where else ""
        inner = f"SELECT {self.field.soql()} FROM {self.object}{where}"
        return f"{self.left.soql()} {'NOT IN' if self.negated else 'IN'} ({inner})"

    def holds(self, place: Place) -> bool:
        found = self.left.value(place)
        inner = rows_of(place.world, self.object, place.everything)
        values = [self.field.value(one) for one in inner if self.where is None or self.where.holds(one)]
        return (found is not None and found in values) is not self.negated


@dataclass(frozen=True)
class Not(Condition):
    """NOT."""

    part: Condition

    def soql(self) -> str:
        return f"(NOT {self.part.soql()})"

    def holds(self, place: Place) -> bool:
        return not self.part.holds(place)


@dataclass(frozen=True)
class Several(Condition):
    """AND or OR."""

    word: str
    parts: tuple[Condition, ...]
    #: Without parentheses around the whole, which only the outermost may lack.
    bare: bool = False

    def soql(self) -> str:
        text = f" {self.word} ".join(one.soql() for one in self.parts)
        return text if self.bare else f"({text})"

    def holds(self, place: Place) -> bool:
        decide = all if self.word == "AND" else any
        return decide(one.holds(place) for one in self.parts)
