"""`hintsync runs`: the latest runs of a connection."""

from __future__ import annotations

from hintsync.state.port import Run, RunKind, RunStatus
from hintsync.surfaces.cli.answer import Answer, table
from hintsync.surfaces.cli.options import AsJson, ConnectionName, Limit, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_store
from hintsync.surfaces.cli.run_views import run_data


def runs(
    limit: Limit = 20, state: StateFolder = None, connection: ConnectionName = None, as_json: AsJson = False
) -> None:
    """List the latest runs, newest first."""

    async def work(local: Local) -> Answer:
        found = await local.service.store.runs(local.connection.id, limit=limit)
        made = table("run", "kind", "status", "records>", "started", "reason")
        for run in found:
            made.add_row(run.id, *_words(run), f"{run.done:,}", run.started_at, run.reason or "")
        return Answer({"runs": [run_data(run) for run in found]}, (made,))

    with_store(Asked(state, connection, as_json), work)


def _words(run: Run) -> tuple[str, str]:
    """Say what a run is and where it stands; a plan that a guard keeps is nothing that runs."""
    if run.kind is RunKind.HELD:
        return "kept by G3", "waits to be approved" if run.status is RunStatus.RUNNING else str(run.status)
    return f"{run.kind}{', dry' if run.dry else ''}", str(run.status)
