"""Statement to plan: the SQL to run and how its rows become records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.schema.model import Field, Schema, SObject
from hintsync_emulators.salesforce.soql import tree
from hintsync_emulators.salesforce.soql.complaint import complaint
from hintsync_emulators.salesforce.soql.conditions import Clause, condition
from hintsync_emulators.salesforce.soql.functions import AGGREGATES, Computed, expression, group_key, is_aggregate
from hintsync_emulators.salesforce.soql.scope import Scope, Table, open_scope
from hintsync_emulators.salesforce.values import writer

#: Largest OFFSET, and largest LIMIT beside FIELDS(ALL) or FIELDS(CUSTOM).
MAX_OFFSET, MAX_FIELDS_LIMIT = 2000, 200

Convert = Callable[[object], object]


@dataclass
class Shape:
    """How columns of a row become one record: `names` in order, each from the column at the same place of `columns`."""

    owner: SObject
    #: Column that holds the record's id.
    id_column: int
    #: Output name -> column and conversion.
    values: dict[str, tuple[int, Convert | None]] = field(default_factory=dict)
    #: Output name -> (key of the compound value, column).
    compounds: dict[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    parents: dict[str, Shape] = field(default_factory=dict)
    children: dict[str, ChildPlan] = field(default_factory=dict)
    #: All output names as the statement orders them.
    order: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled statement."""

    columns: str
    #: How many columns there are.
    width: int
    #: FROM with its joins.
    source: str
    #: WHERE, GROUP BY, HAVING, ORDER BY.
    rest: str
    parameters: Sequence[object]
    limit: int | None
    offset: int
    shape: Shape
    #: Alias of the table that records come from.
    alias: str
    aggregate: bool = False
    #: Every (living) row is found, in the order of its making.
    unfiltered: bool = False
    #: ``SELECT COUNT() FROM …``: the answer is the total alone.
    count_only: bool = False
    #: Output columns in order, dotted, with the field each shows; for CSV and column metadata.
    outputs: tuple[tuple[str, Field], ...] = ()


@dataclass(frozen=True, slots=True)
class ChildPlan:
    """A statement inside the select list; it runs once for a page of parents, whose ids fill the first parameter."""

    plan: Plan
    #: SQL with one parameter for the JSON list of parent ids before the plan's own.
    sql: str
    #: Column that holds the parent's id.
    parent_column: int


@dataclass
class _Select:
    """Columns gathered so far."""

    scope: Scope
    columns: list[str] = field(default_factory=list)
    outputs: list[tuple[str, Field]] = field(default_factory=list)

    def add(self, sql: str) -> int:
        self.columns.append(sql)
        return len(self.columns) - 1


def compile_query(statement: str, query: tree.Query, schema: Schema, today: date, all_rows: bool) -> Plan:
    """Compile a whole statement.

    Raises:
        ApiError: MALFORMED_QUERY, INVALID_FIELD, INVALID_TYPE and their like, with a caret; or NOT_EMULATED.
    """
    return _compile(open_scope(statement, query, schema, today, all_rows), query)


def _compile(scope: Scope, query: tree.Query) -> Plan:
    _check_clauses(scope, query)
    if is_aggregate(query):
        return _compile_aggregate(scope, query)
    select = _Select(scope)
    shape = Shape(scope.root.owner, select.add(f"{scope.root.alias}.Id"))
    for item in query.items:
        _add_item(select, shape, query, item)
    rest, parameters = _rest(scope, query, {})
    return Plan(
        columns=", ".join(select.columns),
        width=len(select.columns),
        source=scope.source(),
        rest=rest,
        parameters=parameters,
        limit=query.limit,
        offset=query.offset or 0,
        shape=shape,
        alias=scope.root.alias,
        unfiltered=query.where is None and not query.order,
        outputs=tuple(select.outputs),
    )


def _check_clauses(scope: Scope, query: tree.Query) -> None:
    if query.offset is not None and query.offset > MAX_OFFSET:
        raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", f"Maximum SOQL offset allowed is {MAX_OFFSET}")
    if query.scope not in (None, "EVERYTHING"):
        raise not_emulated(f"SOQL USING SCOPE {query.scope}")
    if query.having is not None and not query.group:
        raise scope.complain(query.pos, "HAVING needs GROUP BY", "MALFORMED_QUERY")


