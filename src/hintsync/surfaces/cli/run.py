"""`hintsync run`: one run with its results (M16), on screen or as a CSV file."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.text import Text

from hintsync.core.errors import BadInput
from hintsync.core.plan import Outcome
from hintsync.engine.batch.results_csv import write_results
from hintsync.engine.guards.approvals import seal_of
from hintsync.state.port import Run, RunKind, RunRow, RunStatus, StateStore
from hintsync.surfaces.cli.answer import Answer, table
from hintsync.surfaces.cli.options import AsJson, ConnectionName, Limit, RunId, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_store
from hintsync.surfaces.cli.run_views import counts_data, outcome_table, reviews_of, row_data, run_data, run_head
from hintsync.surfaces.cli.stop_views import desk_of


def run(
    run_id: RunId,
    rows: Annotated[bool, typer.Option("--rows", help="Show the records too.")] = False,
    outcome: Annotated[
        list[Outcome] | None, typer.Option("--outcome", help="Only records of this outcome; may be repeated.")
    ] = None,
    limit: Limit = 1000,
    to_csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write all records to a CSV file; - is standard output."),
    ] = None,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Show one run: where it stands, its outcomes, and record by record what came of it."""
    if as_json and str(to_csv) == "-":
        raise typer.BadParameter("standard output takes one of --json and --csv -")

    async def work(local: Local) -> Answer:
        store = local.service.store
        found = await known_run(local, run_id)
        if to_csv is not None:
            return await _to_file(store, found, to_csv, outcome or ())
        counts, reviews = await store.outcome_counts(run_id), await reviews_of(store, found)
        listed: list[RunRow] = []
        if rows or outcome:
            listed = [row async for row in store.rows(run_id, outcomes=outcome or (), limit=limit)]
        data = {"run": run_data(found), "outcomes": counts_data(counts), "reviews_open": reviews}
        if rows or outcome:
            data["rows"] = [row_data(row) for row in listed]
        shown = (run_head(found), *outcome_table(counts, reviews), *_row_table(listed))
        if found.kind is RunKind.HELD and found.status is RunStatus.RUNNING:
            data["seal"] = await seal_of(desk_of(local), run_id)
            shown = (*shown, Text(f"waits for: hintsync approve {run_id} --seal {data['seal']}"))
        return Answer(data, shown)

    with_store(Asked(state, connection, as_json), work)


async def known_run(local: Local, run_id: str) -> Run:
    """Return a run of the connection.

    Raises:
        BadInput: there is none of that id.
    """
    found = await local.service.store.run(run_id)
    if found is None or found.connection_id != local.connection.id:
        raise BadInput(f"no run {run_id}; `hintsync runs` lists them")
    return found


async def _to_file(store: StateStore, found: Run, path: Path, outcomes: Sequence[Outcome]) -> Answer:
    rows = store.rows(found.id, outcomes=outcomes)
    if str(path) == "-":
        await write_results(rows, sys.stdout)
        return Answer({}, given=True)
    try:
        with path.open("w", encoding="utf-8-sig", newline="") as file:  # the mark tells spreadsheets that it is UTF-8
            count = await write_results(rows, file)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from None
    return Answer({"run": run_data(found), "file": str(path), "rows": count}, (f"{count:,} records in {path}",))


def _row_table(rows: Sequence[RunRow]) -> tuple[RenderableType, ...]:
    if not rows:
        return ()
    made = table("position>", "record", "outcome", "rule", "with", "written", "reason")
    for row in rows:
        written = "; ".join(f"{side}: {', '.join(names)}" for side, names in sorted(row.written.items()) if names)
        held = f" held: {', '.join(row.held)}" if row.held else ""
        made.add_row(
            str(row.position),
            row.record_id,
            row.outcome,
            row.rule,
            " ".join(row.peers),
            written + held,
            row.reason or "",
        )
    return (made,)
