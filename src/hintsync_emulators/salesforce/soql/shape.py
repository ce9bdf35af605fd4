"""Rows to records, in the nesting and order that the statement asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

import orjson

from hintsync_emulators.salesforce.soql.plan import ChildPlan, Plan, Shape
from hintsync_emulators.salesforce.storage import Storage

Record = dict[str, object]
Line = Sequence[object]
#: Makes a part of a record from a whole row.
_Make = Callable[[Line], object]


def records(plan: Plan, lines: Iterable[Line], storage: Storage, base: str) -> list[Record]:
    """Build the records of one page.

    Args:
        plan: the compiled statement.
        lines: rows of its columns.
        storage: where nested statements find their rows.
        base: path before the object's name in links, e.g. ``/services/data/v64.0/sobjects/``.
    """
    if plan.aggregate:
        return [_aggregate(plan.shape, line) for line in lines]
    page = list(lines)
    found = list(map(builder(plan.shape, base), page))
    for name, child in plan.shape.children.items():
        _add_children(name, child, plan.shape, page, found, storage, base)
    return found


def _aggregate(shape: Shape, line: Line) -> Record:
    record: Record = {"attributes": {"type": "AggregateResult"}}
    for name, (column, convert) in shape.values.items():
        record[name] = line[column] if convert is None else convert(line[column])
    return record


def builder(shape: Shape, base: str) -> Callable[[Line], Record]:
    """Return the function that turns a row into a record.

    All values are taken over in one go, since most need no change; those that do are put in their place afterwards.
    """
    object_name, url, id_column = shape.owner.name, f"{base}{shape.owner.name}/", shape.id_column
    names = tuple(shape.order)
    # A part that is no plain value takes the id's column first, to hold its place; two columns at least make a tuple.
    columns = [shape.values[name][0] if name in shape.values else id_column for name in names]
    take = itemgetter(*columns, id_column, id_column)
    converted = [(name, *shape.values[name]) for name in names if name in shape.values]
    changes = [(name, column, convert) for name, column, convert in converted if convert is not None]
    made = [(name, _maker(shape, name, base)) for name in names if name not in shape.values]

    def build(line: Line) -> Record:
        record: Record = {"attributes": {"type": object_name, "url": f"{url}{line[id_column]}"}}
        record.update(zip(names, take(line), strict=False))
        for name, column, convert in changes:
            record[name] = convert(line[column])
        for name, make in made:
            record[name] = make(line)
        return record

    return build


def _maker(shape: Shape, name: str, base: str) -> _Make:
    if name in shape.parents:
        parent = shape.parents[name]
        build = builder(parent, base)
        return lambda line: None if line[parent.id_column] is None else build(line)
    if name in shape.children:
        return lambda line: None
    parts = shape.compounds[name]
    return lambda line: _compound(parts, line)


def _compound(parts: tuple[tuple[str, int], ...], line: Line) -> object:
    value = {key: line[column] for key, column in parts}
    return value if any(one is not None for one in value.values()) else None


def _add_children(
    name: str, child: ChildPlan, shape: Shape, page: Sequence[Line], found: list[Record], storage: Storage, base: str
) -> None:
    ids = [str(line[shape.id_column]) for line in page]
    by_parent: dict[object, list[Line]] = {}
    for line in storage.rows(child.sql, (*child.plan.parameters, orjson.dumps(ids).decode())):
        by_parent.setdefault(line[child.parent_column], []).append(line)
    for record_id, record in zip(ids, found, strict=True):
        lines = by_parent.get(record_id)
        if lines:
            inner = records(child.plan, lines, storage, base)
            record[name] = {"totalSize": len(inner), "done": True, "records": inner}
