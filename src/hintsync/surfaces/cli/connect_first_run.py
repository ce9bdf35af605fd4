"""The first dry run, offered once both systems are connected."""

from __future__ import annotations

import typer

from hintsync.bootstrap import Service, open_engine
from hintsync.engine.batch.patients import batch_patients
from hintsync.state.port import Connection, Run
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.perform import ACTOR
from hintsync.surfaces.cli.progress import OnProgress, watched
from hintsync.surfaces.cli.run_views import ended_run


async def first_run(
    service: Service, connection: Connection, *, wanted: bool | None, asks: bool, as_json: bool
) -> Answer | None:
    """Carry out a dry run of the batch of patients, if it is wanted; None: it is not.

    Args:
        service: The installation.
        connection: With both its systems.
        wanted: What the options say; None: ask, if anybody can be asked.
        asks: Whether somebody can.
        as_json: Show no progress.
    """
    question = "Look at a dry run of everybody now? It writes nothing, and shows what a batch would do"
    if wanted is None:
        wanted = asks and typer.confirm(question, default=False, err=True)
    if not wanted:
        return None
    async with open_engine(service, connection, actor=ACTOR) as engine:

        async def batch(on_progress: OnProgress) -> Run:
            return await batch_patients(engine, dry=True, on_progress=on_progress)

        return await ended_run(engine.store, await watched(engine, batch, as_json=as_json))
