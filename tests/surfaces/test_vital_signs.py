"""What a process tells the store again and again: that it is alive, and what it counted."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.engine.health.traffic import last_day
from hintsync.engine.workers import worker_name
from hintsync.metrics import Metrics
from hintsync.state.traffic import ProcessSeen
from hintsync.surfaces.vital_signs import VitalSigns
from tests.surfaces.web.house import opened


async def test_calls_to_both_systems_are_counted_once_each(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        service = house.wire.service
        signs = VitalSigns(service, house.engines, ["worker"], metrics=Metrics())
        engine = house.engines.engine("demo")
        assert engine is not None
        await engine.hint.identify()
        await signs.give()
        await signs.give()
        (*_, hour) = await last_day(service.store, "demo", service.clock.now().timestamp())
        assert hour.count("called", Side.HINT) == engine.hint.calls
        assert hour.count("called", Side.SALESFORCE) == engine.salesforce.calls


async def test_a_process_says_who_it_is_and_gives_a_last_sign_when_told_to_stop(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        metrics, stop = Metrics(), asyncio.Event()
        signs = VitalSigns(house.wire.service, house.engines, ["worker", "web"], metrics=metrics)
        metrics.count("worked", "demo", None, 7)
        stop.set()
        await signs.run(stop)
        (seen,) = await house.wire.service.store.processes()
        assert (seen.name, seen.roles) == (worker_name(), ("web", "worker"))
        (*_, hour) = await last_day(house.wire.service.store, "demo", house.wire.service.clock.now().timestamp())
        assert hour.count("worked") == 7


async def test_a_store_that_is_away_gets_the_counts_with_the_next_sign(tmp_path: Path) -> None:
    async with opened(tmp_path) as house:
        service, metrics = house.wire.service, Metrics()
        signs = VitalSigns(service, house.engines, ["worker"], metrics=metrics)
        stored = service.store.put_process
        metrics.count("worked", "demo", None, 3)

        async def away(process: ProcessSeen) -> None:
            raise RetryLater(None, "the database does not answer")

        service.store.put_process = away  # type: ignore[method-assign]
        await signs.give()
        service.store.put_process = stored  # type: ignore[method-assign]
        metrics.count("worked", "demo", None, 2)
        await signs.give()
        (*_, hour) = await last_day(service.store, "demo", service.clock.now().timestamp())
        assert hour.count("worked") == 5
        assert len(await service.store.processes()) == 1
