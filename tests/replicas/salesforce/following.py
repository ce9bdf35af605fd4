"""An emulated org whose change events are followed over gRPC, under a clock that stands until it is pushed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from hintsync.change_feed import Arrived, RecordChange
from hintsync.core.codec import Codec
from hintsync.replicas.salesforce.auth import ClientCredentials
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.events_address import EventsAddress
from hintsync.replicas.salesforce.pubsub_feed import PubSubFeed, open_feed
from hintsync_emulators.salesforce import App, Org
from hintsync_emulators.salesforce.pubsub.server import serving_pubsub
from hintsync_emulators.tls import Certificate, make_certificate
from tests.replicas.salesforce.office import ADDRESS, Office

APP = App("key", "hush-hush", run_as="integration@example.org")
CHANNEL = "Hint_Sync__chn"


@cache
def certificate() -> Certificate:
    return make_certificate()


@dataclass(slots=True)
class _Sleeper:
    until: float
    seconds: float
    #: The function that the sleeping task runs.
    who: str
    waking: asyncio.Future[None]


class PushedClock:
    """Stands still; whoever sleeps wakes when a test has pushed the clock far enough."""

    def __init__(self) -> None:
        self.start = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
        self.elapsed = 0.0
        self._sleepers: list[_Sleeper] = []
        self._slept = asyncio.Event()

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.elapsed)

    def monotonic(self) -> float:
        return self.elapsed

    async def sleep(self, seconds: float) -> None:
        waking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        task = asyncio.current_task()
        who = getattr(task.get_coro(), "__qualname__", "") if task else ""
        self._sleepers.append(_Sleeper(self.elapsed + seconds, seconds, who, waking))
        self._slept.set()
        await waking

    def push(self, seconds: float) -> None:
        self.elapsed += seconds
        for sleeper in self._sleepers:
            if sleeper.until <= self.elapsed and not sleeper.waking.done():
                sleeper.waking.set_result(None)

    def asleep(self, who: str = "") -> list[float]:
        """How long those who sleep now wanted to; only those of a task that runs a function, if it is named."""
        self._sleepers = [each for each in self._sleepers if not each.waking.done()]
        return [each.seconds for each in self._sleepers if who in ("", each.who)]

    async def until_asleep(self, seconds: float) -> None:
        """Wait until somebody sleeps for that long."""
        while seconds not in self.asleep():
            await self._wait()

    async def until_asleep_in(self, who: str) -> float:
        """Wait until the task that runs a function sleeps, and return for how long."""
        while not self.asleep(who):
            await self._wait()
        return self.asleep(who)[0]

    async def _wait(self) -> None:
        self._slept.clear()
        await self._slept.wait()


@dataclass(slots=True)
class Following:
    """The org, the feed, and a clock for the feed's patience."""

    office: Office
    feed: PubSubFeed
    clock: PushedClock
    address: EventsAddress

    @property
    def org(self) -> Org:
        return self.office.org

    async def codec(self) -> Codec:
        return (await self.office.replica.prepare()).codec


@asynccontextmanager
async def following(topic: str = "", *, channels: Iterable[str] = (CHANNEL,)) -> AsyncIterator[Following]:
    """Deploy, select contacts for channels, serve the events, open a feed."""
    office, clock = Office(apps=[APP]), PushedClock()
    office.client = SalesforceClient(office.http, ClientCredentials(ADDRESS, "key", "hush-hush"), office.clock)
    office.replica = office.new_replica()
    await office.deploy()
    for channel in channels:
        office.org.events.channels.select("Contact", channel)
    async with serving_pubsub(office.org, certificate()) as host:
        address = EventsAddress(host, certificate().ca)

        async def codec() -> Codec:
            return (await office.replica.prepare()).codec

        feed = await open_feed(address, office.client, codec, clock, tenant=office.org.org_id, topic=topic)
        try:
            yield Following(office, feed, clock, address)
        finally:
            await feed.aclose()
            await office.aclose()


async def standing(stream: AsyncGenerator[Arrived, None]) -> None:
    """Wait until a feed that begins with the latest event stands."""
    first = await anext(stream)
    assert first.fresh


async def changes(stream: AsyncGenerator[Arrived, None], count: int) -> list[RecordChange]:
    """Take as many changes of records, keepalives aside; what was taken before counts as stored."""
    found: list[RecordChange] = []
    while len(found) < count:
        found += (await anext(stream)).changes
    return found
