"""An emulated org in process, with a replica on it and a hand in what goes wrong."""

from __future__ import annotations

from collections.abc import Iterable

import httpx

from hintsync.core.conventions import Conventions
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.records import Snapshot
from hintsync.replicas.salesforce.auth import GivenToken, Grant
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.grants import grant_permissions
from hintsync.replicas.salesforce.metadata import deploy_package
from hintsync.replicas.salesforce.replica import SalesforceReplica
from hintsync_emulators.control import Failure, Faults
from hintsync_emulators.salesforce import App, Org, create_app
from tests.replicas.clock import HeldClock

ADDRESS = "https://clinic.my.salesforce.test"
TOKEN = "00DEM0000000001!invented"


class Office:
    """The org, its faults, and clients on it."""

    def __init__(self, *, apps: Iterable[App] = (), features: Iterable[str] = (), daily_limit: int = 100_000) -> None:
        self.clock = HeldClock()
        self.org = Org(seed=7, clock=self.clock.now, token=TOKEN, apps=apps, features=features, daily_limit=daily_limit)
        self.app = create_app(self.org)
        self.http = httpx.AsyncClient(transport=httpx.ASGITransport(self.app))
        self.client = self.new_client(GivenToken(ADDRESS, TOKEN))
        self.replica = self.new_replica()

    @property
    def faults(self) -> Faults:
        return self.app.faults

    def new_client(self, grant: Grant) -> SalesforceClient:
        return SalesforceClient(self.http, grant, self.clock)

    def new_replica(self, conventions: Conventions | None = None) -> SalesforceReplica:
        return SalesforceReplica(self.client, DEFAULT_MAPPING, clock=self.clock, conventions=conventions)

    async def deploy(self) -> None:
        await deploy_package(self.client, self.clock)
        await grant_permissions(self.client)
        self.faults.counts.clear()
        self.clock.slept.clear()

    def fail(self, status: int, body: object = None, *, match: str = "", times: int = 1, skip: int = 0) -> None:
        """Let calls that match fail with an answer."""
        self.faults.fail_next.append(Failure(status=status, body=body, match=match, times=times, skip=skip))

    def lose(self, *, match: str, carried_out: bool, times: int = 1) -> None:
        """Let the reply to calls that match be lost, after or before they were carried out."""
        self.faults.fail_next.append(Failure(match=match, after_commit=carried_out, drop=True, times=times))

    def contact(self, **fields: object) -> str:
        """Add a contact past the replica."""
        return self.org.insert("Contact", {"LastName": "Okafor", "FirstName": "Ada", **fields})

    async def read(self, record_id: str) -> Snapshot:
        return (await self.replica.read([record_id]))[record_id]

    async def aclose(self) -> None:
        await self.replica.aclose()
        self.org.close()
