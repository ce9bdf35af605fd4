"""Checks of what is shown: pages, tabs, actions, buttons, list views, record pages, applications."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.objects import owner_of
from hintsync_emulators.salesforce.metadata.piece import Piece, Problem
from hintsync_emulators.salesforce.metadata.xml import Node
from hintsync_emulators.salesforce.schema.model import SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: API versions that a page may be written for.
LATEST_VERSION = 68.0
_PAGE = re.compile(r"<apex:page\b([^>]*)>", re.DOTALL)
_PAGE_END = re.compile(r"</apex:page>\s*\Z|<apex:page\b[^>]*/>\s*\Z", re.DOTALL)
_CONTROLLER = re.compile(r'standardController\s*=\s*"([^"]*)"')
_TAB_TARGETS = ("auraComponent", "customObject", "flexiPage", "lwcComponent", "page", "scontrol", "url")
_ACTION_TYPES = (
    "Canvas", "Create", "Flow", "LightningComponent", "LightningWebComponent", "LogACall", "Post", "SendEmail",
    "SocialPost", "Update", "VisualforcePage",
)  # fmt: skip
_LINK_TYPES = ("url", "sControl", "javascript", "page", "flow")


def need(org: Org, kind: str, name: str | None, tag: str, node: Node) -> None:
    """Check that a component exists that another one names.

    Raises:
        Problem: it does not.
    """
    if name is None or org.components.get(kind, name) is None:
        raise Problem(f"In field: {tag} - no {kind} named {name or ''} found", node.line, node.column)


def need_field(org: Org, owner: SObject, name: str, node: Node, tag: str = "field") -> None:
    """Check that a field exists that a component shows.

    Raises:
        Problem: it does not.
    """
    field = owner.fields.get(name.lower())
    if field is None or (field.feature is not None and field.feature not in org.schema.features):
        raise Problem(f"In field: {tag} - no CustomField named {owner.name}.{name} found", node.line, node.column)


def install_page(org: Org, piece: Piece) -> str:
    """Write a Visualforce page and return the id of its row."""
    text = (piece.body or b"").decode("utf-8", "replace")
    found = _PAGE.search(text)
    if found is None or not _PAGE_END.search(text):
        raise Problem("Markup must have <apex:page> as its root element", 1, 1)
    version = piece.node.number("apiVersion")
    if version is None or version > LATEST_VERSION or version < 15:
        raise Problem(f"Invalid api version:{piece.node.value('apiVersion')}", piece.node.line)
    controller = _CONTROLLER.search(found.group(1))
    if controller and controller.group(1).lower() not in org.schema.definitions:
        raise Problem(f"Invalid standardController: sObject type '{controller.group(1)}' not found", 1, 1)
    record = {
        "MasterLabel": piece.node.value("label"),
        "ApiVersion": version,
        "IsAvailableInTouch": piece.node.flag("availableInTouch"),
        "Description": piece.node.value("description"),
        "Markup": text,
    }
    known = org.storage.ids_where("ApexPage", "Name", piece.name, live_only=False)
    given = record if known else {**record, "Name": piece.name}
    return org.save("ApexPage", known[0] if known else None, given, org.caller())


def remove_page(org: Org, name: str) -> None:
    """Remove the row of a page and what is granted on it."""
    for page_id in org.storage.ids_where("ApexPage", "Name", name, live_only=False):
        for row in org.storage.ids_where("SetupEntityAccess", "SetupEntityId", page_id, live_only=False):
            org.storage.erase("SetupEntityAccess", row)
        org.storage.erase("ApexPage", page_id)


def check_tab(org: Org, piece: Piece) -> None:
    """Check that a tab shows one thing, and that the thing exists."""
    node = piece.node
    targets = [tag for tag in _TAB_TARGETS if node.find(tag) is not None and node.value(tag) != "false"]
    if len(targets) != 1:
        raise Problem("Must specify exactly one of page, url, customObject, flexiPage or component for a CustomTab")
    if targets[0] == "page":
        need(org, "ApexPage", node.value("page"), "page", node)
    elif targets[0] == "flexiPage":
        need(org, "FlexiPage", node.value("flexiPage"), "flexiPage", node)
    elif targets[0] == "customObject":
        owner = owner_of(org, piece.name)
        if not owner.custom:
            raise Problem(f"{piece.name} is not a custom object")
        return
    elif targets[0] != "url":
        raise Problem(f"not emulated: CustomTab with {targets[0]}")
    if node.value("label") is None:
        raise Problem("Required field is missing: label", node.line)


def check_action(org: Org, piece: Piece) -> None:
    """Check that an action's object, page, canvas app and fields exist."""
    node = piece.node
    kind = node.value("type") or ""
    if kind not in _ACTION_TYPES:
        raise Problem(f"'{kind}' is not a valid value for the enum 'QuickActionType'", node.line)
    owner = owner_of(org, piece.name) if "." in piece.name else None
    if node.value("label") is None and node.value("standardLabel") is None:
        raise Problem("Required field is missing: label", node.line)
    if kind == "VisualforcePage":
        need(org, "ApexPage", node.value("page"), "page", node)
    elif kind == "Canvas":
        need(org, "ExternalClientApplication", node.value("canvas"), "canvas", node)
    elif kind not in ("Update", "Create"):
        raise Problem(f"not emulated: QuickAction of type {kind}")
    target = node.value("targetObject")
    shown = org.schema.definitions.get(target.lower()) if target else owner
    if shown is not None:
        for item in descendants(node, "quickActionLayoutItems"):
            if item.value("field"):
                need_field(org, shown, item.value("field") or "", item)


