"""`hintsync take-over`: from Hint's own package, or another integration of the same org; its links first, then its end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer
from rich.text import Text

from hintsync.bootstrap import open_engine
from hintsync.core.errors import BadInput
from hintsync.core.records import RecordId
from hintsync.doctor.known import Unknown
from hintsync.setup.taking_over import Links, end_other, find_other, import_links, keep_apart
from hintsync.surfaces.cli.answer import Answer, Exit
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import ACTOR, Asked, Local, with_store

#: Ids that a line names.
_SHOWN = 10
_NEXT = (
    "hintsync take-over --import-links copies the ids of its patients into our field; nothing else is written",
    "then end it in Hint (its Salesforce integration page, Cancel Integration) and say so: hintsync take-over --other-ended",
    "then hintsync batch patients --dry-run shows every link that is found again; nobody's value is overwritten",
)


def take_over(
    import_links: Annotated[
        bool,
        typer.Option(
            "--import-links",
            help="Write the patients' ids that it left on contacts into our own field, where it is empty.",
        ),
    ] = False,
    other_ended: Annotated[
        bool,
        typer.Option(
            "--other-ended", help="You have cancelled the other integration in Hint: automatic work may go on."
        ),
    ] = False,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Find another integration with Hint in the org, import its links, go on once it has ended; without an option, only look."""

    async def work(local: Local) -> Answer:
        if import_links and other_ended:
            raise BadInput("one after the other: --import-links, then --other-ended")
        if other_ended:
            ended = await end_other(local.service, local.connection, ACTOR)
            told = f"noted: {ended.title} has ended; automatic work goes on"
            return Answer({"other": ended.title, "ended": True}, (Text(told),))
        return await _looked(local, write=import_links)

    with_store(Asked(state, connection, as_json), work)


async def _looked(local: Local, *, write: bool) -> Answer:
    found = await find_other(local.service, local.connection)
    if isinstance(found, Unknown):
        told = f"whether another integration is there is not known: {found.words}"
        return Answer({"other": None, "unknown": found.words}, (Text(told),), Exit.PERSON)
    await keep_apart(local.service, local.connection, ACTOR)
    if found is None:
        return Answer({"other": None}, (Text("the org shows no other integration with Hint"),))
    async with open_engine(local.service, local.connection, actor=ACTOR) as engine:
        links = await import_links(local.service, engine, dry_run=not write)
    data = {"other": found.title, "imported": write, "links": _data(links)}
    lines = [f"{found.title} is installed", *_lines(links, write=write), "", *_NEXT[1 if write else 0 :]]
    return Answer(data, (Text("\n".join(lines)),), Exit.PERSON if links.left else Exit.DONE)


def _data(links: Links) -> dict[str, object]:
    return {
        "to_import": dict(links.imported),
        "known": list(links.known),
        "ours": list(links.ours),
        "unknown": list(links.unknown),
        "shared": list(links.shared),
        "refused": dict(links.refused),
    }


def _lines(links: Links, *, write: bool) -> list[str]:
    done = "imported" if write else "would be imported"
    lines = [f"{len(links.imported):,} of its links {done}; {len(links.known):,} are known already"]
    for contacts, why in (
        (links.ours, "show or have another patient of ours: left as they are"),
        (links.unknown, "name a patient that is not in the practice: not imported"),
        (links.shared, "share a patient with another contact: link the right one by hand"),
        (tuple(links.refused), f"were refused by Salesforce ({', '.join(sorted(set(links.refused.values())))})"),
    ):
        if contacts:
            lines.append(f"{len(contacts):,} contacts {why}: {_named(contacts)}")
    return lines


def _named(contacts: Sequence[RecordId]) -> str:
    more = len(contacts) - _SHOWN
    return ", ".join(contacts[:_SHOWN]) + (f" and {more:,} more (--json lists them)" if more > 0 else "")
