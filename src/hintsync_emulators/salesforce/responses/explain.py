"""Query plans: how a statement would be carried out, without carrying it out ("Query Performance Feedback").

The rules are the published ones: which fields are indexed, what share of an object's rows an index may return and still
be worth its while. An org's own numbers come from statistics that are not published, so costs here are of the same
kind and not the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from hintsync_emulators.salesforce.queries import Queries
from hintsync_emulators.salesforce.schema.model import Field, SObject
from hintsync_emulators.salesforce.soql import tree
from hintsync_emulators.salesforce.soql.parse import parse

#: Fields that every object has an index on, beside references and external ids ("Working with Very Large SOQL Queries").
_STANDARD = frozenset(
    {"Id", "Name", "OwnerId", "CreatedDate", "LastModifiedDate", "SystemModstamp", "RecordTypeId", "Email"}
)
#: Share of the first million rows and of the rest below which a filter is selective: standard and custom indexes.
_SHARES = {False: (0.30, 0.15), True: (0.10, 0.05)}
_MILLION = 1_000_000
_UNINDEXED = "Not considering filter for optimization because unindexed"


def explained(queries: Queries, statement: str, all_rows: bool) -> dict[str, object]:
    """Return the plans of a statement, the best first.

    Raises:
        ApiError: the statement is refused, as it would be when it is run.
    """
    plan, query = queries.plan(statement, all_rows), parse(statement)
    one = plan.shape.owner
    every = queries.count_rows(queries.plan(f"SELECT Id FROM {one.name}", all_rows=True))
    filters = list(_filters(one, query.where))
    notes = _notes(one, filters, all_rows)
    found = [
        _plan(one, "Index", [field.name], _matching(queries, statement, query, part), every, notes)
        for part, field in filters
        if _is_indexed(field) and _is_selective(part)
    ]
    found.append(_plan(one, "TableScan", [], queries.count_rows(plan), every, notes))
    found.sort(key=lambda each: float(str(each["relativeCost"])))
    return {"plans": found, "sourceQuery": statement}


def _filters(one: SObject, where: tree.Condition | None) -> Iterator[tuple[tree.Condition, Field]]:
    """Return the conditions that all must hold, of fields of the object itself; OR and NOT let no index lead."""
    for part in where.parts if isinstance(where, tree.AllOf) else (where,):
        if isinstance(part, (tree.Compare, tree.Among, tree.Includes)) and isinstance(part.left, tree.Path):
            field = one.get(part.left.names[-1])
            if field is not None and len(part.left.names) == 1:
                yield part, field


def _is_indexed(field: Field) -> bool:
    return field.name in _STANDARD or field.type == "reference" or field.external_id or field.unique


def _is_selective(part: tree.Condition) -> bool:
    """Say whether an index can serve a condition: no exclusion, nothing unknown at a text's beginning."""
    if isinstance(part, tree.Compare):
        starts_open = part.operator == "LIKE" and str(part.right.value).startswith(("%", "_"))
        return part.operator != "!=" and part.right.kind != "null" and not starts_open
    return isinstance(part, tree.Among) and not part.negated


def _matching(queries: Queries, statement: str, query: tree.Query, part: tree.Condition) -> int:
    lone = replace(query, where=part, order=(), limit=None, offset=None, group=(), having=None, items=_ID)
    return queries.count_rows(queries.plan_of(statement, lone, all_rows=True))


_ID = (tree.Item(tree.Path(("Id",), 0), None),)


def _plan(
    one: SObject, operation: str, fields: list[str], rows: int, every: int, notes: list[dict[str, object]]
) -> dict[str, object]:
    first, rest = _SHARES[any(name.endswith("__c") for name in fields)]
    worth = min(every, _MILLION) * first + max(0, every - _MILLION) * rest
    read = rows if operation == "Index" else every
    return {
        "cardinality": rows,
        "fields": fields,
        "leadingOperationType": operation,
        "notes": notes,
        "relativeCost": round(read / worth, 3) if worth else 0.0,
        "sobjectCardinality": every,
        "sobjectType": one.name,
    }


def _notes(one: SObject, filters: list[tuple[tree.Condition, Field]], all_rows: bool) -> list[dict[str, object]]:
    """Return a note for each filter that no index serves; the filter on deleted rows is one of them."""
    names = [field.name for _, field in filters if not _is_indexed(field)]
    if not all_rows and "isdeleted" in one.fields:
        names.append("IsDeleted")
    return [{"description": _UNINDEXED, "fields": [name], "tableEnumOrId": one.name} for name in dict.fromkeys(names)]
