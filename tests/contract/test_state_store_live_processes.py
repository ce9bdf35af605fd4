"""What live sync remembers under several processes at once, and after kill -9."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from sqlalchemy import event

from hintsync.state.keys import MasterKeys
from hintsync.state.live import Lane
from hintsync.state.open import open_store
from hintsync.state.port import Connection, StateStore
from hintsync.state.sql.store import SqlStore, open_sql_store
from tests.contract.live_examples import LEASE, T, a_mark, an_intent, claimed, only
from tests.contract.live_worker import BURST, INTERVAL, SIZE

ROOT = Path(__file__).parents[2]


def start(what: str, url: str, key: str, worker: str) -> subprocess.Popen[str]:
    """Start a worker process."""
    command = [sys.executable, "-m", "tests.contract.live_worker", what, url, key, worker]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def words(what: str, url: str, key: str, workers: int) -> list[list[str]]:
    """Let some processes work at once; return the words that each said."""
    processes = [start(what, url, key, f"worker-{number}") for number in range(workers)]
    said = [process.communicate(timeout=90)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * workers
    return said


def kill_after(url: str, key: str, worker: str, calls: int) -> int:
    """Let a process mark until some calls are acknowledged, kill it amid the next; return how many it acknowledged."""
    acknowledged = 0
    with start("mark", url, key, worker) as process:
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged = int(line) + 1
            if acknowledged == calls:
                process.kill()
    assert process.returncode == -9
    return acknowledged


async def opened(url: str, key: str, connection: Connection) -> StateStore:
    """Open a store that knows the connection."""
    store = await open_store(url, MasterKeys.parse(key))
    await store.put_connection(connection)
    return store


async def test_t5_acknowledged_marks_survive_kill_9_each_call_whole_with_its_cursor(
    database_url: str, connection: Connection
) -> None:
    key = MasterKeys.generate()
    store = await opened(database_url, key, connection)
    calls = {
        f"worker-{number}": kill_after(database_url, key, f"worker-{number}", 3 + 4 * number) for number in range(2)
    }
    dirty = {each.record_id: each for each in await store.dirty("con-1", limit=100_000)}
    for worker, acknowledged in calls.items():
        own = {record_id for record_id in dirty if record_id.startswith(worker)}
        cursor = await store.get_cursor("con-1", f"{worker}:replay")
        assert cursor is not None
        stored = int(cursor) + 1
        assert stored in (acknowledged, acknowledged + 1)
        assert len(own) == stored * (SIZE - 1)
    # The record that all marked was marked once a call.
    assert dirty["shared"].revision * (SIZE - 1) == len(dirty) - 1
    await store.aclose()


async def test_processes_that_claim_at_once_work_every_record_exactly_once(
    database_url: str, connection: Connection
) -> None:
    key = MasterKeys.generate()
    store = await opened(database_url, key, connection)
    records = [f"pat-{number}" for number in range(600)]
    await store.mark("con-1", [a_mark(record_id, lane=Lane(n % 4)) for n, record_id in enumerate(records)])
    said = words("work", database_url, key, workers=3 if database_url.startswith("postgresql") else 2)
    assert Counter(word for each in said for word in each) == dict.fromkeys(records, 1)
    assert await store.dirty("con-1") == []
    await store.aclose()


async def test_records_marked_while_processes_work_them_are_worked_again(
    database_url: str, connection: Connection
) -> None:
    key = MasterKeys.generate()
    store = await opened(database_url, key, connection)
    marks = [a_mark(f"pat-{number}", T + number) for number in range(40)]
    await store.mark("con-1", marks)
    processes = [start("work", database_url, key, f"worker-{number}") for number in range(2)]
    for _ in range(30):
        await store.mark("con-1", marks)
    said = [process.communicate(timeout=90)[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert set(said[0]) | set(said[1]) <= {mark.record_id for mark in marks}
    # Whatever was marked after both had seen an empty set is still there, free.
    left = await store.dirty("con-1")
    assert {dirty.worker for dirty in left} <= {None}
    worked = Counter(said[0] + said[1])
    assert all(worked[mark.record_id] or mark.record_id in {dirty.record_id for dirty in left} for mark in marks)
    await store.aclose()


async def test_what_a_killed_worker_held_is_taken_over_when_its_lease_runs_out(
    database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    dead, living = [await open_sql_store(database_url, master_keys) for _ in range(2)]
    await dead.put_connection(connection)
    await dead.mark("con-1", [a_mark(f"pat-{number}") for number in range(20)])
    held = await claimed(dead, worker="dead", limit=12)
    await dead.lease_links("con-1", ["link-1"], "dead", T, T + LEASE)
    await dead.intend("con-1", [an_intent("link-1", T, "email")])
    await dead.aclose()
    assert len(await claimed(living, T + 1, worker="living")) == 8
    assert await claimed(living, T + LEASE - 1, worker="living") == []
    taken = await claimed(living, T + LEASE, worker="living", limit=12)
    assert {dirty.record_id for dirty in taken} == {dirty.record_id for dirty in held}
    assert await living.lease_links("con-1", ["link-1"], "living", T + LEASE, T + 2 * LEASE) == {"link-1"}
    assert await living.pending("con-1", ["link-1"]) == {"link-1": {}}
    assert await living.finish_marks(taken) == 12
    await living.aclose()


async def test_turns_taken_by_several_processes_keep_the_rate(database_url: str, connection: Connection) -> None:
    key = MasterKeys.generate()
    await (await opened(database_url, key, connection)).aclose()
    start = time.time()
    begun = sorted(float(word) for each in words("pace", database_url, key, workers=3) for word in each)
    # A moment is printed after its turn was taken, so it can only be later than the schedule says.
    earliest = [start + (number - BURST + 1) * INTERVAL for number in range(120)]
    assert all(moment >= due - 1e-3 for moment, due in zip(begun, earliest, strict=True))


# --- several tasks on one database at once


async def crowd(url: str, keys: MasterKeys, connection: Connection, size: int) -> Sequence[SqlStore]:
    """Open a database several times, as processes would."""
    stores = [await open_sql_store(url, keys) for _ in range(size)]
    await stores[0].put_connection(connection)
    return stores


async def test_marks_claims_and_endings_in_each_others_way_lose_nothing(
    database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    stores = await crowd(database_url, master_keys, connection, 4)
    records = [f"pat-{number}" for number in range(30)]
    seen: Counter[str] = Counter()

    async def mark(store: SqlStore, step: int) -> None:
        for number in range(8):
            await store.mark("con-1", [a_mark(each, T + number) for each in records[:: step or 1]])

    async def work(store: SqlStore, worker: str) -> None:
        for number in range(12):
            group = await claimed(store, T + 100, worker=worker, limit=11)
            seen.update(dirty.record_id for dirty in group)
            await store.renew_leases("con-1", worker, T + 200 + number)
            if number % 3 == 2:
                await store.put_off(group, T + 50)
            else:
                await store.finish_marks(group)

    await asyncio.gather(
        mark(stores[0], 1), mark(stores[1], -1), work(stores[2], "worker-2"), work(stores[3], "worker-3")
    )
    left = await claimed(stores[0], T + 100, worker="last", limit=1000)
    assert set(seen) | {dirty.record_id for dirty in left} == set(records)
    assert await stores[0].finish_marks(left) == len(left)
    assert await stores[0].dirty("con-1") == []
    for store in stores:
        await store.aclose()


async def test_marks_of_one_record_by_many_at_once_all_count(
    database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    stores = await crowd(database_url, master_keys, connection, 3)
    moments = [T + 10 - number for number in range(9)]
    await asyncio.gather(*(stores[n % 3].mark("con-1", [a_mark(at=at)]) for n, at in enumerate(moments)))
    dirty = await only(stores[0])
    assert (dirty.revision, dirty.since) == (9, min(moments))
    for store in stores:
        await store.aclose()


async def test_a_mark_that_meets_the_end_of_a_pass_is_never_lost(
    database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    worker, receiver = await crowd(database_url, master_keys, connection, 2)
    records = [f"pat-{number}" for number in range(5)]
    endings = [worker.finish_marks, partial(worker.put_off, due=T + 999), worker.finish_marks]
    for number in range(30):
        await receiver.mark("con-1", [a_mark(each, T + number) for each in records])
        group = await claimed(worker, T + number)
        again = receiver.mark("con-1", [a_mark(each, T + number + 0.5) for each in reversed(records)])
        await asyncio.gather(endings[number % 3](group), again)
        due = await claimed(worker, T + number + 0.5)
        assert sorted(dirty.record_id for dirty in due) == records
        await worker.finish_marks(due)
    for store in (worker, receiver):
        await store.aclose()


async def test_of_an_event_heard_by_many_at_once_one_marks(
    database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    stores = await crowd(database_url, master_keys, connection, 3)
    events = [a_mark(f"pat-{number}", event_id=f"evt-{number}") for number in range(5)]
    new = await asyncio.gather(*(store.mark("con-1", events[:: 1 if n else -1]) for n, store in enumerate(stores)))
    assert sum(new) == 5
    assert {dirty.revision for dirty in await stores[0].dirty("con-1")} == {1}
    for store in stores:
        await store.aclose()


async def test_of_many_that_lease_the_same_links_each_link_has_one(
    database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    stores = await crowd(database_url, master_keys, connection, 3)
    ids = [f"link-{number}" for number in range(40)]
    got = await asyncio.gather(
        *(store.lease_links("con-1", ids, f"worker-{n}", T, T + LEASE) for n, store in enumerate(stores))
    )
    assert sorted(link_id for each in got for link_id in each) == sorted(ids)
    for store in stores:
        await store.aclose()


async def test_a_row_that_another_transaction_holds_is_passed_over_by_a_claim(
    postgres_upgraded_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    first, second = await crowd(postgres_upgraded_url, master_keys, connection, 2)
    await first.mark("con-1", [a_mark("pat-1"), a_mark("pat-2")])
    async with first._database.writing() as sql:
        await sql.exec_driver_sql("SELECT * FROM dirty WHERE record_id = 'pat-1' FOR UPDATE")
        assert [dirty.record_id for dirty in await claimed(second)] == ["pat-2"]
    assert [dirty.record_id for dirty in await claimed(second)] == ["pat-1"]
    for store in (first, second):
        await store.aclose()


async def test_turns_stay_one_row_a_name(sql_store: SqlStore) -> None:
    for _ in range(5):
        await sql_store.take_turn("hint", T, interval=0.1, burst=1)
        await sql_store.hold_turns("salesforce", T, 1.0)
    async with sql_store._database.reading() as sql:
        names = (await sql.exec_driver_sql("SELECT name FROM paces ORDER BY name")).scalars().all()
    assert list(names) == ["hint", "salesforce"]


async def test_claims_and_moments_are_read_off_their_indexes(sqlite_store: SqlStore) -> None:
    await sqlite_store.mark("con-1", [a_mark(f"pat-{number}") for number in range(50)])
    plans = await plans_of(sqlite_store)
    assert "ix_dirty_claim (connection_id=? AND lane>? AND lane<?)" in plans["claim"]
    assert "ix_dirty_later (connection_id=? AND due<?)" in plans["claim"]
    assert "ORDER BY" not in plans["claim"]
    assert "ix_dirty_worker (connection_id=? AND worker=?)" in plans["renew"]
    assert "ix_dirty_later" in plans["next"]


async def plans_of(store: SqlStore) -> dict[str, str]:
    """Return how SQLite would go about each statement of three methods."""
    assert store._database.threads is not None
    engine, said = store._database.threads.engine, []

    def listener(connection, cursor, statement, parameters, context, many) -> None:  # type: ignore[no-untyped-def]
        if not many and "dirty" in statement:
            cursor.execute("EXPLAIN QUERY PLAN " + statement, parameters)
            said.append(" / ".join(row[3] for row in cursor.fetchall()))

    plans = {}
    event.listen(engine, "before_cursor_execute", listener)
    for name, act in (
        ("claim", store.claim("con-1", "worker-1", T, T + LEASE, limit=3)),
        ("renew", store.renew_leases("con-1", "worker-1", T)),
        ("next", store.next_due("con-1")),
    ):
        said.clear()
        await act
        plans[name] = " / ".join(said)
    event.remove(engine, "before_cursor_execute", listener)
    return plans
