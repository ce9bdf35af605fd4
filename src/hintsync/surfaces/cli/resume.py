"""`hintsync resume`: go on with a run that was aborted, stopped or killed, or after a pause or a guard's stop."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from hintsync.core.errors import BadInput
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.guards.approvals import acknowledge
from hintsync.engine.guards.stops import acknowledge_identity, stops_in_force
from hintsync.engine.guards.stops import repin as pin_anew
from hintsync.engine.guards.stops import resume as end_pause
from hintsync.engine.runs.resuming import resume_run
from hintsync.state.port import Run
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_engine, with_store
from hintsync.surfaces.cli.progress import OnProgress, watched
from hintsync.surfaces.cli.run_views import ended_run
from hintsync.surfaces.cli.stop_views import desk_of, stop_data, stop_lines

_GUARDS = ("G1", "G3")


def resume(
    run_id: Annotated[
        str | None,
        typer.Argument(metavar="RUN_ID", help="Id of the run to go on with; without it, a pause ends."),
    ] = None,
    guard: Annotated[
        str | None,
        typer.Option("--guard", metavar="GUARD", help="End the stop of this guard (G1 or G3) instead of a pause."),
    ] = None,
    side: Annotated[Side | None, typer.Option("--side", help="Guard G3: only the stop of this side's changes.")] = None,
    repin: Annotated[
        bool, typer.Option("--repin", help="Guard G1: pin the org and the practice that answer now.")
    ] = False,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Go on: with a run, without doing again what is done; or after a pause or a guard's stop."""
    _check_usage(run_id, guard, side, repin=repin)
    asked = Asked(state, connection, as_json)
    if run_id is not None:
        _resume_run(run_id, asked)
    elif guard == "G1":
        _look_at_identity(asked, repin=repin)
    else:
        _end_stop(asked, guard, side)


def _check_usage(run_id: str | None, guard: str | None, side: Side | None, *, repin: bool) -> None:
    if run_id is not None and guard is not None:
        raise typer.BadParameter("a run is resumed without --guard")
    if guard is not None and guard not in _GUARDS:
        raise typer.BadParameter(f"--guard takes one of {', '.join(_GUARDS)}")
    if side is not None and guard != "G3":
        raise typer.BadParameter("--side belongs to --guard G3")
    if repin and guard != "G1":
        raise typer.BadParameter("--repin belongs to --guard G1")


def _resume_run(run_id: str, asked: Asked) -> None:
    async def work(engine: Engine) -> Answer:
        found = await engine.store.run(run_id)
        if found is None or found.connection_id != engine.connection.id:
            raise BadInput(f"no run {run_id}; `hintsync runs` lists them")

        async def go_on(on_progress: OnProgress) -> Run:
            return await resume_run(engine, found, on_progress)

        return await ended_run(engine.store, await watched(engine, go_on, as_json=asked.as_json))

    with_engine(asked, work)


def _look_at_identity(asked: Asked, *, repin: bool) -> None:
    """End the stop of guard G1: the pinned systems are back, or others are pinned."""

    async def work(engine: Engine) -> Answer:
        if repin:
            pinned = await pin_anew(engine)
            told = f"{pinned.name} is pinned to org {pinned.org_id} and practice {pinned.practice_id}"
            return Answer({"ended": ["G1"], "stops": await _left(engine)}, (Text(told),))
        ended = await acknowledge_identity(engine)
        told = "both systems are the pinned ones; " + ("the stop has ended" if ended else "no stop was in force")
        return Answer({"ended": ["G1"] if ended else [], "stops": await _left(engine)}, (Text(told),))

    with_engine(asked, work)


def _end_stop(asked: Asked, guard: str | None, side: Side | None) -> None:
    async def work(local: Local) -> Answer:
        desk = desk_of(local)
        if guard is None:
            ended = ["pause"] if await end_pause(desk) else []
        else:
            ended = [stop.guard for stop in await acknowledge(desk, guard, side)]
        left = (await stops_in_force(desk)).in_force
        told = f"{local.connection.name} goes on" if ended else f"{local.connection.name} was not paused"
        stops = [stop_data(stop) for stop in left]
        return Answer({"ended": ended, "stops": stops}, (Text("\n".join([told, *stop_lines(stops)])),))

    with_store(asked, work)


async def _left(engine: Engine) -> list[dict[str, object]]:
    return [stop_data(stop) for stop in (await stops_in_force(engine)).in_force]
