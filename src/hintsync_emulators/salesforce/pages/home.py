"""The first page, the page of all tabs, and what old addresses lead to."""

from __future__ import annotations

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.errors import ApiError, not_found
from hintsync_emulators.salesforce.metadata.kinds import prefix_of
from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.records import name_of, row_of
from hintsync_emulators.salesforce.pages.shown import address_of
from hintsync_emulators.salesforce.web.call import Answer

HOME = "/lightning/page/home"
#: Records that the first page shows.
_RECENT = 10


def front(click: Click) -> Answer:
    """Lead to the first page."""
    return frame.moved(HOME)


def home(click: Click) -> Answer:
    """Show what the person looked at last, and where everything is."""
    return frame.show(click, "home.html", title="Home", recent=_recent(click))


def _recent(click: Click) -> list[tuple[str, str, str]]:
    """Return kind, name and address of the records that the person looked at last."""
    found = []
    for object_name, record_id in click.org.queries.viewed.of(click.person.id):
        one, address = click.org.schema.get(object_name), address_of(object_name, record_id)
        if one is None or address is None or not click.person.rights.may("Read", one):
            continue
        try:
            row_of(click, one, record_id)
        except ApiError:
            continue  # gone since
        found.append((one.label, name_of(click, one, record_id), address))
        if len(found) == _RECENT:
            break
    return found


def all_tabs(click: Click) -> Answer:
    """List every tab that the person may open, those that do not stand in the bar too."""
    return frame.show(click, "all_tabs.html", title="All Tabs")


def by_id(click: Click) -> Answer:
    """Lead from an id to its record's page, as short addresses of records do."""
    record_id = ids.normalise(click.names["record_id"]) or ""
    one = click.org.schema.by_prefix(record_id[:3])
    address = address_of(one.name, record_id) if one is not None else None
    if record_id.startswith(prefix_of("Report")):
        address = f"/lightning/r/Report/{record_id}/view"
    if address is None:
        raise not_found("There is no page of that address.")
    return frame.moved(address)


def by_prefix(click: Click) -> Answer:
    """Lead from the beginning of an object's ids to its list, as addresses of tabs do."""
    one = click.org.schema.by_prefix(click.names["prefix"])
    if one is None:
        raise not_found("There is no page of that address.")
    return frame.moved(f"/lightning/o/{one.name}/list")


def missing(click: Click) -> Answer:
    """Say that there is no such page here."""
    raise not_found("The emulated org has no page of that address.")
