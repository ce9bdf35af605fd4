"""List views: what a component of type ListView shows, as a statement of SOQL."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.appearance.filters import ALL, Filter, Group, Tree, read_logic
from hintsync_emulators.salesforce.errors import not_emulated
from hintsync_emulators.salesforce.metadata.store import Component
from hintsync_emulators.salesforce.metadata.xml import Node, parse
from hintsync_emulators.salesforce.schema.model import Field, SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Names that columns and filters of list views have for fields, as published files spell them.
_NAMES = {
    "Account": {
        "ACCOUNT.NAME": "Name",
        "ACCOUNT.ADDRESS1_CITY": "BillingCity",
        "ACCOUNT.ADDRESS1_STATE": "BillingState",
        "ACCOUNT.PHONE1": "Phone",
        "ACCOUNT.SITE": "Site",
        "ACCOUNT.TYPE": "Type",
    },
    "Contact": {
        "FULL_NAME": "Name",
        "ACCOUNT.NAME": "Account.Name",
        "CONTACT.EMAIL": "Email",
        "CONTACT.FIRST_NAME": "FirstName",
        "CONTACT.LAST_NAME": "LastName",
        "CONTACT.PHONE1": "Phone",
        "CONTACT.TITLE": "Title",
    },
}
_SHARED = {
    "NAME": "Name",
    "CORE.USERS.ALIAS": "Owner.Alias",
    "OWNER.ALIAS": "Owner.Alias",
    "CREATED_DATE": "CreatedDate",
    "LAST_UPDATE": "LastModifiedDate",
}
#: Columns that every statement of a view ends with, unless they show already.
_HIDDEN = ("Id", "CreatedDate", "LastModifiedDate", "SystemModstamp")


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a view."""

    #: The field, or the way to a parent's: ``Account.Name``.
    path: str
    field: Field
    hidden: bool = False

    @property
    def selected(self) -> str:
        """How the statement names it; picklists show by their labels."""
        return f"toLabel({self.path})" if self.field.type == "picklist" else self.path


@dataclass(frozen=True, slots=True)
class ListView:
    """A list view of one object."""

    id: str
    #: Name without the object's.
    name: str
    label: str
    owner: SObject
    node: Node
    #: Fields by their path.
    resolve: Callable[[str], Field | None]

    def columns(self) -> list[Column]:
        """Return the columns in order, those that do not show last.

        Raises:
            ApiError: NOT_EMULATED for a column whose field is not known.
        """
        shown = [self._column(name) for name in self.node.values("columns")]
        paths = {one.path for one in shown}
        return [*shown, *(self._column(name, hidden=True) for name in _HIDDEN if name not in paths)]

    def shown(self) -> list[Column]:
        """Return the columns that show, without those whose fields are kept from whoever asks."""
        paths = ((path, self.resolve(path)) for path in map(self._path, self.node.values("columns")))
        return [Column(path, field) for path, field in paths if field is not None]

    def _column(self, name: str, hidden: bool = False) -> Column:
        path = self._path(name)
        field = self.resolve(path)
        if field is None:
            raise not_emulated(f"list view column {name}")
        return Column(path, field, hidden)

    def _path(self, name: str) -> str:
        known = self.owner.get(name)
        return known.name if known else _NAMES.get(self.owner.name, {}).get(name) or _SHARED.get(name) or name

    def scope(self) -> str:
        """Return whose records show: ``everything`` or ``mine``.

        Raises:
            ApiError: NOT_EMULATED for any other.
        """
        scope = self.node.value("filterScope") or "Everything"
        if scope not in ("Everything", "Mine"):
            raise not_emulated(f"list views with filterScope {scope}")
        return scope.lower()

    def condition(self) -> Tree:
        """Return what records must fulfil to show."""
        filters = [Filter.read(one, self._column(one.value("field") or "").field, self._path(one.value("field") or ""))
                   for one in self.node.all("filters")]  # fmt: skip
        logic = self.node.value("booleanFilter")
        return read_logic(logic, filters) if logic else Group(ALL, tuple(filters))

    def order(self) -> tuple[str, ...]:
        """Return the paths that records are ordered by: the first column that can be, then the id."""
        first = next((one.path for one in self.columns() if one.field.sortable and not one.hidden), "Id")
        return (first,) if first == "Id" else (first, "Id")

    def statement(self, user_id: str) -> str:
        """Return the SOQL statement of the view for a user."""
        wheres = [text for text in (self.condition().soql(), self._mine(user_id)) if text]
        where = f" WHERE {' AND '.join(wheres)}" if wheres else ""
        columns = ", ".join(dict.fromkeys(one.selected for one in self.columns()))
        order = ", ".join(f"{path} ASC NULLS FIRST" for path in self.order())
        return f"SELECT {columns} FROM {self.owner.name}{where} ORDER BY {order}"

    def _mine(self, user_id: str) -> str:
        return f"OwnerId = '{user_id}'" if self.scope() == "mine" else ""


def views_of(org: Org, one: SObject) -> list[ListView]:
    """Return the list views of an object, by label."""
    found = [_view(org, each) for each in org.components.all("ListView") if each.name.startswith(f"{one.name}.")]
    return sorted((each for each in found if each is not None), key=lambda each: (each.label, each.name))


def view_by_id(org: Org, text: str) -> ListView | None:
    """Return the list view of an id of 15 or 18 characters."""
    wanted = ids.normalise(text)
    found = next((one for one in org.components.all("ListView") if one.id == wanted), None)
    return None if found is None else _view(org, found)


def _view(org: Org, component: Component) -> ListView | None:
    owner_name, _, name = component.name.partition(".")
    owner, node = org.schema.get(owner_name), parse(component.xml)
    if owner is None:
        return None
    return ListView(component.id, name, node.value("label") or name, owner, node, lambda path: _field(org, owner, path))


def _field(org: Org, one: SObject, path: str) -> Field | None:
    first, dot, rest = path.partition(".")
    if not dot:
        return one.get(first)
    link = one.relationships.get(first.lower())
    parent = org.schema.get(link.reference_to[0]) if link else None
    return None if parent is None else _field(org, parent, rest)


def shown_value(field: Field, value: object) -> str | None:
    """Return a value as the results of a list view write it: always a text."""
    if value is None:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if field.type == "datetime":
        return _java_date(str(value))
    return str(value)


_MOMENT = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d:\d\d:\d\d)")


def _java_date(text: str) -> str:
    """Return a moment as Java prints dates: ``Fri Aug 01 21:15:46 GMT 2014``."""
    found = _MOMENT.match(text)
    assert found is not None, text
    day = date(int(found[1]), int(found[2]), int(found[3]))
    return f"{day.strftime('%a %b %d')} {found[4]} GMT {found[1]}"


def values_at(record: dict[str, object], columns: list[Column]) -> Iterator[dict[str, object]]:
    """Yield each column's value in a record."""
    for column in columns:
        value: object = record
        for name in column.path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        yield {"fieldNameOrPath": column.path, "value": shown_value(column.field, value)}
