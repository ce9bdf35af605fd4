"""What is left in a database when a commit is broken off anywhere (semantics section 10, invariant 5)."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from sqlalchemy import event
from sqlalchemy.util import await_only

from hintsync.core.records import LinkStatus
from hintsync.state.keys import MasterKeys
from hintsync.state.open import open_store
from hintsync.state.port import AuditEvent, Commit, Connection, LinkChange
from hintsync.state.sql.store import SqlStore, open_sql_store
from tests.contract.state_examples import a_link, a_run, an_event, everything, put_links, remembered
from tests.contract.state_worker import SIZE, chunk


class Crash(Exception):
    """Stands for the process's end between two statements."""


@contextmanager
def before_statement(store: SqlStore, wanted: int, act: Any) -> Iterator[list[int]]:
    """Carry out an act just before the nth statement from now; yields a list that ends up with one item if it came to it."""
    seen, done = [0], []

    def listener(*_: object) -> None:
        seen[0] += 1
        if seen[0] == wanted:
            done.append(wanted)
            act()

    engines = [store._database.engine.sync_engine]
    if store._database.threads is not None:
        engines.append(store._database.threads.engine)
    for engine in engines:
        event.listen(engine, "before_cursor_execute", listener)
    try:
        yield done
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", listener)


def crash() -> None:
    """End the commit here."""
    raise Crash


def cancelling(task: asyncio.Task[Any]) -> Callable[[], object]:
    """Return what cancels a task from whatever thread its statement is carried out on."""
    return partial(asyncio.get_running_loop().call_soon_threadsafe, task.cancel)


def moving_commit() -> Commit:
    """A commit that ends a link, moves another onto its contact and adds a third, with everything around it."""
    whole = everything(3)
    moved = LinkChange(replace(a_link(2), contact_id="003-1", revision=1))
    ended = LinkChange(replace(a_link(1), status=LinkStatus.ENDED, revision=1))
    return replace(whole, links=[moved, ended, *whole.links])


async def test_a_commit_broken_off_before_any_statement_leaves_nothing(sql_store: SqlStore) -> None:
    await sql_store.start_run(a_run())
    await put_links(sql_store, a_link(1), a_link(2))
    before, statement, reached = await remembered(sql_store), 0, [0]
    while reached:
        statement += 1
        assert await remembered(sql_store) == before
        with before_statement(sql_store, statement, crash) as reached:
            try:
                await sql_store.commit(moving_commit())
            except Crash:
                assert reached
    assert statement > 10
    after = await remembered(sql_store)
    assert {state.link.id: state.link.status for state in after.links}["link-1"] is LinkStatus.ENDED
    assert len(after.audits) == 2
    assert list(await sql_store.verify_audit("con-1")) == []


async def test_a_commit_whose_caller_is_cancelled_is_carried_out_whole(sql_store: SqlStore) -> None:
    await sql_store.start_run(a_run())
    number, reached = 0, [0]
    while reached:
        number += 1
        task = asyncio.ensure_future(sql_store.commit(everything(number)))
        with before_statement(sql_store, number, cancelling(task)) as reached:
            await asyncio.wait([task])
        assert task.cancelled() is bool(reached)
        after = await remembered(sql_store)
        sizes = (len(after.links), len(after.rows), len(after.reviews), len(after.audits) / 2, len(after.log))
        assert sizes == (number,) * 5
    assert number > 8
    assert list(await sql_store.verify_audit("con-1")) == []


async def test_a_read_whose_caller_is_cancelled_leaves_the_store_in_order(sql_store: SqlStore) -> None:
    await put_links(sql_store, a_link(1))
    number, reached = 0, [0]
    while reached:
        number += 1
        task = asyncio.ensure_future(sql_store.links("con-1"))
        with before_statement(sql_store, number, cancelling(task)) as reached:
            await asyncio.wait([task])
        assert task.cancelled() is bool(reached)
        await sql_store.put_cursor("con-1", "contacts", str(number))
    assert number > 1


