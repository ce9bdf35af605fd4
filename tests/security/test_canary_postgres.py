"""T17 on PostgreSQL: every row of every table is searched for marks after a life on it."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from hintsync.engine.options import Options
from hintsync.state.sql import tables
from hintsync.state.sql.store import SqlStore
from tests.engine.test_canary import make_trouble
from tests.engine.wire import wired
from tests.security.test_canary_process import found_in


async def test_t17_no_row_on_postgresql_holds_a_value_of_a_person(postgres_upgraded_url: str, tmp_path: Path) -> None:
    async with wired(tmp_path, Options(create_contacts=True), database_url=postgres_upgraded_url) as wire:
        await make_trouble(wire)
        store = wire.service.store
        assert isinstance(store, SqlStore)
        held = dict[str, str]()
        async with store.database.reading() as sql:
            for table in tables.metadata.sorted_tables:
                # as the server itself writes rows, binary columns in hexadecimal
                rows = (await sql.execute(text(f'SELECT t::text FROM "{table.name}" AS t'))).scalars()
                held[table.name] = "\n".join(rows)
    assert len(held["audit"]) > 10_000, "there is something to look at"
    assert len(held["run_rows"]) > 1_000
    assert {name: found for name, rows in held.items() if (found := found_in(rows.encode()))} == {}
