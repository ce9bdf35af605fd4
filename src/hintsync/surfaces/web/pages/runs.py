"""Runs and their results."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from functools import partial
from http import HTTPStatus

from starlette.responses import Response, StreamingResponse

from hintsync.core.errors import BadInput, HintsyncError
from hintsync.core.limits import DayBudget
from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.engine.batch.results_csv import results_in_pieces
from hintsync.engine.guards.stops import stops_in_force
from hintsync.engine.options import Options
from hintsync.engine.runs.ordering import BATCHES, order_abort, order_plan, order_resume
from hintsync.setup.installation import PAGES_FACT
from hintsync.state.port import Run, RunRow
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.place import Place, Visit
from hintsync.surfaces.web.pages.render import guards, page, see
from hintsync.surfaces.web.pages.run_stream import follow, known_run, view_now
from hintsync.surfaces.web.pages.streaming import stream
from hintsync.surfaces.web.run_counts import by_outcome, counts_of
from hintsync.surfaces.web.views.addresses import patient_address
from hintsync.surfaces.web.views.results import (
    PAGE,
    ResultLine,
    count_chosen,
    outcome_choices,
    reason_choices,
    result_line,
)
from hintsync.surfaces.web.views.run_views import change_lines, outcome_lines, price_lines

#: Developer name of the report that the package brings (M16).
REPORT = "Batch_Results"
#: Runs of one page of the list.
_RUNS = 25
#: Seconds that a page waits for names and for the report's id, which it can do without.
_PATIENCE = 2.0


async def show_runs(visit: Visit) -> Response:
    """List the latest runs, newest first."""
    before = visit.query.get("before") or None
    found = await visit.service.store.runs(visit.connection.id, before=before, limit=_RUNS + 1)
    listed = [view_now(visit, run) for run in found[:_RUNS]]
    return page(
        visit,
        "runs.html",
        title="Runs",
        runs=listed,
        people=await people_of(visit, found[:_RUNS]),
        older=listed[-1].id if len(found) > _RUNS else "",
        is_first=before is None,
    )


async def show_run(visit: Visit) -> Response:
    """Show one run: where it stands, what it planned or did, record by record."""
    run = await known_run(visit, visit.names["run"])
    outcome, reason = _outcome(visit), visit.query.get("reason", "")
    after = _whole(visit.query.get("after"), -1)
    counts = await counts_of(visit.service.store, run)
    rows = await _page_of_rows(visit, run, outcome, reason, after)
    lines = [result_line(row) for row in rows[:PAGE]]
    names, org, report, people = await asyncio.gather(
        _contact_names(visit, lines), _origin(visit), _report(visit, run), people_of(visit, [run])
    )
    view = view_now(visit, run)
    return page(
        visit,
        "run.html",
        title=view.title,
        run=view,
        people=people,
        outcomes=outcome_lines(by_outcome(counts)),
        time_left="",
        prices=price_lines(run, _budgets(visit)) if run.dry else [],
        changes=change_lines(run),
        lines=lines,
        names=names,
        patient_address=_patient_address(visit),
        org=org,
        report=f"{org}/lightning/r/Report/{report}/view?fv0={run.id}" if org and report else "",
        outcome_choices=outcome_choices(counts, outcome),
        reason_choices=reason_choices(counts, outcome, reason),
        outcome=outcome,
        reason=reason,
        chosen=count_chosen(counts, outcome, reason),
        after=after,
        next_after=rows[PAGE - 1].position if len(rows) > PAGE else None,
        stop=(await stops_in_force(visit.desk)).of_work,
        back="",
    )


async def stream_run(visit: Visit) -> Response:
    """Stream a run's progress until it has ended; then the page shows what came of it."""
    run = await known_run(visit, visit.names["run"])
    back = visit.url("/batches") if visit.query.get("back") == "batches" else visit.url(f"/runs/{run.id}")
    return stream(visit, follow(visit, run.id, back))


async def download(visit: Visit) -> Response:
    """Give the results, or those that a filter lets through, as a CSV file that no spreadsheet runs."""
    run = await known_run(visit, visit.names["run"])
    outcome = _outcome(visit)
    rows = visit.service.store.rows(
        run.id, outcomes=[Outcome(outcome)] if outcome else (), reason=visit.query.get("reason") or None
    )
    headers = {**guards(), "Content-Disposition": f'attachment; filename="{run.id}.csv"'}
    return StreamingResponse(_csv(rows), HTTPStatus.OK, headers=headers, media_type="text/csv; charset=utf-8")


async def abort(visit: Visit) -> Response:
    """Ask a run to stop, wherever it runs."""
    run = await known_run(visit, visit.names["run"])
    await order_abort(visit.desk, run)
    return await _back(visit, run)


