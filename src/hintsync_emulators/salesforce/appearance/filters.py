"""Filters of list views: from metadata to SOQL, and to the tree that a list view's describe shows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.metadata.xml import Node
from hintsync_emulators.salesforce.schema.model import INTEGERS, NUMBERS, Field

ALL, ANY = "and", "or"
#: Operation of metadata -> operator of SOQL, and of the describe's tree.
_OPERATIONS = {
    "equals": ("=", "equals"),
    "notEqual": ("!=", "notEquals"),
    "lessThan": ("<", "lessThan"),
    "greaterThan": (">", "greaterThan"),
    "lessOrEqual": ("<=", "lessThanOrEqualTo"),
    "greaterOrEqual": (">=", "greaterThanOrEqualTo"),
    "contains": ("LIKE", "like"),
    "notContain": ("LIKE", "like"),
    "startsWith": ("LIKE", "like"),
    "includes": ("INCLUDES", "includes"),
    "excludes": ("EXCLUDES", "excludes"),
}
_PATTERNS = {"contains": "%{}%", "notContain": "%{}%", "startsWith": "{}%"}
_DATE_WORD = re.compile(r"[A-Z]+(_[A-Z]+)*(:\d+)?")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_LOGIC = re.compile(r"\s*(\d+|AND|OR|NOT|\(|\))", re.IGNORECASE)


class Tree(Protocol):
    """A condition, however it is put together."""

    def soql(self) -> str:
        """Return it in SOQL; nothing for one that holds always."""

    def shown(self) -> dict[str, object]:
        """Return it as a list view's describe shows it."""


@dataclass(frozen=True, slots=True)
class Filter:
    """A field beside values; one of several values is enough, of an exclusion each must hold."""

    path: str
    operation: str
    #: Literals of SOQL.
    values: tuple[str, ...]

    @classmethod
    def read(cls, node: Node, field: Field, path: str) -> Filter:
        """Read a filter of a list view.

        Raises:
            ApiError: NOT_EMULATED for an operation or a kind of value that is not known here.
        """
        operation = node.value("operation") or ""
        if operation not in _OPERATIONS:
            raise not_emulated(f"list view filters with operation {operation}")
        value = node.value("value") or ""
        if '"' in value:
            raise not_emulated("list view filters with quoted values")
        texts = [part.strip() for part in value.split(",")]
        return cls(path, operation, tuple(_literal(field, text, _PATTERNS.get(operation)) for text in texts))

    def soql(self) -> str:
        """Return the filter in SOQL."""
        operator = _OPERATIONS[self.operation][0]
        if operator in ("INCLUDES", "EXCLUDES"):
            return f"{self.path} {operator} ({', '.join(self.values)})"
        negative = "NOT " if self.operation == "notContain" else ""
        parts = [f"({negative}{self.path} {operator} {value})" for value in self.values]
        joiner = " AND " if self.operation in ("notEqual", "notContain") else " OR "
        return parts[0] if len(parts) == 1 else f"({joiner.join(parts)})"

    def shown(self) -> dict[str, object]:
        """Return the filter as the describe shows it."""
        found: dict[str, object] = {
            "field": self.path,
            "operator": _OPERATIONS[self.operation][1],
            "values": list(self.values),
        }
        return {"condition": found} if self.operation == "notContain" else found


@dataclass(frozen=True, slots=True)
class Group:
    """Conditions joined by one word."""

    word: str
    parts: tuple[Tree, ...]

    def soql(self) -> str:
        """Return the group in SOQL."""
        texts = [one.soql() for one in self.parts]
        return texts[0] if len(texts) == 1 else f"({f' {self.word.upper()} '.join(texts)})" if texts else ""

    def shown(self) -> dict[str, object]:
        """Return the group as the describe shows it; a group of one shows as that one."""
        if len(self.parts) == 1:
            return self.parts[0].shown()
        return {"conditions": [one.shown() for one in self.parts], "conjunction": self.word}


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    part: Tree

    def soql(self) -> str:
        """Return the opposite in SOQL."""
        return f"(NOT {self.part.soql()})"

    def shown(self) -> dict[str, object]:
        """Return the opposite as the describe shows it."""
        return {"condition": self.part.shown()}


def _literal(field: Field, text: str, pattern: str | None) -> str:
    """Return a value of a filter as SOQL writes it, inside a pattern of LIKE if one is given; an empty one is null."""
    if not text:
        return "null"
    if pattern is not None:
        return f"'{pattern.format(_escaped(text, '%_'))}'"
    if field.type == "boolean":
        return "TRUE" if text.lower() in ("1", "true") else "FALSE"
    if field.type in INTEGERS | NUMBERS and re.fullmatch(r"-?\d+(\.\d+)?", text):
        return text
    if field.type in ("date", "datetime"):
        word = text.upper().replace(" ", "_")
        # A plain day beside a moment means all of the day, which one literal of SOQL cannot say.
        if _DATE_WORD.fullmatch(word) or (field.type == "date" and _DAY.fullmatch(text)):
            return word
    elif field.type not in INTEGERS | NUMBERS:
        return f"'{_escaped(text)}'"
    raise not_emulated(f"list view filters on {field.type} fields with values of this form")


def _escaped(text: str, more: str = "") -> str:
    return "".join(f"\\{char}" if char in f"\\'{more}" else char for char in text)


def read_logic(text: str, filters: Sequence[Filter]) -> Tree:
    """Read a boolean filter, e.g. ``1 AND (2 OR 3)``.

    Raises:
        ApiError: it is malformed, or names a filter that there is not.
    """
    tokens = [found[1].upper() for found in _LOGIC.finditer(text)]
    if "".join(tokens) != re.sub(r"\s+", "", text).upper():
        raise _malformed(text)
    rest = iter([*tokens, ""])
    reader = _Logic(text, filters, rest, next(rest))
    found = reader.either()
    if reader.token:
        raise _malformed(text)
    return found


def _malformed(text: str) -> ApiError:
    return ApiError(400, "INVALID_FILTER_LANGUAGE", f"The boolean filter cannot be read: {text}")


@dataclass
class _Logic:
    """Reads a boolean filter: OR binds less than AND, AND less than NOT."""

    text: str
    filters: Sequence[Filter]
    rest: Iterator[str]
    token: str

    def either(self) -> Tree:
        parts = [self.both()]
        while self.token == "OR":
            self.token = next(self.rest)
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else Group(ANY, tuple(parts))

    def both(self) -> Tree:
        parts = [self.single()]
        while self.token == "AND":
            self.token = next(self.rest)
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else Group(ALL, tuple(parts))

    def single(self) -> Tree:
        token, self.token = self.token, next(self.rest, "")
        if token == "NOT":
            return Not(self.single())
        if token == "(":
            inner = self.either()
            if self.token != ")":
                raise _malformed(self.text)
            self.token = next(self.rest, "")
            return inner
        number = whole(token)
        if number is None or not 1 <= number <= len(self.filters):
            raise _malformed(self.text)
        return self.filters[number - 1]
