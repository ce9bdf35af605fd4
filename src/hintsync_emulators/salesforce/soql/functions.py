"""Functions of SOQL: aggregates and the parts of dates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hintsync_emulators.salesforce.errors import not_emulated
from hintsync_emulators.salesforce.schema.model import INTEGERS, NUMBERS, Field
from hintsync_emulators.salesforce.soql import tree
from hintsync_emulators.salesforce.soql.scope import Column, Scope
from hintsync_emulators.salesforce.values import writer

AGGREGATES = frozenset({"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"})
#: Date function -> strftime format whose number it is.
_PARTS = {
    "CALENDAR_YEAR": "%Y",
    "CALENDAR_MONTH": "%m",
    "DAY_IN_MONTH": "%d",
    "DAY_IN_YEAR": "%j",
    "HOUR_IN_DAY": "%H",
}


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
    if node.name == "DAY_ONLY":
        sql = f"date({_moment(_only_column(scope, node))})"
        return Computed(sql, Field("", "", "date"), None)
    if node.name == "CALENDAR_QUARTER":
        moment = _moment(_only_column(scope, node))
        return Computed(f"((CAST(strftime('%m', {moment}) AS INTEGER) + 2) / 3)", Field("", "", "int"), None)
    if node.name in _PARTS:
        moment = _moment(_only_column(scope, node))
        sql = f"CAST(strftime('{_PARTS[node.name]}', {moment}) AS INTEGER)"
        return Computed(sql, Field("", "", "int"), None)
    raise not_emulated(f"SOQL function {node.name}()")


def _only_column(scope: Scope, node: tree.Call) -> Column:
    if len(node.arguments) != 1:
        raise scope.complain(node.pos, f"{node.name} takes one field", "MALFORMED_QUERY")
    only = node.arguments[0]
    if not isinstance(only, tree.Path):
        raise not_emulated(f"SOQL function {only.name}() inside {node.name}()")
    column = scope.column(only)
    if not column.field.is_stored:
        raise scope.complain(only.pos, f"field {column.field.name} does not support function {node.name}")
    return column


def _moment(column: Column) -> str:
    return f"{column.sql}, 'unixepoch'" if column.field.type == "datetime" else column.sql


def _aggregate(scope: Scope, node: tree.Call) -> Computed:
    if node.name == "COUNT" and not node.arguments:
        return Computed("count(*)", Field("", "", "int"), None)
    column = _only_column(scope, node)
    if node.name == "COUNT":
        return Computed(f"count({column.sql})", Field("", "", "int"), None)
    if node.name == "COUNT_DISTINCT":
        return Computed(f"count(DISTINCT {column.sql})", Field("", "", "int"), None)
    if node.name in ("SUM", "AVG") and column.field.type not in INTEGERS | NUMBERS:
        text = f"field {column.field.name} does not support aggregate operator {node.name}"
        raise scope.complain(node.pos, text, "INVALID_FIELD")
    like = column.field if node.name in ("MIN", "MAX", "SUM") else Field("", "", "double")
    return Computed(f"{node.name.lower()}({column.sql})", like, writer(column.field))


def group_key(scope: Scope, node: tree.Expression) -> Computed:
    """Compile an entry of GROUP BY."""
    computed = expression(scope, node)
    field = computed.like
    if not field.is_stored or (computed.column is not None and not field.sortable):
        raise scope.complain(node.pos, f"field '{field.name}' can not be grouped in a query call")
    return computed


def is_aggregate(query: tree.Query) -> bool:
    """Say whether a statement answers with AggregateResult rows (or a bare count)."""
    calls = (one.expression for one in query.items if isinstance(one, tree.Item))
    return bool(query.group) or any(isinstance(one, tree.Call) and one.name in AGGREGATES for one in calls)
