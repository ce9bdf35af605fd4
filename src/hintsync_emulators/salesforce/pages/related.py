"""Related lists below a record, as its layout names them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hintsync_emulators.salesforce.appearance.layouts import Layout
from hintsync_emulators.salesforce.canvas.visit import ROOT
from hintsync_emulators.salesforce.metadata.xml import Node
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.shown import Shown, address_of, label_of, paths_for, shown
from hintsync_emulators.salesforce.schema.model import Field, SObject

#: Rows of a related list.
_ROWS = 10


@dataclass(frozen=True, slots=True)
class RelatedList:
    """The records that hang on one record by one field."""

    label: str
    heads: Sequence[str]
    rows: Sequence[Sequence[Shown]]
    #: There are further ones.
    more: bool


def related_lists(click: Click, layout: Layout, record_id: str) -> list[RelatedList]:
    """Return the lists of a record's page; an account's contacts show even where its layout names no list."""
    named = [_read(click, layout.owner, node) for node in layout.node.all("relatedLists")]
    found = [each for each in named if each is not None]
    if layout.owner.name == "Account" and not found:
        contact = click.org.definition("Contact")
        found = [(contact, contact.fields["accountid"], [])]
    return [_list(click, child, field, shown_fields, record_id) for child, field, shown_fields in found]


def _read(click: Click, owner: SObject, node: Node) -> tuple[SObject, Field, list[Field]] | None:
    """Return object, tying field and columns of a list; None for one that the org or the person does not have."""
    child_name, _, field_name = (node.value("relatedList") or "").partition(".")
    child = click.org.schema.get(child_name)
    field = child.get(field_name) if child is not None else None
    if child is None or field is None or owner.name not in field.reference_to:
        return None
    if not click.person.rights.may("Read", child):
        return None
    return child, field, [each for each in map(child.get, node.values("fields")) if each is not None]


def _list(click: Click, child: SObject, field: Field, columns: Sequence[Field], record_id: str) -> RelatedList:
    fields = list(_with_name(child, columns))
    paths = dict.fromkeys(["Id", *(path for each in fields for path in paths_for(child, each))])
    statement = (
        f"SELECT {', '.join(paths)} FROM {child.name} WHERE {field.name} = '{record_id}'"
        f" ORDER BY CreatedDate DESC, Id LIMIT {_ROWS + 1}"
    )
    page = click.org.queries.run(statement, False, _ROWS + 1, ROOT, click.person.id)
    records = page["records"]
    assert isinstance(records, list)
    rows = [[_cell(click, child, each, record) for each in fields] for record in records[:_ROWS]]
    return RelatedList(child.plural, [label_of(each, child) for each in fields], rows, len(records) > _ROWS)


def _with_name(child: SObject, columns: Sequence[Field]) -> Iterator[Field]:
    """Yield the columns with the name first, which leads to the record."""
    name = child.get("Name")
    if name is not None:
        yield name
    yield from (each for each in columns if each.name != "Name")


def _cell(click: Click, child: SObject, field: Field, record: dict[str, object]) -> Shown:
    found = shown(child, field, record, click.person)
    if field.name == "Name":
        return Shown(found.text or str(record["Id"]), href=address_of(child.name, str(record["Id"])))
    return found
