"""Functions of SOQL: aggregates, the parts of dates, labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hintsync_emulators.salesforce.errors import not_emulated
from hintsync_emulators.salesforce.schema.model import INTEGERS, NUMBERS, Field
from hintsync_emulators.salesforce.soql import tree
from hintsync_emulators.salesforce.soql.scope import Column, Scope
from hintsync_emulators.salesforce.values import writer

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
#: Field types that no aggregate takes ("Support for Field Types in Aggregate Functions").
_NEVER_AGGREGATED = frozenset({"boolean", "time", "multipicklist", "encryptedstring", "address", "location"})
#: Field types that GROUP BY does not take.
_NEVER_GROUPED = frozenset({"datetime", "multipicklist", "encryptedstring", "address", "location", *NUMBERS})
#: Date function -> SQL over a moment as SQLite's date functions take it. The fiscal year is the calendar's, and
#: weeks are counted from the first day of the month or year, as the reference says.
_PARTS = {
    "CALENDAR_YEAR": "CAST(strftime('%Y', {0}) AS INTEGER)",
    "CALENDAR_QUARTER": "((CAST(strftime('%m', {0}) AS INTEGER) + 2) / 3)",
    "CALENDAR_MONTH": "CAST(strftime('%m', {0}) AS INTEGER)",
    "FISCAL_YEAR": "CAST(strftime('%Y', {0}) AS INTEGER)",
    "FISCAL_QUARTER": "((CAST(strftime('%m', {0}) AS INTEGER) + 2) / 3)",
    "FISCAL_MONTH": "CAST(strftime('%m', {0}) AS INTEGER)",
    "DAY_IN_MONTH": "CAST(strftime('%d', {0}) AS INTEGER)",
    "DAY_IN_WEEK": "(CAST(strftime('%w', {0}) AS INTEGER) + 1)",
    "DAY_IN_YEAR": "CAST(strftime('%j', {0}) AS INTEGER)",
    "WEEK_IN_MONTH": "((CAST(strftime('%d', {0}) AS INTEGER) + 6) / 7)",
    "WEEK_IN_YEAR": "((CAST(strftime('%j', {0}) AS INTEGER) + 6) / 7)",
}
#: The same for functions that need a time of day.
_OF_MOMENTS = {"HOUR_IN_DAY": "CAST(strftime('%H', {0}) AS INTEGER)", "DAY_ONLY": "date({0})"}


@dataclass(frozen=True, slots=True)
class Computed:
    """An expression in SQL, with what is needed to compare and to show it."""

    sql: str
    #: A field that stands for its type: literals are read and values shown as for it.
    like: Field
    convert: Callable[[object], object] | None
    column: Column | None = None


def expression(scope: Scope, node: tree.Expression) -> Computed:
    """Compile a field or a function of one."""
    if isinstance(node, tree.Path):
        column = scope.column(node)
        return Computed(column.sql, column.field, writer(column.field), column)
    if node.name in AGGREGATES:
        return _aggregate(scope, node)
    if node.name in _PARTS or node.name in _OF_MOMENTS:
        return _date_part(scope, node)
    raise not_emulated(f"SOQL function {node.name}()")


def label_of(scope: Scope, node: tree.Call) -> Column:
    """Return the picklist whose labels ``toLabel()`` asks for.

    Raises:
        ApiError: INVALID_FIELD, when the field is no picklist.
    """
    column = _only_column(scope, node.name, node)
    if column.field.type not in ("picklist", "multipicklist"):
        raise scope.complain(node.pos, f"field {column.field.name} does not support function toLabel")
    return column


def labels(field: Field) -> Callable[[object], object]:
    """Return the function that turns values of a picklist into their labels; unknown ones stay as they are."""
    known = {one.value: one.label for one in field.values}
    return lambda value: None if value is None else ";".join(known.get(one, one) for one in str(value).split(";"))


def _date_part(scope: Scope, node: tree.Call) -> Computed:
    inner = node
    only = node.arguments[0] if len(node.arguments) == 1 else None
    if isinstance(only, tree.Call) and only.name == "CONVERTTIMEZONE":
        # The users of the emulated org live in UTC.
        inner = only
    column = _only_column(scope, node.name, inner)
    is_moment, needs_moment = column.field.type == "datetime", inner is not node or node.name in _OF_MOMENTS
    if not is_moment and (needs_moment or column.field.type != "date"):
        raise scope.complain(node.pos, f"field {column.field.name} does not support function {node.name}")
    moment = f"{column.sql}, 'unixepoch'" if is_moment else column.sql
    sql = (_PARTS.get(node.name) or _OF_MOMENTS[node.name]).format(moment)
    return Computed(sql, Field("", "", "date" if node.name == "DAY_ONLY" else "int"), None)


def _only_column(scope: Scope, name: str, node: tree.Call) -> Column:
    if len(node.arguments) != 1:
        raise scope.complain(node.pos, f"{name} takes one field", "MALFORMED_QUERY")
    only = node.arguments[0]
    if not isinstance(only, tree.Path):
        raise not_emulated(f"SOQL function {only.name}() inside {name}()")
    column = scope.column(only)
    if not column.field.is_stored:
        raise scope.complain(only.pos, f"field {column.field.name} does not support function {name}")
    return column


def _aggregate(scope: Scope, node: tree.Call) -> Computed:
    if node.name == "COUNT" and not node.arguments:
        return Computed("count(*)", Field("", "", "int"), None)
    column = _only_column(scope, node.name, node)
    field = column.field
    if field.type in _NEVER_AGGREGATED or (node.name in ("SUM", "AVG") and field.type not in INTEGERS | NUMBERS):
        text = f"field {field.name} does not support aggregate operator {node.name}"
        raise scope.complain(node.pos, text, "MALFORMED_QUERY")
    if node.name == "COUNT":
        return Computed(f"count({column.sql})", Field("", "", "int"), None)
    if node.name == "COUNT_DISTINCT":
        return Computed(f"count(DISTINCT {_same(column)})", Field("", "", "int"), None)
    if node.name in ("MIN", "MAX") and picklist_rank(column):
        return _ranked(node.name, column)
    like = Field("", "", "double") if node.name == "AVG" else field
    return Computed(f"{node.name.lower()}({column.sql})", like, writer(field))


def _ranked(name: str, column: Column) -> Computed:
    """Compile MIN or MAX of a picklist, which go by the order of its values."""
    key = f"CASE WHEN {column.sql} IS NOT NULL THEN printf('%06d%s', {picklist_rank(column)[0]}, {column.sql}) END"
    sql = f"substr({name.lower()}({key}), 7)"
    return Computed(sql, column.field, writer(column.field))


def picklist_rank(column: Column) -> list[str]:
    """Return SQL for the place of a picklist's value among its values, which it sorts by; nothing for other fields."""
    field = column.field
    if field.type != "picklist" or not field.values:
        return []
    cases = " ".join(f"WHEN {_literal(one.value)} THEN {place}" for place, one in enumerate(field.values))
    return [f"CASE WHEN {column.sql} IS NOT NULL THEN CASE {column.sql} {cases} ELSE {len(field.values)} END END"]


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _same(column: Column) -> str:
    """Return SQL that is equal for values which SOQL holds to be equal."""
    if column.field.is_text and not column.field.case_sensitive:
        return f"fold({column.sql})"
    return column.sql


def group_key(scope: Scope, node: tree.Expression) -> str:
    """Compile an entry of GROUP BY."""
    computed = expression(scope, node)
    if computed.column is None:
        return computed.sql
    field = computed.like
    if not field.sortable or field.type in _NEVER_GROUPED or (field.type == "textarea" and field.length > 255):
        raise scope.complain(node.pos, f"field '{field.name}' can not be grouped in a query call", "MALFORMED_QUERY")
    return _same(computed.column)


def is_aggregate(query: tree.Query) -> bool:
    """Say whether a statement answers with AggregateResult rows (or a bare count)."""
    calls = (one.expression for one in query.items if isinstance(one, tree.Item))
    return bool(query.group) or any(isinstance(one, tree.Call) and one.name in AGGREGATES for one in calls)
