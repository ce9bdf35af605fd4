"""`hintsync resume`: go on with a run that was aborted, stopped or killed."""

from __future__ import annotations

from hintsync.core.errors import BadInput
from hintsync.engine.batch_contacts import batch_contacts
from hintsync.engine.batch_patients import batch_patients
from hintsync.engine.catch_up import resume_catch_up
from hintsync.engine.context import Engine
from hintsync.engine.parity import check_parity
from hintsync.engine.sync_all import sync_all
from hintsync.state.port import Run, RunKind
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, ConnectionName, RunId, StateFolder
from hintsync.surfaces.cli.perform import Asked, with_engine
from hintsync.surfaces.cli.progress import OnProgress, watched
from hintsync.surfaces.cli.run_views import adopt_creation, ended_run


def resume(
    run_id: RunId, state: StateFolder = None, connection: ConnectionName = None, as_json: AsJson = False
) -> None:
    """Go on with a run; what it has done already is not done again."""

    async def work(engine: Engine) -> Answer:
        found = await engine.store.run(run_id)
        if found is None or found.connection_id != engine.connection.id:
            raise BadInput(f"no run {run_id}; `hintsync runs` lists them")

        async def go_on(on_progress: OnProgress) -> Run:
            return await _resumed(engine, found, on_progress)

        return await ended_run(engine.store, await watched(engine, go_on, as_json=as_json))

    with_engine(Asked(state, connection, as_json), work)


async def _resumed(engine: Engine, run: Run, on_progress: OnProgress) -> Run:
    if run.kind is RunKind.BATCH_PATIENTS:
        adopt_creation(engine, run)
        return await batch_patients(engine, dry=run.dry, resume=run.id, on_progress=on_progress)
    if run.kind is RunKind.BATCH_CONTACTS:
        return await batch_contacts(engine, dry=run.dry, resume=run.id, on_progress=on_progress)
    if run.kind is RunKind.SYNC:
        return await sync_all(engine, dry=run.dry, resume=run.id, on_progress=on_progress)
    if run.kind is RunKind.CATCH_UP:
        return await resume_catch_up(engine, run.id, on_progress=on_progress)
    if run.kind is RunKind.PARITY:
        return await check_parity(engine, resume=run.id, on_progress=on_progress)
    raise BadInput(f"run {run.id} is of the kind {run.kind}, which is not resumed")
