"""`hintsync uninstall`: out of the org and the practice again, and every key of the connection destroyed."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from hintsync.core.errors import AskPerson, BadInput
from hintsync.setup.uninstallation import Leave, Uninstalled
from hintsync.setup.uninstallation import uninstall as leave
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import ACTOR, Asked, Local, with_store

_CONFIRM = (
    "--fields deletes our fields of Contact with what they hold of patients, in the whole org; export them from Salesforce"
    " first if you need it, and say so with --yes-delete-fields"
)


def uninstall(
    export: Annotated[
        Path | None,
        typer.Option("--export", metavar="FILE", help="CSV for the links, as ids; in the state folder without it."),
    ] = None,
    fields: Annotated[
        bool, typer.Option("--fields", help="Delete our fields of Contact too, with what they hold.")
    ] = False,
    yes_delete_fields: Annotated[
        bool, typer.Option("--yes-delete-fields", help="You have exported from Salesforce what you need of the fields.")
    ] = False,
    check_only: Annotated[
        bool, typer.Option("--check-only", help="List what would be done, and change nothing.")
    ] = False,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Take hintsync off contact pages and out of the org, end the integration in Hint, destroy the keys; repeatable."""

    async def work(local: Local) -> Answer:
        if fields and not (yes_delete_fields or check_only):
            raise AskPerson(_CONFIRM)
        if export is not None and not export.parent.is_dir():
            raise BadInput(f"--export: there is no folder {export.parent}")

        def tell(line: str) -> None:
            if not as_json:
                sys.stderr.write(f"{line} …\n")
                sys.stderr.flush()

        wish = Leave(export, fields, check_only)
        return _answer(local, wish, await leave(local.service, local.connection, wish, actor=ACTOR, tell=tell))

    with_store(Asked(state, connection, as_json), work)


def _answer(local: Local, wish: Leave, done: Uninstalled) -> Answer:
    data = {
        "connection": local.connection.name,
        "check_only": wish.check_only,
        "links": done.links,
        "export": str(done.export) if done.export else None,
        "salesforce": asdict(done.org),
        "hint": asdict(done.hint),
        "secrets_destroyed": done.secrets,
        "left": list(done.left),
        "by_hand": list(done.by_hand),
    }
    return Answer(data, (Text("\n".join(_lines(wish, done))),))


def _lines(wish: Leave, done: Uninstalled) -> list[str]:
    would = "would be " if wish.check_only else ""
    lines = [f"{name}: section and buttons {would}taken off" for name in done.org.pages]
    lines += [f"{kind} {name}: {would}deleted" for kind, name in done.org.components]
    if done.org.withdrawn:
        lines.append(f"{done.org.withdrawn} permission sets taken from people")
    if done.hint.addresses:
        lines.append(f"Hint: {done.hint.addresses} webhook addresses {would}removed")
    if done.hint.deactivated:
        lines.append(f"Hint: the integration {would}deactivated")
    if done.export:
        lines.append(f"{done.links} links written to {done.export}")
    lines.append("nothing was changed" if wish.check_only else f"{done.secrets} secrets of the connection destroyed")
    lines += ["", "What stays:", *(f"- {each}" for each in done.left)]
    return [*lines, "", "To do by hand:", *(f"- {each}" for each in done.by_hand)]
