"""The schema of a change event: reads its payload, and tells by their API names the fields that its bitmaps name.

Positions differ by org and over time, so each event is read in the very schema that it names.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import fastavro
import orjson

from hintsync.replicas.salesforce.change_bitmaps import UnknownBitmap, places

HEADER: Final = "ChangeEventHeader"
#: Compound field whose parts are fields of the contact by their own names.
_NAME: Final = "Name"
#: `MailingAddress` is made of MailingStreet, MailingCity and so on.
_ADDRESS: Final = "Address"

#: Sets of bitmaps that are kept worked out.
_KNOWN_MAPS = 1_024

#: A payload that was read: field names to values, parts of compound fields in a mapping of their own.
Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class EventField:
    """A plain field of an event, or a part of a compound one, under the name that the REST API has for it."""

    api_name: str
    #: The field of the payload.
    key: str
    #: Its part, where the field is a compound one.
    part: str | None = None

    def value(self, payload: Payload) -> object:
        """Return what a payload holds for it; None for nothing, whatever that means."""
        found = payload.get(self.key)
        if self.part is None:
            return found
        return found.get(self.part) if isinstance(found, Mapping) else None


class EventSchema:
    """One schema, prepared for reading many events."""

    def __init__(self, text: str) -> None:
        """Prepare a schema.

        Raises:
            ValueError: it is no schema of a change event.
        """
        raw = orjson.loads(text)
        self._parsed: Any = fastavro.parse_schema(raw)
        records: dict[str, list[str]] = {}
        self._fields = [_event_fields(each, records) for each in raw["fields"]]
        self._known: dict[tuple[str, ...], list[EventField]] = {}
        if not self._fields or self._fields[0][0].key != HEADER:
            raise ValueError("the schema is not that of a change event")

    @property
    def fields(self) -> list[EventField]:
        """Every field and part, the header left out."""
        return [each for parts in self._fields[1:] for each in parts]

    def read(self, payload: bytes) -> Payload:
        """Read a payload.

        Raises:
            Exception: it does not fit the schema; fastavro has no one class for that.
        """
        found: Payload = fastavro.schemaless_reader(io.BytesIO(payload), self._parsed, None)  # type: ignore[assignment]
        return found

    def named(self, maps: Sequence[str]) -> list[EventField]:
        """Return the fields that bitmaps name; a compound field named as a whole stands for all its parts.

        Few sets of fields change together, again and again, so what was worked out is kept.

        Raises:
            UnknownBitmap: a map is none, or names what the schema does not have.
        """
        key = tuple(maps)
        if key not in self._known:
            if len(self._known) >= _KNOWN_MAPS:
                self._known.clear()
            self._known[key] = self._named(maps)
        return self._known[key]

    def _named(self, maps: Sequence[str]) -> list[EventField]:
        try:
            found: dict[EventField, None] = {}
            for field, part in places(maps):
                parts = self._fields[field]
                found.update(dict.fromkeys(parts if part is None else [parts[part]]))
        except IndexError:
            raise UnknownBitmap from None
        return list(found)


def _event_fields(raw: Mapping[str, Any], records: dict[str, list[str]]) -> list[EventField]:
    """Return a field, or its parts; a record is spelt out where it occurs first and named after that."""
    name, kinds = raw["name"], raw["type"]
    if name == HEADER:
        return [EventField(name, name)]
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        if isinstance(kind, Mapping) and kind.get("type") == "record":
            records[kind["name"]] = [each["name"] for each in kind["fields"]]
            kind = kind["name"]
        if isinstance(kind, str) and (parts := records.get(kind.rpartition(".")[2])):
            return [EventField(_api_name(name, part), name, part) for part in parts]
    return [EventField(name, name)]


def _api_name(field: str, part: str) -> str:
    if field == _NAME:
        return part
    return field.removesuffix(_ADDRESS) + part if field.endswith(_ADDRESS) else f"{field}.{part}"
