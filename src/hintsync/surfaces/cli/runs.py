"""`hintsync runs`: the latest runs of a connection."""

from __future__ import annotations

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
            kind = f"{run.kind}{', dry' if run.dry else ''}"
            made.add_row(run.id, kind, run.status, f"{run.done:,}", run.started_at, run.reason or "")
        return Answer({"runs": [run_data(run) for run in found]}, (made,))

    with_store(Asked(state, connection, as_json), work)
