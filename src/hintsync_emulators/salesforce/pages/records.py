"""Finding what an address names: an object that has pages, a record that the person may see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.canvas.visit import ROOT
from hintsync_emulators.salesforce.errors import ApiError, not_found
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.rights import STANDARD
from hintsync_emulators.salesforce.schema.model import SObject
from hintsync_emulators.salesforce.storage import Row


def object_of(click: Click, *rights: str) -> SObject:
    """Return the object that the address names.

    Args:
        click: the request.
        rights: what the person must be granted on it beside Read.

    Raises:
        ApiError: it has no pages, or the person lacks a right.
    """
    return allowed(click, click.org.schema.get(click.names["object"]), *rights)


def allowed(click: Click, one: SObject | None, *rights: str) -> SObject:
    """Return an object if its records have pages and the person has these rights on it.

    Raises:
        ApiError: it has no pages, or the person lacks a right.
    """
    if one is None or not (one.custom or one.name in STANDARD):
        raise not_found("There is no such object, or the emulator has no pages for its records.")
    for right in ("Read", *rights):
        if not click.person.rights.may(right, one):
            raise ApiError(403, "INSUFFICIENT_ACCESS", f"You do not have the right to do that with {one.plural}.")
    return one


def row_of(click: Click, one: SObject, text: str, deleted: bool = False) -> Row:
    """Return the stored row of a record.

    Args:
        click: the request.
        one: the record's object.
        text: its id, of 15 or 18 characters.
        deleted: it lies in the recycle bin; otherwise it must not.

    Raises:
        ApiError: there is no such record, or it was deleted.
    """
    record_id = ids.normalise(text) or ""
    row = click.org.storage.fetch(one.name, [record_id]).get(record_id)
    if row is None:
        raise not_found(f"There is no {one.label} of that id.")
    if not deleted and row.get("IsDeleted"):
        text = f"This {one.label} is in the recycle bin, from which it can be taken out again."
        raise ApiError(404, "ENTITY_IS_DELETED", text)
    return row


def read(click: Click, one: SObject, record_id: str, paths: Iterable[str]) -> Mapping[str, object]:
    """Return a record with the fields that the paths name, as the API gives them to the person."""
    names = list(dict.fromkeys(["Id", *paths]))
    found = click.org.queries.fetch(one, names, [record_id], ROOT)[0]
    assert found is not None
    return found


def name_of(click: Click, one: SObject, record_id: str) -> str:
    """Return what a record is called."""
    name = read(click, one, record_id, ["Name"] if one.get("Name") else []).get("Name")
    return str(name or record_id)


def view_address(one: SObject, record_id: object) -> str:
    """Return where a record's page is."""
    return f"/lightning/r/{one.name}/{record_id}/view"


def list_address(one: SObject) -> str:
    """Return where an object's list is."""
    return f"/lightning/o/{one.name}/list"
