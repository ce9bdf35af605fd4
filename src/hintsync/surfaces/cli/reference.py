"""Writes the page on the command line from the commands themselves.

python -m hintsync.surfaces.cli.reference > docs/reference/cli.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from enum import Enum
from typing import get_args

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

from hintsync.surfaces.cli.main import app

_HEAD = """# The command line

Generated from the commands; `python -m hintsync.surfaces.cli.reference > docs/reference/cli.md` writes it anew.

`--json` prints one JSON object in one line on standard output, with keys that stay; everything that is said besides goes
to standard error. An error prints `{"error": {"code": …, "message": …}}`.

| exit code | meaning |
|---|---|
| 0 | done |
| 1 | not done, may be run again as it was: interrupted, aborted, or something passing stood in the way |
| 2 | the command line, the input or the configuration is wrong; nothing was done |
| 3 | a person must decide or confirm something first: a safety stop, a confirmation, a field of this pair that is held |

A batch that is done ends with 0 even when it left records for review; it says how many. Ctrl-C asks a run to stop after
the chunk in hand; `hintsync resume` goes on with it.
"""


def render() -> str:
    """Return the page."""
    command = typer.main.get_command(app)
    assert isinstance(command, TyperGroup)  # several commands
    return _HEAD + "".join(_sections(command, "hintsync"))


def _sections(group: TyperGroup, path: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if isinstance(command, TyperGroup):
            yield from _sections(command, f"{path} {name}")
        elif isinstance(command, TyperCommand):
            yield from _section(command, f"{path} {name}")


def _section(command: TyperCommand, path: str) -> Iterator[str]:
    yield f"\n## `{path}`\n\n{_folded(command.help)}\n\n| | |\n|---|---|\n"
    for parameter in command.params:
        if isinstance(parameter, TyperArgument | TyperOption):
            yield f"| `{_usage(parameter)}` | {_folded(parameter.help)} |\n"


def _usage(parameter: TyperArgument | TyperOption) -> str:
    if isinstance(parameter, TyperArgument):
        return parameter.metavar or str(parameter.name).upper()
    names = "/".join([*parameter.opts, *parameter.secondary_opts])
    return names if parameter.is_flag else f"{names} {parameter.metavar or _choices(parameter)}"


def _choices(option: TyperOption) -> str:
    kind = option.type_descriptor.annotation
    kind = next(iter(get_args(kind)), kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "\\|".join(str(each.value) for each in kind)
    return {int: "NUMBER"}.get(kind, "TEXT")


def _folded(text: str | None) -> str:
    return " ".join((text or "").split()).replace("|", "\\|")


if __name__ == "__main__":
    sys.stdout.write(render())
