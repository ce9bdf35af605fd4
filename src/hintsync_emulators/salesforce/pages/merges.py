"""What names in Visualforce expressions stand for: the page's record, who looks, the org, the address."""

from __future__ import annotations

from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.records import read, row_of
from hintsync_emulators.salesforce.schema.model import SObject

_USER = ("Id", "Username", "FirstName", "LastName", "Email", "Alias")
_PARAMETERS = "$currentpage.parameters."


def look_up(click: Click, one: SObject | None, record_id: str, name: str) -> str | None:
    """Return what a name in an expression stands for; None when the emulator does not know it.

    Args:
        click: the request.
        one: the object of the page's standard controller, if it has one.
        record_id: the record that the page is for; empty without one.
        name: e.g. ``Contact.Id``, ``$User.Username``, ``$CurrentPage.parameters.id``.
    """
    lower = name.lower()
    if lower.startswith(_PARAMETERS):
        return click.params.get(name[len(_PARAMETERS) :], "")
    first, _, rest = name.partition(".")
    if first.lower() == "$user":
        return next((str(click.person.row[each] or "") for each in _USER if each.lower() == rest.lower()), None)
    if first.lower() == "$organization":
        known = {"id": click.org.org_id, "name": str(click.org.raw("Organization", click.org.org_id)["Name"])}
        return known.get(rest.lower())
    if one is not None and first.lower() == one.name.lower():
        return _field(click, one, record_id, rest)
    return None


def _field(click: Click, one: SObject, record_id: str, name: str) -> str | None:
    field = one.get(name)
    if field is None:
        return None
    if not record_id:
        return ""
    row = row_of(click, one, record_id)
    value = read(click, one, str(row["Id"]), [field.name]).get(field.name)
    return "" if value is None else str(value)
