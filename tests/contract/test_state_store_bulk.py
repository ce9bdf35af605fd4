"""Rows reach the tables as they were given, whatever is in them."""

from __future__ import annotations

import re
from dataclasses import replace

from sqlalchemy import event, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hintsync.core.records import LinkState, LinkStatus
from hintsync.state.port import Commit, LinkChange
from hintsync.state.sql import tables
from hintsync.state.sql.store import SqlStore
from tests.contract.state_examples import a_link, a_run, put_links

TRICKY = [
    "",
    "NULL",
    "{}",
    '{"a": "b"}',
    "a\\b",
    'quote\'s "double"',
    "tab\tline\nend",
    "Zoë 🐦 名前",
    "%(rows)s ? :x",
    "\x7f",
]


async def rows_of(sql: AsyncConnection) -> list[tuple[object, ...]]:
    """Return all secrets."""
    return [tuple(row) for row in await sql.execute(select(tables.secrets).order_by(tables.secrets.c.name))]


async def test_texts_and_bytes_of_any_kind_come_back(sql_store: SqlStore) -> None:
    bulk = sql_store._database.bulk
    given = [("con-1", text, bytes(range(256)) + text.encode()) for text in TRICKY]
    rows = [dict(zip(("connection_id", "name", "token"), row, strict=True)) for row in given]
    async with sql_store._database.writing() as sql:
        await bulk.insert(sql, tables.secrets, rows)
        assert await rows_of(sql) == sorted(given, key=lambda row: row[1])
        await bulk.upsert(sql, tables.secrets, [row | {"token": b""} for row in rows])
        assert {row[2] for row in await rows_of(sql)} == {b""}
        await bulk.replace(sql, tables.secrets, [rows[3]])
        assert [row for row in await rows_of(sql) if row[2]] == [given[3]]


async def test_no_rows_are_nothing_to_do(sql_store: SqlStore) -> None:
    async with sql_store._database.writing() as sql:
        await sql_store._database.bulk.insert(sql, tables.secrets, [])
        assert await rows_of(sql) == []


async def test_numbers_truth_and_null_come_back(sql_store: SqlStore) -> None:
    row = {
        "id": "con-9",
        "name": "n",
        "org_id": "o",
        "org_sandbox": True,
        "practice_id": "p",
        "settings": "{}",
        "facts": "{}",
    }
    link = {
        "id": "link-9",
        "connection_id": "con-9",
        "contact_id": None,
        "patient_id": "pat-9",
        "status": "active",
        "origin": "manual",
        "decided_by": "me",
        "salt": b"",
        "created_at": "now",
        "reason": None,
        "revision": 2**31 - 1,
        "base": b"[]\n",
        "holds": "{}",
    }
    async with sql_store._database.writing() as sql:
        await sql_store._database.bulk.upsert(sql, tables.connections, [row])
        await sql_store._database.bulk.insert(sql, tables.links, [link])
        stored = (await sql.execute(select(tables.connections).filter_by(id="con-9"))).one()
        assert stored._mapping == row
        assert (await sql.execute(select(tables.links))).one()._mapping == link


async def test_a_change_sets_no_key_and_no_reference(sql_store: SqlStore) -> None:
    database, heard = sql_store._database, list[tuple[str, set[str]]]()

    def hear(*args: object) -> None:
        if found := re.match(r"UPDATE (\w+) SET (.*?) (?:FROM|WHERE)", str(args[2]), re.DOTALL):
            heard.append((found[1], {name.strip() for name in re.findall(r"(\w+)\s*=", found[2])}))

    for engine in filter(None, (database.engine.sync_engine, database.threads and database.threads.engine)):
        event.listen(engine, "before_cursor_execute", hear)
    (link,) = await put_links(sql_store, replace(a_link(1), status=LinkStatus.RESERVED))
    await sql_store.start_run(a_run())
    change = LinkChange(replace(link, status=LinkStatus.ACTIVE), before=await sql_store.link(link.id))
    await sql_store.commit(Commit(run=replace(a_run(), done=1), links=[change]))
    assert await sql_store.link(link.id) == LinkState(replace(change.link, revision=2), {}, {})
    changed = {table: names for table, names in heard if table in {"runs", "links"}}
    assert changed.keys() == {"runs", "links"}
    assert {name for names in changed.values() for name in names} & {"id", "connection_id"} == set()
