"""`hintsync settings`: what an administrator may choose for a connection; shown, or one of them changed."""

from __future__ import annotations

from typing import Annotated

import orjson
import typer
from rich.text import Text

from hintsync.core.errors import AskPerson, BadInput
from hintsync.engine.choosing import choices_of, choose
from hintsync.engine.options import Options
from hintsync.state.port import Json
from hintsync.surfaces.cli.answer import Answer, table
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import Asked, Local, with_store
from hintsync.surfaces.cli.stop_views import desk_of


def settings(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Setting, such as guard_share.")] = None,
    value: Annotated[
        str | None, typer.Argument(metavar="[VALUE]", help="What it is to be: a number, a text, true, or JSON.")
    ] = None,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Show the settings of a connection, or change one; workers take a change within seconds."""

    async def work(local: Local) -> Answer:
        known = Options.from_json(local.connection.settings).to_json()
        if name is None:
            return _shown(known)
        if name not in known:
            raise BadInput(f"no such setting: {name}; there are {', '.join(known)}")
        if value is None:
            return _shown({name: known[name]})
        changed = Options.from_json({**known, name: _read(known[name], value)}).to_json()
        was, wanted = (choices_of(Options.from_json(each)) for each in (known, changed))
        if (await choose(desk_of(local), was, wanted)).overtaken:
            raise AskPerson(f"{name} was changed by somebody else just now; look again")
        told = f"{name}: {_word(known[name])} became {_word(changed[name])}"
        return Answer({"settings": changed, "changed": name}, (Text(told),))

    with_store(Asked(state, connection, as_json), work)


def _read(before: Json, typed: str) -> Json:
    """Read what was typed, as JSON if it is any; what stands there as a text stays a text.

    Raises:
        BadInput: it is of another kind than what it replaces.
    """
    if isinstance(before, str):
        return typed
    try:
        value: Json = orjson.loads(typed)
    except orjson.JSONDecodeError:
        value = typed
    if before is None or isinstance(value, type(before)) or _both_numbers(before, value):
        return value
    kinds = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        dict: "JSON in braces",
        list: "JSON in brackets",
    }
    raise BadInput(f"expected {kinds.get(type(before), 'a text')}")


def _both_numbers(before: Json, value: Json) -> bool:
    return isinstance(before, float) and isinstance(value, int) and not isinstance(value, bool)


def _shown(values: dict[str, Json]) -> Answer:
    made = table("setting", "value")
    for name, value in values.items():
        made.add_row(name, _word(value))
    return Answer({"settings": values}, (made,))


def _word(value: Json) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
