"""`hintsync search`: find a person on one side, ranked, with the evidence (M9)."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from hintsync.core.person import Person
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.search.sides import Hit, fill_index, find_people, person_at
from hintsync.surfaces.cli.answer import Answer, table
from hintsync.surfaces.cli.options import AsJson, ConnectionName, StateFolder
from hintsync.surfaces.cli.perform import Asked, with_engine
from hintsync.surfaces.cli.record_ids import side_and_id

_BITS = 1


def search(
    text: Annotated[
        list[str] | None, typer.Argument(metavar="[TEXT]...", help="Name, birth date, phone or e-mail, in any order.")
    ] = None,
    like: Annotated[
        str | None,
        typer.Option("--like", metavar="ID", help="Find who this contact (or patient) may be on the other side."),
    ] = None,
    side: Annotated[Side | None, typer.Option("--in", help="Where to look; hint without it.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100, help="Most results.")] = 5,
    state: StateFolder = None,
    connection: ConnectionName = None,
    as_json: AsJson = False,
) -> None:
    """Find people by a description; shows their names and birth dates to you, and writes them nowhere."""
    if bool(text) == (like is not None):
        raise typer.BadParameter("give either words to search for or --like with a record's id")

    async def work(engine: Engine) -> Answer:
        where, wanted = side or Side.HINT, " ".join(text or ())
        person: Person | str = wanted
        if like is not None:
            asked_side, record_id = side_and_id(like)
            person, where = await person_at(engine, asked_side, record_id), asked_side.other
        index = await fill_index(engine, where)
        try:
            hits = await find_people(engine, index, where, person, limit=limit)
            searched = len(index)
        finally:
            index.close()
        data = {"side": where, "searched": searched, "results": [_data(hit) for hit in hits]}
        return Answer(data, (_table(hits) if hits else Text(f"nobody found among {searched:,}"),))

    with_engine(Asked(state, connection, as_json), work)


def _data(hit: Hit) -> dict[str, object]:
    entry, match = hit.found.entry, hit.found.match
    return {
        "id": hit.record_id,
        "name": name_of(entry.person),
        "birth_date": entry.person.birth_date,
        "archived": entry.archived,
        "linked_to": hit.linked_to,
        "grade": match.grade.value if match.grade else None,
        "probability": round(match.probability, 4),
        "weight": round(match.weight, _BITS),
        "cautions": [caution.value for caution in match.cautions],
        "evidence": [
            {"field": line.field.value, "verdict": line.verdict.value, "weight": round(line.weight, _BITS)}
            for line in match.evidence
        ],
    }


def name_of(person: Person) -> str:
    """Return a person's name in one line."""
    return " ".join(part for part in (person.first, person.middle, person.last) if part)


def _table(hits: list[Hit]) -> Table:
    made = table("record", "name", "born", "grade", "linked with", "why")
    for hit in hits:
        person, match = hit.found.entry.person, hit.found.match
        marks = f"{match.grade.value if match.grade else 'shown'}{', archived' if hit.found.entry.archived else ''}"
        cells = (hit.record_id, name_of(person), person.birth_date or "", marks, hit.linked_to or "")
        made.add_row(*map(Text, cells), Text("\n".join(match.sentences())))
    return made
