"""Goes on with a run of any kind, as it was started."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from hintsync.core.errors import BadInput
from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.detect.catch_up import resume_catch_up
from hintsync.engine.parity.check import check_parity
from hintsync.state.port import Run, RunKind


async def resume_run(engine: Engine, run: Run, on_progress: Callable[[Run], None] | None = None) -> Run:
    """Go on with a run without doing again what is done; return it as it ended.

    The engine takes over the choice that the run was started with, so it should serve this run alone.

    Raises:
        BadInput: the run is done, or of a kind that is not resumed.
        RunHeld: another worker is at it.
    """
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
    if run.kind is RunKind.HELD:
        raise BadInput(f"run {run.id} is a plan that a guard kept; `hintsync approve {run.id}` lets it be done")
    raise BadInput(f"run {run.id} is of the kind {run.kind}, which is not resumed")


def adopt_creation(engine: Engine, run: Run) -> None:
    """Let a run that goes on, or is carried out, create contacts if and only if the earlier one was told to."""
    chosen = run.details.get("create_contacts")
    if isinstance(chosen, bool):
        engine.options = replace(engine.options, create_contacts=chosen)
