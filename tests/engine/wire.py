"""The whole product on both emulators in process: real replicas, real store, no socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from hintsync.bootstrap import Service, Transports, open_engine, open_service
from hintsync.engine.context import Engine
from hintsync.engine.options import Options
from hintsync.logins import WithToken
from hintsync.settings import Settings
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync_emulators.hint import Practice
from hintsync_emulators.hint import create_app as hint_app
from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce import create_app as salesforce_app

TOKEN = "00D5g0000012345!canaryless.session"
INSTANCE = "http://127.0.0.1:9"


@dataclass(slots=True)
class Wire:
    """Both systems, and the service that is connected to them."""

    org: Org
    practice: Practice
    service: Service

    async def new_hint_token(self) -> str:
        """Return a token for the same practice, as an administrator gets one by a new authorization code."""
        body = {"grant_type": "authorization_code", "code": self.practice.new_code(), "activate": True}
        headers = {"Authorization": f"Bearer {self.practice.partner.key}"}
        transport = self.service.transports.hint
        async with httpx.AsyncClient(transport=transport, base_url=INSTANCE) as http:
            answer = await http.post("/api/oauth/tokens", json=body, headers=headers)
        return str(answer.json()["access_token"])

    @asynccontextmanager
    async def engine(self) -> AsyncIterator[Engine]:
        """Open an engine as a process would."""
        async with open_engine(self.service, await self.service.connection()) as engine:
            yield engine


@asynccontextmanager
async def wired(
    folder: Path,
    options: Options | None = None,
    *,
    database_url: str = "",
    features: Sequence[str] = ("MiddleName",),
) -> AsyncIterator[Wire]:
    """Deploy our fields, connect, hand out the wire."""
    org, practice = Org(token=TOKEN, features=features), Practice()
    hint = hint_app(practice)
    hint.faults.limits["per_second"] = None
    transports = Transports(httpx.ASGITransport(app=hint), httpx.ASGITransport(app=salesforce_app(org)))
    settings = Settings(
        state=folder,
        database_url=database_url,
        hint_url="http://127.0.0.1:9",
        hint_requests_per_second=1000,
    )
    async with open_service(settings, transports) as service:
        login = WithToken(INSTANCE, TOKEN)
        await prepare_org(service, login)
        await connect(service, "demo", hint_token=practice.token, login=login, options=options)
        yield Wire(org, practice, service)
