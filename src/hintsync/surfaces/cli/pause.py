"""`hintsync pause`: stop all automatic writes of a connection."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from hintsync.engine.guards.stops import pause as put_pause
from hintsync.engine.guards.stops import stops_in_force
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_store
from hintsync.surfaces.cli.stop_views import desk_of, stop_data


def pause(
    reason: Annotated[str, typer.Option("--reason", help="Why; shown to whoever looks, so no patient data.")] = "",
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Stop all automatic writes of all workers within seconds; people may go on, and nothing that waits is lost."""

    async def work(local: Local) -> Answer:
        desk = desk_of(local)
        new = await put_pause(desk, reason)
        stops = (await stops_in_force(desk)).in_force
        told = "paused" if new else "was paused already"
        data = {"paused": new, "stops": [stop_data(stop) for stop in stops]}
        return Answer(data, (Text(f"{local.connection.name} {told}; hintsync resume lets it go on"),))

    with_store(Asked(state, connection, as_json), work)
