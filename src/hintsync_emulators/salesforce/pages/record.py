"""The page of one record, drawn from the layout as it was deployed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from hintsync_emulators.salesforce.appearance.layouts import Layout
from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.buttons import Button, buttons_of, link
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.layout import (
    FieldItem,
    Item,
    LinkItem,
    OtherItem,
    PageItem,
    Section,
    layout_of,
    sections,
)
from hintsync_emulators.salesforce.pages.records import object_of, read, row_of
from hintsync_emulators.salesforce.pages.related import related_lists
from hintsync_emulators.salesforce.pages.shown import Shown, label_of, moment, paths_for, shown
from hintsync_emulators.salesforce.schema.model import SObject
from hintsync_emulators.salesforce.web.call import Answer

#: Fields that show who and when together.
_STAMPS = {"CreatedById": "CreatedDate", "LastModifiedById": "LastModifiedDate"}
#: What the page says after something was done, by the parameter of its address.
_SAID = {"created": "was created.", "saved": "was saved.", "undeleted": "was taken out of the recycle bin.",
         "merged": "is what is left of the merged records."}  # fmt: skip


@dataclass(frozen=True, slots=True)
class DrawnField:
    """A field with its value."""

    name: str
    label: str
    value: Shown
    #: Shown behind the value, e.g. when a record was created.
    more: str = ""


@dataclass(frozen=True, slots=True)
class DrawnPage:
    """A Visualforce page in a frame."""

    title: str
    url: str
    height: str
    shows_label: bool


@dataclass(frozen=True, slots=True)
class DrawnNote:
    """A sentence in the place of what is not emulated."""

    text: str


Drawn = DrawnField | DrawnPage | DrawnNote | Button


@dataclass(frozen=True, slots=True)
class DrawnSection:
    """A section with its items, ready for the template."""

    heading: str
    headed: bool
    columns: Sequence[Sequence[tuple[str, Drawn]]]


def view(click: Click) -> Answer:
    """Show a record as its layout says."""
    one = object_of(click)
    row = row_of(click, one, click.names["id"])
    record_id, layout = str(row["Id"]), layout_of(click, one)
    found = sections(layout)
    record = read(click, one, record_id, _paths(one, found, layout))
    _note_look(click, one, record_id)
    return frame.show(
        click,
        "record.html",
        title=f"{record.get('Name') or record_id} | {one.label}",
        one=one,
        record=record,
        buttons=buttons_of(click, layout, record),
        mergeable=one.mergeable and click.person.rights.may("Delete", one),
        sections=list(_drawn(click, layout, found, record)),
        related=related_lists(click, layout, record_id),
        said=_SAID.get(click.params.get("said", ""), ""),
    )


def _paths(one: SObject, found: Sequence[Section], layout: Layout) -> list[str]:
    """Return all that must be read of the record: what the layout shows, and what its links need."""
    paths = ["Name"] if one.get("Name") else []
    for section in found:
        for item in (each for column in section.columns for each in column):
            if isinstance(item, FieldItem):
                paths += paths_for(one, item.field)
                paths += [name for name in (_STAMPS.get(item.field.name),) if name is not None]
    return paths


def _drawn(
    click: Click, layout: Layout, found: Sequence[Section], record: Mapping[str, object]
) -> Iterator[DrawnSection]:
    for section in found:
        columns = [[_item(click, layout.owner, item, record) for item in column] for column in section.columns]
        yield DrawnSection(section.heading, section.headed, columns)


def _item(click: Click, one: SObject, item: Item, record: Mapping[str, object]) -> tuple[str, Drawn]:
    """Return what an item is, for the template, with what it shows."""
    match item:
        case FieldItem():
            value = shown(one, item.field, record, click.person)
            stamp = record.get(_STAMPS.get(item.field.name, ""))
            more = moment(str(stamp), click.person) if stamp else ""
            return "field", DrawnField(item.field.name, label_of(item.field, one), value, more)
        case PageItem():
            query = urlencode({"id": record["Id"], "inline": "1"})
            url = f"/apex/{quote(item.page)}?{query}"
            return "page", DrawnPage(item.label, url, item.height, item.shows_label)
        case LinkItem():
            found = link(click, one, item.name, record)
            return ("button", found) if found else ("note", DrawnNote(f"The link {item.name} cannot be shown."))
        case OtherItem():
            return "note", DrawnNote(f"Not emulated: {item.what} in a layout.")


def _note_look(click: Click, one: SObject, record_id: str) -> None:
    click.org.queries.viewed.note(click.person.id, one, [record_id], ["VIEW"])
