"""Which fields a change event of an object has, in which order: positions in it are what the bitmaps count."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

import orjson

from hintsync_emulators.salesforce.ids import ALPHABET
from hintsync_emulators.salesforce.schema.model import Field, SObject

#: Fields that change events leave out (Change Data Capture Developer Guide, "General Considerations").
_LEFT_OUT = frozenset(
    {"id", "isdeleted", "systemmodstamp", "masterrecordid", "lastactivitydate", "lastvieweddate", "lastreferenceddate"}
)
#: Describe type -> Avro type and the hint in the field's doc; others are text.
_KINDS: Mapping[str, tuple[str, str]] = {
    "reference": ("string", "ForeignKey:EntityId"),
    "phone": ("string", "Data:Phone"),
    "email": ("string", "Data:Email"),
    "url": ("string", "Data:Url"),
    "multipicklist": ("string", "Data:MultiEnum"),
    "boolean": ("boolean", "Data:Boolean"),
    "date": ("long", "Data:DateOnly"),
    "datetime": ("long", "Data:DateTime"),
    "time": ("long", "Data:TimeOnly"),
    "int": ("int", "Data:Integer"),
    "long": ("long", "Data:Long"),
    "double": ("double", "Data:Double"),
    "currency": ("double", "Data:Currency"),
    "percent": ("double", "Data:Percent"),
}
#: Text of at least this length is kept as a CLOB and may travel as a difference.
_LONG_TEXT = 1_000
_NAME_PARTS = ("Salutation", "FirstName", "LastName", "MiddleName", "Suffix")
_ADDRESS_PARTS = (
    "Street",
    "City",
    "State",
    "PostalCode",
    "Country",
    "StateCode",
    "CountryCode",
    "Latitude",
    "Longitude",
    "GeocodeAccuracy",
)
_LOCATION_PARTS = ("Latitude", "Longitude")


@dataclass(frozen=True, slots=True)
class Part:
    """One child of a compound field."""

    name: str
    #: Avro type.
    type: str
    #: The field it shows; None when the org has no such field, so that it is always empty.
    field: Field | None


@dataclass(frozen=True, slots=True)
class EventField:
    """One field of a change event."""

    name: str
    doc: str
    #: Avro type, or the name of the record that `parts` make up.
    type: str
    #: The field it shows; None for a compound field, and for one that the org has no metadata of.
    field: Field | None
    #: Children of a compound field.
    parts: tuple[Part, ...] = ()
    #: Its new value may travel as a difference.
    long_text: bool = False


@dataclass(frozen=True, slots=True)
class Layout:
    """The fields of an object's change event; the header, which comes first, is not among them."""

    object: str
    fields: tuple[EventField, ...]

    @property
    def event_name(self) -> str:
        """Name of the event, e.g. ``ContactChangeEvent`` or ``Visit__ChangeEvent``."""
        return event_name(self.object)


def event_name(object_name: str) -> str:
    """Return the name of an object's change event."""
    return f"{object_name.removesuffix('c') if object_name.endswith('__c') else object_name}ChangeEvent"


def layout_of(one: SObject) -> Layout:
    """Work out the change event of an object from its fields.

    Standard objects keep the order that their recorded schemas have; whatever those do not name follows in the order
    of describe, custom fields last.
    """
    order = _orders().get(one.name, ())
    named = {name for name, *_ in order}
    rest = [field for field in one.fields.values() if field.name not in named and _is_shown(one, field)]
    rest.sort(key=lambda field: field.custom)
    found = [_ordered(one, *entry) for entry in order]
    return Layout(one.name, (*(each for each in found if each), *(_event_field(one, field) for field in rest)))


@cache
def _orders() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    raw = (resources.files(__package__) / "orders.json").read_bytes()
    return {name: tuple(map(tuple, entries)) for name, entries in orjson.loads(raw).items()}


def _ordered(one: SObject, name: str, doc: str, avro: str | None = None) -> EventField | None:
    """Return a recorded field: as the org has it, or (when its type is recorded) always empty, or not at all."""
    field = one.get(name)
    if field is not None:
        return _event_field(one, field, doc)
    return None if avro is None else EventField(name, doc, avro, None)


def _is_shown(one: SObject, field: Field) -> bool:
    if field.name.lower() in _LEFT_OUT or (field.compound is not None and field.compound != field.name):
        return False
    return field.formula is None or bool(one.parts_of(field.name))


def _event_field(one: SObject, field: Field, doc: str | None = None) -> EventField:
    parts = one.parts_of(field.name)
    if parts:
        return _compound(field, parts)
    avro, usual = _KINDS.get(field.type, ("string", "Data:Text"))
    if field.type in ("picklist", "combobox"):
        usual = "Data:StaticEnum" if field.restricted else "Data:DynamicEnum"
    long_text = field.type == "textarea" and field.length >= _LONG_TEXT
    hint = doc or ("Data:StringPlusClob" if long_text else usual)
    if field.custom:
        hint += f":{_field_id(one.name, field.name)}"
    return EventField(field.name, hint, avro, field, long_text=long_text)


def _compound(field: Field, parts: tuple[Field, ...]) -> EventField:
    if field.name == "Name":
        known = {part.name: part for part in parts}
        found = tuple(Part(name, "string", known[name]) for name in _NAME_PARTS if name in known)
        return EventField(field.name, "Data:PersonName", "PersonName", None, found)
    if field.type == "location":
        by_end = {name: part for name in _LOCATION_PARTS for part in parts if f"__{name}__" in part.name}
        children = tuple(Part(name, "double", by_end.get(name)) for name in _LOCATION_PARTS)
        return EventField(field.name, "Data:Location", "Location", None, children)
    prefix = field.name.removesuffix("Address")
    by_name = {part.name.removeprefix(prefix): part for part in parts}
    children = tuple(Part(name, _part_type(name), by_name.get(name)) for name in _ADDRESS_PARTS)
    return EventField(field.name, "Data:Address", "Address", None, children)


def _part_type(name: str) -> str:
    return "double" if name in _LOCATION_PARTS else "string"


def _field_id(object_name: str, field_name: str) -> str:
    """Return the id of a custom field's definition: fifteen characters, the same for the same name."""
    number = int.from_bytes(hashlib.sha256(f"{object_name}.{field_name}".encode()).digest()[:8])
    digits = []
    for _ in range(9):
        number, rest = divmod(number, len(ALPHABET))
        digits.append(ALPHABET[rest])
    return "00NHs0" + "".join(digits)
