"""Page layouts as describes show them: from the metadata file to rows of items ("sObject Layouts")."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, zip_longest
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.appearance import actions
from hintsync_emulators.salesforce.appearance.items import field_item, item
from hintsync_emulators.salesforce.metadata.xml import Node, leaf, parse
from hintsync_emulators.salesforce.schema.model import Field, SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: What an item shows that is no field -> the type of its component.
_OTHERS = {
    "analyticsCloudComponent": "AnalyticsCloud",
    "canvas": "Canvas",
    "customLink": "CustomLink",
    "page": "VisualforcePage",
    "reportChartComponent": "ReportChart",
    "scontrol": "SControl",
}
#: Buttons of every detail page.
_BUTTONS = ("Edit", "Delete", "Clone")
_ONE_COLUMN = "OneColumn"


@dataclass(frozen=True, slots=True)
class Layout:
    """One layout of an object."""

    owner: SObject
    node: Node
    #: None for an object that has no layout of its own and shows all its fields.
    id: str | None = None

    def described(self, org: Org, root: str) -> dict[str, object]:
        """Return the DescribeLayout; `root` is e.g. ``/services/data/v64.0``."""
        numbers = count(1)
        sections = list(enumerate(self.node.all("layoutSections")))
        detail = [self._section(one, place, numbers, edit=False) for place, one in sections]
        edit = [self._section(one, place, numbers, edit=True) for place, one in sections]
        return {
            "buttonLayoutSection": {"detailButtons": self._buttons(org)},
            "detailLayoutSections": [one for one in detail if one["layoutRows"]],
            "editLayoutSections": [one for one in edit if one["layoutRows"]],
            "feedView": None,
            "highlightsPanelLayoutSection": None,
            "id": self.id,
            "multirowEditLayoutSections": [],
            "offlineLinks": [],
            "quickActionList": {"quickActionListItems": actions.on_layout(org, self.node, root)},
            "relatedContent": None,
            "relatedLists": list(_related_lists(org, self.owner, self.node)),
            "saveOptions": [],
        }

    def _section(self, section: Node, place: int, numbers: Iterator[int], edit: bool) -> dict[str, object]:
        style = section.value("style") or _ONE_COLUMN
        columns = [self._items(one, numbers, edit) for one in section.all("layoutColumns")]
        rows = [[one for one in row if one is not None] for row in zip_longest(*columns)]
        return {
            "collapsed": False,
            "columns": 1 if style == _ONE_COLUMN else 2,
            "heading": section.value("label") or "",
            "layoutRows": [{"layoutItems": row, "numItems": len(row)} for row in rows],
            "layoutSectionId": None if self.id is None else ids.to_18(f"01B{self.id[3:12]}{place:03d}"),
            "parentLayoutId": self.id,
            "rows": len(rows),
            "tabOrder": "LeftToRight" if style.endswith("LeftToRight") else "TopToBottom",
            "useCollapsibleSection": False,
            "useHeading": section.flag("editHeading" if edit else "detailHeading"),
        }

    def _items(self, column: Node, numbers: Iterator[int], edit: bool) -> list[dict[str, object]]:
        found = (self._item(one, numbers) for one in column.all("layoutItems"))
        return [
            one for one in found if one is not None and (not edit or one["editableForUpdate"] or one["placeholder"])
        ]

    def _item(self, node: Node, numbers: Iterator[int]) -> dict[str, object] | None:
        """Return an item; None for a field that whoever asks does not see."""
        name = node.value("field")
        if name is None:
            return _other_item(node, numbers)
        field = self.owner.get(name)
        return None if field is None else field_item(self.owner, field, node.value("behavior"), numbers)

    def _buttons(self, org: Org) -> list[dict[str, object]]:
        left_out = set(self.node.values("excludeButtons"))
        own = [_button(name, name, custom=False) for name in _BUTTONS if name not in left_out]
        for name in self.node.values("customButtons"):
            found = org.components.get("WebLink", f"{self.owner.name}.{name}")
            label = parse(found.xml).value("masterLabel") if found else None
            own.append(_button(name, label or name, custom=True))
        return own


def _button(name: str, label: str, custom: bool) -> dict[str, object]:
    return {
        "behavior": None,
        "colors": None,
        "content": None,
        "contentSource": None,
        "custom": custom,
        "encoding": None,
        "height": None,
        "icons": None,
        "label": label,
        "menubar": False,
        "name": name,
        "overridden": False,
        "resizeable": False,
        "scrollbars": False,
        "showsLocation": False,
        "showsStatus": False,
        "toolbar": False,
        "url": None,
        "width": None,
        "windowPosition": None,
    }


def _other_item(node: Node, numbers: Iterator[int]) -> dict[str, object]:
    shown = next((tag for tag in _OTHERS if node.find(tag) is not None), None)
    if shown is None:
        return item([], "")
    value = node.value(shown) or ""
    component: dict[str, object] = {
        "displayLines": 1,
        "tabOrder": next(numbers),
        "type": _OTHERS[shown],
        "value": value,
    }
    if shown == "page":
        component.update(
            showLabel=node.flag("showLabel"),
            showScrollbars=node.flag("showScrollbars"),
            suggestedHeight=node.value("height"),
            suggestedWidth=node.value("width"),
            url=f"/apex/{value}",
        )
    return item([component], value)


def _related_lists(org: Org, one: SObject, node: Node) -> Iterable[dict[str, object]]:
    """Yield the related lists of objects that the org has, named by object and field: ``Log__c.Contact__c``."""
    for related in node.all("relatedLists"):
        owner_name, _, field_name = (related.value("relatedList") or "").partition(".")
        child = org.schema.get(owner_name)
        field = child.get(field_name) if child else None
        if child is None or field is None or one.name not in field.reference_to:
            continue
        shown = [each for each in map(child.get, related.values("fields")) if each is not None]
        yield {
            "accessLevelRequiredForCreate": None,
            "buttons": [_button("New", "New", custom=False)],
            "columns": [_list_column(child, each) for each in shown],
            "custom": child.custom,
            "field": field.name,
            "label": child.plural,
            "limitRows": 5,
            "name": field.child_relationship,
            "sobject": child.name,
            "sort": _sorted_by(child, related),
        }


def _list_column(child: SObject, field: Field) -> dict[str, object]:
    return {
        "field": f"{child.name}.{field.name}",
        "fieldApiName": field.name,
        "format": field.type if field.type in ("date", "datetime") else None,
        "label": field.label,
        "lookupId": f"{child.name}.Id" if field.name == "Name" else None,
        "name": field.name,
        "sortable": field.sortable,
    }


def _sorted_by(child: SObject, related: Node) -> list[dict[str, object]]:
    field = child.get(related.value("sortField") or "Name")
    if field is None:
        return []
    return [{"ascending": related.value("sortOrder") != "Desc", "column": f"{child.name}.{field.name}"}]


def layouts_of(org: Org, one: SObject) -> list[Layout]:
    """Return the layouts of an object; one without any shows all fields that can be written."""
    own = [each for each in org.components.all("Layout") if each.name.startswith(f"{one.name}-")]
    return [Layout(one, parse(each.xml), each.id) for each in own] or [plain(one, one.fields.values())]


def plain(one: SObject, fields: Iterable[Field]) -> Layout:
    """Return a layout of one section with the given fields, as far as they can be written."""
    shown = [each.name for each in fields if each.compound is None and _is_writable(one, each)]
    return Layout(one, Node("Layout", children=[_plain_section(f"{one.label} Detail", shown)]))


def _is_writable(one: SObject, field: Field) -> bool:
    return any(each.createable or each.updateable for each in one.parts_of(field.name) or (field,))


def _plain_section(label: str, names: Sequence[str]) -> Node:
    items = [Node("layoutItems", children=[leaf("behavior", "Edit"), leaf("field", name)]) for name in names]
    column = Node("layoutColumns", children=items)
    return Node("layoutSections", children=[leaf("label", label), column, leaf("style", _ONE_COLUMN)])
