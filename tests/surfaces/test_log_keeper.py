"""Lines that are logged at the work of a connection, where its administrators read them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest

from hintsync.clock import SystemClock
from hintsync.core.errors import RetryLater
from hintsync.engine.options import Options
from hintsync.state.memory import MemoryStore
from hintsync.state.port import Commit, Connection, LogLevel
from hintsync.surfaces.log_keeper import LogKeeper, logged_for

log = logging.getLogger("hintsync.engine.some_work")


class Moody(MemoryStore):
    """A store that can be away."""

    away = False

    async def commit(self, commit: Commit) -> None:
        if self.away:
            raise RetryLater(None, "the database does not answer")
        await super().commit(commit)


@pytest.fixture
async def store() -> Moody:
    store = Moody()
    for name in ("con-1", "con-2"):
        await store.put_connection(Connection(name, name, "00D1", False, "prac-1"))
    return store


@pytest.fixture
async def keeper(store: Moody) -> AsyncIterator[LogKeeper]:
    keeper = LogKeeper(store, SystemClock())
    logger = logging.getLogger("hintsync")
    logger.addHandler(keeper)
    yield keeper
    logger.removeHandler(keeper)


async def test_a_line_belongs_to_the_connection_at_whose_work_it_was_logged(store: Moody, keeper: LogKeeper) -> None:
    async def work(connection_id: str) -> None:
        with logged_for(connection_id):
            await asyncio.create_task(asyncio.to_thread(log.warning, "a poll failed: %s", f"of {connection_id}"))

    await asyncio.gather(work("con-1"), work("con-2"))
    log.warning("of nobody")
    await keeper.store()
    for name in ("con-1", "con-2"):
        (entry,) = await store.log(name)
        assert (entry.event, entry.level, entry.message) == (
            "some-work",
            LogLevel.ERROR,
            f"a poll failed: of {name}",
        )


async def test_what_was_not_foreseen_is_an_exception_with_its_incident(store: Moody, keeper: LogKeeper) -> None:
    with logged_for("con-1"):
        log.error("page failed", extra={"incident": "0badcafe", "code": "page-failed"})
    await keeper.store()
    (entry,) = await store.log("con-1", naming="0badcafe")
    assert (entry.level, entry.event) == (LogLevel.EXCEPTION, "page-failed")


async def test_lines_of_one_kind_become_one_for_a_while(
    store: Moody, keeper: LogKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    with logged_for("con-1"):
        for number in range(50):
            log.warning("run %s waits", number)
        monkeypatch.setattr("time.time", lambda: 4_000_000_000.0)
        monkeypatch.setattr("time.time_ns", lambda: 4_000_000_000_000_000_000)
        log.warning("run %s waits", 51)
    await keeper.store()
    assert [entry.message for entry in await store.log("con-1")] == [
        "run 51 waits (49 more like it before)",
        "run 0 waits",
    ]


async def test_a_store_that_is_away_gets_the_lines_later_in_their_order(store: Moody, keeper: LogKeeper) -> None:
    store.away = True
    with logged_for("con-1"):
        log.warning("first")
        log.warning("second")
    await keeper.store()
    store.away = False
    await keeper.store()
    assert [entry.message for entry in await store.log("con-1")] == ["second", "first"]


async def test_levels_that_are_not_kept_are_left_out(store: Moody, keeper: LogKeeper) -> None:
    settings = Options(log_level=LogLevel.EXCEPTION).to_json()
    await store.put_connection(Connection("con-1", "con-1", "00D1", False, "prac-1", settings))
    with logged_for("con-1"):
        log.warning("a warning")
        log.error("unforeseen")
    await keeper.store()
    assert [entry.message for entry in await store.log("con-1")] == ["unforeseen"]


async def test_a_line_is_one_line_and_not_without_end(store: Moody, keeper: LogKeeper) -> None:
    with logged_for("con-1"):
        log.warning("split\r\n2026-01-01 forged %s", "x" * 5000)
    await keeper.store()
    (entry,) = await store.log("con-1")
    assert "\n" not in entry.message
    assert len(entry.message) == 500


async def test_told_to_stop_it_stores_what_is_left(store: Moody) -> None:
    stop, keeper = asyncio.Event(), LogKeeper(store, SystemClock())
    running = asyncio.create_task(keeper.run(stop))
    await asyncio.sleep(0)
    with logged_for("con-1"):
        log.warning("the last word")
    stop.set()
    await running
    assert [entry.message for entry in await store.log("con-1")] == ["the last word"]
