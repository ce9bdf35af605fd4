"""`hintsync batch`: the two batches (M14, M15), as dry run, plan to be carried out, or at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.csv_ids import CsvIds, read_csv_ids
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.runs.resuming import adopt_creation
from hintsync.state.port import Run
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, ConnectionName, DryRun, PlanId, StateFolder
from hintsync.surfaces.cli.perform import Asked, with_engine
from hintsync.surfaces.cli.progress import OnProgress, watched
from hintsync.surfaces.cli.run_views import ended_run

app = typer.Typer(no_args_is_help=True, help="Match, link and sync everybody, or everybody of a report.")

#: Rows of the file that name no contact, shown before the batch begins; the others are in its results.
_MOST_PROBLEMS = 20


@app.command("patients")
def patients(
    dry_run: DryRun = False,
    plan: PlanId = None,
    create_contacts: Annotated[
        bool | None,
        typer.Option(
            "--create-contacts/--no-create-contacts",
            help="Create a contact for each patient without a match; for this run only. Else as the plan or connection says.",
        ),
    ] = None,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Match every patient of the practice with the contacts; the patient's values win, blanks are filled."""
    _refuse_both(dry_run, plan)

    async def work(engine: Engine) -> Answer:
        planned = await engine.store.run(plan) if plan else None
        if planned is not None:
            adopt_creation(engine, planned)
        if create_contacts is not None:
            engine.options = replace(engine.options, create_contacts=create_contacts)

        async def batch(on_progress: OnProgress) -> Run:
            return await batch_patients(engine, dry=dry_run, approved=plan, on_progress=on_progress)

        return await ended_run(engine.store, await watched(engine, batch, as_json=as_json))

    with_engine(Asked(state, connection, as_json), work)


@app.command("contacts")
def contacts(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Report export, Salesforce ID in the first column.")],
    dry_run: DryRun = False,
    plan: PlanId = None,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Match the contacts of a report export with the patients; the contact's values win, nothing is created."""
    _refuse_both(dry_run, plan)

    async def work(engine: Engine) -> Answer:
        listed = read_csv_ids(file)
        if not as_json:
            for line in problem_lines(listed, file.name):
                typer.echo(line, err=True)

        async def batch(on_progress: OnProgress) -> Run:
            return await batch_contacts(engine, listed, dry=dry_run, approved=plan, on_progress=on_progress)

        answer = await ended_run(engine.store, await watched(engine, batch, as_json=as_json))
        return replace(answer, data={**answer.data, "file": file_data(listed)})

    with_engine(Asked(state, connection, as_json), work)


def _refuse_both(dry_run: bool, plan: str | None) -> None:
    if dry_run and plan is not None:
        raise typer.BadParameter("a dry run carries no plan out: give one of --dry-run and --plan")


def file_data(listed: CsvIds) -> dict[str, object]:
    """Return what was read of the file for JSON; what stood in a bad cell stays out, it may be somebody's name."""
    return {
        "rows": len(listed.rows),
        "contacts": len(listed.ids),
        "repeated": _repeated(listed),
        "header": listed.had_header,
        "footer_line": listed.footer_line,
        "problems": [{"line": row.line, "problem": row.problem} for row in listed.rows if row.problem],
    }


def problem_lines(listed: CsvIds, name: str) -> list[str]:
    """Say what is odd about the file, line by line up to a number."""
    problems = [row for row in listed.rows if row.problem]
    lines = [f"{name}, line {row.line}: {row.problem}" for row in problems[:_MOST_PROBLEMS]]
    if len(problems) > _MOST_PROBLEMS:
        lines.append(f"{name}: {len(problems) - _MOST_PROBLEMS:,} more rows without a contact's id")
    if repeated := _repeated(listed):
        lines.append(f"{name}: {repeated:,} rows name a contact that an earlier row names; each contact counts once")
    if listed.footer_line is not None:
        lines.append(f"{name}: footer text from line {listed.footer_line} on left out")
    return lines


def _repeated(listed: CsvIds) -> int:
    return sum(1 for row in listed.rows if row.contact_id) - len(listed.ids)
