"""Compact layouts: the few fields that stand at the head of a record ("sObject CompactLayouts")."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.appearance.items import field_item
from hintsync_emulators.salesforce.metadata.xml import parse
from hintsync_emulators.salesforce.schema.model import SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: The record type of objects that have no other.
MASTER = "012000000000000AAA"
#: Fields of the compact layout that comes with an object.
_SYSTEM = {"Account": ("Name", "Phone"), "Contact": ("Name", "Title", "Phone", "Email"), "User": ("Name", "Email")}
#: Actions that belong to an object's records ("DescribeCompactLayout").
_ACTIONS = {
    "Call": "CallHighlightAction",
    "Send Email": "EmailHighlightAction",
    "Map": "MapHighlightAction",
    "Read News": "NewsHighlightAction",
    "View Website": "WebsiteHighlightAction",
}
_ACTIONS_OF = {"Account": tuple(_ACTIONS), "Contact": ("Call", "Send Email", "Map")}


def compact_layouts(org: Org, one: SObject, root: str) -> dict[str, object]:
    """Return all compact layouts of an object, and which of them is used."""
    own = [each for each in org.components.all("CompactLayout") if each.name.startswith(f"{one.name}.")]
    nodes = [(each, parse(each.xml)) for each in own]
    found = [
        _described(one, each.id, each.name.partition(".")[2], node.value("label"), node.values("fields"))
        for each, node in nodes
    ]
    system = _described(one, None, "SYSTEM", "System Default", _SYSTEM.get(one.name, ("Name",)))
    used = next((each for each in found if each["name"] == _assigned(org, one)), system)
    url = f"{root}/sobjects/{one.name}/describe/compactLayouts"
    mapping = {
        "available": True,
        "compactLayoutId": used["id"],
        "compactLayoutName": used["name"],
        "recordTypeId": MASTER,
        "recordTypeName": "Master",
        "urls": {"compactLayout": f"{url}/{MASTER}"},
    }
    return {
        "compactLayouts": [system, *found],
        "defaultCompactLayoutId": used["id"],
        "recordTypeCompactLayoutMappings": [mapping],
        "urls": {"primary": f"{url}/primary"},
    }


def primary(org: Org, one: SObject, root: str) -> dict[str, object]:
    """Return the compact layout that an object uses."""
    every = compact_layouts(org, one, root)
    layouts = every["compactLayouts"]
    assert isinstance(layouts, list)
    return next(each for each in layouts if each["id"] == every["defaultCompactLayoutId"])


def _assigned(org: Org, one: SObject) -> str | None:
    stored = org.components.get("CustomObject", one.name)
    return parse(stored.xml).value("compactLayoutAssignment") if stored else None


def _described(
    one: SObject, layout_id: str | None, name: str, label: str | None, fields: Iterable[str]
) -> dict[str, object]:
    numbers = count(1)
    seen = [field for field in map(one.get, fields) if field is not None]
    photo = one.get("PhotoUrl")
    return {
        "actions": [
            {"custom": False, "icons": None, "label": each, "name": _ACTIONS[each]}
            for each in _ACTIONS_OF.get(one.name, ())
        ],
        "fieldItems": [field_item(one, field, "Readonly", numbers) for field in seen],
        "id": layout_id,
        "imageItems": [] if photo is None else [field_item(one, photo, "Readonly", numbers)],
        "label": label or name,
        "name": name,
        "objectType": one.name,
    }
