"""`hintsync approve`: let a plan be carried out, kept by a guard (G3) or made by a dry run."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import typer
from rich.text import Text

from hintsync.core.errors import BadInput
from hintsync.engine.batch.contact_list import load_input
from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.guards.approvals import approve as approve_plan
from hintsync.engine.runs.resuming import adopt_creation
from hintsync.state.port import Run, RunKind, RunStatus
from hintsync.surfaces.cli.answer import Answer, Exit
from hintsync.surfaces.cli.options import AsJson, ConnectionName, RunId, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_engine, with_store
from hintsync.surfaces.cli.progress import OnProgress, watched
from hintsync.surfaces.cli.run import known_run
from hintsync.surfaces.cli.run_views import ended_run, run_data
from hintsync.surfaces.cli.stop_views import desk_of

_BATCHES = {RunKind.BATCH_PATIENTS: "hintsync batch patients", RunKind.BATCH_CONTACTS: "hintsync batch contacts FILE"}


def approve(
    run_id: RunId,
    seal: Annotated[
        str | None,
        typer.Option("--seal", metavar="SEAL", help="Approve only what was seen: refuse a plan that grew since."),
    ] = None,
    run: Annotated[bool, typer.Option("--run", help="A batch's dry run: carry it out now.")] = False,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Approve a plan: what guard G3 held back is done by the workers, a batch's dry run is carried out with --run."""
    asked = Asked(state, connection, as_json)

    async def kept(local: Local) -> Answer:
        found = await known_run(local, run_id)
        if found.kind is not RunKind.HELD:
            return _how_to_run(found)
        return await _approve_kept(local, found, seal)

    async def carry_out(engine: Engine) -> Answer:
        found = await engine.store.run(run_id)
        if found is None or found.connection_id != engine.connection.id:
            raise BadInput(f"no run {run_id}; `hintsync runs` lists them")
        _check_dry(found)

        async def batch(on_progress: OnProgress) -> Run:
            return await _carried_out(engine, found, on_progress)

        return await ended_run(engine.store, await watched(engine, batch, as_json=as_json))

    if run:
        with_engine(asked, carry_out)
    else:
        with_store(asked, kept)


async def _approve_kept(local: Local, found: Run, seal: str | None) -> Answer:
    marked = await approve_plan(desk_of(local), found.id, seal=seal)
    now = await known_run(local, found.id)
    told = f"plan {found.id} is approved; the workers do what it still fits, {marked:,} records are due now"
    return Answer({"run": run_data(now), "marked": marked}, (Text(told),))


def _how_to_run(found: Run) -> Answer:
    """Name the command that carries a dry run out; nothing is approved yet."""
    _check_dry(found)
    told = f"nothing is done yet; carry this plan out with: hintsync approve {found.id} --run"
    data = {"run": run_data(found), "marked": 0}
    return Answer(data, (Text(f"{told}\nor: {_BATCHES[found.kind]} --plan {found.id}"),), Exit.PERSON)


def _check_dry(found: Run) -> None:
    if found.kind not in _BATCHES or not found.dry or found.status is not RunStatus.DONE:
        raise BadInput(f"{found.id} is neither a plan that a guard kept nor a batch's finished dry run")


async def _carried_out(engine: Engine, found: Run, on_progress: OnProgress) -> Run:
    await engine.store.save_run(replace(found, approved_by=engine.actor))
    if found.kind is RunKind.BATCH_PATIENTS:
        adopt_creation(engine, found)
        return await batch_patients(engine, approved=found.id, on_progress=on_progress)
    listed = await load_input(engine, found.id)
    return await batch_contacts(engine, listed, approved=found.id, on_progress=on_progress)
