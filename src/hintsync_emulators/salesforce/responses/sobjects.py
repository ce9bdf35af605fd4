"""One record at a time: create, read, update, upsert, delete."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from hintsync_emulators.salesforce import ids, values
from hintsync_emulators.salesforce.clock import format_http_date
from hintsync_emulators.salesforce.errors import ApiError, Refused, not_emulated, not_found
from hintsync_emulators.salesforce.responses.resources import http_date, object_of
from hintsync_emulators.salesforce.schema.model import Field, SObject
from hintsync_emulators.salesforce.storage import Row
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Resources below an object or record that the emulator does not answer, and that are no ids.
_LEFT_OUT = frozenset({"describe", "defaultvalues", "relevantitems", "eventschema", "richtextimagefields"})

#: The one object whose records carry an ETag.
TAGGED = "Account"


def create(call: Call) -> Answer:
    """Insert a record."""
    one = object_of(call)
    if not one.createable:
        raise ApiError(400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", f"entity type cannot be inserted: {one.label}")
    return _created(call, one, _insert(call, one, call.object()))


def read(call: Call) -> Answer:
    """Return a record; `fields` narrows it, If-Modified-Since may spare it."""
    one = object_of(call)
    record_id = _id_of(call, one, "The requested resource does not exist")
    row = call.org.storage.fetch(one.name, [record_id]).get(record_id)
    if row is None or row.get("IsDeleted"):
        raise not_found()
    return _shown(call, one, row)


def read_by_key(call: Call) -> Answer:
    """Return the record that an external id names; several answer 300."""
    one = object_of(call)
    found = _matches(call, one, key_field(one, call.names["field"]))
    if not found:
        raise not_found()
    if len(found) > 1:
        return _several(call, one, found)
    return _shown(call, one, call.org.storage.fetch(one.name, found)[found[0]])


def update(call: Call) -> Answer:
    """Change a record."""
    one = object_of(call)
    row = _living(call, one, _id_of(call, one))
    _check_unmodified(call, one, row)
    _check_untagged(call, one, row)
    _update(call, one, row, call.object())
    return Answer(204)


def upsert(call: Call) -> Answer:
    """Change the record that an external id names, or insert it."""
    one = object_of(call)
    if call.names["field"].lower() == "id":
        call.names = {**call.names, "id": call.names["value"]}
        return update(call)
    key = key_field(one, call.names["field"])
    given = {name: value for name, value in call.object().items() if name.lower() != key.name.lower()}
    found = _matches(call, one, key)
    if len(found) > 1:
        return _several(call, one, found)
    if not found:
        if call.params.get("updateOnly", "").lower() == "true":
            raise not_found()
        return _created(call, one, _insert(call, one, {**given, key.name: call.names["value"]}), created=True)
    row = call.org.storage.fetch(one.name, found)[found[0]]
    _check_unmodified(call, one, row)
    _check_untagged(call, one, row)
    _update(call, one, row, given)
    return Answer(200, {"id": found[0], "success": True, "errors": [], "created": False})


def delete(call: Call) -> Answer:
    """Put a record into the recycle bin."""
    one = object_of(call)
    row = _living(call, one, _id_of(call, one))
    return _delete(call, one, row)


def delete_by_key(call: Call) -> Answer:
    """Put the record that an external id names into the recycle bin."""
    one = object_of(call)
    found = _matches(call, one, key_field(one, call.names["field"]))
    if not found:
        raise not_found()
    if len(found) > 1:
        return _several(call, one, found)
    return _delete(call, one, call.org.storage.fetch(one.name, found)[found[0]])


def key_field(one: SObject, name: str) -> Field:
    """Return the field that records may be named by.

    Raises:
        ApiError: 404 NOT_FOUND, in the words of the real API.
    """
    if name.lower() in _LEFT_OUT or ids.normalise(name) is not None:
        raise not_emulated(f"resources below {one.name}/{name}")
    found = one.get(name)
    if found is None or not (found.external_id or found.id_lookup):
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")
    return found


def _matches(call: Call, one: SObject, key: Field) -> list[str]:
    try:
        value = values.parse(key, call.names["value"], loose=False)
    except Refused as refusal:
        raise ApiError.of(refusal.fault) from None
    return call.org.storage.ids_where(one.name, key.name, value, live_only="isdeleted" in one.fields)


def _several(call: Call, one: SObject, found: list[str]) -> Answer:
    return Answer(300, [f"{call.root}/sobjects/{one.name}/{record_id}" for record_id in found])


def _id_of(call: Call, one: SObject, otherwise: str = "") -> str:
    text = call.names["id"]
    if text.lower() in _LEFT_OUT:
        raise not_emulated(f"{one.name}/{text}")
    found = ids.normalise(text)
    if found is None:
        raise not_found(f"Provided external ID field does not exist or is not accessible: {text}")
    if found[:3] != one.prefix:
        if otherwise:
            raise not_found(otherwise)
        raise ApiError(400, "MALFORMED_ID", f"{one.label} ID: id value of incorrect type: {text}", "Id")
    return found


def _living(call: Call, one: SObject, record_id: str) -> Row:
    row = call.org.storage.fetch(one.name, [record_id]).get(record_id)
    if row is None:
        raise not_found()
    if row.get("IsDeleted"):
        raise ApiError(404, "ENTITY_IS_DELETED", "entity is deleted")
    return row


def _insert(call: Call, one: SObject, given: Mapping[str, object]) -> str:
    try:
        with call.org.storage.transaction():
            return call.org.writer.insert(one, given, call.caller())
    except Refused as refusal:
        raise ApiError.of(refusal.fault) from None


def _update(call: Call, one: SObject, row: Row, given: Mapping[str, object]) -> None:
    try:
        with call.org.storage.transaction():
            call.org.writer.update(one, row, given, call.caller())
    except Refused as refusal:
        raise ApiError.of(refusal.fault) from None


def _delete(call: Call, one: SObject, row: Row) -> Answer:
    try:
        with call.org.storage.transaction():
            call.org.writer.delete(one, row, call.caller())
    except Refused as refusal:
        raise ApiError.of(refusal.fault) from None
    return Answer(204)


def _created(call: Call, one: SObject, record_id: str, created: bool | None = None) -> Answer:
    body: dict[str, object] = {"id": record_id, "success": True, "errors": []}
    if created is not None:
        body["created"] = created
    return Answer(201, body, {"Location": f"{call.root}/sobjects/{one.name}/{record_id}"})


def _shown(call: Call, one: SObject, row: Row) -> Answer:
    modified = int(str(row["LastModifiedDate"]))
    since = http_date(call, "if-modified-since")
    if (since is not None and modified <= since) or _names_tag(call, one, row, "if-none-match"):
        return Answer(304)
    _check_unmodified(call, one, row)
    wanted = [name.strip() for name in call.params.get("fields", "").split(",") if name.strip()]
    for name in wanted:
        if "." not in name and one.get(name) is None:
            raise ApiError(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {one.name}")
    names = wanted or [each.name for each in one.fields.values()]
    records = call.org.queries.fetch(one, names, [str(row["Id"])], call.root)
    return Answer(value=records[0], headers=_validators(one, row))


def _validators(one: SObject, row: Row) -> dict[str, str]:
    found = {"Last-Modified": format_http_date(int(str(row["LastModifiedDate"])))}
    return {**found, "ETag": _tag(row)} if one.name == TAGGED else found


def _tag(row: Row) -> str:
    """Return a tag that changes with every change of a record, even two in one second."""
    return f'"{hashlib.sha256(repr(sorted(row.items())).encode()).hexdigest()[:32]}"'


def _names_tag(call: Call, one: SObject, row: Row, header: str) -> bool:
    """Say whether a header names the record's tag; only accounts have one ("Conditional Requests")."""
    given = call.headers.get(header) if one.name == TAGGED else None
    if given is None:
        return False
    tags = [tag.strip().removeprefix("W/").replace('--gzip"', '"') for tag in given.split(",")]
    return "*" in tags or _tag(row) in tags


def _check_unmodified(call: Call, one: SObject, row: Row) -> None:
    since = http_date(call, "if-unmodified-since")
    if since is not None and int(str(row["LastModifiedDate"])) > since:
        text = "The resource has been modified since the date given in If-Unmodified-Since"
        raise ApiError(412, "PRECONDITION_FAILED", text)
    if one.name == TAGGED and "if-match" in call.headers and not _names_tag(call, one, row, "if-match"):
        raise ApiError(412, "PRECONDITION_FAILED", "The resource has another tag than If-Match names")


def _check_untagged(call: Call, one: SObject, row: Row) -> None:
    if _names_tag(call, one, row, "if-none-match"):
        raise ApiError(412, "PRECONDITION_FAILED", "The resource has the tag that If-None-Match names")