async def test_acknowledged_commits_survive_kill_9_and_no_half_one_does(
    database_url: str, connection: Connection
) -> None:
    key = MasterKeys.generate()
    store = await open_store(database_url, MasterKeys.parse(key))
    await store.put_connection(connection)
    await store.aclose()
    acknowledged = {f"worker-{n}": kill_after(database_url, key, f"worker-{n}", 3 + 4 * n) for n in range(3)}
    store = await open_store(database_url, MasterKeys.parse(key))
    for worker, commits in acknowledged.items():
        run = await store.run(worker)
        assert run is not None
        assert run.done >= commits * SIZE
        assert await store.row_positions(worker) == frozenset(range(run.done))
        assert len(await store.log("con-1", run_id=worker)) == run.done // SIZE
        assert len(await store.audit("con-1", chain=f"run:{worker}")) == run.done // SIZE
        links = {state.link.id: set(state.base) for state in await store.links("con-1")}
        own = {link_id: base for link_id, base in links.items() if link_id.startswith(worker)}
        assert own == {f"{worker}-{n}": {"email", "city"} for n in range(run.done)}
        # What was not acknowledged can be done again, as if it had not been tried.
        await store.commit(chunk(run.done // SIZE, worker))
    assert list(await store.verify_audit("con-1")) == []
    await store.aclose()


def kill_after(url: str, key: str, worker: str, commits: int) -> int:
    """Run a worker until it has acknowledged some commits, kill it amid the next, return how many it acknowledged."""
    command = [sys.executable, "-m", "tests.contract.state_worker", url, key, worker]
    acknowledged = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged = int(line) + 1
            if acknowledged == commits:
                process.kill()
    assert process.returncode == -9
    return acknowledged


async def test_two_processes_share_one_audit_sequence(
    database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    stores = [await open_sql_store(database_url, master_keys) for _ in range(2)]
    await stores[0].put_connection(connection)

    async def append(store: SqlStore, events: list[AuditEvent]) -> None:
        for each in events:
            await store.commit(Commit(audits=[each, an_event("run:run-1")]))

    await asyncio.gather(*(append(store, [an_event(f"link:{n % 2}") for n in range(15)]) for store in stores))
    assert [entry.sequence for entry in await stores[0].audit("con-1")] == list(range(1, 61))
    assert list(await stores[1].verify_audit("con-1")) == []
    for store in stores:
        await store.aclose()


async def test_events_chained_while_the_chains_are_verified_are_no_fault(
    database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    reader, writer = [await open_sql_store(database_url, master_keys) for _ in range(2)]
    await reader.put_connection(connection)
    await reader.commit(Commit(audits=[an_event(), an_event("run:run-1")]))
    statement, reached = 0, [0]
    while reached:
        statement += 1
        append = partial(_within, writer, Commit(audits=[an_event(), an_event(f"link:{statement}")]))
        with before_statement(reader, statement, append) as reached:
            assert list(await reader.verify_audit("con-1")) == []
    assert len(await reader.audit("con-1")) == 2 * statement
    await reader.aclose()
    await writer.aclose()


def _within(store: SqlStore, commit: Commit) -> None:
    """Commit from within a listener, which SQLAlchemy calls in a greenlet of the reading task."""
    await_only(store.commit(commit))


async def test_two_processes_changing_the_same_links_in_any_order_lose_nothing(
    database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    stores = [await open_sql_store(database_url, master_keys) for _ in range(2)]
    await stores[0].put_connection(connection)
    new = [LinkChange(a_link(number)) for number in range(30)]
    tries = [stores[n % 2].commit(Commit(links=new[:: 1 if n % 2 else -1])) for n in range(6)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert [error for error in ended if error is None] == [None]
    assert len(await stores[1].live_pairs("con-1")) == 30
    for store in stores:
        await store.aclose()


async def test_a_process_that_waits_for_another_writer_goes_on_when_it_is_done(
    database_url: str, master_keys: MasterKeys, connection: Connection
) -> None:
    first, second = [await open_sql_store(database_url, master_keys) for _ in range(2)]
    await first.put_connection(connection)
    await first.commit(Commit(audits=[an_event()]))
    async with first._database.writing() as sql:
        await sql.exec_driver_sql("UPDATE audit_sequences SET last = last")
        waiting = asyncio.ensure_future(second.commit(Commit(audits=[an_event()])))
        assert not (await asyncio.wait([waiting], timeout=0.05))[0]
    await waiting
    assert [entry.sequence for entry in await first.audit("con-1")] == [1, 2]
    await first.aclose()
    await second.aclose()
