"""Reading the query of a list of patients.

Hint documents two spellings of a range, ``created_at={"gte":"2026-01-01"}`` and ``created_at[gte]=2026-01-01``; both
are understood. Parameters that are no plain attribute of a patient are ignored, as Hint is assumed to do.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol, TypeVar
from urllib.parse import parse_qsl

import orjson

from hintsync_emulators.bounds import is_too_deep, whole
from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.hint.patients import PLAIN_ATTRIBUTES
from hintsync_emulators.hint.switches import Switches

DEFAULT_LIMIT = 10
MAX_LIMIT = 100
_OPERATORS = ("gt", "gte", "lt", "lte", "eq", "is_present")
_TIMES = frozenset(("created_at", "updated_at"))
_BRACKETS = re.compile(r"(\w+)\[(\w+)\]")
_Comparable = TypeVar("_Comparable", str, datetime)


class Filtered(Protocol):
    """A row that a list can be filtered by."""

    def get(self, name: str, /) -> object: ...


@dataclass(frozen=True, slots=True)
class Condition:
    """One thing a row must satisfy."""

    attribute: str
    operator: str
    #: Folded text, an aware datetime for time stamps, or a boolean for ``is_present``.
    operand: str | datetime | bool

    def holds(self, row: Filtered) -> bool:
        value = row.get(self.attribute)
        if self.operator == "is_present":
            return (value not in (None, "")) is self.operand
        if isinstance(self.operand, datetime):
            return isinstance(value, datetime) and _compare(value, self.operator, self.operand)
        if value is None:
            return self.operand == "" and self.operator == "eq"
        return _compare(folded(value), self.operator, str(self.operand))


@dataclass(frozen=True, slots=True)
class Query:
    """A list request, understood."""

    limit: int
    offset: int
    #: ``active``, ``archived`` or ``all``.
    scope: str
    #: Attribute to sort by; empty for the order of creation.
    sort: str
    descending: bool
    conditions: tuple[Condition, ...]


def folded(value: object) -> str:
    """Returns a plain value as text in the form in which exact filters compare."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value).casefold()


def parse_query(raw: str, switches: Switches) -> Query:
    """Reads a query string.

    Raises:
        HintError: 400 for a page, a range or a time that cannot be read.
    """
    pairs = parse_qsl(raw, keep_blank_values=True)
    plain = dict(pairs)
    sort = plain.get("sort", "")
    attribute = sort.removeprefix("-")
    limit, offset = parse_page(plain, switches)
    return Query(
        limit=limit,
        offset=offset,
        scope=_scope(plain.get("filter", ""), switches),
        sort=attribute if attribute in PLAIN_ATTRIBUTES else "",
        descending=sort.startswith("-"),
        conditions=tuple(conditions_of(pairs, PLAIN_ATTRIBUTES - _ignored(switches), _TIMES)),
    )


def parse_page(plain: dict[str, str], switches: Switches) -> tuple[int, int]:
    """Reads limit and offset.

    Raises:
        HintError: 400 for one that is no number, and for a limit above the highest where that is not clamped.
    """
    limit = _whole(plain, "limit", DEFAULT_LIMIT)
    if limit > MAX_LIMIT and not switches.limit_clamped:
        raise HintError(400, "Invalid limit")
    return min(max(limit, 1), MAX_LIMIT), _whole(plain, "offset", 0)


def _whole(plain: dict[str, str], name: str, default: int) -> int:
    number = whole(plain.get(name) or str(default))
    if number is None:
        raise HintError(400, f"Invalid {name}")
    return number


def _scope(wanted: str, switches: Switches) -> str:
    if wanted == "archived" or (wanted == "all" and switches.filter_all):
        return wanted
    return "active"


def conditions_of(pairs: list[tuple[str, str]], attributes: Collection[str], times: Collection[str]) -> list[Condition]:
    """Reads the filters of a list; parameters that are none of its attributes are ignored.

    Raises:
        HintError: 400 for a range or a time that cannot be read.
    """
    conditions: list[Condition] = []
    for key, value in pairs:
        bracket = _BRACKETS.fullmatch(key)
        attribute = bracket.group(1) if bracket else key
        if attribute not in attributes:
            continue
        parts = {bracket.group(2): value} if bracket else _json_range(value)
        conditions += [_condition(attribute, operator, operand, times) for operator, operand in parts.items()]
    return conditions


def _ignored(switches: Switches) -> set[str]:
    """Returns the attributes that this Hint does not filter by."""
    honoured = {"updated_at": switches.updated_at_filter, "dob": switches.dob_filter}
    return {name for name, is_honoured in honoured.items() if not is_honoured}


def _json_range(value: str) -> dict[str, object]:
    if not value.startswith("{"):
        return {"eq": value}
    try:
        parsed = orjson.loads(value)
    except ValueError:
        raise HintError(400, "Invalid filter") from None
    if is_too_deep(value.encode(), parsed):
        raise HintError(400, "Invalid filter")
    return {str(key): operand for key, operand in parsed.items()}


def _condition(attribute: str, operator: str, operand: object, times: Collection[str]) -> Condition:
    if operator not in _OPERATORS:
        raise HintError(400, f"Invalid filter operator {operator}")
    if operator == "is_present":
        return Condition(attribute, operator, folded(operand) == "true")
    if attribute in times:
        return Condition(attribute, operator, _time(str(operand)))
    return Condition(attribute, operator, folded(operand))


def _time(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise HintError(400, "Invalid date") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _compare(value: _Comparable, operator: str, operand: _Comparable) -> bool:
    if operator == "eq":
        return value == operand
    if operator == "gt":
        return value > operand
    if operator == "gte":
        return value >= operand
    return value < operand if operator == "lt" else value <= operand
