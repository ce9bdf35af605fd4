"""An installation in the background, beside a store that is away for a moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hintsync.bootstrap import Service, Transports, open_service
from hintsync.core.errors import RetryLater
from hintsync.engine.options import Options
from hintsync.settings import Settings
from hintsync.setup.installation import Tell
from hintsync.state.port import Connection
from hintsync.surfaces.web.installing import Installer, Outcome, Phase, progress_of
from tests.replicas.clock import HeldClock

LIMIT = 10.0


@dataclass
class Flaky:
    """A service whose store cannot be written to so many times."""

    service: Service
    clock: HeldClock
    away: int = 0
    refused: asyncio.Event = field(default_factory=asyncio.Event)
    #: Set by a line, once it is kept.
    kept: dict[str, asyncio.Event] = field(default_factory=dict)

    def line(self, text: str) -> asyncio.Event:
        return self.kept.setdefault(text, asyncio.Event())


@pytest.fixture
async def flaky(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Flaky]:
    clock = HeldClock()
    async with open_service(Settings(state=tmp_path, database_url="memory:"), Transports(), clock) as service:
        store = service.store
        await store.put_connection(Connection("demo", "demo", "", False, "", Options().to_json()))
        flaky, put = Flaky(service, clock), store.put_cursor

        async def put_cursor(connection_id: str, name: str, value: str) -> None:
            if flaky.away:
                flaky.away -= 1
                flaky.refused.set()
                raise RetryLater(None, "the store is away")
            await put(connection_id, name, value)
            for line in json.loads(value)["lines"]:
                flaky.line(line).set()

        monkeypatch.setattr(store, "put_cursor", put_cursor)
        yield flaky


async def test_a_store_that_is_away_for_a_moment_does_not_end_the_signs_of_life(
    flaky: Flaky, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = asyncio.Event()

    async def work(tell: Tell) -> Outcome:
        flaky.away = 1
        tell("looking")
        await flaky.refused.wait()
        tell("deploying")
        await go_on.wait()
        return Outcome(["done"])

    installer = Installer(flaky.service)
    await installer.start("demo", "user:x", work)
    async with asyncio.timeout(LIMIT):
        await flaky.line("deploying").wait()
    shown = await progress_of(flaky.service.store, flaky.clock, "demo")
    assert shown is not None
    assert (shown.phase, shown.lines) == (Phase.RUNNING, ("looking", "deploying"))
    assert "a sign of life of an installation was not kept: hintsync: the store is away" in caplog.text
    await installer.aclose()


async def test_what_came_of_it_is_kept_once_the_store_is_back_and_before_another_may_begin(flaky: Flaky) -> None:
    async def work(tell: Tell) -> Outcome:
        flaky.away = 5
        return Outcome(["done"], ["a remark"])

    installer = Installer(flaky.service)
    await installer.start("demo", "user:x", work)
    async with asyncio.timeout(LIMIT):
        await flaky.line("done").wait()
    shown = await progress_of(flaky.service.store, flaky.clock, "demo")
    assert shown is not None
    assert (shown.phase, shown.remarks) == (Phase.DONE, ("a remark",))
    assert 15 < flaky.clock.elapsed < 20
    await installer.aclose()


async def test_what_came_of_it_is_told_in_the_log_if_the_store_stays_away(
    flaky: Flaky, caplog: pytest.LogCaptureFixture
) -> None:
    lost = asyncio.Event()

    async def work(tell: Tell) -> Outcome:
        flaky.away = 1_000
        lost.set()
        return Outcome(["done"])

    installer = Installer(flaky.service)
    await installer.start("demo", "user:x", work)
    await lost.wait()
    async with asyncio.timeout(LIMIT):
        await asyncio.gather(*installer._tasks)
    assert "what came of an installation is lost, which was done; install again" in caplog.text
