"""Keeps the list of a contacts batch (ids and line numbers only), so that a run can be resumed without its file."""

from __future__ import annotations

import json

from hintsync.core.errors import BadInput
from hintsync.engine.context import Engine
from hintsync.engine.csv_ids import CsvIds, CsvRow


def _cursor(run_id: str) -> str:
    return f"input:{run_id}"


async def keep_input(engine: Engine, run_id: str, listed: CsvIds) -> None:
    """Store the list."""
    rows = [[row.line, row.contact_id, row.problem] for row in listed.rows]
    text = json.dumps({"rows": rows, "header": listed.had_header, "footer": listed.footer_line}, separators=(",", ":"))
    await engine.store.put_cursor(engine.connection.id, _cursor(run_id), text)


async def load_input(engine: Engine, run_id: str) -> CsvIds:
    """Return the list of a run.

    Raises:
        BadInput: the run has none; start the batch anew with its file.
    """
    stored = await engine.store.get_cursor(engine.connection.id, _cursor(run_id))
    if stored is None:
        raise BadInput(f"run {run_id}: its list is not stored; start the batch anew with its file")
    found = json.loads(stored)
    return CsvIds(tuple(CsvRow(*row) for row in found["rows"]), found["header"], found["footer"])
