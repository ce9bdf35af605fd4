"""Merging two records: find the other one, choose which values stay, let one of the two go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hintsync_emulators.salesforce import values
from hintsync_emulators.salesforce.canvas.visit import ROOT
from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.inputs import written_fields
from hintsync_emulators.salesforce.pages.layout import layout_of
from hintsync_emulators.salesforce.pages.records import object_of, read, row_of, view_address
from hintsync_emulators.salesforce.pages.shown import Shown, label_of, paths_for, shown
from hintsync_emulators.salesforce.pages.soql import containing, quoted
from hintsync_emulators.salesforce.schema.model import Field, SObject
from hintsync_emulators.salesforce.web.call import Answer

#: Records that a search shows, and what is shown of them beside the name.
_FOUND = 20
_SHOWN = {"Contact": ("Email", "Birthdate", "Account.Name"), "Account": ("Phone", "BillingCity")}


@dataclass(frozen=True, slots=True)
class Row:
    """A field in which the two differ, with both values."""

    name: str
    label: str
    values: Sequence[Shown]
    #: Which of the two is chosen at first: the one that holds something.
    chosen: int


def ask(click: Click) -> Answer:
    """Ask for the other record, then for the values that stay."""
    one = _mergeable(click)
    first = str(row_of(click, one, click.names["id"])["Id"])
    if click.params.get("with"):
        return _compare(click, one, first, str(_other(click, one, first, click.params["with"])))
    fields = _fields(click, one)
    record = read(click, one, first, ["Name", "LastName"] if one.get("LastName") else ["Name"])
    q = click.params.get("q", str(record.get("LastName") or record["Name"]))
    return frame.show(
        click,
        "merge_find.html",
        title=f"Merge {record['Name']}",
        one=one,
        q=q,
        found=_search(click, one, first, q) if fields else [],
        back=view_address(one, first),
    )


def merge(click: Click) -> Answer:
    """Merge the two; the author of all that changes is the person."""
    one = _mergeable(click)
    first = str(row_of(click, one, click.names["id"])["Id"])
    pair = (first, _other(click, one, first, click.form.get("with")))
    master, loser = pair if click.form.get("master") != pair[1] else (pair[1], pair[0])
    kept = click.org.storage.fetch(one.name, [loser])[loser]
    changes = {
        each.name: kept[each.name] for each in _fields(click, one) if click.form.get(f"keep.{each.name}") == loser
    }
    with click.org.storage.transaction():
        click.org.merge(one.name, master, [loser], click.caller(allow_duplicates=True))
        if changes:
            row = row_of(click, one, master)
            click.org.writer.update(one, row, _as_given(one, changes), click.caller(allow_duplicates=True))
    return frame.moved(f"{view_address(one, master)}?said=merged")


def _as_given(one: SObject, changes: Mapping[str, object]) -> dict[str, object]:
    """Return stored values as a call would bring them."""
    return {each.name: values.show(each, changes[each.name]) for each in one.fields.values() if each.name in changes}


def _mergeable(click: Click) -> SObject:
    one = object_of(click, "Edit", "Delete")
    if not one.mergeable:
        raise ApiError(400, "INVALID_OPERATION", f"{one.plural} cannot be merged.")
    return one


def _other(click: Click, one: SObject, first: str, text: str) -> str:
    other = str(row_of(click, one, text)["Id"])
    if other == first:
        raise ApiError(400, "INVALID_OPERATION", "A record cannot be merged with itself.")
    return other


def _fields(click: Click, one: SObject) -> list[Field]:
    found = written_fields(layout_of(click, one), creating=False)
    return [each for _, columns in found for column in columns for each, _ in column]


def _search(click: Click, one: SObject, first: str, q: str) -> list[tuple[str, str, list[str]]]:
    """Return id, name and further values of the records that a search finds."""
    conditions = [f"Id != {quoted(first)}", containing(["Name"], q)]
    where = " AND ".join(each for each in conditions if each)
    more = [path for path in _SHOWN[one.name] if one.get(path.partition(".")[0]) or "." in path]
    statement = f"SELECT {', '.join(['Id', 'Name', *more])} FROM {one.name} WHERE {where} ORDER BY Name LIMIT {_FOUND}"
    page = click.org.queries.run(statement, False, _FOUND, ROOT, click.person.id)
    records = page["records"]
    assert isinstance(records, list)
    return [
        (str(each["Id"]), str(each["Name"]), [text for path in more if (text := _at(each, path))]) for each in records
    ]


def _at(record: Mapping[str, object], path: str) -> str:
    value: object = record
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return str(value or "")


def _compare(click: Click, one: SObject, first: str, second: str) -> Answer:
    fields = _fields(click, one)
    paths = ["Name", *(path for each in fields for path in paths_for(one, each))]
    pair = [read(click, one, record_id, paths) for record_id in (first, second)]
    return frame.show(
        click,
        "merge.html",
        title=f"Merge {one.plural}",
        one=one,
        pair=pair,
        rows=[_row(click, one, each, pair) for each in fields if pair[0].get(each.name) != pair[1].get(each.name)],
        back=view_address(one, first),
    )


def _row(click: Click, one: SObject, field: Field, pair: Sequence[Mapping[str, object]]) -> Row:
    found = [shown(one, field, record, click.person) for record in pair]
    return Row(field.name, label_of(field, one), found, 1 if pair[0].get(field.name) in (None, False) else 0)