def check_link(org: Org, piece: Piece) -> None:
    """Check that a button's object and page exist."""
    owner_of(org, piece.name)
    node = piece.node
    kind = node.value("linkType") or ""
    if kind not in _LINK_TYPES:
        raise Problem(f"'{kind}' is not a valid value for the enum 'WebLinkType'", node.line)
    if kind == "page":
        need(org, "ApexPage", node.value("page"), "page", node)
    elif kind in ("url", "javascript"):
        if node.value("url") is None:
            raise Problem("Required field is missing: url", node.line)
    else:
        raise Problem(f"not emulated: WebLink of linkType {kind}")


def check_list_view(org: Org, piece: Piece) -> None:
    """Check that the custom fields which a list view shows or filters by exist."""
    owner = owner_of(org, piece.name)
    named = [*piece.node.all("columns"), *(one for each in piece.node.all("filters") for one in each.all("field"))]
    for column in named:
        name = column.text.strip()
        if name.endswith("__c") and name.lower() not in owner.fields:
            raise Problem(f"Could not resolve list view column: {name}", column.line, column.column)


def check_compact_layout(org: Org, piece: Piece) -> None:
    """Check that the fields of a compact layout exist; it shows ten at most."""
    owner = owner_of(org, piece.name)
    shown = list(piece.node.all("fields"))
    if not 1 <= len(shown) <= 10:
        raise Problem("A compact layout must have between 1 and 10 fields")
    for field in shown:
        need_field(org, owner, field.text.strip(), field, "fields")


def check_flexi_page(org: Org, piece: Piece) -> None:
    """Check that a Lightning page's object, pages and fields exist."""
    node = piece.node
    owner = None
    if node.value("type") == "RecordPage":
        name = node.value("sobjectType") or ""
        owner = org.schema.definitions.get(name.lower())
        if owner is None:
            raise Problem(f"In field: sobjectType - no CustomObject named {name} found", node.line)
    for component in descendants(node, "componentInstance", "componentInstances"):
        if component.value("componentName") == "flexipage:visualforcePage":
            need(org, "ApexPage", _property(component, "pageName"), "pageName", component)
    for item in descendants(node, "fieldInstance"):
        path = (item.value("fieldItem") or "").partition(".")
        if owner is not None and path[0] == "Record":
            need_field(org, owner, path[2], item, "fieldItem")


def _property(component: Node, name: str) -> str | None:
    found = (one for one in component.all("componentInstanceProperties") if one.value("name") == name)
    return next((one.value("value") for one in found), None)


def check_application(org: Org, piece: Piece) -> None:
    """Check that an application's tabs exist."""
    for tab in piece.node.all("tabs"):
        if not tab.text.strip().startswith("standard-"):
            need(org, "CustomTab", tab.text.strip(), "tabs", tab)


def descendants(node: Node, *tags: str) -> Iterator[Node]:
    """Return every element of those names below a node, in the order of the file."""
    for child in node.children:
        if child.tag in tags:
            yield child
        yield from descendants(child, *tags)
