"""Page layouts: whole files that replace each other, checked against what they show."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.pages import descendants, need, need_field
from hintsync_emulators.salesforce.metadata.piece import Piece, Problem
from hintsync_emulators.salesforce.metadata.xml import Node
from hintsync_emulators.salesforce.schema.model import Field, SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Fields without which a standard object's layout is refused.
_REQUIRED = {"Contact": ("Name",), "Account": ("Name",)}
_STYLES = ("TwoColumnsTopToBottom", "TwoColumnsLeftToRight", "OneColumn", "CustomLinks")
_BEHAVIORS = ("Edit", "Required", "Readonly")
#: How an item of a layout says what it shows.
_SHOWS = (
    "analyticsCloudComponent", "canvas", "component", "customLink", "emptySpace", "field", "page",
    "reportChartComponent", "scontrol",
)  # fmt: skip


def check_layout(org: Org, piece: Piece) -> None:
    """Check that a layout belongs to an object and shows only what exists, each field once.

    Raises:
        Problem: it does not.
    """
    owner = _owner(org, piece)
    for section in piece.node.all("layoutSections"):
        if section.value("style") not in _STYLES:
            raise Problem(
                f"'{section.value('style')}' is not a valid value for the enum 'LayoutSectionStyle'", section.line
            )
    items = list(descendants(piece.node, "layoutItems"))
    for item in items:
        _check_item(org, owner, item)
    _check_fields(owner, [one.value("field") or "" for one in items if one.value("field")])
    for button in piece.node.all("customButtons"):
        need(org, "WebLink", f"{owner.name}.{button.text.strip()}", "customButtons", button)
    _check_actions(org, owner, piece.node)
    _check_lists(org, piece.node)


def _owner(org: Org, piece: Piece) -> SObject:
    name, dash, label = piece.name.partition("-")
    found = org.schema.definitions.get(name.lower())
    if found is None or not dash or not label:
        raise Problem(f"Parent entity failed to deploy: {name}")
    return found


def _check_item(org: Org, owner: SObject, item: Node) -> None:
    shown = [tag for tag in _SHOWS if item.find(tag) is not None]
    if len(shown) != 1:
        raise Problem("A layout item must show exactly one thing", item.line, item.column)
    field = item.value("field")
    if field is not None:
        need_field(org, owner, field, item)
    if item.value("behavior") not in (None, *_BEHAVIORS):
        raise Problem(f"'{item.value('behavior')}' is not a valid value for the enum 'UiBehavior'", item.line)
    if item.value("page"):
        need(org, "ApexPage", item.value("page"), "page", item)
    if item.value("canvas"):
        need(org, "ExternalClientApplication", item.value("canvas"), "canvas", item)
    if item.value("customLink"):
        need(org, "WebLink", f"{owner.name}.{item.value('customLink')}", "customLink", item)


def _check_fields(owner: SObject, fields: list[str]) -> None:
    repeated = [name for name, times in Counter(map(str.lower, fields)).items() if times > 1]
    if repeated:
        raise Problem(f"Duplicate layout item found: field {owner.fields[repeated[0]].name}")
    wanted = [*_REQUIRED.get(owner.name, ()), *(one.name for one in owner.fields.values() if _must(one))]
    for name in wanted:
        if name.lower() not in map(str.lower, fields):
            raise Problem(f"Layout must contain an item for required layout field: {name}")


def _must(field: Field) -> bool:
    return field.custom and not field.nillable and field.type != "boolean"


def _check_actions(org: Org, owner: SObject, node: Node) -> None:
    named = [one.find("quickActionName") for one in descendants(node, "quickActionListItems")]
    for item in descendants(node, "platformActionListItems"):
        kind, name = item.value("actionType"), item.find("actionName")
        if kind == "QuickAction":
            named.append(name)
        elif kind == "CustomButton" and name is not None:
            need(org, "WebLink", name.text.strip(), "actionName", name)
    for each in named:
        # Actions without an object in their name are global ones, of which an org has many by itself.
        if each is not None and "." in each.text:
            need(org, "QuickAction", each.text.strip(), "quickActionName", each)


def _check_lists(org: Org, node: Node) -> None:
    for related in node.all("relatedLists"):
        owner_name, _, field_name = (related.value("relatedList") or "").partition(".")
        owner = org.schema.definitions.get(owner_name.lower())
        if field_name.endswith("__c") and (owner is None or field_name.lower() not in owner.fields):
            raise Problem(f"Cannot find related list:{owner_name}.{field_name}", related.line, related.column)


def refuse_last_layout(org: Org, name: str) -> None:
    """Refuse to remove the only layout of an object.

    Raises:
        Problem: it is the only one.
    """
    owner = name.partition("-")[0] + "-"
    if sum(one.startswith(owner) for one in org.components.names("Layout")) == 1:
        raise Problem("Cannot delete the last layout of an object")
