"""`hintsync restore`: what a backup holds becomes what is remembered, and says that it is old."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hintsync.backup.key import load_backup_key
from hintsync.backup.restoring import Restored, restore_backup
from hintsync.bootstrap import load_master_keys
from hintsync.clock import SystemClock
from hintsync.settings import load_settings
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, StateFolder
from hintsync.surfaces.cli.perform import ACTOR, Asked, perform


def restore(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="The backup.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="Set the store aside that is there; it is not deleted.")
    ] = False,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put a backup back, into SQLite or PostgreSQL, whichever it came from; stop the service first."""

    async def work() -> Answer:
        settings = load_settings(state=state)
        key, master = load_backup_key(settings), load_master_keys(settings)
        now = SystemClock().now()
        restored = await restore_backup(source, key, settings.database(), master, replace=replace, actor=ACTOR, now=now)
        return _answer(restored)

    perform(Asked(state, None, as_json), work)


def _answer(restored: Restored) -> Answer:
    header = restored.contents.header
    data = {"from": header.at, "connections": list(header.connections), "aside": restored.aside}
    lines = [f"everything is as it was at {header.at}; connections: {', '.join(header.connections) or 'none'}"]
    if restored.aside:
        lines.append(f"what was there before lies in {restored.aside}")
    lines += [
        "links wait until their records were asked whether they still are: start the service, it does that first",
        "what has changed since is read again; where the two records of a pair differ, a person decides",
    ]
    return Answer(data, (Text("\n".join(lines)),))
