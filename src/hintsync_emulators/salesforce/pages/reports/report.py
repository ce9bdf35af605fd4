"""A report as it was deployed, made ready to be run: which rows, which columns, in which order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.appearance.filters import ALL, Filter, Group, read_logic
from hintsync_emulators.salesforce.canvas.visit import ROOT
from hintsync_emulators.salesforce.errors import not_emulated, not_found
from hintsync_emulators.salesforce.metadata.store import Component
from hintsync_emulators.salesforce.metadata.xml import Node, leaf, parse
from hintsync_emulators.salesforce.pages.reports.columns import ReportColumn, base_of, column_of, unknown_format
from hintsync_emulators.salesforce.pages.soql import quoted
from hintsync_emulators.salesforce.schema.model import SObject

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Rows that a report shows on its page; an export has them all.
SHOWN = 2000
#: Operations of filters, as pages word them.
OPERATIONS = {
    "equals": "equals", "notEqual": "not equal to", "lessThan": "less than", "greaterThan": "greater than",
    "lessOrEqual": "less or equal", "greaterOrEqual": "greater or equal", "contains": "contains",
    "notContain": "does not contain", "startsWith": "starts with", "includes": "includes", "excludes": "excludes",
}  # fmt: skip
#: Operations that look for a part of a text.
_OF_PARTS = frozenset({"contains", "startsWith"})
_DIRECTIONS = {"Asc": "ASC NULLS FIRST", "Desc": "DESC NULLS LAST"}


@dataclass(frozen=True, slots=True)
class Criterion:
    """One filter of a report."""

    column: ReportColumn
    operation: str
    value: str

    @property
    def label(self) -> str:
        """What the filter is called on the page, without its value."""
        return f"{self.column.label} {OPERATIONS.get(self.operation, self.operation)}"

    def filter(self) -> Filter:
        """Return the filter as one of a list view, which works alike; every text contains and begins with nothing."""
        if not self.value and self.operation in _OF_PARTS:
            return Filter("Id", "notEqual", ("null",))
        node = Node("filters", children=[leaf("operation", self.operation), leaf("value", self.value)])
        return Filter.read(node, self.column.field, self.column.path)


@dataclass(frozen=True, slots=True)
class Report:
    """One report with the filter values of the moment."""

    id: str
    name: str
    folder: str
    base: SObject
    columns: Sequence[ReportColumn]
    criteria: Sequence[Criterion]
    #: Which filters must hold, e.g. ``1 AND (2 OR 3)``; all of them when it is empty.
    logic: str
    order: Sequence[str]
    #: Only the records of who looks.
    mine: bool

    def statement(self, user_id: str) -> str:
        """Return the SOQL statement of the report for a user."""
        paths = ", ".join(dict.fromkeys(["Id", *(each.path for each in self.columns)]))
        return f"SELECT {paths} FROM {self.base.name}{self.where(user_id)} ORDER BY {', '.join(self.order)}"

    def where(self, user_id: str) -> str:
        """Return the condition, with its keyword; nothing for a report of everything."""
        filters = [each.filter() for each in self.criteria]
        tree = read_logic(self.logic, filters) if self.logic else Group(ALL, tuple(filters))
        mine = f"OwnerId = {quoted(user_id)}" if self.mine else ""
        conditions = " AND ".join(each for each in (tree.soql(), mine) if each)
        return f" WHERE {conditions}" if conditions else ""


def find(org: Org, text: str) -> Component:
    """Return the report of an id.

    Raises:
        ApiError: there is none.
    """
    wanted = ids.normalise(text)
    found = next((each for each in org.components.all("Report") if each.id == wanted), None)
    if found is None:
        raise not_found("There is no such report.")
    return found


def read_report(org: Org, component: Component, given: Mapping[str, str]) -> Report:
    """Read a report.

    Args:
        org: the org.
        component: the report as it was deployed.
        given: parameters of the address; ``fv0`` is the value of the first filter, and so on.

    Raises:
        ApiError: NOT_EMULATED, the report has something that is not known here.
    """
    node = parse(component.xml)
    if node.value("format") not in ("Tabular", "Summary"):
        raise unknown_format(node.value("format"))
    kind = node.value("reportType") or ""
    base = base_of(org, kind)
    groups = [each.value("field") or "" for each in node.all("groupingsDown")]
    names = [*groups, *(each.value("field") or "" for each in node.all("columns"))]
    columns = [found for name in names if (found := column_of(org, base, kind, name)) is not None]
    criteria = _criteria(org, base, kind, node, given)
    return Report(
        id=component.id,
        name=node.value("name") or component.name,
        folder=component.name.rpartition("/")[0],
        base=base,
        columns=list({each.path: each for each in columns}.values()),
        criteria=criteria,
        logic=(node.find("filter") or Node("filter")).value("booleanFilter") or "",
        order=list(_order(org, base, kind, node, groups)),
        mine=node.value("scope") in ("user", "my"),
    )


def _criteria(org: Org, base: SObject, kind: str, node: Node, given: Mapping[str, str]) -> list[Criterion]:
    interval = node.find("timeFrameFilter")
    if interval is not None and (interval.value("interval") != "INTERVAL_CUSTOM" or interval.value("startDate")):
        raise not_emulated("reports with an interval of time")
    found = []
    for place, each in enumerate((node.find("filter") or Node("filter")).all("criteriaItems")):
        column = column_of(org, base, kind, each.value("column") or "")
        if column is None:
            raise not_emulated("reports filtered by a field that the user does not see")
        value = given.get(f"fv{place}", each.value("value") or "")
        found.append(Criterion(column, each.value("operator") or "", value.strip()))
    return found


def _order(org: Org, base: SObject, kind: str, node: Node, groups: Sequence[str]) -> Iterator[str]:
    """Yield what rows are ordered by: groups first, then the column named for it, then the id."""
    directions = {each.value("field") or "": each.value("sortOrder") or "Asc" for each in node.all("groupingsDown")}
    named = node.value("sortColumn")
    for name in [*groups, *([named] if named and named not in groups else [])]:
        found = column_of(org, base, kind, name)
        if found is not None and found.field.sortable and found.path != "Id":
            yield f"{found.path} {_DIRECTIONS.get(directions.get(name, node.value('sortOrder') or 'Asc'), 'ASC')}"
    yield "Id"


def count(org: Org, report: Report, user_id: str) -> int:
    """Return how many rows a report has."""
    statement = f"SELECT count() FROM {report.base.name}{report.where(user_id)}"
    return int(str(org.queries.run(statement, False, SHOWN, ROOT, user_id)["totalSize"]))


def rows(org: Org, report: Report, user_id: str) -> Iterator[Mapping[str, object]]:
    """Yield the rows of a report, page by page."""
    page = org.queries.run(report.statement(user_id), False, SHOWN, ROOT, user_id)
    while True:
        records = page["records"]
        assert isinstance(records, list)
        yield from records
        if page["done"]:
            return
        page = org.queries.more(str(page["nextRecordsUrl"]).rpartition("/")[2], ROOT, user_id)
