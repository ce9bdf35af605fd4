"""A connected clinic on both emulators in one process, and the doctor who looks it over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr

from hintsync.bootstrap import Service, open_partner
from hintsync.clock import SystemClock
from hintsync.core.values import Side
from hintsync.doctor.checks import BY_CODE
from hintsync.doctor.examine import look_over
from hintsync.doctor.findings import Finding, State
from hintsync.engine.detect.way import WAY, Way
from hintsync.engine.detect.webhooks import register_webhook
from hintsync.engine.guards.stops import Desk
from hintsync.setup.installation import Grants, Wish, install_pages
from hintsync.state.port import Connection
from hintsync_emulators.control import Controlled, Faults
from hintsync_emulators.hint import Practice
from hintsync_emulators.salesforce import Org
from tests.engine.wire import Wire, wired

PUBLIC = "https://sync.hintsync.invalid"


class AdvancedClock(SystemClock):
    """The machine's clock, and some time more."""

    def __init__(self, ahead: timedelta) -> None:
        self._ahead = ahead

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


@dataclass(slots=True)
class Surgery:
    """The clinic under examination."""

    wire: Wire

    @property
    def service(self) -> Service:
        return self.wire.service

    @property
    def org(self) -> Org:
        return self.wire.org

    @property
    def practice(self) -> Practice:
        return self.wire.practice

    async def connection(self) -> Connection:
        return await self.service.connection()

    async def desk(self) -> Desk:
        return Desk(await self.connection(), self.service.store, self.service.clock, "tests")

    def faults(self, side: Side) -> Faults:
        """Return what an emulator does to its callers."""
        transports = self.service.transports
        transport = transports.hint if side is Side.HINT else transports.salesforce
        app = transport.app  # type: ignore[union-attr]
        assert isinstance(app, Controlled)
        return app.faults

    def set(self, **settings: object) -> None:
        """Go on with other settings."""
        self.service.settings = self.service.settings.model_copy(update=settings)

    async def look(self) -> dict[str, Finding]:
        """Return what is found, by the code of the check: each check exactly once."""
        found = [each async for _, findings in look_over(self.service, await self.connection()) for each in findings]
        assert sorted(each.check for each in found) == sorted(BY_CODE)
        return {each.check: each for each in found}

    async def state(self, check: str) -> tuple[State, str]:
        """Return the state of one check, and the case whose remedy it shows; empty: none of its own."""
        finding = (await self.look())[check]
        return finding.state, case_of(finding)


def case_of(finding: Finding) -> str:
    """Return the case whose remedy a finding shows; empty: none of the check's own."""
    remedies = BY_CODE[finding.check].remedies
    return next((case for case, words in remedies.items() if words == finding.remedy), "")


@asynccontextmanager
async def opened(folder: Path, *, database_url: str = "memory:") -> AsyncIterator[Surgery]:
    """Connect a clinic and install its pages, webhook address and alerts, as `hintsync install` and `webhook` do."""
    async with wired(folder, database_url=database_url) as wire:
        surgery = Surgery(wire)
        surgery.set(
            public_url=PUBLIC,
            hint_partner_key=SecretStr(wire.practice.partner.key),
            hint_webhook_keys=SecretStr("whsec-doctor"),
            alerts=SecretStr("json://127.0.0.1:9"),
        )
        service, connection = wire.service, await wire.service.connection()
        wire.org.pace.deploy_polls = 0
        await install_pages(service, connection, Wish(PUBLIC, Grants()))
        now = service.clock.now().isoformat(timespec="seconds")
        await register_webhook(service.store, connection, open_partner(service), f"{PUBLIC}/webhooks/hint", now)
        for side in Side:
            await service.store.put_cursor(connection.id, f"{side}:heard", now)
        await service.store.put_cursor(connection.id, WAY, Way("/data/Hint_Sync__chn").pack())
        yield surgery
