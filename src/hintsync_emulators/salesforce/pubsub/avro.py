"""The Avro schema of a change event and its payload: schemaless binary, in the schema that its id names."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass

import fastavro
import orjson

from hintsync_emulators.salesforce.pubsub.layout import EventField, Layout

CHANGE_TYPES = (
    "CREATE",
    "UPDATE",
    "DELETE",
    "UNDELETE",
    "GAP_CREATE",
    "GAP_UPDATE",
    "GAP_DELETE",
    "GAP_UNDELETE",
    "GAP_OVERFLOW",
    "SNAPSHOT",
)
_TEXTS = {"type": "array", "items": "string"}
_HEADER_FIELDS: tuple[tuple[str, object], ...] = (
    ("entityName", "string"),
    ("recordIds", _TEXTS),
    ("changeType", {"type": "enum", "name": "ChangeType", "symbols": list(CHANGE_TYPES)}),
    ("changeOrigin", "string"),
    ("transactionKey", "string"),
    ("sequenceNumber", "int"),
    ("commitTimestamp", "long"),
    ("commitNumber", "long"),
    ("commitUser", "string"),
    ("nulledFields", _TEXTS),
    ("diffFields", _TEXTS),
    ("changedFields", _TEXTS),
)
#: An account's name is a text, or in an org with person accounts a name in parts.
_SWITCHABLE_NAME = ("Salutation", "FirstName", "LastName", "MiddleName", "InformalName", "Suffix")


@dataclass(frozen=True, slots=True)
class EventSchema:
    """The Avro schema of one kind of event at one time."""

    id: str
    #: What GetSchema answers.
    json: str
    parsed: Mapping[str, object]

    def encode(self, payload: Mapping[str, object]) -> bytes:
        """Write an event's fields as schemaless Avro binary."""
        out = io.BytesIO()
        fastavro.schemaless_writer(out, dict(self.parsed), dict(payload))
        return out.getvalue()


def schema_of(layout: Layout) -> EventSchema:
    """Build the schema of an object's change event."""
    known: set[str] = set()
    header = {
        "type": "record",
        "name": "ChangeEventHeader",
        "fields": [{"name": name, "type": kind} for name, kind in _HEADER_FIELDS],
    }
    fields: list[object] = [{"name": "ChangeEventHeader", "type": header, "doc": "Data:ComplexValueType"}]
    fields += [_field(each.name, _types(each, known), each.doc) for each in layout.fields]
    schema = {"type": "record", "name": layout.event_name, "namespace": "com.sforce.eventbus", "fields": fields}
    return read_schema(orjson.dumps(schema).decode())


def read_schema(text: str) -> EventSchema:
    """Return a schema by its JSON."""
    parsed = fastavro.parse_schema(orjson.loads(text))
    assert isinstance(parsed, dict)
    return EventSchema(schema_id(text), text, parsed)


def schema_id(text: str) -> str:
    """Return the id of a schema, 22 characters.

    Recorded ids are 16 bytes in base64url without padding; what they are a digest of is not published.
    """
    digest = hashlib.md5(text.encode(), usedforsecurity=False).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _field(name: str, types: list[object], doc: str | None = None) -> dict[str, object]:
    documented = {} if doc is None else {"doc": doc}
    return {"name": name, "type": types, **documented, "default": None}


def _types(one: EventField, known: set[str]) -> list[object]:
    """Return the union of a field; a record is spelt out where it occurs first and named after that."""
    if one.doc == "Data:Switchable_PersonName":
        return ["null", "string", _record("Switchable_PersonName", dict.fromkeys(_SWITCHABLE_NAME, "string"))]
    if not one.parts:
        return ["null", one.type]
    if one.type in known:
        return ["null", one.type]
    known.add(one.type)
    return ["null", _record(one.type, {part.name: part.type for part in one.parts})]


def _record(name: str, children: Mapping[str, str]) -> object:
    fields = [_field(child, ["null", kind]) for child, kind in children.items()]
    return {"type": "record", "name": name, "fields": fields}
