"""Writes the rows of a run as CSV (M16) that no spreadsheet will run as a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from typing import TextIO

from hintsync.state.port import RunRow

HEADER = ("Position", "System", "Record ID", "Outcome", "Rule", "Reason", "Linked or candidate IDs", "Written", "Held")
#: First characters that make a spreadsheet take a cell for a formula, the wide ones of East Asian keyboards too (OWASP,
#: "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
#: Rows of one piece.
_PIECE = 500


async def write_results(rows: AsyncIterator[RunRow], out: TextIO) -> int:
    """Write a header and one line a record; return the number of records."""
    writer = csv.writer(out)
    writer.writerow(HEADER)
    count = 0
    async for row in rows:
        writer.writerow([safe_cell(cell) for cell in _cells(row)])
        count += 1
    return count


async def results_in_pieces(rows: AsyncIterator[RunRow]) -> AsyncIterator[str]:
    """Yield what `write_results` writes, piece by piece, so that no more than a few hundred rows are held."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(HEADER)
    count = 0
    async for row in rows:
        writer.writerow([safe_cell(cell) for cell in _cells(row)])
        count += 1
        if count % _PIECE == 0:
            yield out.getvalue()
            out.seek(0)
            out.truncate()
    yield out.getvalue()


def _cells(row: RunRow) -> list[str]:
    written = "; ".join(f"{side}: {', '.join(names)}" for side, names in sorted(row.written.items()) if names)
    return [
        str(row.position),
        str(row.side),
        row.record_id,
        str(row.outcome),
        row.rule,
        row.reason or "",
        " ".join(row.peers),
        written,
        ", ".join(row.held),
    ]


def safe_cell(text: str) -> str:
    """Return a cell that a spreadsheet shows and does not run: a quote mark goes before what would begin a formula.

    Blanks before it do not make it harmless: some spreadsheets drop them.
    """
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip(" ").startswith(_FORMULA) else text
