"""`hintsync upgrade`: bring the database to this version before its processes start, or see what that would do."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text
from sqlalchemy.engine import make_url

from hintsync.settings import load_settings
from hintsync.state.open import Schema, examine
from hintsync.state.open import upgrade as upgrade_store
from hintsync.surfaces.cli.answer import Answer, Exit
from hintsync.surfaces.cli.options import AsJson, StateFolder
from hintsync.surfaces.cli.perform import Asked, perform


def upgrade(
    check: Annotated[bool, typer.Option("--check", help="Only say what would be done.")] = False,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Bring the database to this version; processes do so at their start too. Those of the version before may run meanwhile."""

    async def work() -> Answer:
        url = load_settings(state=state).database()
        stood = await (examine(url) if check else _upgraded(url))
        return _answer(stood, make_url(url).render_as_string(hide_password=True), check=check)

    perform(Asked(state, None, as_json), work)


async def _upgraded(url: str) -> Schema:
    """Make or change every table that processes need, those that wake workers included."""
    stood = await upgrade_store(url)
    if url.startswith("postgres"):
        from hintsync.dispatchers.procrastinate import open_dispatcher  # other commands need not wait for it

        await (await open_dispatcher(url, listens=False)).aclose()
    return stood


def _answer(stood: Schema, where: str, *, check: bool) -> Answer:
    data = {"database": where, "schema": stood.revision, "missing": list(stood.missing), "ending": list(stood.ending)}
    lines = [f"{where}: schema {stood.revision or 'none yet'}", _told(stood, check=check)]
    if stood.ending:
        lines.append(f"stop the running processes of hintsync {', '.join(stood.ending)} first: they could not go on")
    return Answer(data, (Text("\n".join(lines)),), Exit.PERSON if stood.ending else Exit.DONE)


def _told(stood: Schema, *, check: bool) -> str:
    if not stood.missing:
        return "nothing to do"
    return f"{'lacks' if check else 'upgraded by'} {', '.join(stood.missing)}"
