"""Keeps the list of a contacts batch (ids and line numbers only), so that a run can be resumed without its file.

A list that was checked and not yet started is a draft: one a person, the next one takes its place.
"""

from __future__ import annotations

import json

from hintsync.core.errors import BadInput
from hintsync.engine.batch.csv_ids import CsvIds, CsvRow
from hintsync.engine.context import new_id
from hintsync.engine.guards.stops import Place


async def keep_input(place: Place, run_id: str, listed: CsvIds) -> None:
    """Store the list of a run."""
    await place.store.put_cursor(place.connection.id, f"input:{run_id}", _text(listed))


async def load_input(place: Place, run_id: str) -> CsvIds:
    """Return the list of a run.

    Raises:
        BadInput: the run has none; start the batch anew with its file.
    """
    stored = await place.store.get_cursor(place.connection.id, f"input:{run_id}")
    if stored is None:
        raise BadInput(f"run {run_id}: its list is not stored; start the batch anew with its file")
    return _listed(stored)


async def drop_input(place: Place, run_id: str) -> None:
    """Forget the list of a run that is not gone on with any more."""
    await place.store.drop_cursor(place.connection.id, f"input:{run_id}")


async def keep_draft(place: Place, listed: CsvIds) -> str:
    """Store a list that was checked, in place of the acting person's one before; return the draft's id."""
    draft_id = new_id("draft")
    await place.store.put_cursor(place.connection.id, _draft_of(place), f"{draft_id}\n{_text(listed)}")
    return draft_id


async def load_draft(place: Place, draft_id: str) -> CsvIds:
    """Return the list of the acting person's draft.

    Raises:
        BadInput: it is not there any more: started already, or another file was checked since.
    """
    stored = await place.store.get_cursor(place.connection.id, _draft_of(place)) or ""
    kept_id, _, text = stored.partition("\n")
    if kept_id != draft_id or not text:
        raise BadInput(
            "the checked file is not kept any more (it was started, or another one was checked); choose it again"
        )
    return _listed(text)


async def drop_draft(place: Place) -> None:
    """Forget the acting person's draft."""
    await place.store.put_cursor(place.connection.id, _draft_of(place), "")


def _draft_of(place: Place) -> str:
    return f"draft:{place.actor}"


def _text(listed: CsvIds) -> str:
    rows = [[row.line, row.contact_id, row.problem] for row in listed.rows]
    return json.dumps({"rows": rows, "header": listed.had_header, "footer": listed.footer_line}, separators=(",", ":"))


def _listed(text: str) -> CsvIds:
    found = json.loads(text)
    return CsvIds(tuple(CsvRow(*row) for row in found["rows"]), found["header"], found["footer"])
