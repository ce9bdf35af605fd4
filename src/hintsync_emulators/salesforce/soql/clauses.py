"""Everything behind FROM, and the statements inside IN."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.schema.model import IDS, Field
from hintsync_emulators.salesforce.soql import tree
from hintsync_emulators.salesforce.soql.conditions import Clause, condition
from hintsync_emulators.salesforce.soql.functions import (
    AGGREGATES,
    Computed,
    expression,
    group_key,
    is_aggregate,
    picklist_rank,
)
from hintsync_emulators.salesforce.soql.scope import Scope, open_scope

#: Largest OFFSET.
MAX_OFFSET = 2000
#: Statements inside IN that one statement may hold ("Comparison Operators").
MOST_SEMI_JOINS = 2
#: Adds a condition of its own to a statement: SOSL's search terms.
Extra = Callable[[Scope], Clause]


def check_clauses(scope: Scope, query: tree.Query) -> None:
    """Refuse clauses that do not go together.

    Raises:
        ApiError: MALFORMED_QUERY, NUMBER_OUTSIDE_VALID_RANGE or NOT_EMULATED.
    """
    if query.offset is not None and query.offset > MAX_OFFSET:
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
    if query.scope not in (None, "EVERYTHING"):
        raise not_emulated(f"SOQL USING SCOPE {query.scope}")
    if query.having is not None and not query.group:
        raise scope.complain(query.pos, "HAVING needs GROUP BY", "MALFORMED_QUERY")
    if query.where is not None:
        _check_semi_joins(scope, query.where)


def rest(scope: Scope, query: tree.Query, aliases: Mapping[str, Computed], extra: Extra | None = None) -> Clause:
    """Return everything behind FROM, but LIMIT and OFFSET."""
    sql, parameters = _where(scope, query.where, extra)
    parts = [sql]
    if query.group:
        parts.append(" GROUP BY " + ", ".join(group_key(scope, one) for one in query.group))
    if query.having is not None:
        having, values = condition(scope, query.having, _no_inner, grouped=True)
        parts.append(f" HAVING {having}")
        parameters += values
    parts.append(_order(scope, query, aliases))
    return "".join(parts), parameters


def _where(scope: Scope, node: tree.Condition | None, extra: Extra | None = None, first: str = "") -> Clause:
    wheres = [one for one in (first, scope.living()) if one]
    parameters: list[object] = []
    for clause in (
        None if node is None else condition(scope, node, lambda inner: _inner(scope, inner)),
        None if extra is None else extra(scope),
    ):
        if clause is not None:
            wheres.append(clause[0])
            parameters += clause[1]
    return (" WHERE " + " AND ".join(wheres) if wheres else ""), parameters


def _order(scope: Scope, query: tree.Query, aliases: Mapping[str, Computed]) -> str:
    grouped = is_aggregate(query)
    keys = {expression(scope, one).sql for one in query.group}
    terms = []
    for one in query.order:
        named = aliases.get(tree.spelt(one.expression).lower()) if isinstance(one.expression, tree.Path) else None
        computed = named or expression(scope, one.expression)
        is_call = isinstance(one.expression, tree.Call) and one.expression.name in AGGREGATES
        if (is_call and not grouped) or (grouped and not is_call and not named_or_grouped(computed, keys, aliases)):
            text = f"Ordered field must be grouped or aggregated: {tree.spelt(one.expression)}"
            raise scope.complain(one.expression.pos, text, "MALFORMED_QUERY")
        _check_sortable(scope, one.expression, computed)
        terms += _terms(one, computed)
    own_id = f'{scope.root.alias}."Id"'
    if not grouped and not any(term.startswith(f"{own_id} ") for term in terms):
        terms.append(own_id if not terms and _is_id_range(own_id, scope, query.where) else f"{scope.root.alias}._row")
    return f" ORDER BY {', '.join(terms)}" if terms else ""


def _is_id_range(own_id: str, scope: Scope, where: tree.Condition | None) -> bool:
    """Say whether WHERE only bounds the record's id: then the order of ids saves looking at other rows, or sorting these."""
    if isinstance(where, tree.AllOf):
        return all(_is_id_range(own_id, scope, part) for part in where.parts)
    if not isinstance(where, tree.Compare) or where.operator not in ("<", "<=", ">", ">="):
        return False
    return expression(scope, where.left).sql == own_id


