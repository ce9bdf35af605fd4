"""Checks of report types, report folders and reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.metadata.pages import descendants, need
from hintsync_emulators.salesforce.metadata.piece import Piece, Problem
from hintsync_emulators.salesforce.metadata.xml import Node, parse

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

_FORMATS = ("Tabular", "Summary", "Matrix", "MultiBlock")


def check_report_type(org: Org, piece: Piece) -> None:
    """Check that a report type's base object and the custom fields of its columns exist."""
    base = piece.node.value("baseObject") or ""
    if base.lower() not in org.schema.definitions:
        raise Problem(f"In field: baseObject - no CustomObject named {base} found", piece.node.line)
    for column in descendants(piece.node, "columns"):
        field, table = column.value("field") or "", column.value("table") or base
        if field.endswith("__c") and "." not in table:
            _need_column(org, table, field, column)


def check_folder(org: Org, piece: Piece) -> None:
    """Check the name of a report folder."""
    if not piece.name.replace("_", "").isalnum():
        raise Problem(f"The folder name {piece.name} can only contain underscores and alphanumeric characters")


def check_report(org: Org, piece: Piece) -> None:
    """Check that a report's folder, type and custom columns exist."""
    folder, _, name = piece.name.rpartition("/")
    if not name or (folder != "unfiled$public" and org.components.get("ReportFolder", folder) is None):
        raise Problem(f"Cannot find folder:{folder}")
    if piece.node.value("format") not in _FORMATS:
        raise Problem(
            f"'{piece.node.value('format')}' is not a valid value for the enum 'ReportFormat'", piece.node.line
        )
    kind = piece.node.value("reportType") or ""
    # An object's own type is named after it, and no component: CustomEntity$Log__c
    if kind.endswith("__c") and "$" not in kind:
        need(org, "ReportType", kind.removesuffix("__c"), "reportType", piece.node)
    for column in descendants(piece.node, "columns"):
        table, _, field = (column.value("field") or "").partition("$")
        if field.endswith("__c"):
            _need_column(org, table, field, column)


def _need_column(org: Org, table: str, field: str, node: Node) -> None:
    owner = org.schema.definitions.get(table.lower())
    if owner is None or field.lower() not in owner.fields:
        raise Problem(f"Invalid field name: {table}${field}", node.line, node.column)


def refuse_used_type(org: Org, name: str) -> None:
    """Refuse to remove a report type that reports are made of.

    Raises:
        Problem: it is in use; names the first report.
    """
    for one in org.components.all("Report"):
        if parse(one.xml).value("reportType") == f"{name}__c":
            raise Problem(f"This report type is referenced elsewhere: Report - {one.name}")


def refuse_full_folder(org: Org, name: str) -> None:
    """Refuse to remove a folder that still holds reports.

    Raises:
        Problem: it is not empty.
    """
    if any(one.startswith(f"{name}/") for one in org.components.names("Report")):
        raise Problem("Cannot delete a folder that is not empty")
