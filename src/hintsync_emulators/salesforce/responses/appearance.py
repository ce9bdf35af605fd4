"""Layouts, tabs and themes."""

from __future__ import annotations

from hintsync_emulators.salesforce.appearance import compact
from hintsync_emulators.salesforce.appearance.icons import styled_objects
from hintsync_emulators.salesforce.appearance.layouts import Layout, layouts_of, plain
from hintsync_emulators.salesforce.appearance.tabs import tabs
from hintsync_emulators.salesforce.errors import not_emulated, not_found
from hintsync_emulators.salesforce.responses.resources import object_of, unless_unchanged, validators
from hintsync_emulators.salesforce.schema.describe import NAMED_LAYOUTS, is_layoutable, picklist_values
from hintsync_emulators.salesforce.schema.model import SObject
from hintsync_emulators.salesforce.web.call import Answer, Call

#: The object whose name stands for layouts of what is no record.
_GLOBAL = "global"


def layouts(call: Call) -> Answer:
    """Describe the page layouts of an object, and which record type uses which."""
    one = _layoutable(call)
    return Answer(value=_described(call, one, layouts_of(call.org, one)))


def layout_of_record_type(call: Call) -> Answer:
    """Describe the page layout that a record type uses; here objects have the master record type alone."""
    one = _layoutable(call)
    if call.names["id"][:15] != compact.MASTER[:15]:
        raise not_found()
    return Answer(value=layouts_of(call.org, one)[0].described(call.org, call.root))


def named_layouts(call: Call) -> Answer:
    """Describe a layout that is known by its name, as UserAlt is."""
    one = object_of(call)
    fields = NAMED_LAYOUTS.get(one.name, {}).get(call.names["name"])
    if fields is None:
        raise not_found()
    shown = [field for field in map(one.get, fields) if field is not None]
    return Answer(value=_described(call, one, [plain(one, shown)]))


def _layoutable(call: Call) -> SObject:
    """Return the object that the path names, if it has layouts.

    Raises:
        ApiError: 404, or NOT_EMULATED for global layouts and objects of the setup.
    """
    if call.names["object"].lower() == _GLOBAL:
        raise not_emulated("layouts of global actions")
    one = object_of(call)
    if not is_layoutable(one):
        raise not_emulated(f"layouts of {one.name}")
    return one


def _described(call: Call, one: SObject, found: list[Layout]) -> dict[str, object]:
    mapping = {
        "active": True,
        "available": True,
        "defaultRecordTypeMapping": True,
        "developerName": "Master",
        "layoutId": found[0].id,
        "master": True,
        "name": "Master",
        "picklistsForRecordType": [
            {"picklistName": field.name, "picklistValues": picklist_values(one, field)}
            for field in one.fields.values()
            if field.values
        ],
        "recordTypeId": compact.MASTER,
        "urls": {"layout": f"{call.root}/sobjects/{one.name}/describe/layouts/{compact.MASTER}"},
    }
    return {
        "layouts": [each.described(call.org, call.root) for each in found],
        "recordTypeMappings": [mapping],
        "recordTypeSelectorRequired": [False],
    }


def compact_layouts(call: Call) -> Answer:
    """Describe the compact layouts of an object, and which of them is used."""
    return Answer(value=compact.compact_layouts(call.org, _layoutable(call), call.root))


def compact_layout(call: Call) -> Answer:
    """Describe the compact layout that an object uses (`primary`), or that a record type does."""
    one = _layoutable(call)
    if call.names["id"].lower() != "primary" and call.names["id"][:15] != compact.MASTER[:15]:
        raise not_found()
    return Answer(value=compact.primary(call.org, one, call.root))


def approval_layouts(call: Call) -> Answer:
    """Describe the approval layouts of an object; without approval processes there is none."""
    _layoutable(call)
    return Answer(value={"approvalLayouts": []})


def all_tabs(call: Call) -> Answer:
    """List the tabs that a user has."""
    return Answer(value=tabs(call.org, call.origin))


def theme(call: Call) -> Answer:
    """List the icons and colours of objects."""
    items = [
        {"colors": style.colors(), "icons": style.icons(call.origin), "name": name}
        for name, style in styled_objects(call.org)
    ]
    return unless_unchanged(call) or Answer(value={"themeItems": items}, headers=validators(call))
