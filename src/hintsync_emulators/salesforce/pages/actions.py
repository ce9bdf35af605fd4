"""Custom tabs and quick actions: pages around what they show."""

from __future__ import annotations

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.appearance.actions import action_named
from hintsync_emulators.salesforce.errors import ApiError, not_emulated, not_found
from hintsync_emulators.salesforce.metadata.xml import parse
from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.apex import answer, read_page
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.records import allowed, row_of, view_address
from hintsync_emulators.salesforce.web.call import Answer


def tab(click: Click) -> Answer:
    """Show what a custom tab shows: a Visualforce page, or an object's list."""
    component = click.org.components.get("CustomTab", click.names["tab"])
    if component is None:
        raise not_found("There is no such tab.")
    if not click.person.rights.lists(component.name):
        raise ApiError(403, "INSUFFICIENT_ACCESS", "Nobody has given you this tab.")
    node = parse(component.xml)
    if node.flag("customObject"):
        return frame.moved(f"/lightning/o/{component.name}/list")
    page = node.value("page")
    if page is None:
        raise not_emulated("tabs that show neither a Visualforce page nor an object")
    return answer(click, read_page(click, page, ""), node.value("label") or component.name)


def quick(click: Click) -> Answer:
    """Show a quick action on a record, if it is a Visualforce page."""
    object_name, _, name = click.names["action"].partition(".")
    one = allowed(click, click.org.schema.get(object_name))
    action = action_named(click.org, name, one.name)
    if action is None or action.context != one.name:
        raise not_found("There is no such action.")
    if action.kind != "VisualforcePage":
        raise not_emulated(f"pages of quick actions of type {action.kind}")
    record_id = ids.normalise(click.params.get("recordId", "")) or ""
    row = row_of(click, one, record_id)
    shown = read_page(click, action.node.value("page") or "", str(row["Id"]))
    return answer(click, shown, action.label, back=view_address(one, row["Id"]))
