"""Rows to records, in the nesting and order that the statement asks for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import orjson

from hintsync_emulators.salesforce.soql.compile import ChildPlan, Plan, Shape
from hintsync_emulators.salesforce.storage import Storage

Record = dict[str, object]
Line = Sequence[object]


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
    build = builder(plan.shape, base)
    page = list(lines)
    found = [build(line) for line in page]
    for name, child in plan.shape.children.items():
        _add_children(name, child, plan.shape, page, found, storage, base)
    return found


def _aggregate(shape: Shape, line: Line) -> Record:
    record: Record = {"attributes": {"type": "AggregateResult"}}
    for name, (column, convert) in shape.values.items():
        record[name] = line[column] if convert is None else convert(line[column])
    return record


def builder(shape: Shape, base: str) -> Callable[[Line], Record]:
    """Return the function that turns a row into a record."""
    object_name, url, id_column = shape.owner.name, f"{base}{shape.owner.name}/", shape.id_column
    steps = [_step(shape, name, base) for name in shape.order]

    def build(line: Line) -> Record:
        record: Record = {"attributes": {"type": object_name, "url": f"{url}{line[id_column]}"}}
        for name, column, convert, make in steps:
            if make is not None:
                record[name] = make(line)
            else:
                record[name] = line[column] if convert is None else convert(line[column])
        return record

    return build


_Step = tuple[str, int, Callable[[object], object] | None, Callable[[Line], object] | None]


def _step(shape: Shape, name: str, base: str) -> _Step:
    if name in shape.values:
        column, convert = shape.values[name]
        return name, column, convert, None
    if name in shape.parents:
        parent = shape.parents[name]
        build = builder(parent, base)
        return name, 0, None, lambda line: None if line[parent.id_column] is None else build(line)
    if name in shape.children:
        return name, 0, None, lambda line: None
    parts = shape.compounds[name]
    return name, 0, None, lambda line: _compound(parts, line)


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
