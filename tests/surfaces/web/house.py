"""The web application over both emulators, all in one process: what tests of the receiver post to."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import orjson
from pydantic import SecretStr
from starlette.applications import Starlette

from hintsync.core.values import Side
from hintsync.engine.detect.intake import take_in
from hintsync.engine.options import Options
from hintsync.metrics import Metrics
from hintsync.state.live import Dirty
from hintsync.surfaces.web.app import create_app
from hintsync.surfaces.web.desk import TakeIn, Wake
from hintsync.surfaces.web.engines import Engines
from hintsync_emulators.hint import SIGNATURE_HEADER, signature
from tests.engine.wire import Wire, wired

KEY = "whsec-test"
OLD_KEY = "whsec-before"
MAX_BYTES = 65_536
PATH = "/webhooks/hint"
PUBLIC = "https://sync.example.org"


@dataclass(slots=True)
class House:
    """The application with everything around it."""

    wire: Wire
    app: Starlette
    engines: Engines
    http: httpx.AsyncClient
    metrics: Metrics
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def practice_id(self) -> str:
        return self.wire.practice.id

    def envelope(self, type_: str, shown: object, **other: object) -> bytes:
        """Return a body as Hint sends it, with an event id of its own."""
        body: dict[str, object] = {
            "id": f"evt-{next(self._numbers):012d}",
            "created_at": "2026-11-22T10:49:21.419-08:00",
            "type": type_,
            "practice_id": self.practice_id,
            "object": shown,
        }
        return orjson.dumps({**body, **other})

    async def post(
        self, body: bytes, *, key: str = KEY, path: str = PATH, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """Post a body, signed."""
        signed = {"content-type": "application/json", SIGNATURE_HEADER: signature(key, body), **(headers or {})}
        return await self.http.post(path, content=body, headers=signed)

    async def tell(self, type_: str, shown: object, **other: object) -> httpx.Response:
        """Post an event."""
        return await self.post(self.envelope(type_, shown, **other))

    async def dirty(self, connection_id: str = "demo") -> list[Dirty]:
        return list(await self.wire.service.store.dirty(connection_id))

    async def dirty_ids(self, connection_id: str = "demo") -> list[str]:
        return sorted(each.record_id for each in await self.dirty(connection_id) if each.side is Side.HINT)

    def patient(self, first: str = "Ada", last: str = "Moor", born: str = "1980-02-29", **values: object) -> str:
        return self.wire.practice.create_patient(first_name=first, last_name=last, dob=born, **values)

    def shown(self, patient_id: str) -> dict[str, object]:
        """Return a patient as an event shows it."""
        return self.wire.practice.patient(patient_id)


@asynccontextmanager
async def opened(
    folder: Path,
    *,
    take_in: TakeIn = take_in,
    wake: Wake | None = None,
    options: Options | None = None,
    database_url: str = "memory:",
    keys: str = f"{KEY}, {OLD_KEY}",
) -> AsyncIterator[House]:
    """Connect, and serve in process."""
    async with wired(folder, options, database_url=database_url) as wire:
        update = {"hint_webhook_keys": SecretStr(keys), "webhook_max_bytes": MAX_BYTES, "public_url": PUBLIC}
        wire.service.settings = wire.service.settings.model_copy(update=update)
        engines, metrics = Engines(wire.service), Metrics()
        app = create_app(wire.service, engines=engines, take_in=take_in, wake=wake, metrics=metrics)
        transport = httpx.ASGITransport(app)
        async with (
            engines.kept(),
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=PUBLIC) as http,
        ):
            yield House(wire, app, engines, http, metrics)
