"""Making a report of contacts on a page: a first column, further columns, a filter; saved as metadata like any other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hintsync_emulators.salesforce.metadata.installing import install
from hintsync_emulators.salesforce.metadata.piece import Piece, Problem
from hintsync_emulators.salesforce.metadata.xml import Node, document, leaf, parse
from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.click import Click, Form
from hintsync_emulators.salesforce.pages.reports.columns import NAMES, ReportColumn, column_of
from hintsync_emulators.salesforce.pages.reports.report import OPERATIONS
from hintsync_emulators.salesforce.web.call import Answer

_TYPE, _BASE = "ContactList", "Contact"
_FOLDER = "unfiled$public"
#: Columns that a new report has at first.
_FIRST, _OTHERS = "CONTACT_ID", ("FIRST_NAME", "LAST_NAME")
#: Operations that a filter offers, of those that reports have.
_OFFERED = ("equals", "notEqual", "contains", "startsWith", "lessThan", "greaterThan")
_LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Offered:
    """A column that can be chosen."""

    #: As metadata names it.
    name: str
    label: str


def ask(click: Click) -> Answer:
    """Show the form of a new report of contacts."""
    return _form(click, Form({"first": [_FIRST], "columns": _OTHERS}))


def save(click: Click) -> Answer:
    """Save a new report and run it."""
    known = {each.name for each in _columns(click)}
    chosen = list(dict.fromkeys([click.form.get("first"), *click.form.all("columns")]))
    title = click.form.get("name").strip()
    if not title or len(title) > _LONGEST_NAME:
        return _form(click, click.form, f"Give the report a name of at most {_LONGEST_NAME} characters.")
    if not set(chosen) <= known or click.form.get("field") not in {"", *known}:
        return _form(click, click.form, "Choose columns of this list.")
    xml = document("Report", _report(title, chosen, click.form))
    piece = Piece("Report", f"{_FOLDER}/{_free_name(click, title)}", "", parse(xml), xml)
    try:
        with click.org.storage.transaction():
            outcome = install(click.org, piece, click.person.id)
    except Problem as problem:
        return _form(click, click.form, problem.text)
    return frame.moved(f"/lightning/r/Report/{outcome.id}/view")


def _form(click: Click, form: Form, problem: str = "") -> Answer:
    return frame.show(
        click,
        "report_new.html",
        status=400 if problem else 200,
        title="New Report of Contacts",
        columns=_columns(click),
        operations=[(each, OPERATIONS[each]) for each in _OFFERED],
        form=form,
        problem=problem,
    )


def _columns(click: Click) -> list[Offered]:
    """Return the columns that the person may choose: those with a name of their own, and custom fields."""
    base = click.org.definition(_BASE)
    custom = [f"{_BASE}.{each.name}" for each in base.fields.values() if each.custom]
    found: dict[str, Offered] = {}
    for name in (*NAMES[_BASE], *custom):
        column = _column(click, name)
        if column is not None:
            found.setdefault(column.path, Offered(name, column.label))
    return list(found.values())


def _column(click: Click, name: str) -> ReportColumn | None:
    return column_of(click.org, click.org.definition(_BASE), _TYPE, name)


def _report(title: str, columns: Sequence[str], form: Form) -> list[Node]:
    """Return what the file of the report holds, in the order of its type."""
    shown = [Node("columns", children=[leaf("field", each)]) for each in columns]
    return [
        *shown,
        *([_filter(form)] if form.get("field") else []),
        leaf("format", "Tabular"),
        leaf("name", title),
        leaf("reportType", _TYPE),
        leaf("scope", "organization"),
        leaf("showDetails", True),
    ]


def _filter(form: Form) -> Node:
    operator = form.get("operator")
    criteria = [
        leaf("column", form.get("field")),
        leaf("columnToColumn", False),
        leaf("isUnlocked", True),
        leaf("operator", operator if operator in _OFFERED else _OFFERED[0]),
        leaf("value", form.get("value").strip()),
    ]
    return Node("filter", children=[Node("criteriaItems", children=criteria)])


def _free_name(click: Click, title: str) -> str:
    """Return an API name made from a title, which no report of the folder has."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", title).strip("_") or "Report"
    taken, number, found = set(click.org.components.names("Report")), 1, name
    while f"{_FOLDER}/{found}" in taken:
        number += 1
        found = f"{name}_{number}"
    return found
