"""The buttons of a record page, as its layout names them: standard ones, quick actions, custom buttons and links."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from hintsync_emulators.salesforce.appearance.actions import Action, action_named
from hintsync_emulators.salesforce.appearance.layouts import Layout
from hintsync_emulators.salesforce.metadata.xml import Node, parse
from hintsync_emulators.salesforce.pages.records import read
from hintsync_emulators.salesforce.schema.model import SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.pages.click import Click

#: Standard buttons that the pages have -> the right that they need.
_STANDARD = {"Edit": "Edit", "Delete": "Delete"}
#: A merge field: ``{!Contact.Id}``.
_MERGE = re.compile(r"\{!\s*(\w+)\.(\w+)\s*\}")


@dataclass(frozen=True, slots=True)
class Button:
    """One button of a record page."""

    label: str
    url: str
    #: What it is, for whoever looks at the page by program: ``Edit``, ``Contact.Sync``.
    name: str
    #: Opens in a window of its own.
    new_window: bool = False


def buttons_of(click: Click, layout: Layout, record: Mapping[str, object]) -> list[Button]:
    """Return the buttons of a record's page.

    A layout that names its actions for Lightning shows just those, in their order. From any other layout they are
    derived: standard buttons, quick actions, custom buttons; of two with one label the first shows.
    """
    named = _sorted(layout.node)
    if named:
        found = [one for item in named for one in _platform(click, layout.owner, item, record)]
    else:
        found = list(_derived(click, layout, record))
    first: dict[str, Button] = {}
    for one in found:
        first.setdefault(one.label, one)
    return list(first.values())


def _sorted(layout: Node) -> list[Node]:
    """Return the actions that a layout names for records in Lightning, in their order."""
    lists = [each for each in layout.all("platformActionList") if each.value("actionListContext") == "Record"]
    items = [item for each in lists for item in each.all("platformActionListItems")]
    return sorted(items, key=lambda one: one.number("sortOrder") or 0)


def _platform(click: Click, one: SObject, item: Node, record: Mapping[str, object]) -> Iterator[Button]:
    kind, name = item.value("actionType"), item.value("actionName") or ""
    if kind == "StandardButton":
        yield from standard(click, one, name, record)
    elif kind == "QuickAction":
        yield from _quick(click, one, name, record)
    elif kind == "CustomButton":
        yield from _links(click, one, name.rpartition(".")[2], record)


def _derived(click: Click, layout: Layout, record: Mapping[str, object]) -> Iterator[Button]:
    left_out = layout.node.values("excludeButtons")
    for name in _STANDARD:
        if name not in left_out:
            yield from standard(click, layout.owner, name, record)
    actions = layout.node.find("quickActionList") or Node("quickActionList")
    for item in actions.all("quickActionListItems"):
        yield from _quick(click, layout.owner, item.value("quickActionName") or "", record)
    for name in layout.node.values("customButtons"):
        yield from _links(click, layout.owner, name, record)


def standard(click: Click, one: SObject, name: str, record: Mapping[str, object]) -> Iterator[Button]:
    """Yield a standard button, if the pages have it and the person may press it."""
    right = _STANDARD.get(name)
    if right is not None and click.person.rights.may(right, one):
        yield Button(name, f"/lightning/r/{one.name}/{record['Id']}/{name.lower()}", name)


def _quick(click: Click, one: SObject, name: str, record: Mapping[str, object]) -> Iterator[Button]:
    action = action_named(click.org, name, one.name)
    if action is not None and action.context == one.name:
        yield Button(action.label, quick_address(action, str(record["Id"])), name)


def quick_address(action: Action, record_id: str) -> str:
    """Return where a quick action opens."""
    name = f"{action.context}.{action.name}"
    query = urlencode({"objectApiName": action.context, "recordId": record_id})
    return f"/lightning/action/quick/{quote(name)}?{query}"


def _links(click: Click, one: SObject, name: str, record: Mapping[str, object]) -> Iterator[Button]:
    found = link(click, one, name, record)
    if found is not None:
        yield found


def link(click: Click, one: SObject, name: str, record: Mapping[str, object]) -> Button | None:
    """Return a custom button or link: to a Visualforce page, or to an address with merge fields."""
    component = click.org.components.get("WebLink", f"{one.name}.{name}")
    if component is None:
        return None
    node = parse(component.xml)
    label, window = node.value("masterLabel") or name, node.value("openType") == "newWindow"
    if node.value("linkType") == "page":
        url = f"/apex/{quote(node.value('page') or '')}?{urlencode({'id': record['Id']})}"
        return Button(label, url, f"{one.name}.{name}", window)
    if node.value("linkType") == "url":
        url = _merged(click, node.value("url") or "", one, str(record["Id"]))
        return Button(label, url, f"{one.name}.{name}", window) if _is_safe(url) else None
    return None


def _merged(click: Click, text: str, one: SObject, record_id: str) -> str:
    """Put the record's values into an address; what the person does not see, or the object has not, is empty."""
    wanted = [field.name for field in (one.get(found[2]) for found in _MERGE.finditer(text)) if field is not None]
    record = read(click, one, record_id, wanted)

    def value(found: re.Match[str]) -> str:
        field = one.get(found[2]) if found[1].lower() == one.name.lower() else None
        known = record.get(field.name) if field is not None else None
        return quote(str(known), safe="") if known is not None else ""

    return _MERGE.sub(value, text)


def _is_safe(url: str) -> bool:
    """Say whether an address is one of the web: no script may hide in a link."""
    try:
        return urlsplit(url).scheme in ("http", "https", "")
    except ValueError:
        return False