def _rest(scope: Scope, query: tree.Query, aliases: dict[str, Computed]) -> Clause:
    """Return everything behind FROM, but LIMIT and OFFSET."""
    parts, parameters = [], []
    wheres = [scope.living()] if scope.living() else []
    if query.where is not None:
        sql, values = condition(scope, query.where, lambda inner: _inner(scope, inner))
        wheres.append(sql)
        parameters += values
    if wheres:
        parts.append(" WHERE " + " AND ".join(wheres))
    if query.group:
        parts.append(" GROUP BY " + ", ".join(group_key(scope, one).sql for one in query.group))
    if query.having is not None:
        sql, values = condition(scope, query.having, lambda inner: _inner(scope, inner), grouped=True)
        parts.append(f" HAVING {sql}")
        parameters += values
    parts.append(_order(scope, query, aliases))
    return "".join(parts), parameters


def _order(scope: Scope, query: tree.Query, aliases: dict[str, Computed]) -> str:
    terms = []
    for one in query.order:
        if isinstance(one.expression, tree.Call) and one.expression.name in AGGREGATES and not is_aggregate(query):
            text = f"Ordered field must be grouped or aggregated: {one.expression.name}"
            raise scope.complain(one.expression.pos, text, "MALFORMED_QUERY")
        named = one.expression.names[0].lower() if isinstance(one.expression, tree.Path) else ""
        computed = aliases.get(named) or expression(scope, one.expression)
        if computed.column is not None and not computed.like.sortable:
            text = f"field '{computed.like.name}' can not be sorted in a query call"
            raise scope.complain(one.expression.pos, text)
        direction = " DESC" if one.descending else ""
        terms.append(f"{computed.sql}{direction} NULLS {'FIRST' if one.nulls_first else 'LAST'}")
    if not is_aggregate(query):
        terms.append(f"{scope.root.alias}._row")
    return f" ORDER BY {', '.join(terms)}" if terms else ""


def _inner(scope: Scope, query: tree.Query) -> Clause:
    """Compile the statement inside IN (...)."""
    inside = open_scope(scope.statement, query, scope.schema, scope.today, scope.all_rows, scope.aliases)
    item = query.items[0]
    if len(query.items) != 1 or not isinstance(item, tree.Item) or isinstance(item.expression, tree.Call):
        raise scope.complain(query.pos, "A nested query must select exactly one field", "MALFORMED_QUERY")
    if query.order or query.limit is not None or query.offset is not None or query.group:
        raise scope.complain(query.pos, "ORDER BY, LIMIT, OFFSET and GROUP BY are not allowed here", "MALFORMED_QUERY")
    column = inside.column(item.expression)
    wheres = [f"{column.sql} IS NOT NULL"] + ([inside.living()] if inside.living() else [])
    parameters: list[object] = []
    if query.where is not None:
        sql, parameters = condition(inside, query.where, lambda deeper: _inner(inside, deeper))
        wheres.append(sql)
    return f"SELECT {column.sql}{inside.source()} WHERE {' AND '.join(wheres)}", parameters


def _add_item(select: _Select, shape: Shape, query: tree.Query, item: tree.Item | tree.Query) -> None:
    scope = select.scope
    if isinstance(item, tree.Query):
        _add_child(select, shape, item)
    elif isinstance(item.expression, tree.Call):
        if item.expression.name != "FIELDS":
            raise not_emulated(f"SOQL function {item.expression.name}() without GROUP BY")
        for one in _fields_of(scope, query, item.expression):
            _add_field(select, shape, scope.root, one, ())
    elif item.alias is not None:
        raise scope.complain(item.expression.pos, "only aggregate expressions use field aliasing", "MALFORMED_QUERY")
    else:
        _add_path(select, shape, item.expression)


def _fields_of(scope: Scope, query: tree.Query, call: tree.Call) -> list[Field]:
    wanted = call.arguments[0].names[0].upper() if call.arguments and isinstance(call.arguments[0], tree.Path) else ""
    if wanted not in ("ALL", "STANDARD", "CUSTOM"):
        raise scope.complain(call.pos, "FIELDS takes ALL, STANDARD or CUSTOM", "MALFORMED_QUERY")
    if wanted != "STANDARD" and (query.limit is None or query.limit > MAX_FIELDS_LIMIT):
        text = f"The SOQL FIELDS function must have a LIMIT of at most {MAX_FIELDS_LIMIT}"
        raise ApiError(400, "MALFORMED_QUERY", text)
    every = scope.root.owner.fields.values()
    return [one for one in every if wanted == "ALL" or one.custom == (wanted == "CUSTOM")]


