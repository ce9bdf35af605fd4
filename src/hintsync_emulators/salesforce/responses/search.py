"""Searching by words: SOSL, and the same by parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.org import Org
from hintsync_emulators.salesforce.soql.parse import parse, parse_search
from hintsync_emulators.salesforce.soql.terms import FIELD_KINDS, Terms
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Records of an answer ("SOSL Limits on Search Results").
MOST = 2000
#: Objects that a search without RETURNING leaves aside.
_ASIDE = ("Organization", "PermissionSet", "PermissionSetAssignment")


def search(call: Call) -> Answer:
    """Answer a SOSL statement."""
    statement = call.params.get("q")
    if not statement:
        raise ApiError(400, "MALFORMED_SEARCH", "SOSL statements cannot be empty or null")
    wanted = parse_search(statement)
    terms = Terms(wanted.terms, _kind(wanted.fields))
    most = MOST if wanted.limit is None else min(wanted.limit, MOST)
    if wanted.returning:
        found = call.org.queries.search(statement, terms, wanted.returning, call.root, most)
    else:
        found = _search_all(call, terms, _everything(call.org), most)
    return Answer(value={"searchRecords": found})


def by_parameters(call: Call) -> Answer:
    """Answer a search that is given by parameters, in the address or as a JSON object."""
    given = call.object() if call.method == "POST" else _from_address(call.params)
    text = given.get("q")
    if not isinstance(text, str) or not text:
        raise ApiError(400, "MISSING_ARGUMENT", "missing required parameter: q")
    for name in ("dataCategory", "dataCategories", "netId", "netIds", "pricebookId", "snippet"):
        if name in given:
            raise not_emulated(f"parameterizedSearch with {name}")
    terms = Terms(text, _kind(str(given.get("in", "ALL")).upper()))
    most = min(_number(given, "overallLimit", MOST), MOST)
    statements = [_statement(one, given) for one in _objects(given)] or _everything(call.org)
    return Answer(value={"searchRecords": _search_all(call, terms, statements, most)})


def _search_all(call: Call, terms: Terms, statements: Iterable[str], most: int) -> list[dict[str, object]]:
    found = list[dict[str, object]]()
    for statement in statements:
        found += call.org.queries.search(statement, terms, [parse(statement)], call.root, most - len(found))
    return found


def _kind(name: str) -> str:
    if name not in FIELD_KINDS:
        raise not_emulated(f"SOSL IN {name} FIELDS")
    return name


def _everything(org: Org) -> list[str]:
    names = [one.name for one in org.schema.objects() if one.get("Name") and one.name not in _ASIDE]
    return [f"SELECT Id FROM {name}" for name in names]


def _from_address(params: Mapping[str, str]) -> dict[str, object]:
    """Turn ``sobject=Contact&Contact.fields=Id,Name`` into the form that a body has."""
    given: dict[str, object] = {name: value for name, value in params.items() if "." not in name}
    names = [name.strip() for name in params.get("sobject", "").split(",") if name.strip()]
    inner = {name: {"name": name} for name in names}
    for key, value in params.items():
        name, dot, setting = key.partition(".")
        if dot and name in inner:
            inner[name][setting] = value
    return {**given, "sobjects": list(inner.values())}


def _objects(given: Mapping[str, object]) -> list[Mapping[str, object]]:
    found = given.get("sobjects", [])
    if not isinstance(found, list) or not all(isinstance(one, dict) and one.get("name") for one in found):
        raise ApiError(400, "JSON_PARSER_ERROR", "sobjects must be a list of objects, each with a name")
    return found


def _statement(one: Mapping[str, object], given: Mapping[str, object]) -> str:
    """Write the statement that selects from one of the objects."""
    fields = one.get("fields") or given.get("fields") or "Id"
    names = ", ".join(map(str, fields)) if isinstance(fields, list) else str(fields)
    where = f" WHERE {one['where']}" if one.get("where") else ""
    order = f" ORDER BY {one['orderBy']}" if one.get("orderBy") else ""
    limit = _number(one, "limit", _number(given, "defaultLimit", MOST))
    return f"SELECT {names} FROM {one['name']}{where}{order} LIMIT {limit}"


def _number(given: Mapping[str, object], name: str, default: int) -> int:
    number = whole(str(given.get(name, default)))
    if number is None:
        raise ApiError(400, "INVALID_INPUT", f"{name} must be a whole number")
    return number
