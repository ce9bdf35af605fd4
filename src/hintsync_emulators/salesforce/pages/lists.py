"""Lists of records: an object's list views, searched and paged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce.appearance.list_views import Column, ListView, views_of
from hintsync_emulators.salesforce.canvas.visit import ROOT
from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.records import list_address, object_of
from hintsync_emulators.salesforce.pages.shown import Shown, address_of, label_of, plain
from hintsync_emulators.salesforce.pages.soql import SEARCHED, containing, quoted
from hintsync_emulators.salesforce.schema.model import SObject
from hintsync_emulators.salesforce.web.call import Answer

#: Rows of a page, and how far into a list pages go: no statement may skip more rows.
ROWS, FARTHEST = 50, 2000
#: The view that every object has: what the person looked at last.
RECENT = "__Recent"
#: What the page says after something was done, by the parameter of its address.
_SAID = {"deleted": "The record was put into the recycle bin."}


@dataclass(frozen=True, slots=True)
class Choice:
    """A list view that can be chosen."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be listed."""

    columns: Sequence[Column]
    where: str
    order: Sequence[str]


@dataclass(frozen=True, slots=True)
class Line:
    """One record of a list."""

    id: str
    cells: Sequence[Shown]


def show_list(click: Click) -> Answer:
    """List records of an object by a view, a search and a page."""
    one = object_of(click)
    views = views_of(click.org, one)
    view = _chosen(views, click.params.get("filterName", ""))
    recent = click.params.get("filterName") == RECENT
    wanted = _wanted(click, one, view, recent)
    page = max(whole(click.params.get("page", "1")) or 1, 1)
    lines, total = _page(click, one, wanted, min(page, FARTHEST // ROWS + 1))
    return frame.show(
        click,
        "list.html",
        title=one.plural,
        one=one,
        views=[*(Choice(each.name, each.label) for each in views), Choice(RECENT, "Recently Viewed")],
        chosen=RECENT if recent else (view.name if view else ""),
        q=click.params.get("q", ""),
        heads=[label_of(each.field, one) if "." not in each.path else _parent_label(each) for each in wanted.columns],
        lines=lines,
        total=total,
        first=(page - 1) * ROWS + 1,
        previous=_turned(click, page - 1) if page > 1 else None,
        next=_turned(click, page + 1) if page * ROWS < min(total, FARTHEST + ROWS) else None,
        cut=total > FARTHEST + ROWS,
        creatable=click.person.rights.may("Create", one),
        address=list_address(one),
        said=_SAID.get(click.params.get("said", ""), ""),
    )


def _chosen(views: Sequence[ListView], name: str) -> ListView | None:
    """Return the view of a name or id; without one, the first that shows everything."""
    named = next((each for each in views if name in (each.name, each.id)), None)
    default = next((each for each in views if each.name.startswith("All")), None)
    return named or default or next(iter(views), None)


def _wanted(click: Click, one: SObject, view: ListView | None, recent: bool) -> Wanted:
    columns, conditions, order = _plain_columns(one), list[str](), ["Id"]
    if view is not None:
        columns = view.shown() or columns
    if recent:
        ids = [record_id for _, record_id in click.org.queries.viewed.of(click.person.id, one.name)]
        conditions.append(f"Id IN ({', '.join(map(quoted, ids))})" if ids else "Id = null")
    elif view is not None:
        mine = f"OwnerId = {quoted(click.person.id)}" if view.scope() == "mine" else ""
        conditions += [view.condition().soql(), mine]
    order = [next((each.path for each in columns if each.field.sortable), "Id"), "Id"]
    searched = [each.path for each in columns if each.field.type in SEARCHED and each.field.length <= 255]
    conditions.append(containing(searched, click.params.get("q", "")))
    return Wanted(columns, " AND ".join(each for each in conditions if each), list(dict.fromkeys(order)))


def _plain_columns(one: SObject) -> list[Column]:
    """Return the columns of an object without list views."""
    return [Column(name, field) for name in ("Name", "CreatedDate") if (field := one.get(name)) is not None]


def _page(click: Click, one: SObject, wanted: Wanted, page: int) -> tuple[list[Line], int]:
    """Return the lines of a page, and how many there are altogether."""
    where = f" WHERE {wanted.where}" if wanted.where else ""
    paths = ", ".join(_paths(wanted.columns))
    order = ", ".join(f"{path} ASC NULLS FIRST" if path != "Id" else path for path in wanted.order)
    tail = f"ORDER BY {order} LIMIT {ROWS} OFFSET {(page - 1) * ROWS}"
    found = click.org.queries.run(f"SELECT {paths} FROM {one.name}{where} {tail}", False, ROWS, ROOT, click.person.id)
    total = click.org.queries.run(f"SELECT count() FROM {one.name}{where}", False, ROWS, ROOT, click.person.id)
    records = found["records"]
    assert isinstance(records, list)
    lines = [_line(click, one, record, wanted.columns) for record in records]
    return lines, int(str(total["totalSize"]))


def _paths(columns: Sequence[Column]) -> list[str]:
    """Return what is selected: the columns, and the ids of the records that they lead to."""
    paths = ["Id"]
    for column in columns:
        parent, dot, _ = column.path.rpartition(".")
        paths += [column.path, f"{parent}.Id"] if dot else [column.path]
    return list(dict.fromkeys(paths))


def _line(click: Click, one: SObject, record: Mapping[str, object], columns: Sequence[Column]) -> Line:
    return Line(str(record["Id"]), [_cell(click, one, record, column) for column in columns])


def _cell(click: Click, one: SObject, record: Mapping[str, object], column: Column) -> Shown:
    """Return a value; names lead to the records that they are of."""
    owner, owner_name = _owner(one, record, column)
    name = column.path.rpartition(".")[2]
    found = plain(column.field, owner.get(name), click.person)
    if name == "Name" and owner.get("Id"):
        return Shown(found.text or str(owner["Id"]), href=address_of(owner_name, str(owner["Id"])))
    return found


def _owner(one: SObject, record: Mapping[str, object], column: Column) -> tuple[Mapping[str, object], str]:
    """Return the record that a column's value stands in, which may be a parent, and its object."""
    owner, name = record, one.name
    for link in column.path.split(".")[:-1]:
        found = owner.get(link)
        owner = found if isinstance(found, Mapping) else {}
        attributes = owner.get("attributes")
        name = str(attributes.get("type", "")) if isinstance(attributes, Mapping) else ""
    return owner, name


def _parent_label(column: Column) -> str:
    """Return the head of a parent's column: ``Account Name``, ``Owner Alias``."""
    parent = column.path.split(".")[-2].removesuffix("__r").replace("_", " ")
    label = column.field.label
    return label if label.startswith(parent) else f"{parent} {label}"


def _turned(click: Click, page: int) -> str:
    """Return the address of another page of the same list."""
    return f"{click.call.path}?{urlencode({**click.params, 'page': page})}"
