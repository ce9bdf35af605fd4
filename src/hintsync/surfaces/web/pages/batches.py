"""Both batches: dry run, start, progress, abort."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.responses import Response

from hintsync.core.errors import BadInput
from hintsync.engine.batch.contact_list import drop_draft, keep_draft, load_draft
from hintsync.engine.batch.csv_check import MOST_BYTES, MOST_ROWS, check_csv
from hintsync.engine.guards.stops import stops_in_force
from hintsync.engine.options import Options
from hintsync.engine.runs.ordering import BatchOrder, order_batch, under_way
from hintsync.state.port import Run, RunKind
from hintsync.surfaces.web.access.roles import Role
from hintsync.surfaces.web.pages.place import Place, Refused, Visit
from hintsync.surfaces.web.pages.render import page, part, see
from hintsync.surfaces.web.pages.run_stream import view_now
from hintsync.surfaces.web.pages.runs import people_of
from hintsync.surfaces.web.run_counts import by_outcome, counts_of
from hintsync.surfaces.web.views.run_views import OutcomeLine, RunView, outcome_lines


@dataclass(frozen=True, slots=True)
class _Latest:
    """The batch of a kind that is under way, or else the last one."""

    run: RunView | None
    outcomes: list[OutcomeLine]

    @property
    def is_under_way(self) -> bool:
        return self.run is not None and self.run.is_under_way


async def show(visit: Visit) -> Response:
    """Show both batches, each with what is under way or came last."""
    runs = {kind: await _latest_run(visit, kind) for kind in (RunKind.BATCH_PATIENTS, RunKind.BATCH_CONTACTS)}
    patients, contacts = [await _latest(visit, run) for run in runs.values()]
    return page(
        visit,
        "batches.html",
        title="Batches",
        patients=patients,
        contacts=contacts,
        people=await people_of(visit, [run for run in runs.values() if run]),
        creates=Options.from_json(visit.connection.settings).create_contacts,
        stop=(await stops_in_force(visit.desk)).of_work,
        most_megabytes=MOST_BYTES // (1024 * 1024),
        most_rows=MOST_ROWS,
        time_left="",
        back="batches",
    )


async def start_patients(visit: Visit) -> Response:
    """Start the batch of patients to contacts, or its dry run."""
    form = await visit.form()
    order = BatchOrder(
        RunKind.BATCH_PATIENTS, dry=_is_dry(form.get("dry")), create_contacts=form.get("create_contacts") == "yes"
    )
    await order_batch(visit.engine, order)
    return see(visit, "/batches")


async def check_file(visit: Visit) -> Response:
    """Look at a report export, in memory only; what may be used is kept as ids and line numbers until it is started."""
    try:
        content = await visit.body(MOST_BYTES)
        checked = await asyncio.to_thread(check_csv, content)
    except Refused as refused:
        if refused.code != "too-large":
            raise
        problem = (
            f"The file is larger than {MOST_BYTES // (1024 * 1024)} MB. Export the report with the Salesforce ID only."
        )
        return part(visit, "_csv_refused.html", problem=problem)
    except BadInput as error:
        return part(visit, "_csv_refused.html", problem=_sentence(str(error)))
    draft = await keep_draft(visit.desk, checked.listed) if checked.usable else ""
    return part(visit, "_csv_check.html", checked=checked, draft=draft, left_out=_left_out(checked.wrong_count))


async def start_contacts(visit: Visit) -> Response:
    """Start the batch of contacts to patients over the checked file, or its dry run."""
    form = await visit.form()
    listed = await load_draft(visit.desk, form.get("draft", ""))
    if any(row.problem for row in listed.rows) and form.get("accept") != "yes":
        raise BadInput("rows of the file name no contact; say that the others are to be taken, or correct the file")
    await order_batch(visit.engine, BatchOrder(RunKind.BATCH_CONTACTS, dry=_is_dry(form.get("dry")), listed=listed))
    await drop_draft(visit.desk)
    return see(visit, "/batches")


async def _latest_run(visit: Visit, kind: RunKind) -> Run | None:
    current = await under_way(visit.desk, kind)
    if current is not None:
        return current
    return next(iter(await visit.service.store.runs(visit.connection.id, kinds=[kind], limit=1)), None)


async def _latest(visit: Visit, run: Run | None) -> _Latest:
    if run is None:
        return _Latest(None, [])
    return _Latest(view_now(visit, run), outcome_lines(by_outcome(await counts_of(visit.service.store, run))))


def _is_dry(text: str | None) -> bool:
    if text not in ("yes", "no"):
        raise BadInput("say whether it is to be a dry run")
    return text == "yes"


def _left_out(rows: int) -> str:
    return "" if not rows else "the other row" if rows == 1 else f"the other {rows:,} rows"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."


PLACES: tuple[Place, ...] = (
    Place("/batches", show, Role.ADMINISTRATOR, nav="Batches"),
    Place("/batches/patients", start_patients, Role.ADMINISTRATOR, method="POST"),
    Place("/batches/contacts/check", check_file, Role.ADMINISTRATOR, method="POST"),
    Place("/batches/contacts", start_contacts, Role.ADMINISTRATOR, method="POST"),
)
