"""What a command gives back: JSON for programs, something to look at for people, and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum

import orjson
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from hintsync.core.errors import (
    AskPerson,
    BadInput,
    FixConfiguration,
    HintsyncError,
    NotConnected,
    ReconnectNeeded,
    SafetyStop,
)
from hintsync.redact import safe_text
from hintsync.state.port import LinkTaken, Run, RunHeld, RunStatus, StaleLink

#: What `orjson` prints.
Data = Mapping[str, object]


#: Sorted, so that equal answers are equal bytes; enums stand for their words as keys too.
_JSON = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS

#: Signs in a line of a table that goes into a file or a pipe.
_WIDTH_OF_A_FILE = 160


class Exit(IntEnum):
    """What the exit code of a command means."""

    DONE = 0
    #: It may be run again as it was: interrupted, or something passing stood in the way.
    AGAIN = 1
    #: The command line, the input or the configuration is wrong.
    USAGE = 2
    #: A person must decide or confirm something first.
    PERSON = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a command."""

    data: Data
    shown: Sequence[RenderableType] = ()
    code: Exit = Exit.DONE
    #: Lines for standard error, shown to people only.
    remarks: Sequence[str] = field(default=())
    #: It was printed already.
    given: bool = False


_FOR_A_PERSON = (AskPerson, SafetyStop)
_WRONG = (BadInput, FixConfiguration)
_CODES = {kind.code: Exit.PERSON for kind in _FOR_A_PERSON} | {
    kind.code: Exit.USAGE for kind in (*_WRONG, ReconnectNeeded, NotConnected)
}
_PASSING = {
    RunHeld: "held",
    LinkTaken: "link-taken",
    StaleLink: "link-moved",
}


def exit_of_error(error: BaseException) -> Exit:
    """Return the exit code of an error."""
    if isinstance(error, _FOR_A_PERSON):
        return Exit.PERSON
    return Exit.USAGE if isinstance(error, _WRONG) else Exit.AGAIN


def exit_of_run(run: Run) -> Exit:
    """Return the exit code of a run as it ended; a stopped one has its error's code at the front of its reason."""
    if run.status is RunStatus.DONE:
        return Exit.DONE
    if run.status is RunStatus.STOPPED:
        return exit_of_code((run.reason or "").partition(":")[0])
    return Exit.AGAIN


def exit_of_code(code: object) -> Exit:
    """Return the exit code of an error that is known by its code only."""
    return _CODES.get(str(code), Exit.AGAIN)


def give(answer: Answer, *, as_json: bool) -> None:
    """Print an answer: one JSON object and a line end, or what people look at."""
    if answer.given:
        return
    if as_json:
        sys.stdout.write(orjson.dumps(answer.data, option=_JSON).decode() + "\n")
        return
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH_OF_A_FILE)
    for each in answer.shown:
        console.print(each, soft_wrap=isinstance(each, Text | str))
    for remark in answer.remarks:
        sys.stderr.write(f"{remark}\n")


def give_error(error: BaseException, *, as_json: bool) -> Exit:
    """Say in one line what went wrong, and return the exit code; never with a value or a traceback."""
    code, text = _code_of(error), _one_line(_text_of(error))
    sys.stderr.write(f"hintsync: {text.removeprefix('hintsync: ')}\n")  # trouble of no side names us itself
    if as_json:
        sys.stdout.write(orjson.dumps({"error": {"code": code, "message": text}}).decode() + "\n")
    return exit_of_error(error)


def _code_of(error: BaseException) -> str:
    if isinstance(error, HintsyncError):
        return error.code
    return next((code for kind, code in _PASSING.items() if isinstance(error, kind)), "unforeseen")


def _text_of(error: BaseException) -> str:
    if isinstance(error, RunHeld):
        return "another process is working this run; it is free half a minute after that process ends"
    if isinstance(error, LinkTaken):
        return "one of the records was linked by someone else just now; look again"
    if isinstance(error, StaleLink):
        return "the link was changed by someone else just now; look again"
    if isinstance(error, HintsyncError):
        return safe_text(error)
    return f"unforeseen: {safe_text(error)}"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def table(*columns: str, title: str | None = None) -> Table:
    """Return an empty table in the house's looks; columns that end with `>` hold numbers."""
    made = Table(title=title, title_justify="left", box=None, header_style="bold", pad_edge=False)
    for column in columns:
        made.add_column(column.removesuffix(">"), justify="right" if column.endswith(">") else "left", overflow="fold")
    return made
