"""`hintsync doctor`: one screen of checks of the installation and its connections, each with what to do about it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.text import Text

from hintsync.doctor.examine import Examined, Report, examine
from hintsync.doctor.findings import Finding, State, sum_of, worst
from hintsync.surfaces.cli.answer import Answer, Data, Exit
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import Asked, perform

_EXITS = {State.OK: Exit.DONE, State.NOT_KNOWN: Exit.AGAIN, State.LOOK: Exit.PERSON, State.WRONG: Exit.PERSON}
_STYLES = {State.OK: "green", State.LOOK: "yellow", State.WRONG: "bold red", State.NOT_KNOWN: "magenta"}
#: Signs of the longest state and the longest title.
_STATE, _TITLE = 9, 30


def doctor(state: StateFolder = None, connection: ConnectionName = None, as_json: AsJson = False) -> None:
    """Check settings, keys, database, both systems, permissions, webhooks and work, and say what to do about what is found.

    Nothing is changed anywhere. Ends with 0 if all is well, 3 if a person should look, 1 if something could not be reached.
    """

    async def work() -> Answer:
        report = await examine(state, connection)
        return Answer(_data(report), (Text("\n").join(_lines(report)),), _EXITS[worst(report.findings)])

    perform(Asked(state, connection, as_json), work)


def _data(report: Report) -> Data:
    return {
        "at": report.at,
        "state": worst(report.findings),
        "service": _rows(report.service),
        "connections": [_connection(each) for each in report.connections],
        "not_looked_at": report.not_looked_at,
    }


def _connection(examined: Examined) -> Data:
    return {
        "id": examined.id,
        "name": examined.name,
        "ended": examined.ended,
        "state": worst(examined.findings),
        "checks": _rows(examined.findings),
    }


def _rows(findings: Sequence[Finding]) -> list[Data]:
    return [
        {
            "check": each.check,
            "area": each.area,
            "title": each.title,
            "state": each.state,
            "found": each.found,
            "at": each.at,
            "remedy": each.remedy,
        }
        for each in findings
    ]


def _lines(report: Report) -> Iterator[Text]:
    yield Text("This installation", style="bold")
    yield from _shown(report.service)
    for each in report.connections:
        yield Text(f"Connection {each.name}", style="bold")
        if each.ended:
            yield Text("  it was uninstalled: there is nothing to look at")
        yield from _shown(each.findings)
    if report.not_looked_at:
        yield Text(f"No connection was looked at: {report.not_looked_at}.")
    yield Text(sum_of(report.findings))


def _shown(findings: Sequence[Finding]) -> Iterator[Text]:
    for each in findings:
        told = Text("  ")
        told.append(f"{each.state:<{_STATE}} ", style=_STYLES[each.state])
        yield told.append(f"{each.title:<{_TITLE}} {each.found} {each.at}".rstrip())
        if each.remedy:
            yield Text(f"  {'':<{_STATE}} → {each.remedy}", style="italic")
