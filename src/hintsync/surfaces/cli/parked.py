"""`hintsync parked`: records that failed too often and wait for a person; worked again when told so."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from hintsync.engine.detect.notices import plain_cause
from hintsync.state.live import Dirty
from hintsync.surfaces.cli.answer import Answer, Exit, table
from hintsync.surfaces.cli.options import AsJson, ConnectionName, Limit, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_store
from hintsync.surfaces.cli.record_ids import side_and_id

#: Parked records among which named ones are looked for.
_ALL = 1_000_000


def parked(
    records: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="Only these contacts and patients.")
    ] = None,
    replay: Annotated[bool, typer.Option("--replay", help="Let the workers try them again, at once.")] = False,
    limit: Limit = 100,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """List records that failed again and again, with the reason; a further change of a record replays it by itself."""

    async def work(local: Local) -> Answer:
        store, connection_id = local.service.store, local.connection.id
        named = {side_and_id(each) for each in records or ()}
        found = await store.dirty(connection_id, parked=True, limit=_ALL if named else limit)
        wanted = [dirty for dirty in found if not named or (dirty.side, dirty.record_id) in named]
        replayed = 0
        if replay and wanted:
            keys = {(dirty.side, dirty.record_id) for dirty in wanted}
            replayed = await store.replay(connection_id, local.service.clock.now().timestamp(), keys)
        return _answer(wanted, replayed, replay=replay)

    with_store(Asked(state, connection, as_json), work)


def _answer(found: list[Dirty], replayed: int, *, replay: bool) -> Answer:
    data = {"parked": [_data(dirty) for dirty in found], "replayed": replayed}
    if not found:
        return Answer(data, (Text("nothing is parked"),))
    made = table("side", "record", "attempts>", "why")
    for dirty in found:
        made.add_row(str(dirty.side), dirty.record_id, str(dirty.attempts), dirty.parked or "")
    told = f"{replayed} will be worked again" if replay else "hintsync parked --replay has them worked again"
    return Answer(data, (made, Text(told)), Exit.DONE if replay else Exit.PERSON)


def _data(dirty: Dirty) -> dict[str, object]:
    return {
        "side": str(dirty.side),
        "record_id": dirty.record_id,
        "attempts": dirty.attempts,
        "cause": plain_cause(dirty.cause),
        "reason": dirty.parked,
    }
