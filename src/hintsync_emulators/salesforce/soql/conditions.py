"""Conditions to SQL.

SOQL knows only true and false: an empty field differs from every value, and the text ``''`` is the empty field.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.errors import not_emulated
from hintsync_emulators.salesforce.schema.model import IDS, INTEGERS, NUMBERS, Field
from hintsync_emulators.salesforce.soql import dates, tree
from hintsync_emulators.salesforce.soql.functions import AGGREGATES, Computed, expression
from hintsync_emulators.salesforce.soql.parse import text_of
from hintsync_emulators.salesforce.soql.scope import Scope
from hintsync_emulators.salesforce.values import read_datetime

#: SQL text and the values for its question marks.
Clause = tuple[str, list[object]]
#: Compiles a statement inside IN.
Inner = Callable[[tree.Query], Clause]


def condition(scope: Scope, node: tree.Condition, inner: Inner, grouped: bool = False) -> Clause:
    """Compile a condition; only one of HAVING (`grouped`) may hold aggregates."""
    if isinstance(node, (tree.AllOf, tree.AnyOf)):
        parts = [condition(scope, part, inner, grouped) for part in node.parts]
        return joined(" AND " if isinstance(node, tree.AllOf) else " OR ", parts)
    if isinstance(node, tree.Negation):
        sql, values = condition(scope, node.part, inner, grouped)
        return f"(NOT ifnull({sql}, 0))", values
    if isinstance(node.left, tree.Call) and node.left.name in AGGREGATES and not grouped:
        text = f"Aggregate functions are not allowed in WHERE: {node.left.name}"
        raise scope.complain(node.left.pos, text, "MALFORMED_QUERY")
    left = expression(scope, node.left)
    _check_filterable(scope, left, node.left)
    if isinstance(node, tree.Among):
        return _among(scope, left, node, inner)
    if isinstance(node, tree.Includes):
        return _includes(scope, left, node)
    return _compare(scope, left, node)


def _check_filterable(scope: Scope, left: Computed, node: tree.Expression) -> None:
    field = left.like
    if left.column is not None and (not field.is_stored or (field.type == "textarea" and field.length > 255)):
        text = f"field '{field.name}' can not be filtered in a query call"
        raise scope.complain(node.pos, text)


def _among(scope: Scope, left: Computed, node: tree.Among, inner: Inner) -> Clause:
    if isinstance(node.values, tree.Query):
        sql, values = inner(node.values)
        clause: Clause = (f"{left.sql} IN ({sql})", values)
    else:
        parts = [_compare(scope, left, tree.Compare(node.left, "=", value)) for value in node.values]
        clause = _any_of(left, parts)
    return (f"(NOT ifnull({clause[0]}, 0))", clause[1]) if node.negated else clause


def joined(word: str, parts: Sequence[Clause]) -> Clause:
    """Join conditions by `` AND `` or `` OR ``, halves within halves: SQLite takes many only if they do not go deep."""
    if len(parts) == 1:
        return f"({parts[0][0]})", parts[0][1]
    middle = (len(parts) + 1) // 2
    (first, values), (second, more) = joined(word, parts[:middle]), joined(word, parts[middle:])
    return f"({first}{word}{second})", [*values, *more]


def _any_of(left: Computed, parts: list[Clause]) -> Clause:
    """Join comparisons with values of a list; those for equality become one list again."""
    lists: dict[str, list[object]] = {left.sql: [], f"fold({left.sql})": []}
    others = list[Clause]()
    for sql, values in parts:
        known = lists.get(sql.removesuffix(" = ?"))
        if known is None:
            others.append((sql, values))
        else:
            known += values
    found = [(f"{sql} IN ({', '.join('?' * len(values))})", values) for sql, values in lists.items() if values]
    return joined(" OR ", [*found, *others])


def _includes(scope: Scope, left: Computed, node: tree.Includes) -> Clause:
    if left.like.type != "multipicklist":
        raise scope.complain(node.left.pos, "includes and excludes need a multi-select picklist", "INVALID_FIELD")
    clauses: list[str] = []
    values: list[object] = []
    for one in node.values:
        wanted = _text(scope, left.like, one).split(";")
        clauses.append(" AND ".join([f"instr(';' || {left.sql} || ';', ?) > 0"] * len(wanted)))
        values.extend(f";{part};" for part in wanted)
    sql = "(" + " OR ".join(f"({clause})" for clause in clauses) + ")"
    return (f"(NOT ifnull({sql}, 0))" if node.negated else sql), values


def _compare(scope: Scope, left: Computed, node: tree.Compare) -> Clause:
    field, value, operator = left.like, node.right, node.operator
    if value.kind == "null" or (value.kind == "string" and value.value == ""):
        return _compare_empty(scope, left, node)
    if operator == "LIKE":
        return _like(scope, left, node)
    if field.type in ("date", "datetime"):
        return _compare_day(scope, left, node)
    if field.is_text or field.type in ("time", *IDS):
        return _compare_text(scope, left, operator, value)
    if field.type == "boolean":
        if value.kind != "boolean" or operator not in ("=", "!="):
            raise _wrong_kind(scope, field, value, "boolean")
        return f"{left.sql} {_sql(operator)} ?", [int(bool(value.value))]
    assert field.type in INTEGERS | NUMBERS, field.type
    if value.kind != "number":
        raise _wrong_kind(scope, field, value, field.type)
    number = value.value
    # SQLite has whole numbers of 64 bits; beyond them a float is as good.
    beyond = isinstance(number, int) and abs(number) >= 2**63
    return _plain(left.sql, operator, float(str(number)) if beyond else number)


def _compare_empty(scope: Scope, left: Computed, node: tree.Compare) -> Clause:
    if node.operator not in ("=", "!=", "LIKE"):
        raise scope.complain(node.right.pos, "invalid operator for null", "INVALID_QUERY_FILTER_OPERATOR")
    if left.like.type == "boolean":
        return f"{left.sql} {_sql(node.operator)} 0", []
    return f"{left.sql} IS {'NOT ' if node.operator == '!=' else ''}NULL", []


def _plain(sql: str, operator: str, value: object) -> Clause:
    if operator == "!=":
        return f"({sql} <> ? OR {sql} IS NULL)", [value]
    return f"{sql} {operator} ?", [value]


def _sql(operator: str) -> str:
    return "<>" if operator == "!=" else operator


def _text(scope: Scope, field: Field, value: tree.Value, wildcards: bool = False) -> str:
    if value.kind != "string":
        raise _wrong_kind(scope, field, value, field.type)
    return text_of(scope.statement, value, wildcards)


def _compare_text(scope: Scope, left: Computed, operator: str, value: tree.Value) -> Clause:
    text = _text(scope, left.like, value)
    if left.like.type in IDS:
        found = ids.normalise(text)
        if found is None:
            raise scope.complain(value.pos, f"invalid ID field: {text}", "INVALID_QUERY_FILTER_OPERATOR")
        return _plain(left.sql, operator, found)
    if text.isascii() or left.like.case_sensitive:
        return _plain(left.sql, operator, text)
    return _plain(f"fold({left.sql})", operator, text.lower())


def _like(scope: Scope, left: Computed, node: tree.Compare) -> Clause:
    if not left.like.is_text:
        text = f"invalid operator on {left.like.type} field"
        raise scope.complain(node.left.pos, text, "INVALID_QUERY_FILTER_OPERATOR")
    pattern = _text(scope, left.like, node.right, wildcards=True)
    if pattern.isascii():
        return f"{left.sql} LIKE ? ESCAPE '\\'", [pattern]
    return f"fold({left.sql}) LIKE ? ESCAPE '\\'", [pattern.lower()]


def _compare_day(scope: Scope, left: Computed, node: tree.Compare) -> Clause:
    if left.like.type == "datetime" and node.right.kind == "datetime":
        return _plain(left.sql, node.operator, _instant(scope, node.right))
    start, end = _days(scope, left.like, node.right)
    if left.like.year_blind and left.column is not None:
        return _compare_year_blind(left.sql, node.operator, start, end)
    if left.like.type == "datetime":
        return _compare_span(left.sql, node.operator, _midnight(start), _midnight(end))
    return _compare_span(left.sql, node.operator, start.isoformat(), end.isoformat())


def _instant(scope: Scope, value: tree.Value) -> int:
    try:
        return read_datetime(str(value.value))
    except ValueError:
        raise scope.complain(value.pos, f"Invalid datetime: {value.value}", "INVALID_QUERY_FILTER_OPERATOR") from None


def _days(scope: Scope, field: Field, value: tree.Value) -> dates.Span:
    shown = "dateTime" if field.type == "datetime" else "date"
    if value.kind == "range":
        found = dates.span(str(value.value), value.count, scope.today)
        if found is None:
            raise scope.complain(value.pos, f"unexpected token: '{value.value}'", "MALFORMED_QUERY")
        return found
    if value.kind != "date" or field.type == "datetime":
        raise _wrong_kind(scope, field, value, shown)
    try:
        day = date.fromisoformat(str(value.value))
    except ValueError:
        raise scope.complain(value.pos, f"Invalid date: {value.value}", "INVALID_QUERY_FILTER_OPERATOR") from None
    return day, day + timedelta(days=1)


def _compare_span(sql: str, operator: str, start: object, end: object) -> Clause:
    if operator == "=":
        return f"({sql} >= ? AND {sql} < ?)", [start, end]
    if operator == "!=":
        return f"({sql} IS NULL OR {sql} < ? OR {sql} >= ?)", [start, end]
    edge = {"<": ("<", start), ">=": (">=", start), ">": (">=", end), "<=": ("<", end)}[operator]
    return f"{sql} {edge[0]} ?", [edge[1]]


def _compare_year_blind(sql: str, operator: str, start: date, end: date) -> Clause:
    """Compare month and day only, as filters on Contact.Birthdate do (Object Reference, Contact)."""
    day = f"substr({sql}, 6)"
    first, last = start.isoformat()[5:], (end - timedelta(days=1)).isoformat()[5:]
    if operator in ("<", ">="):
        return f"{day} {operator} ?", [first]
    if operator in (">", "<="):
        return f"{day} {operator} ?", [last]
    if (end - start).days >= 365:
        inside: Clause = (f"{sql} IS NOT NULL", [])
    elif first <= last:
        inside = (f"({day} BETWEEN ? AND ?)", [first, last])
    else:
        inside = (f"({day} >= ? OR {day} <= ?)", [first, last])
    return (f"(NOT ifnull({inside[0]}, 0))", inside[1]) if operator == "!=" else inside


def _midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp())


def _wrong_kind(scope: Scope, field: Field, value: tree.Value, kind: str) -> Exception:
    if value.kind == "range" and field.type not in ("date", "datetime"):
        text = f"Bind variables only allowed in Apex code or unknown literal: {value.value}"
        return scope.complain(value.pos, text, "MALFORMED_QUERY")
    if value.kind not in ("string", "number", "boolean", "date", "datetime", "range"):
        return not_emulated(f"SOQL literal of kind {value.kind}")
    quoted = field.is_text or field.type in IDS
    shown = "string" if field.is_text else kind
    text = f"value of filter criterion for field '{field.name}' must be of type {shown} and "
    return scope.complain(
        value.pos, text + ("should be enclosed in quotes" if quoted else "should not be enclosed in quotes")
    )
