"""Live sync on the demo's stage: the whole service in this process, and edits whose way to the other side is timed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from hintsync.bootstrap import open_partner
from hintsync.core.errors import StopRun
from hintsync.demo.compare import differences
from hintsync.demo.stage import CONNECTION, Stage
from hintsync.demo.wire import Raw
from hintsync.engine.detect.way import load_way
from hintsync.engine.detect.webhooks import register_webhook
from hintsync.surfaces.roles import ALL_ROLES, open_process
from hintsync.surfaces.web.reaching import WEBHOOKS

#: People edited on each side.
EACH = 5
#: Seconds that the service has to be ready, and that an edit has to arrive.
READY, ARRIVAL = 30.0, 30.0
#: Seconds between two looks.
_LOOK = 0.02


@dataclass(slots=True)
class Lags:
    """Seconds from an edit to the same value on the other side, one way."""

    seconds: list[float] = field(default_factory=list)
    #: Records whose edit did not arrive.
    missing: list[str] = field(default_factory=list)

    def median(self) -> float:
        """Return the middle one; 0 if nothing arrived."""
        return sorted(self.seconds)[len(self.seconds) // 2] if self.seconds else 0.0


@asynccontextmanager
async def live_service(stage: Stage) -> AsyncIterator[str]:
    """Run every role of the service until the end of the block; yields its address once both systems reach it.

    Raises:
        StopRun: it did not get ready.
    """
    stop, port = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with open_process(stage.service, ALL_ROLES) as process:
        running = asyncio.create_task(process.run(stop, on_listening=port.set_result))
        try:
            await asyncio.wait([running, port], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running  # raises what kept it from starting
            url = f"http://{stage.service.settings.listen_host}:{port.result()}"
            await _tell_hint(stage, url)
            await _until(lambda: _follows(stage), READY, "the service follows no change events")
            yield url
        finally:
            stop.set()
            await running


async def _tell_hint(stage: Stage, url: str) -> None:
    service = stage.service
    now = service.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    connection = await service.connection(CONNECTION)
    await register_webhook(service.store, connection, open_partner(service), url + WEBHOOKS, now)


async def _follows(stage: Stage) -> bool:
    connection = await stage.service.connection(CONNECTION)
    caught_up = await stage.service.store.backlog(connection.id)
    way = await load_way(stage.service.store, connection)
    return bool(way.topic) and not caught_up.waiting


async def _until(arrived: Callable[[], Awaitable[bool]], seconds: float, trouble: str) -> None:
    began = time.perf_counter()
    while not await arrived():
        if time.perf_counter() - began > seconds:
            raise StopRun(trouble)
        await asyncio.sleep(_LOOK)


async def edit_and_time(stage: Stage, mark: str) -> tuple[Lags, Lags]:
    """Let people edit on both sides, one after the other, and time each edit's way: from Hint, and from Salesforce."""
    seen = await stage.wires.look()
    pairs = [pair for pair in seen.pairs() if not any(differences(*pair))][: 2 * EACH]
    from_hint, from_org = Lags(), Lags()
    for number, (contact, patient) in enumerate(pairs):
        if number % 2:
            await _edit_contact(stage, contact, patient, f"{mark}-{number} Chapel Row", from_org)
        else:
            await _edit_patient(stage, contact, patient, f"{mark}-{number} Mill Lane", from_hint)
    return from_hint, from_org


async def _edit_patient(stage: Stage, contact: Raw, patient: Raw, city: str, lags: Lags) -> None:
    async def arrived() -> bool:
        return bool((await stage.wires.org.contact(contact["Id"]))["MailingCity"] == city)

    await stage.wires.hint.edit(patient["id"], {"address_city": city})
    await _time(arrived, contact["Id"], lags)


async def _edit_contact(stage: Stage, contact: Raw, patient: Raw, city: str, lags: Lags) -> None:
    async def arrived() -> bool:
        return bool((await stage.wires.hint.patient(patient["id"]))["address_city"] == city)

    await stage.wires.org.edit(contact["Id"], {"MailingCity": city})
    await _time(arrived, patient["id"], lags)


async def _time(arrived: Callable[[], Awaitable[bool]], record_id: str, lags: Lags) -> None:
    began = time.perf_counter()
    try:
        await _until(arrived, ARRIVAL, "an edit did not arrive")
    except StopRun:
        lags.missing.append(record_id)
    else:
        lags.seconds.append(time.perf_counter() - began)
