"""Deleting records, and taking them out of the recycle bin again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.records import list_address, name_of, object_of, row_of, view_address
from hintsync_emulators.salesforce.pages.rights import STANDARD
from hintsync_emulators.salesforce.pages.shown import moment
from hintsync_emulators.salesforce.schema.model import SObject
from hintsync_emulators.salesforce.storage import Row, quote
from hintsync_emulators.salesforce.web.call import Answer

BIN = "/lightning/o/DeleteEvent/home"
#: Records of one object that the recycle bin shows.
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Thrown:
    """One record in the recycle bin."""

    kind: str
    name: str
    #: When it was thrown away, and by whom.
    when: str
    who: str
    #: Name and address of the record that it was merged into.
    master: tuple[str, str] | None
    #: Where the form goes that takes it out.
    address: str


def ask(click: Click) -> Answer:
    """Ask whether a record is to be deleted."""
    one = object_of(click, "Delete")
    record_id = str(row_of(click, one, click.names["id"])["Id"])
    name = name_of(click, one, record_id)
    back = view_address(one, record_id)
    return frame.show(click, "delete.html", title=f"Delete {one.label}", one=one, name=name, back=back)


def delete(click: Click) -> Answer:
    """Put a record into the recycle bin."""
    one = object_of(click, "Delete")
    row = row_of(click, one, click.names["id"])
    with click.org.storage.transaction():
        click.org.writer.delete(one, row, click.caller())
    return frame.moved(f"{list_address(one)}?said=deleted")


def undelete(click: Click) -> Answer:
    """Take a record out of the recycle bin."""
    one = object_of(click, "Delete")
    row = row_of(click, one, click.names["id"], deleted=True)
    with click.org.storage.transaction():
        click.org.writer.undelete(one, row, click.caller())
    return frame.moved(f"{view_address(one, row['Id'])}?said=undeleted")


def show_bin(click: Click) -> Answer:
    """List what lies in the recycle bin, the latest first."""
    thrown = [each for one in _objects(click) for each in _thrown(click, one)]
    return frame.show(click, "bin.html", title="Recycle Bin", thrown=thrown)


def _objects(click: Click) -> Iterator[SObject]:
    for one in click.org.schema.objects():
        known = one.custom or one.name in STANDARD
        if known and one.get("IsDeleted") and click.person.rights.may("Delete", one):
            yield one


def _thrown(click: Click, one: SObject) -> Iterator[Thrown]:
    sql = f"SELECT Id FROM {quote(one.name)} WHERE IsDeleted = 1 ORDER BY SystemModstamp DESC, _row DESC LIMIT {_SHOWN}"
    found = [str(row[0]) for row in click.org.storage.rows(sql)]
    rows = click.org.storage.fetch(one.name, found)
    for record_id in found:
        row = rows[record_id]
        yield Thrown(
            kind=one.label,
            name=name_of(click, one, record_id),
            when=moment(format_datetime(int(str(row["SystemModstamp"]))), click.person),
            who=str(click.org.raw("User", str(row["LastModifiedById"]))["Name"]),
            master=_master(click, one, row),
            address=f"/lightning/r/{one.name}/{record_id}/undelete",
        )


def _master(click: Click, one: SObject, row: Row) -> tuple[str, str] | None:
    master_id = row.get("MasterRecordId")
    if master_id is None:
        return None
    return name_of(click, one, str(master_id)), view_address(one, master_id)