def _add_path(select: _Select, shape: Shape, path: tree.Path) -> None:
    scope = select.scope
    names = scope.expand(path)
    table = scope.parent(names[:-1], path.pos)
    spelt = scope.canonical(names[:-1], path.pos)
    column = scope.column(path)
    inner = shape
    for depth, name in enumerate(spelt):
        if name not in inner.parents:
            parent = scope.parent(names[: depth + 1], path.pos)
            inner.parents[name] = Shape(parent.owner, select.add(f"{parent.alias}.Id"))
            inner.order.append(name)
        inner = inner.parents[name]
    if column.field.name in inner.order:
        raise scope.complain(path.pos, f"duplicate field selected: {'.'.join(path.names)}", "INVALID_FIELD")
    _add_field(select, inner, table, column.field, spelt)


def _add_field(select: _Select, shape: Shape, table: Table, one: Field, parents: tuple[str, ...]) -> None:
    if one.name in shape.order:
        return
    shape.order.append(one.name)
    select.outputs.append((".".join((*parents, one.name)), one))
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


def _add_child(select: _Select, shape: Shape, query: tree.Query) -> None:
    scope = select.scope
    name = query.sources[0].path.names[-1]
    children = scope.root.owner.children
    link = next((one for one in children if (one.relationship or "").lower() == name.lower()), None)
    owner = scope.schema.get(link.object) if link else None
    if link is None or owner is None:
        text = f"Didn't understand relationship '{name}' in FROM part of query call."
        raise complaint(scope.statement, query.sources[0].path.pos, text, "INVALID_TYPE")
    if is_aggregate(query):
        raise not_emulated("SOQL aggregates in a nested statement of the select list")
    inside = open_scope(scope.statement, query, scope.schema, scope.today, scope.all_rows, scope.aliases, owner)
    plan = _compile(inside, query)
    assert link.relationship is not None
    shape.children[link.relationship] = _child_plan(plan, f'{plan.alias}."{link.field}"')
    shape.order.append(link.relationship)


def _child_plan(plan: Plan, link: str) -> ChildPlan:
    """Make a statement run for many parents at once, its LIMIT and OFFSET counted for each parent."""
    before, _, order = (plan.source + plan.rest).rpartition(" ORDER BY ")
    joiner = " AND " if " WHERE " in before else " WHERE "
    mine = f"{link} IN (SELECT value FROM json_each(?))"
    rank = f"row_number() OVER (PARTITION BY {link} ORDER BY {order})"
    columns = f"{plan.columns}, {link} AS _parent, {rank} AS _rank"
    last = f" AND _rank <= {plan.offset + plan.limit}" if plan.limit is not None else ""
    sql = f"SELECT * FROM (SELECT {columns}{before}{joiner}{mine}) WHERE _rank > {plan.offset}{last} ORDER BY _rank"
    return ChildPlan(plan, sql, plan.width)


def _compile_aggregate(scope: Scope, query: tree.Query) -> Plan:
    select, shape = _Select(scope), Shape(scope.root.owner, -1)
    grouped = {group_key(scope, one).sql for one in query.group}
    aliases: dict[str, Computed] = {}
    numbers = iter(range(1000))
    for item in query.items:
        if isinstance(item, tree.Query):
            raise scope.complain(item.pos, "nested statements cannot stand beside aggregates", "MALFORMED_QUERY")
        computed = expression(scope, item.expression)
        name = item.alias or _default_alias(item.expression, numbers)
        if name in shape.values:
            raise scope.complain(item.expression.pos, f"duplicate alias: {name}", "MALFORMED_QUERY")
        if isinstance(item.expression, tree.Path) or item.expression.name not in AGGREGATES:
            _check_grouped(scope, item, computed, grouped)
        shape.values[name] = (select.add(computed.sql), computed.convert)
        shape.order.append(name)
        select.outputs.append((name, computed.like))
        aliases[name.lower()] = computed
    rest, parameters = _rest(scope, query, aliases)
    first = query.items[0]
    bare = isinstance(first, tree.Item) and first.expression == tree.Call("COUNT", (), first.expression.pos)
    return Plan(
        columns=", ".join(select.columns),
        width=len(select.columns),
        source=scope.source(),
        rest=rest,
        parameters=parameters,
        limit=query.limit,
        offset=query.offset or 0,
        shape=shape,
        alias=scope.root.alias,
        aggregate=True,
        count_only=bare and len(query.items) == 1 and not query.group,
        outputs=tuple(select.outputs),
    )


def _default_alias(node: tree.Expression, numbers: Iterator[int]) -> str:
    return node.names[-1] if isinstance(node, tree.Path) else f"expr{next(numbers)}"


def _check_grouped(scope: Scope, item: tree.Item, computed: Computed, grouped: set[str]) -> None:
    if computed.sql not in grouped:
        name = ".".join(item.expression.names) if isinstance(item.expression, tree.Path) else item.expression.name
        raise scope.complain(item.expression.pos, f"Field must be grouped or aggregated: {name}", "MALFORMED_QUERY")
