"""`hintsync verify`: compares everybody on both sides, checks the audit trail and the signed reports, or exports the trail."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import RenderableType
from rich.text import Text

from hintsync.core.errors import BadInput, HintsyncError
from hintsync.engine.audit.anchors import Compared, anchor_figures, compare_anchors
from hintsync.engine.audit.trail import TrailReader, export_trail
from hintsync.engine.context import Engine
from hintsync.engine.parity.check import check_parity
from hintsync.engine.parity.looks import GRACE
from hintsync.engine.parity.report import REPORT, anchors_of, verify_reports
from hintsync.engine.schedule import confirm_job, run_due
from hintsync.state.port import Json, Run, RunStatus
from hintsync.surfaces.cli.answer import Answer, Exit, exit_of_run, table
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_engine, with_store
from hintsync.surfaces.cli.progress import OnProgress, resume_hint, watched
from hintsync.surfaces.cli.run_views import run_data, run_head

_PAIRS = {
    "agreed": "agree",
    "queued": "differ and wait already",
    "differing": "differ, and nobody knew",
    "missing": "lack a record, and nobody knew",
    "unrecorded": "agree, and something was still to be noted",
}


def verify(
    repair: Annotated[
        bool, typer.Option("--repair/--no-repair", help="Have what differs unnoticed brought into step by the workers.")
    ] = True,
    export: Annotated[
        Path | None,
        typer.Option(
            "--export",
            metavar="FILE",
            help="Write the audit trail as JSON lines instead, for verify_audit.py; - is standard output.",
        ),
    ] = None,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Count over everybody what agrees on both sides, and check that audit trail and signed reports are whole."""
    if as_json and str(export) == "-":
        raise typer.BadParameter("standard output takes one of --json and --export -")
    asked = Asked(state, connection, as_json)

    async def check(engine: Engine) -> Answer:
        if repair:
            await run_due(engine, [confirm_job()])  # links out of a backup wait for it, and are not compared before

        async def work(on_progress: OnProgress) -> Run:
            return await check_parity(engine, repair=repair, grace=GRACE, on_progress=on_progress)

        return await _checked(engine, await watched(engine, work, as_json=as_json))

    async def write(local: Local) -> Answer:
        return await _exported(local, export or Path("-"))

    if export is not None:
        with_store(asked, write)
    with_engine(asked, check)


async def _checked(engine: Engine, run: Run) -> Answer:
    trail = list(await engine.store.verify_audit(engine.connection.id))
    signed = await verify_reports(engine.store, engine.connection.id)
    anchored, unasked = await _anchored(engine)
    report = run.details.get(REPORT)
    figures = report if isinstance(report, dict) and run.status is RunStatus.DONE else {}
    data = {
        "run": run_data(run),
        "report": figures or None,
        "audit_problems": trail,
        "report_problems": signed,
        "anchors": {**anchor_figures(anchored), "not_asked": unasked or None},
    }
    faults = [*trail, *signed, *anchored.faults]
    shown = (run_head(run), *_figures(figures), _trail_words(faults, anchored, unasked))
    remarks = () if run.status is RunStatus.DONE else (resume_hint(run),)
    return Answer(data, shown, _exit(run, figures, broken=bool(faults)), remarks)


async def _anchored(engine: Engine) -> tuple[Compared, str]:
    """Compare the trail with its anchors in Salesforce; say why not where the org cannot be asked."""
    try:
        return await compare_anchors(engine), ""
    except HintsyncError as error:
        return Compared(), str(error)


def _exit(run: Run, report: Mapping[str, Json], *, broken: bool) -> Exit:
    """Return 3 where a person must look: the trail is broken, or what was found is not to be repaired."""
    if run.status is not RunStatus.DONE:
        return exit_of_run(run)
    return Exit.PERSON if broken or (report.get("missed") and not report.get("repair")) else Exit.DONE


def _figures(report: Mapping[str, Json]) -> tuple[RenderableType, ...]:
    pairs = report.get("pairs")
    if not isinstance(pairs, dict):
        return ()
    made = table("pairs>", "that")
    for name, words in _PAIRS.items():
        made.add_row(f"{pairs[name]:,}", words)
    return (made, Text("\n".join(_lines(report))))


def _lines(report: Mapping[str, Json]) -> list[str]:
    """Say what stands beside the pairs: who is not linked, in which fields pairs differ, what nobody can compare."""
    lines = [f"without a link: {_counts(report.get('unlinked'))}"]
    if others := _counts(report.get("not_compared")):
        lines.append(f"links that are not compared: {others}")
    fields = report.get("fields")
    words = {"differing": "differ in", "waiting": "wait in", "base_behind": "base behind in"}
    for name, said in words.items():
        if isinstance(fields, dict) and (told := _counts(fields.get(name))):
            lines.append(f"{said}: {told}")
    if isinstance(fields, dict) and (hidden := fields.get("not_verifiable")):
        lines.append(
            f"shown by one side only, so not compared: {', '.join(hidden) if isinstance(hidden, dict) else ''}"
        )
    if report.get("marked"):
        lines.append(f"{report['marked']:,} records were marked and wait for the workers")
    return lines


def _counts(members: Json) -> str:
    counted = members if isinstance(members, dict) else {}
    return ", ".join(f"{count:,} {name}" for name, count in counted.items() if count)


def _trail_words(faults: Sequence[str], anchored: Compared, unasked: str) -> Text:
    whole = "the audit trail and the signed reports are whole"
    count = "1 anchor" if anchored.anchors == 1 else f"{anchored.anchors:,} anchors"
    compared = f"not compared with anchors: {unasked}" if unasked else f"compared with {count} in Salesforce"
    return Text("\n".join([*(["NOT WHOLE:", *faults] if faults else [whole]), compared, *anchored.remarks]))


async def _exported(local: Local, path: Path) -> Answer:
    if str(path) == "-":
        await _write(local, sys.stdout)
        return Answer({}, given=True, code=await _whole(local))
    try:
        with path.open("w", encoding="utf-8", newline="\n") as file:
            reader = await _write(local, file)
    except OSError as error:
        raise BadInput(f"{path}: cannot be written: {error.strerror}") from None
    data = {"file": str(path), "entries": reader.last, "digest": reader.digest}
    told = f"{reader.last:,} entries in {path}; check it with: python -m hintsync.verify_audit {path}"
    return Answer(data, (Text(told),), await _whole(local))


async def _write(local: Local, out: TextIO) -> TrailReader:
    store, connection_id = local.service.store, local.connection.id
    at = local.service.clock.now().isoformat(timespec="seconds")
    return await export_trail(store, connection_id, out, at=at, reports=await anchors_of(store, connection_id))


async def _whole(local: Local) -> Exit:
    """Return 3 where the trail that was exported is not whole: the export shows it too."""
    return Exit.PERSON if await local.service.store.verify_audit(local.connection.id) else Exit.DONE
