"""Statement to plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.schema.model import Child, Field, Schema, SObject
from hintsync_emulators.salesforce.soql import tree
from hintsync_emulators.salesforce.soql.clauses import Extra, check_clauses, rest
from hintsync_emulators.salesforce.soql.complaint import complaint
from hintsync_emulators.salesforce.soql.functions import is_aggregate, label_of, labels
from hintsync_emulators.salesforce.soql.grouped import compile_grouped
from hintsync_emulators.salesforce.soql.plan import ChildPlan, Output, Plan, Shape
from hintsync_emulators.salesforce.soql.scope import Scope, Table, open_scope
from hintsync_emulators.salesforce.values import writer

#: Largest LIMIT beside FIELDS(ALL) or FIELDS(CUSTOM), and most ids of the WHERE that may stand in its place.
MAX_FIELDS_LIMIT = 200


@dataclass
class _Select:
    """Columns gathered so far."""

    scope: Scope
    columns: list[str] = field(default_factory=list)
    outputs: list[Output] = field(default_factory=list)

    def add(self, sql: str) -> int:
        self.columns.append(sql)
        return len(self.columns) - 1


def compile_query(
    statement: str, query: tree.Query, schema: Schema, today: date, all_rows: bool, extra: Extra | None = None
) -> Plan:
    """Compile a whole statement.

    Args:
        statement: its text, for error messages.
        query: its tree.
        schema: the org's objects.
        today: the day it is in the org.
        all_rows: deleted rows count too.
        extra: a further condition, which rows must fulfil besides WHERE.

    Raises:
        ApiError: MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE and their like, with a caret; or NOT_EMULATED.
    """
    return _compile(open_scope(statement, query, schema, today, all_rows), query, extra)


def _compile(scope: Scope, query: tree.Query, extra: Extra | None = None) -> Plan:
    check_clauses(scope, query)
    if is_aggregate(query):
        return compile_grouped(scope, query)
    select = _Select(scope)
    shape = Shape(scope.root.owner, select.add(f"{scope.root.alias}.Id"))
    for item in query.items:
        _add_item(select, shape, query, item)
    behind, parameters = rest(scope, query, {}, extra)
    return Plan(
        columns=", ".join(select.columns),
        width=len(select.columns),
        source=scope.source(),
        rest=behind,
        parameters=parameters,
        limit=query.limit,
        offset=query.offset or 0,
        shape=shape,
        alias=scope.root.alias,
        all_rows=scope.all_rows,
        unfiltered=query.where is None and not query.order and extra is None,
        outputs=tuple(select.outputs),
        purposes=query.purposes,
    )


def _add_item(select: _Select, shape: Shape, query: tree.Query, item: tree.Item | tree.Query) -> None:
    scope = select.scope
    if isinstance(item, tree.Query):
        _add_child(select, shape, item)
    elif isinstance(item.expression, tree.Path) and item.alias is not None:
        raise scope.complain(item.expression.pos, "only aggregate expressions use field aliasing", "MALFORMED_QUERY")
    elif isinstance(item.expression, tree.Path):
        _add_path(select, shape, item.expression)
    elif item.expression.name == "FIELDS":
        for one in _fields_of(scope, query, item.expression):
            _add_field(select, shape, scope.root, one, ())
    elif item.expression.name == "TOLABEL":
        _add_label(select, shape, item.expression, item.alias)
    else:
        raise not_emulated(f"SOQL function {item.expression.name}() without GROUP BY")


def _fields_of(scope: Scope, query: tree.Query, call: tree.Call) -> list[Field]:
    wanted = call.arguments[0].names[0].upper() if call.arguments and isinstance(call.arguments[0], tree.Path) else ""
    if wanted not in ("ALL", "STANDARD", "CUSTOM"):
        raise scope.complain(call.pos, "FIELDS takes ALL, STANDARD or CUSTOM", "MALFORMED_QUERY")
    if wanted != "STANDARD" and not _is_bounded(query):
        text = f"The SOQL FIELDS function must have a LIMIT of at most {MAX_FIELDS_LIMIT}"
        raise ApiError(400, "MALFORMED_QUERY", text)
    every = scope.root.owner.fields.values()
    return [one for one in every if wanted == "ALL" or one.custom == (wanted == "CUSTOM")]


def _is_bounded(query: tree.Query) -> bool:
    if query.limit is not None and query.limit <= MAX_FIELDS_LIMIT:
        return True
    where = query.where
    if not isinstance(where, tree.Among) or where.negated or isinstance(where.values, tree.Query):
        return False
    is_id = isinstance(where.left, tree.Path) and [name.lower() for name in where.left.names] == ["id"]
    return is_id and len(where.values) <= MAX_FIELDS_LIMIT


def _add_path(select: _Select, shape: Shape, path: tree.Path) -> None:
    scope = select.scope
    names = scope.expand(path)
    inner, spelt = _climb(select, shape, names[:-1], path.pos)
    column = scope.column(path)
    if column.field.name in inner.order:
        raise _twice(scope, path)
    _add_field(select, inner, scope.parent(names[:-1], path.pos), column.field, spelt)


def _climb(select: _Select, shape: Shape, names: tuple[str, ...], pos: int) -> tuple[Shape, tuple[str, ...]]:
    """Return the shape of the parent that relationship names lead to, and the names as the schema spells them."""
    scope, inner = select.scope, shape
    scope.parent(names, pos)
    spelt = scope.canonical(names, pos)
    for depth, name in enumerate(spelt):
        if name not in inner.parents:
            parent = scope.parent(names[: depth + 1], pos)
            inner.parents[name] = Shape(parent.owner, select.add(f"{parent.alias}.Id"))
            inner.order.append(name)
        inner = inner.parents[name]
    return inner, spelt


def _twice(scope: Scope, path: tree.Path) -> ApiError:
    return scope.complain(path.pos, f"duplicate field selected: {tree.spelt(path)}", "INVALID_FIELD")


def _add_field(select: _Select, shape: Shape, table: Table, one: Field, parents: tuple[str, ...]) -> None:
    if one.name in shape.order:
        raise ApiError(400, "INVALID_FIELD", f"duplicate field selected: {one.name}")
    shape.order.append(one.name)
    select.outputs.append(Output(".".join((*parents, one.name)), one))
    if one.is_stored:
        shape.values[one.name] = (select.add(f'{table.alias}."{one.name}"'), writer(one))
        return
    prefix = one.name.removesuffix("Address")
    shape.compounds[one.name] = tuple(
        (_part_key(part.name, prefix), select.add(f'{table.alias}."{part.name}"'))
        for part in sorted(table.owner.parts_of(one.name), key=lambda part: part.name)
    )


def _part_key(name: str, prefix: str) -> str:
    key = name.removeprefix(prefix)
    return key[0].lower() + key[1:]


def _add_label(select: _Select, shape: Shape, call: tree.Call, alias: str | None) -> None:
    """Add a picklist shown by its labels; without an alias it takes the place of the field."""
    scope = select.scope
    column = label_of(scope, call)
    path = call.arguments[0]
    assert isinstance(path, tree.Path)
    inner, spelt = _climb(select, shape, scope.expand(path)[:-1], path.pos)
    name = alias or column.field.name
    if name in inner.order:
        raise _twice(scope, path)
    inner.order.append(name)
    inner.values[name] = (select.add(column.sql), labels(column.field))
    select.outputs.append(Output(".".join((*spelt, name)), column.field, tree.spelt(call)))


def _add_child(select: _Select, shape: Shape, query: tree.Query) -> None:
    scope = select.scope
    link = _link(scope, query.sources[0].path.names[-1])
    owner = scope.schema.get(link.object) if link else None
    if link is None or link.relationship is None or owner is None:
        text = f"Didn't understand relationship '{query.sources[0].path.names[-1]}' in FROM part of query call."
        raise complaint(scope.statement, query.sources[0].path.pos, text, "INVALID_TYPE")
    if is_aggregate(query):
        raise scope.complain(query.pos, "only root queries support aggregate expressions", "MALFORMED_QUERY")
    if link.relationship in shape.order:
        raise _twice(scope, query.sources[0].path)
    inside = open_scope(scope.statement, query, scope.schema, scope.today, scope.all_rows, scope.aliases, owner)
    plan = _compile(inside, query)
    shape.children[link.relationship] = _child_plan(plan, f'{plan.alias}."{link.field}"')
    shape.order.append(link.relationship)


def _link(scope: Scope, name: str) -> Child | None:
    owner: SObject = scope.root.owner
    return next((one for one in owner.children if (one.relationship or "").lower() == name.lower()), None)


def _child_plan(plan: Plan, link: str) -> ChildPlan:
    """Make a statement run for many parents at once, its LIMIT and OFFSET counted for each parent."""
    before, _, order = (plan.source + plan.rest).rpartition(" ORDER BY ")
    joiner = " AND " if " WHERE " in before else " WHERE "
    mine = f"{link} IN (SELECT value FROM json_each(?))"
    rank = f"row_number() OVER (PARTITION BY {link} ORDER BY {order})"
    columns = f"{plan.columns}, {link} AS _parent, {rank} AS _rank, {plan.alias}._row AS _number"
    last = f" AND _rank <= {plan.offset + plan.limit}" if plan.limit is not None else ""
    sql = f"SELECT * FROM (SELECT {columns}{before}{joiner}{mine}) WHERE _rank > {plan.offset}{last} ORDER BY _rank"
    return ChildPlan(plan, sql, plan.width, plan.width + 2)
