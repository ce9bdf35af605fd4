"""Which components hang on which: what stands in the way of a removal, and what a removal takes with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.permissions import revoke_where
from hintsync_emulators.salesforce.metadata.piece import Problem
from hintsync_emulators.salesforce.metadata.store import Component
from hintsync_emulators.salesforce.metadata.xml import Node, document, leaf, parse

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

_GRANTING = ("PermissionSet", "Profile")
#: Elements whose text may be the name of a field.
_NAMING = (
    "field",
    "fields",
    "columns",
    "fieldItem",
    "controllingField",
    "filterFields",
    "sortField",
    "listViewColumns",
)
_SHOWN_AS = {
    "CustomTab": "Custom Tab Definition",
    "FlexiPage": "Lightning Page",
    "Layout": "Page Layout",
    "QuickAction": "Action",
    "WebLink": "Custom Button or Link",
}


def refuse_used_page(org: Org, name: str) -> None:
    """Refuse to remove a page that a tab, layout, action, button or Lightning page shows.

    Raises:
        Problem: it is in use; names where.
    """

    def shows(node: Node) -> bool:
        if node.tag == "page" and node.text.strip() == name:
            return True
        return (
            node.tag == "componentInstanceProperties"
            and node.value("name") == "pageName"
            and node.value("value") == name
        )

    _refuse(org, "visualforce page", ("CustomTab", "Layout", "QuickAction", "WebLink", "FlexiPage"), shows)


def refuse_used_link(org: Org, name: str) -> None:
    """Refuse to remove a button or link that a layout shows.

    Raises:
        Problem: it is in use; names where.
    """
    owner, _, short = name.partition(".")

    def shows(node: Node) -> bool:
        return node.tag in ("customButtons", "customLink") and node.text.strip() == short

    layouts = (one for one in org.components.names("Layout") if one.startswith(f"{owner}-"))
    _refuse(org, "custom button or link", ("Layout",), shows, layouts)


def _refuse(
    org: Org, what: str, kinds: Iterable[str], shows: Callable[[Node], bool], names: Iterable[str] | None = None
) -> None:
    for kind in kinds:
        for name in org.components.names(kind) if names is None else names:
            one = org.components.get(kind, name)
            if one is not None and _any(parse(one.xml), shows):
                text = f"This {what} is referenced elsewhere in salesforce.com.  Remove the usage and try again."
                raise Problem(f"{text} : {_SHOWN_AS[kind]} - {name}")


def _any(node: Node, matches: Callable[[Node], bool]) -> bool:
    return matches(node) or any(_any(child, matches) for child in node.children)


def forget_field(org: Org, name: str) -> None:
    """Take a removed field off layouts, compact layouts, list views and permission sets."""
    owner, _, field = name.partition(".")
    mine = (f"{owner}-", f"{owner}.")
    strip(org, ("Layout",), lambda node: node.tag == "layoutItems" and node.value("field") == field, mine)
    strip(org, ("CompactLayout",), lambda node: node.tag == "fields" and node.text.strip() == field, mine)
    strip(org, ("ListView",), lambda node: node.tag == "columns" and node.text.strip() == field, mine)
    strip(org, _GRANTING, lambda node: node.tag == "fieldPermissions" and node.value("field") == name)
    revoke_where(org, "FieldPermissions", "Field", name)


def rename_field(org: Org, old: str, new: str) -> None:
    """Let everything that shows or grants a renamed field go on doing so under its new name."""
    owner, _, short = old.partition(".")
    name, mine = new.partition(".")[2], (f"{owner}-", f"{owner}.")
    plain = {short: name}
    for kind in ("Layout", "CompactLayout", "ListView"):
        _rewrite(org, kind, lambda one, root: one.name.startswith(mine) and _respell(root, plain))
    _rewrite(org, "QuickAction", lambda one, root: _target(one, root) == owner and _respell(root, plain))
    record = {f"Record.{short}": f"Record.{name}"}
    _rewrite(org, "FlexiPage", lambda _, root: root.value("sobjectType") == owner and _respell(root, record))
    _rewrite(org, "ReportType", lambda _, root: sum(_respell(one, plain) for one in _columns_of(root, owner)) > 0)
    _rewrite(org, "Report", lambda _, root: _respell(root, {f"{owner}${short}": f"{owner}${name}"}))
    for kind in _GRANTING:
        _rewrite(org, kind, lambda _, root: _respell(root, {old: new}))
    for row_id in org.storage.ids_where("FieldPermissions", "Field", old, live_only=False):
        org.storage.update("FieldPermissions", row_id, {"Field": new})
    _rename_component(org, old, new)


def _target(one: Component, root: Node) -> str:
    """Return the object whose fields an action shows."""
    return root.value("targetObject") or one.name.partition(".")[0]


def _columns_of(root: Node, owner: str) -> list[Node]:
    """Return the columns of a report type that show fields of an object."""
    columns = [one for section in root.all("sections") for one in section.all("columns")]
    return [one for one in columns if (one.value("table") or root.value("baseObject")) == owner]


def _rename_component(org: Org, old: str, new: str) -> None:
    known = org.components.get("CustomField", old)
    if known is not None:
        root = parse(known.xml)
        children = [leaf("fullName", new.partition(".")[2]), *(one for one in root.children if one.tag != "fullName")]
        org.components.drop("CustomField", old)
        org.components.put(replace(known, name=new, xml=document(root.tag, children)))


def _respell(node: Node, names: Mapping[str, str]) -> bool:
    """Put new names of fields in for old ones; say whether there were any."""
    changed = node.tag in _NAMING and node.text.strip() in names
    if changed:
        node.text = names[node.text.strip()]
    return any([changed, *(_respell(child, names) for child in node.children)])


def forget_object(org: Org, name: str) -> None:
    """Take what permission sets grant on a removed object and its fields away."""
    prefix = f"{name}."

    def grants(node: Node) -> bool:
        return (node.tag == "objectPermissions" and node.value("object") == name) or (
            node.tag == "fieldPermissions" and (node.value("field") or "").startswith(prefix)
        )

    strip(org, _GRANTING, grants)
    for table in ("ObjectPermissions", "FieldPermissions"):
        revoke_where(org, table, "SobjectType", name)


def forget_page(org: Org, name: str) -> None:
    """Take a removed page out of permission sets."""
    strip(org, _GRANTING, lambda node: node.tag == "pageAccesses" and node.value("apexPage") == name)


def forget_tab(org: Org, name: str) -> None:
    """Take a removed tab out of applications and permission sets."""
    strip(org, ("CustomApplication",), lambda node: node.tag == "tabs" and node.text.strip() == name)
    strip(org, _GRANTING, lambda node: node.tag in ("tabSettings", "tabVisibilities") and node.value("tab") == name)
    revoke_where(org, "PermissionSetTabSetting", "Name", name)


def forget_action(org: Org, name: str) -> None:
    """Take a removed action off layouts."""
    tags = {"quickActionListItems": "quickActionName", "platformActionListItems": "actionName"}
    strip(org, ("Layout",), lambda node: node.tag in tags and node.value(tags[node.tag]) == name)


def strip(org: Org, kinds: Iterable[str], gone: Callable[[Node], bool], prefixes: tuple[str, ...] = ("",)) -> None:
    """Rewrite components without the elements that name something gone; the rest of the org stays untouched."""
    for kind in kinds:
        _rewrite(org, kind, lambda one, root: one.name.startswith(prefixes) and _prune(root, gone))


def _rewrite(org: Org, kind: str, change: Callable[[Component, Node], bool]) -> None:
    """Put components of a type back that a change to their tree has altered."""
    for one in list(org.components.all(kind)):
        root = parse(one.xml)
        if change(one, root):
            org.components.put(replace(one, xml=document(root.tag, root.children)))


def _prune(node: Node, gone: Callable[[Node], bool]) -> bool:
    kept = [child for child in node.children if not gone(child)]
    changed = len(kept) != len(node.children)
    node.children = kept
    for child in kept:
        changed = _prune(child, gone) or changed
    return changed