async def resume(visit: Visit) -> Response:
    """Go on with a run that was stopped, aborted or left."""
    run = await known_run(visit, visit.names["run"])
    await order_resume(visit.desk, run)
    return await _back(visit, run)


async def start_plan(visit: Visit) -> Response:
    """Carry out exactly what a dry run planned: what was seen, by its seal."""
    run = await known_run(visit, visit.names["run"])
    started = await order_plan(visit.engine, run.id, (await visit.form()).get("seal", ""))
    return await _back(visit, started)


async def people_of(visit: Visit, runs: Iterable[Run]) -> Mapping[str, str]:
    """Return what to call whoever started or approved runs, by actor."""
    actors = {actor for run in runs for actor in (run.started_by, run.approved_by) if actor}
    ids = {actor.removeprefix("user:") for actor in actors if actor.startswith("user:")}
    names = await names_in_org(visit, "User", ids)
    return {actor: _called(visit, actor, names) for actor in actors}


async def names_in_org(visit: Visit, object_name: str, ids: Collection[str]) -> Mapping[str, str]:
    """Return the names of records, for showing only; without those that the org does not tell in time."""
    if not ids:
        return {}
    try:
        async with asyncio.timeout(_PATIENCE), visit.orgs.asked(visit.connection.id) as org:
            return await org.names(object_name, ids)
    except (HintsyncError, TimeoutError):
        return {}


def _called(visit: Visit, actor: str, names: Mapping[str, str]) -> str:
    if actor == visit.actor:
        return "you"
    if actor == "hintsync":
        return "hintsync"
    if not actor.startswith("user:"):
        return f"the {actor}"
    user_id = actor.removeprefix("user:")
    return names.get(user_id) or f"user {user_id}"


async def _back(visit: Visit, run: Run) -> Response:
    if (await visit.form()).get("back") == "batches":
        return see(visit, "/batches")
    return see(visit, f"/runs/{run.id}")


async def _page_of_rows(visit: Visit, run: Run, outcome: str, reason: str, after: int) -> list[RunRow]:
    """Return the rows of a page, and the first of the next."""
    rows = visit.service.store.rows(
        run.id, outcomes=[Outcome(outcome)] if outcome else (), reason=reason or None, after=after, limit=PAGE + 1
    )
    return [row async for row in rows]


def _outcome(visit: Visit) -> str:
    text = visit.query.get("outcome", "")
    if text and text not in set(Outcome):
        raise BadInput("there is no such outcome")
    return text


def _whole(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else otherwise


async def _contact_names(visit: Visit, lines: Iterable[ResultLine]) -> Mapping[str, str]:
    return await names_in_org(visit, "Contact", {each for line in lines for each in line.contacts})


def _patient_address(visit: Visit) -> Callable[[str], str]:
    """Return what gives the address of a patient in Hint."""
    start = Options.from_json(visit.connection.settings).patient_url
    return partial(patient_address, start, visit.service.settings.hint_url)


async def _origin(visit: Visit) -> str:
    try:
        return await visit.org_origin()
    except HintsyncError:
        return ""


async def _report(visit: Visit, run: Run) -> str:
    """Return the id of the report of batch results; empty for what stamps no contacts, and where the org has none."""
    if run.kind not in BATCHES or run.dry:
        return ""
    installed = visit.connection.facts.get(PAGES_FACT)
    if isinstance(installed, dict) and isinstance(known := installed.get("report_id"), str) and known:
        return known
    try:  # installed otherwise, such as by the Salesforce CLI
        async with asyncio.timeout(_PATIENCE), visit.orgs.asked(visit.connection.id) as org:
            return await org.report_id(REPORT) or ""
    except (HintsyncError, TimeoutError):
        return ""


def _budgets(visit: Visit) -> Mapping[Side, DayBudget | None]:
    if not visit.is_open:
        return {}
    return {side: replica.budget for side, replica in visit.engine.replicas.items()}


async def _csv(rows: AsyncIterator[RunRow]) -> AsyncIterator[bytes]:
    yield b"\xef\xbb\xbf"  # tells spreadsheets that it is UTF-8
    async for piece in results_in_pieces(rows):
        yield piece.encode()


PLACES: tuple[Place, ...] = (
    Place("/runs", show_runs, Role.ADMINISTRATOR, nav="Runs"),
    Place("/runs/{run}", show_run, Role.ADMINISTRATOR),
    Place("/runs/{run}/progress", stream_run, Role.ADMINISTRATOR),
    Place("/runs/{run}/results.csv", download, Role.ADMINISTRATOR),
    Place("/runs/{run}/abort", abort, Role.ADMINISTRATOR, method="POST"),
    Place("/runs/{run}/resume", resume, Role.ADMINISTRATOR, method="POST"),
    Place("/runs/{run}/start", start_plan, Role.ADMINISTRATOR, method="POST"),
)
