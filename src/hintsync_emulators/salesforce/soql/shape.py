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
#: Remembers the result of a nested statement, given by the internal numbers of its rows, and returns the address of
#: what comes after as many as the second number says.
Continue = Callable[[Plan, Sequence[int], int], str]
#: Children of one parent that come with it. Recorded answers hold 199 of more: with their parent a page of 200.
CHILDREN = 199


def records(
    plan: Plan, lines: Iterable[Line], storage: Storage, base: str, go_on: Continue | None = None
) -> list[Record]:
    """Build the records of one page.

    Args:
        plan: the compiled statement.
        lines: rows of its columns.
        storage: where nested statements find their rows.
        base: path before the object's name in links, e.g. ``/services/data/v64.0/sobjects/``.
        go_on: makes the rest of long nested results available; without it they come whole.
    """
    if plan.aggregate:
        return [_aggregate(plan.shape, line) for line in lines]
    page = list(lines)
    found = list(map(builder(plan.shape, base), page))
    for name, child in plan.shape.children.items():
        by_parent = _children(child, [str(line[plan.shape.id_column]) for line in page], storage)
        for line, record in zip(page, found, strict=True):
            lines_of = by_parent.get(line[plan.shape.id_column])
            if lines_of:
                record[name] = _nested(child, lines_of, storage, base, go_on)
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


def _children(child: ChildPlan, ids: Sequence[str], storage: Storage) -> dict[object, list[Line]]:
    """Return the rows of a nested statement by the id of their parent."""
    by_parent: dict[object, list[Line]] = {}
    for line in storage.rows(child.sql, (*child.plan.parameters, orjson.dumps(ids).decode())):
        by_parent.setdefault(line[child.parent_column], []).append(line)
    return by_parent


def _nested(
    child: ChildPlan, lines: Sequence[Line], storage: Storage, base: str, go_on: Continue | None
) -> dict[str, object]:
    """Return the result of a nested statement for one parent."""
    most = len(lines) if go_on is None else CHILDREN
    found: dict[str, object] = {"totalSize": len(lines), "done": len(lines) <= most}
    if go_on is not None and len(lines) > most:
        numbers = [int(str(line[child.row_column])) for line in lines]
        found["nextRecordsUrl"] = go_on(child.plan, numbers, most)
    found["records"] = records(child.plan, lines[:most], storage, base, go_on)
    return found
