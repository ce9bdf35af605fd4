"""Quick actions that were deployed: listed, described, filled with default values ("Quick Actions")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.appearance.icons import style_of_object
from hintsync_emulators.salesforce.appearance.items import field_item
from hintsync_emulators.salesforce.errors import not_emulated
from hintsync_emulators.salesforce.metadata.xml import Node, parse
from hintsync_emulators.salesforce.schema.model import Field, SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org


@dataclass(frozen=True, slots=True)
class Action:
    """One quick action."""

    id: str
    #: Name without the object's.
    name: str
    #: The object on whose records it stands; None for one that stands everywhere.
    context: str | None
    node: Node

    @property
    def kind(self) -> str:
        """The type, e.g. ``Create``."""
        return self.node.value("type") or ""

    @property
    def label(self) -> str:
        """What its button says."""
        return self.node.value("label") or self.node.value("standardLabel") or self.name

    @property
    def target(self) -> str | None:
        """The object whose record it creates or changes, if it does either."""
        if self.kind == "Update":
            return self.context
        return self.node.value("targetObject")

    def listed(self, root: str) -> dict[str, object]:
        """Return what lists of actions say of it; `root` is e.g. ``/services/data/v64.0``."""
        place = root if self.context is None else f"{root}/sobjects/{self.context}"
        url = f"{place}/quickActions/{self.name}"
        return {
            "actionEnumOrId": self.id,
            "label": self.label,
            "name": self.name if self.context is None else f"{self.context}.{self.name}",
            "type": self.kind,
            "urls": {
                "defaultValues": f"{url}/defaultValues",
                "defaultValuesTemplate": f"{url}/defaultValues/{{ID}}",
                "describe": f"{url}/describe",
                "quickAction": url,
            },
        }

    def fields(self) -> list[str]:
        """Return the names of the fields that it shows, column by column."""
        layout = self.node.find("quickActionLayout") or Node("quickActionLayout")
        columns = layout.all("quickActionLayoutColumns")
        items = (one for column in columns for one in column.all("quickActionLayoutItems"))
        return [name for one in items if (name := one.value("field")) is not None]

    def presets(self) -> dict[str, object]:
        """Return the values that its definition gives to fields.

        Raises:
            ApiError: NOT_EMULATED for a value that is a formula.
        """
        found: dict[str, object] = {}
        for override in self.node.all("fieldOverrides"):
            if override.value("formula") is not None:
                raise not_emulated("default values of quick actions that are formulas")
            found[override.value("field") or ""] = override.value("literalValue")
        return found


def actions_of(org: Org, context: str | None = None) -> list[Action]:
    """Return the actions that stand everywhere and, if an object is named, those of its records."""
    found = [_action(one.id, one.name, parse(one.xml)) for one in org.components.all("QuickAction")]
    return [one for one in found if one.context in (None, context)]


def _action(action_id: str, full_name: str, node: Node) -> Action:
    owner, dot, name = full_name.rpartition(".")
    return Action(action_id, name, owner if dot and owner != "Global" else None, node)


def action_named(org: Org, name: str, context: str | None) -> Action | None:
    """Return an action by its name, with or without the object's before it."""
    short = name.rpartition(".")[2]
    return next((one for one in actions_of(org, context) if one.name.lower() == short.lower()), None)


def described(org: Org, action: Action, root: str, origin: str) -> dict[str, object]:
    """Return the DescribeQuickActionResult; `origin` is scheme and host of the org."""
    target = org.schema.get(action.target or "")
    style = style_of_object(org, target.name) if target else None
    node = action.node
    return {
        **action.listed(root),
        "accessLevelRequired": None,
        "canvasApplicationId": None,
        "canvasApplicationName": node.value("canvas"),
        "colors": style.colors() if style else [],
        "contextSobjectType": action.context,
        "defaultValues": None,
        "flowDevName": None,
        "flowRecordIdVar": None,
        "height": _whole(node, "height"),
        "iconName": node.value("icon"),
        "iconUrl": style.icon(origin, 32) if style else None,
        "icons": style.icons(origin) if style else [],
        "layout": {"layoutRows": list(_rows(target, action))} if target else None,
        "miniIconUrl": style.icon(origin, 16) if style else None,
        "showQuickActionVfHeader": action.kind == "VisualforcePage",
        "targetParentField": node.value("targetParentField"),
        "targetRecordTypeId": None,
        "targetSobjectType": target.name if target else None,
        "visualforcePageName": node.value("page"),
        "visualforcePageUrl": f"/apex/{node.value('page')}" if node.value("page") else None,
        "width": _whole(node, "width"),
    }


def _whole(node: Node, tag: str) -> int | None:
    number = node.number(tag)
    return None if number is None else int(number)


def _rows(target: SObject, action: Action) -> Iterator[dict[str, object]]:
    numbers = count(1)
    for field in map(target.get, action.fields()):
        if field is not None:
            yield {"layoutItems": [field_item(target, field, "Edit", numbers)], "numItems": 1}


def default_values(org: Org, action: Action, context_id: str | None, root: str) -> dict[str, object] | None:
    """Return the values that a form of the action begins with; None for an action without a form.

    Args:
        org: the org.
        action: the action.
        context_id: the record on which it was begun, 18 characters.
        root: path of the API version.
    """
    target = org.schema.get(action.target or "")
    if target is None:
        return None
    names = [field.name for field in map(target.get, action.fields()) if field is not None]
    values: dict[str, object] = dict.fromkeys(names)
    if action.kind == "Update" and context_id is not None:
        values.update(org.queries.fetch(target, names, [context_id], root, living=True)[0] or {})
    values.update(action.presets())
    link = _link(target, action)
    if link is not None and context_id is not None:
        values[link.name] = context_id
    return {**values, "attributes": {"type": target.name}}


def _link(target: SObject, action: Action) -> Field | None:
    """Return the field by which a record that an action creates hangs on the one it was begun on."""
    name = action.node.value("targetParentField")
    if name is None or action.kind != "Create":
        return None
    return target.relationships.get(name.lower()) or target.get(name)


def on_layout(org: Org, node: Node, root: str) -> list[dict[str, object]]:
    """Return the actions that a layout's file puts on its page, as far as the org has them."""
    items = node.find("quickActionList") or Node("quickActionList")
    names = [one.value("quickActionName") or "" for one in items.all("quickActionListItems")]
    by_name = {one.name: one for one in org.components.all("QuickAction")}
    found = [_action(by_name[name].id, name, parse(by_name[name].xml)) for name in names if name in by_name]
    return [_item(one, root) for one in found]


def _item(action: Action, root: str) -> dict[str, object]:
    listed = action.listed(root)
    return {
        "accessLevelRequired": None,
        "colors": None,
        "iconUrl": None,
        "icons": None,
        "label": listed["label"],
        "miniIconUrl": None,
        "quickActionName": listed["name"],
        "targetSobjectType": action.target,
        "type": listed["type"],
        "urls": listed["urls"],
    }
