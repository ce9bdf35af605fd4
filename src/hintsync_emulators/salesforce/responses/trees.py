"""Records together with their children, all of them or none ("sObject Tree")."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hintsync_emulators.salesforce.errors import ApiError, Fault, Refused
from hintsync_emulators.salesforce.responses.resources import object_of
from hintsync_emulators.salesforce.schema.model import SObject
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Records of a call, levels, different objects.
MOST, DEEPEST, MOST_KINDS = 200, 5, 5
Result = dict[str, object]


@dataclass(frozen=True, slots=True)
class _Node:
    """A record of the tree."""

    one: SObject
    reference: str
    values: Mapping[str, object]
    #: Reference of the parent and the field that names it.
    parent: str | None
    link: str


class _Failed(Exception):
    """Undoes the call."""

    def __init__(self, results: list[Result]) -> None:
        super().__init__()
        self.results = results


def create(call: Call) -> Answer:
    """Insert trees whose roots are of one object; level by level, as they are answered."""
    body = call.object()
    levels = list(_levels(call, object_of(call), body.get("records")))
    _check_counts(levels)
    try:
        with call.org.storage.transaction():
            made = _insert_all(call, levels)
    except _Failed as failure:
        return Answer(400, {"hasErrors": True, "results": failure.results})
    results = [{"referenceId": reference, "id": record_id} for reference, record_id in made.items()]
    return Answer(201, {"hasErrors": False, "results": results})


def _levels(call: Call, root: SObject, records: object) -> Iterator[list[_Node]]:
    level = [_node(call, root, record, None, "") for record in _records(records)]
    while level:
        yield [node for node, _ in level]
        level = [
            _node(call, child, record, node.reference, link)
            for node, children in level
            for child, link, inner in children
            for record in inner
        ]


_Children = list[tuple[SObject, str, list[Mapping[str, object]]]]


def _node(
    call: Call, one: SObject, record: Mapping[str, object], parent: str | None, link: str
) -> tuple[_Node, _Children]:
    attributes = record.get("attributes")
    given = attributes if isinstance(attributes, dict) else {}
    if str(given.get("type", "")).lower() != one.name.lower() or not isinstance(given.get("referenceId"), str):
        text = f"each record needs attributes with the type {one.name} and a referenceId"
        raise ApiError(400, "INVALID_INPUT", text)
    by_name = {str(child.relationship).lower(): child for child in one.children if child.relationship}
    values, children = dict[str, object](), _Children()
    for name, value in record.items():
        child = by_name.get(name.lower())
        owner = call.org.schema.get(child.object) if child else None
        if child is not None and owner is not None and isinstance(value, dict):
            children.append((owner, child.field, _records(value.get("records"))))
        else:
            values[name] = value
    return _Node(one, str(given["referenceId"]), values, parent, link), children


def _records(records: object) -> list[Mapping[str, object]]:
    if not isinstance(records, list) or not records or not all(isinstance(one, dict) for one in records):
        raise ApiError(400, "JSON_PARSER_ERROR", "records must be a list of objects")
    return records


def _check_counts(levels: list[list[_Node]]) -> None:
    nodes = [node for level in levels for node in level]
    for what, count, most in (
        ("records", len(nodes), MOST),
        ("levels", len(levels), DEEPEST),
        ("types of records", len({node.one.name for node in nodes}), MOST_KINDS),
    ):
        if count > most:
            raise ApiError(400, "INVALID_INPUT", f"The request has {count} {what}; at most {most} are allowed")


def _insert_all(call: Call, levels: list[list[_Node]]) -> dict[str, str]:
    """Insert level by level; the refusals of a level end the call."""
    times = Counter(node.reference for level in levels for node in level)
    twice = Fault("INVALID_INPUT", "Duplicate ReferenceId provided in the request.")
    repeated = [_failure(node, twice) for level in levels for node in level if times[node.reference] > 1]
    if repeated:
        raise _Failed(repeated)
    made: dict[str, str] = {}
    for level in levels:
        failures = []
        for node in level:
            values = node.values if node.parent is None else {**node.values, node.link: made[node.parent]}
            try:
                made[node.reference] = call.org.writer.insert(node.one, values, call.caller())
            except Refused as refusal:
                failures.append(_failure(node, refusal.fault))
        if failures:
            raise _Failed(failures)
    return made


def _failure(node: _Node, fault: Fault) -> Result:
    return {"referenceId": node.reference, "errors": [fault.as_row()]}
