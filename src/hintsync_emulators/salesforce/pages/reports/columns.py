"""Columns of reports, from the names that metadata has for them to fields of the base object."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.errors import ApiError, not_emulated
from hintsync_emulators.salesforce.metadata.xml import Node, parse
from hintsync_emulators.salesforce.schema.model import Field, SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Report types that every org has -> their base object.
_TYPES = {"ContactList": "Contact", "AccountList": "Account"}
#: Names that the columns of these types have, as published files spell them -> fields.
NAMES = {
    "Contact": {
        "CONTACT_ID": "Id",
        "SALUTATION": "Salutation",
        "FIRST_NAME": "FirstName",
        "LAST_NAME": "LastName",
        "FULL_NAME": "Name",
        "NAME": "Name",
        "TITLE": "Title",
        "EMAIL": "Email",
        "PHONE1": "Phone",
        "BIRTHDATE": "Birthdate",
        "ACCOUNT.NAME": "Account.Name",
        "COMPANY": "Account.Name",
    },
    "Account": {"ACCOUNT_ID": "Id", "ACCOUNT.NAME": "Name", "PHONE1": "Phone", "TYPE": "Type"},
}
_SHARED = {
    "CUST_NAME": "Name",
    "CUST_ID": "Id",
    "CREATED_DATE": "CreatedDate",
    "CUST_CREATED_DATE": "CreatedDate",
    "LAST_UPDATE": "LastModifiedDate",
    "CUST_LAST_UPDATE": "LastModifiedDate",
    "OWNER": "Owner.Name",
}


@dataclass(frozen=True, slots=True)
class ReportColumn:
    """One column of a report."""

    #: The field, or the way to a parent's: ``Account.Name``.
    path: str
    field: Field
    label: str


def base_of(org: Org, kind: str) -> SObject:
    """Return the object whose records a report type shows.

    Raises:
        ApiError: NOT_EMULATED for a type whose object is not known here.
    """
    custom = org.components.get("ReportType", kind.removesuffix("__c")) if kind.endswith("__c") else None
    if custom is not None:
        name = parse(custom.xml).value("baseObject") or ""
    else:
        name = kind.removeprefix("CustomEntity$") if kind.startswith("CustomEntity$") else _TYPES.get(kind, "")
    found = org.schema.get(name)
    if found is None:
        raise not_emulated(f"reports of type {kind}")
    return found


def column_of(org: Org, base: SObject, kind: str, name: str) -> ReportColumn | None:
    """Return a column by its name in metadata; None for one whose field is kept from whoever asks.

    Args:
        org: the org.
        base: the report's base object.
        kind: the report's type.
        name: e.g. ``FIRST_NAME``, ``Contact.Key__c``, ``Contact$Account.Name``.

    Raises:
        ApiError: NOT_EMULATED for a name that is not known here.
    """
    path = path_of(base, name)
    owner = org.schema.whole(base)
    if _field(org, owner, path) is None:
        raise not_emulated(f"report column {name}")
    field = _field(org, base, path)
    return None if field is None else ReportColumn(path, field, _label(org, kind, base, path, field))


def path_of(base: SObject, name: str) -> str:
    """Return the way to the field that a column's name means."""
    table, dollar, field = name.partition("$")
    if dollar:
        if table != base.name:
            raise not_emulated(f"report columns of {table}, which is not the base object")
        return field
    known = NAMES.get(base.name, {}).get(name) or _SHARED.get(name)
    return known or name.removeprefix(f"{base.name}.")


def _field(org: Org, one: SObject, path: str) -> Field | None:
    first, dot, rest = path.partition(".")
    if not dot:
        found = one.get(first)
        return found if found is None or found.is_stored else None
    link = one.relationships.get(first.lower())
    parent = org.schema.get(link.reference_to[0]) if link is not None else None
    return None if parent is None else _field(org, parent, rest)


def _label(org: Org, kind: str, base: SObject, path: str, field: Field) -> str:
    """Return the head of a column: what its report type calls it, else what the field is called."""
    custom = org.components.get("ReportType", kind.removesuffix("__c"))
    for node in _columns(parse(custom.xml)) if custom is not None else ():
        if node.value("field") == path and node.value("displayNameOverride"):
            return node.value("displayNameOverride") or ""
    if path == "Id":
        return f"{base.label} ID"
    parent = path.split(".")[-2].removesuffix("__r") if "." in path else ""
    return field.label if field.label.startswith(parent) else f"{parent}: {field.label}"


def _columns(report_type: Node) -> list[Node]:
    return [each for section in report_type.all("sections") for each in section.all("columns")]


def unknown_format(name: str | None) -> ApiError:
    """Return the refusal of a report of a format that is not emulated."""
    return not_emulated(f"reports of format {name}")
