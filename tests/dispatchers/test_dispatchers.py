"""Both dispatchers keep the port's promises; the one on PostgreSQL does so between processes too."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from hintsync.core.errors import BadInput
from hintsync.dispatchers.local import LocalDispatcher
from hintsync.dispatchers.procrastinate import ProcrastinateDispatcher, open_dispatcher
from hintsync.ports import Dispatcher

#: Seconds that a wake may take before the test is given up; no test waits for them to pass.
PATIENCE = 30.0


@pytest.fixture
async def on_postgres(postgres_url: str) -> AsyncIterator[ProcrastinateDispatcher]:
    """A listening dispatcher on an empty database."""
    dispatcher = await open_dispatcher(postgres_url)
    yield dispatcher
    await dispatcher.aclose()


@pytest.fixture(params=["local", "postgres"])
def dispatcher(request: pytest.FixtureRequest) -> Dispatcher:
    """Each dispatcher in turn."""
    if request.param == "local":
        return LocalDispatcher()
    found: Dispatcher = request.getfixturevalue("on_postgres")
    return found


async def test_who_waits_is_woken_and_told_the_connection(dispatcher: Dispatcher) -> None:
    waiting = asyncio.create_task(dispatcher.wait(PATIENCE))
    await asyncio.sleep(0)
    await dispatcher.wake("con-1")
    assert await waiting == {"con-1"}


async def test_a_wake_before_the_wait_is_not_lost(dispatcher: Dispatcher) -> None:
    await dispatcher.wake("con-1")
    assert await dispatcher.wait(PATIENCE) == {"con-1"}


async def test_nobody_is_named_when_the_time_is_over(dispatcher: Dispatcher) -> None:
    assert await dispatcher.wait(0.0) == frozenset()


async def test_wakes_for_several_connections_all_arrive(dispatcher: Dispatcher) -> None:
    for number in range(20):
        await dispatcher.wake(f"con-{number % 4}")
    named: set[str] = set()
    async with asyncio.timeout(PATIENCE):
        while len(named) < 4:
            named |= await dispatcher.wait(PATIENCE)
    assert named == {"con-0", "con-1", "con-2", "con-3"}


async def test_a_process_that_only_wakes_others_reaches_one_that_listens(
    postgres_url: str, on_postgres: ProcrastinateDispatcher
) -> None:
    sender = await open_dispatcher(postgres_url, listens=False)
    await sender.wake("con-9")
    assert await on_postgres.wait(PATIENCE) == {"con-9"}
    assert await sender.wait(0.0) == frozenset()
    await sender.aclose()


async def test_processes_that_start_together_make_the_tables_once(postgres_url: str) -> None:
    opened = await asyncio.gather(*(open_dispatcher(postgres_url) for _ in range(4)))
    await opened[0].wake("con-1")
    waiting = [asyncio.create_task(each.wait(PATIENCE)) for each in opened]
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert [each.result() for each in done] == [{"con-1"}]
    for each in waiting:
        each.cancel()
    for each in opened:
        await each.aclose()


async def test_a_listener_cut_off_from_the_database_listens_again(
    postgres_url: str, on_postgres: ProcrastinateDispatcher
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
        connection.execute(cut, [connection.info.backend_pid])
    sender = await open_dispatcher(postgres_url, listens=False)
    await sender.wake("con-1")
    assert await on_postgres.wait(PATIENCE) == {"con-1"}
    await sender.aclose()


async def test_finished_wakes_leave_no_rows_behind(postgres_url: str) -> None:
    dispatcher = await open_dispatcher(postgres_url)
    for number in range(5):
        await dispatcher.wake(f"con-{number}")
    await dispatcher.wait(PATIENCE)
    await dispatcher.aclose()  # ends what is begun
    with psycopg.connect(postgres_url) as connection:
        statuses = connection.execute("SELECT DISTINCT status::text FROM procrastinate_jobs").fetchall()
    assert statuses in ([], [("todo",)])


def test_a_database_that_is_not_postgresql_is_refused_in_words() -> None:
    with pytest.raises(BadInput, match="needs PostgreSQL"):
        ProcrastinateDispatcher("sqlite:///somewhere.db")


async def test_stopping_does_not_wait_for_a_database_that_is_gone(postgres_server: str, postgres_url: str) -> None:
    dispatcher = await open_dispatcher(postgres_url)
    name = psycopg.conninfo.conninfo_to_dict(postgres_url)["dbname"]
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        await dispatcher.wake("con-1")  # told to the log: the next sweep finds the work
        async with asyncio.timeout(PATIENCE):
            await dispatcher.aclose()
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')
