"""A store with something in every table, for copies of it."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import func, select

from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.state.live import Intent, Mark, Stop
from hintsync.state.port import Commit, Connection, LinkChange
from hintsync.state.sql import tables
from hintsync.state.sql.store import SqlStore
from hintsync.state.traffic import ProcessSeen, Tally
from tests.contract.state_examples import NOW, a_link, a_run, everything, prints

CANARY = "Zyxwvutcanary"


async def fill(store: SqlStore, connection: Connection) -> None:
    """Put something into every table of a store."""
    await store.put_connection(replace(connection, name=f"{CANARY} Clinic", settings={"log_days": 30}))
    await store.put_connection(Connection("con-2", "Elm Clinic", "00D000000000002AAA", True, "prac-2"))
    await store.put_secret("con-1", "hint-token", b"secret of Hint")
    await store.put_secret("con-2", "salesforce-login", b"secret of Salesforce \x00\xff")
    await store.start_run(a_run())
    for number in range(1, 4):
        await store.commit(everything(number))
    suspended, reserved = (
        replace(a_link(8), status=LinkStatus.SUSPENDED),
        replace(a_link(9), status=LinkStatus.RESERVED),
    )
    await store.commit(Commit(links=[LinkChange(suspended, base=prints("email")), LinkChange(reserved)]))
    await store.decline("con-1", "003-5", "pat-6", "user-7", NOW)
    await store.put_cursor("con-1", "hint:poll", NOW)
    await store.add_calls("con-1", Side.HINT, "2026-03-01", 12)
    await store.mark("con-1", [Mark(Side.HINT, "pat-1", "webhook", 100.0, event_id="event-1")])
    await store.claim("con-1", "worker-1", 200.0, 215.0, limit=1)
    await store.lease_links("con-1", ["link-1"], "worker-1", 200.0, 215.0)
    await store.intend("con-1", [Intent("link-1", Side.HINT, 200.0, prints("email"))])
    await store.put_stop(Stop("con-1", "G3", Side.HINT, "many changes", NOW))
    await store.take_known("con-1", ["pat-1", "pat-2"])
    await store.add_tallies("con-1", [Tally(300, "written", Side.HINT, 3)])
    await store.put_process(ProcessSeen("host(1)", ("worker",), "0.1", 0.0, 1.0))
    await store.take_turn("hint", 0.0, interval=1.0, burst=1)


async def counted(store: SqlStore) -> dict[str, int]:
    """Count the rows of every table."""
    counts = {}
    async with store.database.reading() as sql:
        for table in tables.metadata.sorted_tables:
            counts[table.name] = (await sql.execute(select(func.count()).select_from(table))).scalar_one()
    return counts
