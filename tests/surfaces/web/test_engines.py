"""Engines of all connections: opened at the start, picked up later, tried again, closed in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hintsync.bootstrap import Service, open_engine
from hintsync.core.errors import ReconnectNeeded, RetryLater
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.logins import HINT_TOKEN, SALESFORCE_LOGIN
from hintsync.state.port import Connection
from hintsync.surfaces.web.engines import Engines
from tests.engine.wire import Wire, wired
from tests.replicas.clock import HeldClock


class Opening:
    """Opens engines as usual, counts them, and fails on demand."""

    def __init__(self) -> None:
        self.opened: list[str] = []
        self.closed: list[str] = []
        self.failing: dict[str, Exception] = {}

    @asynccontextmanager
    async def __call__(self, service: Service, connection: Connection) -> AsyncIterator[Engine]:
        if connection.id in self.failing:
            raise self.failing[connection.id]
        async with open_engine(service, connection) as engine:
            self.opened.append(connection.id)
            yield engine
        self.closed.append(connection.id)


@pytest.fixture
async def wire(tmp_path: Path) -> AsyncIterator[Wire]:
    async with wired(tmp_path, database_url="memory:") as wire:
        yield wire


async def second(wire: Wire) -> Connection:
    """Add a connection, as another process would."""
    store = wire.service.store
    made = replace(await wire.service.connection("demo"), id="second", name="second")
    await store.put_connection(made)
    for name in (HINT_TOKEN, SALESFORCE_LOGIN):
        await store.put_secret("second", name, await store.secret("demo", name) or b"")
    return made


async def test_a_connection_that_is_added_is_opened_and_one_that_changed_is_opened_anew(wire: Wire) -> None:
    opening = Opening()
    engines = Engines(wire.service, opener=opening)
    await engines.refresh()
    assert [engine.connection.id for engine in engines.open] == ["demo"]
    made = await second(wire)
    await engines.refresh()
    assert [engine.connection.id for engine in engines.open] == ["demo", "second"]
    await wire.service.store.put_connection(replace(made, settings={**made.settings, "create_contacts": True}))
    await engines.refresh()
    assert (opening.opened, opening.closed) == (["demo", "second", "second"], ["second"])
    engine = engines.engine("second")
    assert engine is not None
    assert engine.options.create_contacts
    await engines.aclose()
    assert sorted(opening.closed) == ["demo", "second", "second"]


async def test_what_a_process_learns_on_the_way_opens_nothing_anew(wire: Wire) -> None:
    opening = Opening()
    engines = Engines(wire.service, opener=opening)
    await engines.refresh()
    connection = await wire.service.connection()
    await wire.service.store.put_connection(replace(connection, facts={**connection.facts, "verified": ["phones"]}))
    await engines.refresh()
    assert opening.opened == ["demo"]
    await engines.aclose()


async def test_one_that_cannot_be_opened_is_tried_again_with_growing_pauses_and_hinders_no_other(wire: Wire) -> None:
    clock, opening = HeldClock(), Opening()
    wire.service.clock = clock
    await second(wire)
    opening.failing["second"] = RetryLater(Side.SALESFORCE, "no answer")
    engines = Engines(wire.service, opener=opening)
    await engines.refresh()
    assert engines.closed == {"second": "retry-later"}
    assert opening.opened == ["demo"]
    opening.failing["second"] = ReconnectNeeded(Side.SALESFORCE, "token refused")
    await engines.refresh()
    assert engines.closed == {"second": "retry-later"}, "not before the pause is over"
    await clock.sleep(2)
    await engines.refresh()
    assert engines.closed == {"second": "reconnect-needed"}
    opening.failing.clear()
    await clock.sleep(2)
    await engines.refresh()
    assert engines.closed == {"second": "reconnect-needed"}, "the second pause is longer"
    await clock.sleep(2)
    await engines.refresh()
    assert engines.closed == {}
    await engines.aclose()


async def test_they_are_kept_while_a_block_runs(wire: Wire) -> None:
    opening = Opening()
    engines = Engines(wire.service, opener=opening)
    async with engines.kept():
        assert [engine.connection.id for engine in engines.open] == ["demo"]
    assert opening.closed == ["demo"]
    assert engines.open == []


async def test_a_fault_that_nobody_foresaw_is_said_by_its_class(wire: Wire, caplog) -> None:
    opening = Opening()
    opening.failing["demo"] = ZeroDivisionError()
    engines = Engines(wire.service, opener=opening)
    async with engines.kept():
        assert engines.closed == {"demo": "unforeseen"}
    assert "ZeroDivisionError" in caplog.text


async def test_one_that_is_opened_anew_is_never_unknown_meanwhile(wire: Wire) -> None:
    seen: list[tuple[int, dict[str, str]]] = []

    async def attend(engine: Engine, leaving: asyncio.Event) -> None:
        await leaving.wait()
        seen.append((len(engines.connections), engines.closed))

    engines = Engines(wire.service, attendant=attend)
    await engines.refresh()
    connection = await wire.service.connection()
    await wire.service.store.put_connection(replace(connection, settings={**connection.settings, "phone_region": "CA"}))
    await engines.refresh()
    assert seen == [(1, {"demo": "opening"})]
    await engines.aclose()
