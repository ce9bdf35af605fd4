"""Results as CSV (M16, T14): one row a record, nothing that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

import pytest

from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.engine.batch.results_csv import HEADER, results_in_pieces, safe_cell, write_results
from hintsync.state.port import RunRow


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1+1", "＠SUM(A1)", "  =1+1"])
def test_t14_what_would_run_as_a_formula_is_quoted(cell: str):
    assert safe_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "003000000000001AAA", "linked", "1-2", "a=b"])
def test_t14_what_is_harmless_stays_as_it_is(cell: str):
    assert safe_cell(cell) == cell


async def test_m16_rows_come_back_as_they_were_written():
    row = RunRow(
        "run-1",
        0,
        Side.HINT,
        "=pat-1",
        Outcome.LINKED,
        "L1",
        peers=("003000000000001AAA", "003000000000002AAA"),
        reason='say "hello",\nplease',
        written={Side.SALESFORCE: ("city", "zip"), Side.HINT: ()},
        held=("email",),
    )

    async def rows() -> AsyncIterator[RunRow]:
        yield row

    out = io.StringIO()
    assert await write_results(rows(), out) == 1
    header, cells = list(csv.reader(io.StringIO(out.getvalue())))
    assert tuple(header) == HEADER
    assert cells == [
        "0",
        "hint",
        "'=pat-1",
        "linked",
        "L1",
        'say "hello",\nplease',
        "003000000000001AAA 003000000000002AAA",
        "salesforce: city, zip",
        "email",
    ]


async def test_m16_pieces_together_are_the_whole():
    async def rows() -> AsyncIterator[RunRow]:
        for number in range(1203):
            yield RunRow("run-1", number, Side.HINT, f"pat-{number}", Outcome.NO_MATCH, "L2", reason="@x")

    out = io.StringIO()
    await write_results(rows(), out)
    pieces = [piece async for piece in results_in_pieces(rows())]
    assert len(pieces) == 3
    assert "".join(pieces) == out.getvalue()
