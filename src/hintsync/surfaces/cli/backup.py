"""`hintsync backup`: an encrypted copy of everything that is remembered, while the service goes on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hintsync.backup.file import Contents, check_backup
from hintsync.backup.key import key_file, load_backup_key
from hintsync.backup.next_key import next_backup_key
from hintsync.backup.taking import Backup, take_backup
from hintsync.bootstrap import Service
from hintsync.settings import Settings, load_settings
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, StateFolder
from hintsync.surfaces.cli.perform import Asked, perform, with_service


def backup(
    to: Annotated[Path, typer.Argument(metavar="TO", help="Folder, or file that does not exist yet.")],
    keep: Annotated[
        int,
        typer.Option("--keep", metavar="N", min=0, help="Leave this many backups in the folder, the newest; 0: all."),
    ] = 0,
    check: Annotated[
        bool, typer.Option("--check", help="Read a backup to its end instead, and say what it holds.")
    ] = False,
    new_key: Annotated[
        bool,
        typer.Option(
            "--new-key", help="Accept another backup key than that of the last backup; make one if none is there."
        ),
    ] = False,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Copy everything that is remembered into one encrypted file, and read it back; the service goes on meanwhile."""
    asked = Asked(state, None, as_json)

    async def checked() -> Answer:
        contents = check_backup(to, load_backup_key(load_settings(state=state)))
        return Answer(_data(to, contents), (Text(f"{to}: whole; {_told(contents)}"),))

    async def work(service: Service) -> Answer:
        key = await next_backup_key(service.settings, service.store, new=new_key)
        return _answer(await take_backup(service.store, key, to, now=service.clock.now(), keep=keep), service.settings)

    if check:
        perform(asked, checked)
    with_service(asked, work)


def _answer(taken: Backup, settings: Settings) -> Answer:
    files = {"pruned": [path.name for path in taken.pruned], "left": [path.name for path in taken.left]}
    data = {**_data(taken.path, taken.contents), **files}
    lines = [f"{taken.path}: {_told(taken.contents)}", *(f"{path.name}: deleted, older" for path in taken.pruned)]
    return Answer(data, (Text("\n".join(lines)),), remarks=_remarks(taken, settings))


def _remarks(taken: Backup, settings: Settings) -> tuple[str, ...]:
    left = tuple(f"{path}: older, and cannot be deleted; look who owns the file and the folder" for path in taken.left)
    if settings.backup_key.get_secret_value():
        return left
    return (
        *left,
        f"keep a copy of {key_file(settings)} on another machine: the backup opens with it, and with nothing else",
    )


def _data(path: Path, contents: Contents) -> dict[str, object]:
    return {"file": str(path), "bytes": contents.bytes, "rows": dict(contents.counts), **asdict(contents.header)}


def _told(contents: Contents) -> str:
    rows, header = sum(contents.counts.values()), contents.header
    connections = ", ".join(header.connections) or "none"
    return f"{rows:,} rows of {header.at} in {contents.bytes:,} bytes, read back; connections: {connections}"
