"""Statements that answer with AggregateResult rows, or with a bare count."""

from __future__ import annotations

from collections.abc import Iterator

from hintsync_emulators.salesforce.soql import tree
from hintsync_emulators.salesforce.soql.clauses import named_or_grouped, rest
from hintsync_emulators.salesforce.soql.functions import AGGREGATES, Computed, expression
from hintsync_emulators.salesforce.soql.plan import Output, Plan, Shape
from hintsync_emulators.salesforce.soql.scope import Scope


def compile_grouped(scope: Scope, query: tree.Query) -> Plan:
    """Compile a statement with GROUP BY or with aggregates.

    Raises:
        ApiError: a field is neither grouped nor aggregated, two columns share a name, or a clause does not fit.
    """
    _check(scope, query)
    keys = {expression(scope, one).sql for one in query.group}
    columns, shape = list[str](), Shape(scope.root.owner, -1)
    outputs, aliases = list[Output](), dict[str, Computed]()
    numbers = iter(range(len(query.items)))
    for item in query.items:
        if isinstance(item, tree.Query):
            raise scope.complain(item.pos, "nested statements cannot stand beside aggregates", "MALFORMED_QUERY")
        computed = expression(scope, item.expression)
        name = item.alias or _default_alias(item.expression, numbers)
        if name in shape.values:
            raise scope.complain(item.expression.pos, f"duplicate alias: {name}", "MALFORMED_QUERY")
        _check_grouped(scope, item.expression, computed, keys)
        shape.values[name] = (len(columns), computed.convert)
        columns.append(computed.sql)
        shape.order.append(name)
        function = tree.spelt(item.expression) if isinstance(item.expression, tree.Call) else None
        outputs.append(Output(name, computed.like, function))
        aliases[name.lower()] = computed
    if query.having is not None:
        _check_having(scope, query.having, keys)
    behind, parameters = rest(scope, query, aliases)
    return Plan(
        columns=", ".join(columns),
        width=len(columns),
        source=scope.source(),
        rest=behind,
        parameters=parameters,
        limit=query.limit,
        offset=query.offset or 0,
        shape=shape,
        alias=scope.root.alias,
        all_rows=scope.all_rows,
        aggregate=True,
        count_only=_is_bare_count(query),
        outputs=tuple(outputs),
    )


def _check(scope: Scope, query: tree.Query) -> None:
    bare = [one for one in query.items if isinstance(one, tree.Item) and _is_count(one.expression)]
    if bare and (len(query.items) > 1 or query.group or query.order):
        text = "COUNT() must be the only element of the select list, without GROUP BY and ORDER BY"
        raise scope.complain(bare[0].expression.pos, text, "MALFORMED_QUERY")
    if query.limit is not None and not query.group and not bare:
        text = "Non-grouped query that uses overall aggregate functions cannot also use LIMIT"
        raise scope.complain(query.pos, text, "MALFORMED_QUERY")
    for one in query.group:
        if isinstance(one, tree.Call) and one.name in AGGREGATES:
            raise scope.complain(one.pos, f"{one.name} can not be grouped", "MALFORMED_QUERY")


def _is_bare_count(query: tree.Query) -> bool:
    first = query.items[0]
    return isinstance(first, tree.Item) and _is_count(first.expression)


def _is_count(node: tree.Expression) -> bool:
    return isinstance(node, tree.Call) and node.name == "COUNT" and not node.arguments


def _default_alias(node: tree.Expression, numbers: Iterator[int]) -> str:
    return node.names[-1] if isinstance(node, tree.Path) else f"expr{next(numbers)}"


def _check_grouped(scope: Scope, node: tree.Expression, computed: Computed, keys: set[str]) -> None:
    if isinstance(node, tree.Call) and node.name in AGGREGATES:
        return
    if not named_or_grouped(computed, keys, {}):
        text = f"Field must be grouped or aggregated: {tree.spelt(node)}"
        raise scope.complain(node.pos, text, "MALFORMED_QUERY")


def _check_having(scope: Scope, node: tree.Condition, keys: set[str]) -> None:
    if isinstance(node, (tree.AllOf, tree.AnyOf)):
        for part in node.parts:
            _check_having(scope, part, keys)
    elif isinstance(node, tree.Negation):
        _check_having(scope, node.part, keys)
    elif isinstance(node.left, tree.Call) and node.left.name in AGGREGATES:
        return
    else:
        _check_grouped(scope, node.left, expression(scope, node.left), keys)
