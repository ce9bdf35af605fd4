"""`hintsync abort`: ask a run to stop."""

from __future__ import annotations

from rich.text import Text

from hintsync.core.errors import BadInput
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, ConnectionName, RunId, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_store
from hintsync.surfaces.cli.run import known_run
from hintsync.surfaces.cli.run_views import run_data


def abort(run_id: RunId, state: StateFolder = None, connection: ConnectionName = None, as_json: AsJson = False) -> None:
    """Ask a run to stop after the chunk in hand; it may be resumed."""

    async def work(local: Local) -> Answer:
        found = await known_run(local, run_id)
        if not await local.service.store.ask_abort(run_id):
            raise BadInput(f"run {run_id} is {found.status}: nothing to abort")
        now = await known_run(local, run_id)
        return Answer({"run": run_data(now)}, (Text(f"run {run_id} will stop after the chunk in hand"),))

    with_store(Asked(state, connection, as_json), work)
