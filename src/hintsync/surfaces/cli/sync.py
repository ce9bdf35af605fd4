"""`hintsync sync`: every linked pair, or one of them now."""

from __future__ import annotations

from typing import Annotated

import typer

from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import sync_by_hand
from hintsync.engine.pairs.considering import preview
from hintsync.state.port import Run
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.hand_views import hand_answer, linked_peer, preview_answer
from hintsync.surfaces.cli.options import AsJson, ConnectionName, DryRun, StateFolder
from hintsync.surfaces.cli.perform import Asked, with_engine
from hintsync.surfaces.cli.progress import OnProgress, watched
from hintsync.surfaces.cli.record_ids import side_and_id
from hintsync.surfaces.cli.run_views import ended_run


def sync(
    record_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="A contact or a patient; all linked pairs without it.")
    ] = None,
    dry_run: DryRun = False,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Bring linked pairs into step now, field by field against what both sides last agreed on."""

    async def everybody(engine: Engine) -> Answer:
        async def work(on_progress: OnProgress) -> Run:
            return await sync_all(engine, dry=dry_run, on_progress=on_progress)

        return await ended_run(engine.store, await watched(engine, work, as_json=as_json))

    async def one(engine: Engine) -> Answer:
        side, full_id = side_and_id(record_id or "")
        if dry_run:
            return preview_answer(engine, await preview(engine, *await linked_peer(engine, side, full_id)))
        return hand_answer(await sync_by_hand(engine, side, full_id))

    with_engine(Asked(state, connection, as_json), one if record_id else everybody)
