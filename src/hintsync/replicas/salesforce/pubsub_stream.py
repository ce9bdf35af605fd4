"""One open Subscribe stream: read ahead into memory, watched for silence, given credit for what was stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Any, Final

from grpc import aio

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.ports import Clock
from hintsync.replicas.salesforce import pubsub_pb2 as wire
from hintsync.replicas.salesforce.auth import Session
from hintsync.replicas.salesforce.pubsub_client import PubSubClient, Stream
from hintsync.replicas.salesforce.pubsub_errors import failure

#: Events that may be outstanding; asking for more counts as this many (Pub/Sub API Developer Guide, "Allocations").
MOST_OUTSTANDING: Final = 100
#: Seconds without a word after which a stream is dead, exception or not. Keepalives are promised within 270 seconds and
#: come about every 60; a stream that was silent for two minutes never spoke again (observed by others, forcedotcom/pub-sub-api#31).
SILENCE: Final = 120.0


class Silent(RetryLater):
    """Nothing was heard of a stream for too long."""

    code = "silent"


class Subscription:
    """A stream of one topic. At most `MOST_OUTSTANDING` events are asked for and not yet stored."""

    def __init__(self, client: PubSubClient, topic: str, clock: Clock, *, silence: float = SILENCE) -> None:
        self._client = client
        self._topic = topic
        self._clock = clock
        self._silence = silence
        self._requests: asyncio.Queue[wire.FetchRequest] = asyncio.Queue()
        self._heard: list[wire.FetchResponse] = []
        self._over = False
        self._error: aio.AioRpcError | None = None
        #: Set when something was heard, the end included.
        self._news = asyncio.Event()
        self._call: Stream | None = None
        self._reader: asyncio.Task[None] | None = None
        #: Whether the service said anything.
        self.spoke = False

    async def begin(self, replay_id: bytes | None) -> Session:
        """Ask for the events behind a replay id, or for those from now on; return the session it is done with."""
        first = wire.FetchRequest(topic_name=self._topic, num_requested=MOST_OUTSTANDING)
        if replay_id is not None:
            first.replay_preset, first.replay_id = wire.CUSTOM, replay_id
        self._requests.put_nowait(first)
        self._call, session = await self._client.subscribe(self._sending())
        self._reader = asyncio.create_task(self._read(self._call))
        return session

    async def stands(self) -> bool:
        """Wait until what is committed from now on will be told; false if the stream was refused instead.

        The service's headers say so, or its first words: a server may keep its headers back until it has some. A refusal
        may look like headers for a moment; then `take` tells the truth.

        Raises:
            Silent: neither came in time.
        """
        assert self._call is not None
        await self._first_of(self._call.initial_metadata(), self._news.wait())
        return not self._over or bool(self._heard)

    async def take(self) -> list[wire.FetchResponse]:
        """Wait for responses and return all that are there; none: the stream ended in order.

        Raises:
            Silent: nothing came in time.
            HintsyncError: the stream ended with an error; see `pubsub_errors`.
        """
        while not self._heard and not self._over:
            self._news.clear()
            await self._first_of(self._news.wait())
        if self._heard:
            self.spoke = True
            found, self._heard = self._heard, []
            return found
        if self._error is not None:
            raise failure(self._error, self._topic) from None
        return []

    def give_back(self, events: int) -> None:
        """Ask for as many further events as were stored."""
        if events:
            self._requests.put_nowait(wire.FetchRequest(topic_name=self._topic, num_requested=events))

    async def aclose(self) -> None:
        """End the stream."""
        if self._call is not None:
            self._call.cancel()
        if self._reader is not None:
            await _end(self._reader)

    async def _sending(self) -> AsyncIterator[wire.FetchRequest]:
        while True:
            yield await self._requests.get()

    async def _read(self, call: Stream) -> None:
        """Move what comes into memory, its end too; what was asked for bounds it."""
        try:
            async for response in call:
                self._heard.append(response)
                self._news.set()
        except aio.AioRpcError as error:
            self._error = error
        finally:
            self._over = True
            self._news.set()

    async def _first_of(self, *hoped: Awaitable[object]) -> None:
        """Wait for any of these, but not for ever."""
        tasks = [asyncio.ensure_future(each) for each in hoped]
        patience = asyncio.ensure_future(self._clock.sleep(self._silence))
        try:
            await asyncio.wait([*tasks, patience], return_when=asyncio.FIRST_COMPLETED)
            if not any(task.done() for task in tasks):
                raise Silent(Side.SALESFORCE, f"{self._topic}: nothing heard for {self._silence:.0f} seconds")
        finally:
            await _end(*tasks, patience)


async def _end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel what still runs and take what it ended with: the stream's own error is told by `take`."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
