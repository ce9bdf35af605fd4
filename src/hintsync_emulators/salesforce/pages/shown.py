"""How values look on a page: text, lines, a tick, a link; dates as the person's locale writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.schema.model import Field, SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.pages.click import Person

#: Locale -> how it writes days and times of day.
_FORMATS = {"en_GB": ("%d/%m/%Y", "%H:%M"), "de_DE": ("%d.%m.%Y", "%H:%M")}
_NAME_PARTS = ("Salutation", "FirstName", "MiddleName", "LastName", "Suffix")
#: Parts of a compound address that people do not see.
_UNSEEN = ("Latitude", "Longitude", "GeocodeAccuracy", "StateCode", "CountryCode")


@dataclass(frozen=True, slots=True)
class Shown:
    """One value, ready to be drawn."""

    text: str = ""
    #: Where it leads.
    href: str | None = None
    #: A checkbox's state; None for what is no checkbox.
    ticked: bool | None = None

    @property
    def lines(self) -> list[str]:
        """The text line by line."""
        return self.text.splitlines()


def day(text: str, locale: str) -> str:
    """Write a date (``2026-03-02``), e.g. as ``3/2/2026``."""
    found = date.fromisoformat(text[:10])
    if locale in _FORMATS:
        return found.strftime(_FORMATS[locale][0])
    return f"{found.month}/{found.day}/{found.year}"


def moment(text: str, person: Person) -> str:
    """Write a moment as the API gives it, e.g. as ``3/2/2026, 9:00 AM`` in the person's time zone."""
    found = datetime.fromisoformat(text).astimezone(person.zone)
    if person.locale in _FORMATS:
        clock = found.strftime(_FORMATS[person.locale][1])
    else:
        clock = f"{found.hour % 12 or 12}:{found.minute:02d} {'AM' if found.hour < 12 else 'PM'}"
    return f"{day(found.date().isoformat(), person.locale)}, {clock}"


def paths_for(one: SObject, field: Field) -> list[str]:
    """Return what must be read of a record to show a field."""
    parts = one.parts_of(field.name)
    if parts:
        return [each.name for each in parts if each.is_stored]
    if _has_parent(field):
        return [field.name, f"{field.relationship}.Name"]
    return [field.name]


def _has_parent(field: Field) -> bool:
    """Say whether the record that a field refers to is one of a single object, with a name."""
    return field.relationship is not None and len(field.reference_to) == 1 and field.reference_to[0] != "Individual"


def shown(one: SObject, field: Field, record: Mapping[str, object], person: Person) -> Shown:
    """Return how a field of a record looks.

    Args:
        one: the record's object.
        field: a field of it, perhaps one that is made of others.
        record: as the API gives it, with what `paths_for` names.
        person: who looks.
    """
    parts = one.parts_of(field.name)
    if field.type == "address":
        return Shown("\n".join(_address(field, record)))
    if parts:
        return Shown(" ".join(str(record[name]) for name in _NAME_PARTS if record.get(name)))
    if _has_parent(field):
        return _link(field, record)
    return plain(field, record.get(field.name), person)


def plain(field: Field, value: object, person: Person) -> Shown:
    """Return how a value of a field looks that is not made of others and leads to no record."""
    if field.type == "boolean":
        return Shown(ticked=bool(value))
    if value is None:
        return Shown()
    text = str(value)
    if field.type == "date":
        return Shown(day(text, person.locale))
    if field.type == "datetime":
        return Shown(moment(text, person))
    if field.type == "email":
        return Shown(text, href=f"mailto:{text}")
    if field.type == "multipicklist":
        return Shown("; ".join(text.split(";")))
    if field.type in ("double", "currency", "percent") and isinstance(value, float):
        return Shown(f"{value:,.{field.scale}f}{'%' if field.type == 'percent' else ''}")
    return Shown(text)


def _address(field: Field, record: Mapping[str, object]) -> Sequence[str]:
    """Return the lines of an address."""
    prefix = field.name.removesuffix("Address")
    street, city, state, code, country = (
        str(record.get(f"{prefix}{part}") or "") for part in ("Street", "City", "State", "PostalCode", "Country")
    )
    place = " ".join(each for each in (f"{city}," if city and state else city, state, code) if each)
    return [each for each in (*street.splitlines(), place, country) if each]


def _link(field: Field, record: Mapping[str, object]) -> Shown:
    target, parent = record.get(field.name), record.get(str(field.relationship))
    if target is None:
        return Shown()
    name = parent.get("Name") if isinstance(parent, Mapping) else None
    return Shown(str(name or target), href=address_of(field.reference_to[0], str(target)))


def address_of(object_name: str, record_id: str) -> str | None:
    """Return where a record's page is; None for records that have none."""
    if object_name in ("Contact", "Account") or object_name.endswith("__c"):
        return f"/lightning/r/{object_name}/{record_id}/view"
    return None


def label_of(field: Field, owner: SObject) -> str:
    """Return what a field is called on a page: references by what they lead to."""
    if field.name == "OwnerId":
        return f"{owner.label} Owner"
    if field.type != "reference" or field.custom:
        return "Name" if field.name == "Name" and owner.parts_of("Name") else field.label
    label = field.label.removesuffix(" ID")
    return f"{label} Name" if field.name == "AccountId" else label


def editable_parts(one: SObject, field: Field) -> list[Field]:
    """Return the fields by which people fill in a field."""
    found = [each for each in one.parts_of(field.name) if not each.name.endswith(_UNSEEN)]
    order = {name: place for place, name in enumerate(_NAME_PARTS)}
    return sorted(found, key=lambda each: order.get(each.name, len(order))) or [field]