def named_or_grouped(computed: Computed, keys: set[str], aliases: Mapping[str, Computed]) -> bool:
    """Say whether an expression has one value in every group."""
    return computed.sql in keys or any(computed is one for one in aliases.values())


def _check_sortable(scope: Scope, node: tree.Expression, computed: Computed) -> None:
    if computed.column is not None and not computed.like.sortable:
        raise scope.complain(node.pos, f"field '{computed.like.name}' can not be sorted in a query call")


def _terms(one: tree.Sort, computed: Computed) -> list[str]:
    direction = " DESC" if one.descending else ""
    nulls = f" NULLS {'FIRST' if one.nulls_first else 'LAST'}"
    ranked = [] if computed.column is None else picklist_rank(computed.column)
    return [f"{sql}{direction}{nulls}" for sql in [*ranked, computed.sql]]


def _inner(scope: Scope, query: tree.Query) -> Clause:
    """Compile the statement inside IN (...)."""
    inside = open_scope(scope.statement, query, scope.schema, scope.today, scope.all_rows, scope.aliases)
    item = query.items[0]
    if len(query.items) != 1 or not isinstance(item, tree.Item) or isinstance(item.expression, tree.Call):
        raise scope.complain(query.pos, "A nested query must select exactly one field", "MALFORMED_QUERY")
    if query.order or query.limit is not None or query.offset is not None or query.group:
        raise scope.complain(query.pos, "ORDER BY, LIMIT, OFFSET and GROUP BY are not allowed here", "MALFORMED_QUERY")
    if inside.root.owner is scope.root.owner:
        text = "The inner and outer selects should not be on the same object type"
        raise scope.complain(query.pos, text, "MALFORMED_QUERY")
    column = inside.column(item.expression)
    if not _is_id(column.field) or len(inside.expand(item.expression)) > 1:
        text = f"semi join sub-selects can only query id fields, cannot use: '{tree.spelt(item.expression)}'"
        raise scope.complain(item.expression.pos, text, "MALFORMED_QUERY")
    if query.where is not None and _has_semi_join(query.where):
        raise scope.complain(query.pos, "Nesting of semi join sub-selects is not supported", "MALFORMED_QUERY")
    where, parameters = _where(inside, query.where, first=f"{column.sql} IS NOT NULL")
    return f"SELECT {column.sql}{inside.source()}{where}", parameters


def _no_inner(query: tree.Query) -> Clause:
    raise not_emulated("SOQL statements inside HAVING")


def _is_id(field: Field) -> bool:
    return field.type in IDS


def _semi_joins(node: tree.Condition) -> list[tree.Among]:
    if isinstance(node, (tree.AllOf, tree.AnyOf)):
        return [found for part in node.parts for found in _semi_joins(part)]
    if isinstance(node, tree.Negation):
        return _semi_joins(node.part)
    return [node] if isinstance(node, tree.Among) and isinstance(node.values, tree.Query) else []


def _has_semi_join(node: tree.Condition) -> bool:
    return bool(_semi_joins(node))


def _check_semi_joins(scope: Scope, where: tree.Condition) -> None:
    """Hold statements inside IN against where the API allows them."""
    found = _semi_joins(where)
    for one in found:
        left = expression(scope, one.left)
        if left.column is None or not _is_id(left.like):
            text = f"semi join sub-selects can only be compared with id fields, cannot use: '{tree.spelt(one.left)}'"
            raise scope.complain(one.left.pos, text, "MALFORMED_QUERY")
    if len(found) > MOST_SEMI_JOINS:
        text = f"At most {MOST_SEMI_JOINS} semi join sub-selects are allowed"
        raise scope.complain(found[MOST_SEMI_JOINS].left.pos, text, "MALFORMED_QUERY")
    _check_place(scope, where)


def _check_place(scope: Scope, where: tree.Condition) -> None:
    if isinstance(where, tree.AnyOf) and _has_semi_join(where):
        text = "Semi join sub-selects are not allowed with the 'OR' operator"
        raise scope.complain(_semi_joins(where)[0].left.pos, text, "MALFORMED_QUERY")
    for part in where.parts if isinstance(where, tree.AllOf) else (where,):
        if not isinstance(part, tree.Among) and _has_semi_join(part):
            text = (
                "Semi join sub-selects are only allowed at the top level WHERE expressions and not in nested WHERE"
                " expressions"
            )
            raise scope.complain(_semi_joins(part)[0].left.pos, text, "MALFORMED_QUERY")
