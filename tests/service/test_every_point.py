"""Installing and uninstalling, cut off at every point, and done again: the end is that of doing it once (T22, M1, M19).

A point lies before and after every call to a system and every write of the store. The process dies there. The next one
does the whole of it; org, practice and store must then be as if nothing had happened.
"""

from __future__ import annotations

import copy
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from hintsync.bootstrap import Service, Transports, open_partner
from hintsync.engine.detect.webhooks import register_webhook
from hintsync.logins import CANVAS_APP, HINT_TOKEN, SALESFORCE_LOGIN, CanvasApp
from hintsync.replicas.memory_faults import Crash
from hintsync.setup.installation import Grants, Wish, install_pages
from hintsync.setup.uninstallation import Leave, uninstall
from hintsync_emulators.hint.steering import HintSteering
from hintsync_emulators.salesforce.steering import OrgSteering
from tests.crash.points import LIVE_WRITES, WRITES, Points, WatchedStore
from tests.engine.wire import Wire, wired
from tests.replicas.clock import HeldClock

WHEN = "2026-11-23T05:00:00Z"
URL = "https://sync.clinic.example"
SECRETS = (CANVAS_APP, HINT_TOKEN, SALESFORCE_LOGIN)
#: Every so manieth point is tried; `make torture` tries all.
STRIDE = 5


class WatchedTransport(httpx.AsyncBaseTransport):
    """A way to a system with a point on both sides of every call."""

    def __init__(self, inner: httpx.AsyncBaseTransport, points: Points, name: str) -> None:
        self._inner, self._points, self._name = inner, points, name

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._points.reach(f"before {request.method} to {self._name}")
        answer = await self._inner.handle_async_request(request)
        await answer.aread()
        self._points.reach(f"after {request.method} to {self._name}")
        return answer


@dataclass
class Ground:
    """A connected org and practice that can be put back to how they were."""

    wire: Wire
    snapshots: tuple[object, object] = (None, None)
    store: Any = None

    def remember(self) -> None:
        """Take this as the beginning of every attempt."""
        self.snapshots = (OrgSteering(self.wire.org).snapshot(), HintSteering([self.wire.practice]).snapshot())
        self.store = copy.deepcopy(self.wire.service.store)

    def reset(self) -> None:
        """Begin anew."""
        org, practice = self.snapshots
        OrgSteering(self.wire.org).restore(org)
        HintSteering([self.wire.practice]).restore(practice)
        self.wire.service.store = copy.deepcopy(self.store)

    def watched(self, points: Points) -> Service:
        """Return the service as a process sees it that dies at a point."""
        service = self.wire.service
        ways = service.transports
        assert ways.salesforce is not None
        assert ways.hint is not None
        watched = Transports(
            WatchedTransport(ways.hint, points, "Hint"), WatchedTransport(ways.salesforce, points, "Salesforce")
        )
        writes = WRITES | LIVE_WRITES | {"drop_secrets"}
        store: Any = WatchedStore(service.store, points, writes)
        return replace(service, store=store, transports=watched, hint_pace=None)

    async def end(self) -> dict[str, object]:
        """Return what matters in the end: the org's metadata and grants, the practice, the store."""
        org, store = self.wire.org, self.wire.service.store
        connection = await self.wire.service.connection()
        sql = (
            "SELECT AssigneeId, p.Name FROM PermissionSetAssignment a JOIN PermissionSet p ON p.Id = a.PermissionSetId"
            " ORDER BY 1, 2"
        )
        integration = self.wire.practice.installation
        return {
            "metadata": {(one.kind, one.name): (one.xml, one.body) for one in org.components.everything()},
            "fields": sorted(org.definition("Contact").fields),
            "grants": org.storage.rows(sql),
            "apps": sorted(org.auth.apps),
            "integration": (integration.status, [each.webhook_url for each in integration.endpoints]),
            "facts": {name: fact for name, fact in connection.facts.items() if name != "credentials"},
            "secrets": [await store.secret(connection.id, name) for name in SECRETS],
            "stops": [(stop.guard, stop.reason) for stop in await store.stops(connection.id)],
        }


Work = Callable[[Service], Awaitable[object]]


async def put_in(service: Service) -> None:
    """Install, as `hintsync install` does, and tell Hint an address."""
    connection = await service.connection()
    await install_pages(service, connection, Wish(URL, Grants(everybody=True)))
    await register_webhook(service.store, connection, open_partner(service), f"{URL}/webhooks/hint", WHEN)


async def take_out(service: Service) -> None:
    """Uninstall, fields and all."""
    await uninstall(service, await service.connection(), Leave(fields=True), actor="tester")


@pytest.fixture
async def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Ground]:
    monkeypatch.setattr(
        "hintsync.setup.installation.new_canvas_app", lambda: CanvasApp("hintsync" + "k" * 60, "s" * 64)
    )
    async with wired(tmp_path, database_url="memory:") as wire:
        wire.service.clock = HeldClock()
        wire.org.pace.deploy_polls = 0
        key = SecretStr(wire.practice.partner.key)
        wire.service.settings = wire.service.settings.model_copy(update={"hint_partner_key": key})
        yield Ground(wire)


async def cut_everywhere(ground: Ground, work: Work, stride: int) -> None:
    """Carry work out once; then die at every point of it, do it again, and compare the ends."""
    ground.remember()
    whole = Points()
    await work(ground.watched(whole))
    expected = await ground.end()
    assert len(whole.names) > 60, whole.names
    for at in range(1, len(whole.names) + 1, stride):
        ground.reset()
        points = Points(crash_at=at)
        with pytest.raises(Crash):
            await work(ground.watched(points))
        await work(ground.watched(Points()))
        assert await ground.end() == expected, f"after a death {points.names[-1]} ({at} of {len(whole.names)})"


@pytest.mark.slow
async def test_t22_an_installation_cut_off_anywhere_comes_to_the_same_end(ground: Ground) -> None:
    await cut_everywhere(ground, put_in, STRIDE)


@pytest.mark.slow
async def test_t22_an_uninstallation_cut_off_anywhere_comes_to_the_same_end(ground: Ground) -> None:
    await put_in(ground.wire.service)
    await cut_everywhere(ground, take_out, STRIDE)


@pytest.mark.torture
async def test_t22_both_cut_off_at_every_single_point_come_to_the_same_end(ground: Ground) -> None:
    await cut_everywhere(ground, put_in, 1)
    await cut_everywhere(ground, take_out, 1)
