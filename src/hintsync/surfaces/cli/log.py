"""`hintsync log`: the log that people read (M18)."""

from __future__ import annotations

from typing import Annotated

import typer

from hintsync.state.port import LogEntry, LogLevel
from hintsync.surfaces.cli.answer import Answer, table
from hintsync.surfaces.cli.options import AsJson, ConnectionName, Limit, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_store


def log(
    level: Annotated[
        list[LogLevel] | None, typer.Option("--level", help="Only entries of this level; may be repeated.")
    ] = None,
    run_id: Annotated[str | None, typer.Option("--run", metavar="RUN_ID", help="Only entries of this run.")] = None,
    limit: Limit = 100,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Show the latest log entries, newest first; they hold ids and field names, never a value."""

    async def work(local: Local) -> Answer:
        store = local.service.store
        found = await store.log(local.connection.id, levels=level or (), run_id=run_id, limit=limit)
        made = table("at", "level", "event", "message", "contact", "patient", "fields")
        for each in found:
            ids = (each.contact_id or "", each.patient_id or "")
            made.add_row(each.at, each.level, each.event, each.message, *ids, ", ".join(each.fields))
        return Answer({"entries": [_data(each) for each in found]}, (made,))

    with_store(Asked(state, connection, as_json), work)


def _data(entry: LogEntry) -> dict[str, object]:
    return {
        "id": entry.id,
        "at": entry.at,
        "level": entry.level,
        "event": entry.event,
        "message": entry.message,
        "contact_id": entry.contact_id,
        "patient_id": entry.patient_id,
        "run_id": entry.run_id,
        "fields": list(entry.fields),
    }
