"""A process with the worker role keeps the Hint Log of the org, beside the schedule."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hintsync.engine.options import Options
from hintsync.state.port import Commit, LogEntry, LogLevel
from hintsync.surfaces.roles import Role, open_process
from tests.engine.wire import Wire, wired

#: Seconds before a test is given up; none waits for them to pass.
PATIENCE = 60.0


class HurriedClock:
    """A clock on which a minute is a second."""

    def __init__(self) -> None:
        self._began, self._start = time.monotonic(), datetime.now(UTC)

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        return (time.monotonic() - self._began) * 60

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / 60)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - another system tells of nothing
            await asyncio.sleep(0.02)


async def note(wire: Wire, message: str) -> None:
    entry = LogEntry("demo", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), LogLevel.ERROR, "tried", message)
    await wire.service.store.commit(Commit(logs=[entry]))


def copied(wire: Wire) -> list[object]:
    return [row["Message__c"] for row in wire.org.rows("Hint_Log__c")]


@pytest.mark.parametrize(("role", "copies"), [(Role.WORKER, True), (Role.WEB, False)])
async def test_m18_only_a_process_with_the_worker_role_copies_the_log(tmp_path: Path, role: Role, copies: bool) -> None:
    async with wired(tmp_path, Options(hint_log_level=LogLevel.ERROR)) as wire:
        wire.service.clock = HurriedClock()
        wire.service.settings = wire.service.settings.model_copy(update={"listen_port": 0})
        async with open_process(wire.service, [role]) as process:
            stop, clock = asyncio.Event(), wire.service.clock
            running = asyncio.create_task(process.run(stop))
            await until(lambda: bool(process.engines.open))
            await note(wire, "first")
            began = clock.monotonic()
            await until(lambda: "first" in copied(wire) if copies else clock.monotonic() - began > 150)
            stop.set()
            await running
        assert ("first" in copied(wire)) == copies
