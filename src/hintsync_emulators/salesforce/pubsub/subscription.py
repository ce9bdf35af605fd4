"""One Subscribe stream: what a subscriber asked for, what it has been sent, and when it hears that nothing happened."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager

from hintsync_emulators.salesforce.pubsub import eventbus_pb2 as wire
from hintsync_emulators.salesforce.pubsub.bus import EventBus
from hintsync_emulators.salesforce.pubsub.errors import Problem
from hintsync_emulators.salesforce.pubsub.log import Placed

#: Events that may be outstanding; asking for more is asking for this many.
MOST_PENDING = 100


def encode_replay_id(position: int) -> bytes:
    """Write a position as a replay id: eight bytes, the most significant first."""
    return position.to_bytes(8)


class Subscription:
    """The state of one stream.

    Args:
        bus: the bus of the org.
        guard: held while the bus is used.
        check: fails when the caller may no longer listen.
    """

    def __init__(self, bus: EventBus, guard: AbstractContextManager[object], check: Callable[[], None]) -> None:
        self._bus, self._guard, self._check = bus, guard, check
        self._loop = asyncio.get_running_loop()
        self._moved = asyncio.Event()
        self._owed: deque[Placed] = deque()
        self._problem: Problem | None = None
        self._topic, self._pending, self._position = "", 0, 0
        self._leave: Callable[[], None] = lambda: None
        self._endings = bus.endings
        self._spoke = self._emptied = self._loop.time()

    def begin(self, request: wire.FetchRequest) -> None:
        """Take the first request, which says where the stream begins.

        Raises:
            Problem: the topic cannot be subscribed to, or the replay id is of no use.
        """
        with self._guard:
            if self._bus.channels.objects_on(request.topic_name) is None:
                raise Problem("topic.meta.permission")
            self._topic = request.topic_name
            self._ask(request.num_requested)
            self._position = self._start(request)
            self._leave = self._bus.join(self._wake)

    def end(self) -> None:
        """Leave the bus."""
        self._leave()

    def _start(self, request: wire.FetchRequest) -> int:
        if request.replay_preset == wire.EARLIEST:
            return 0
        if request.replay_preset == wire.LATEST:
            return self._bus.tip()
        if not request.replay_id:
            raise Problem("subscription.fetch.replayid.validation.failed")
        position = int.from_bytes(request.replay_id) if len(request.replay_id) == 8 else 0
        if position >= 2**63 or not self._bus.holds(position):
            raise Problem("subscription.fetch.replayid.corrupted")
        return position

    def ask(self, request: wire.FetchRequest) -> None:
        """Take a further request; what is wrong with it ends the stream."""
        try:
            if request.topic_name not in ("", self._topic):
                raise Problem("subscription.fetch.topic.mismatch")
            self._ask(request.num_requested)
        except Problem as problem:
            self._problem = problem
        self._moved.set()

    def _ask(self, count: int) -> None:
        if count <= 0:
            raise Problem("subscription.fetch.requested.events.invalid")
        self._pending = min(MOST_PENDING, self._pending + count)

    async def responses(self) -> AsyncIterator[wire.FetchResponse]:
        """Yield what is sent, until the stream is over.

        Raises:
            Problem: the stream ends with an error.
        """
        while not self._is_over():
            self._moved.clear()
            response = self._next()
            if response is not None:
                self._spoke = self._loop.time()
                yield response
            elif not await self._wait():
                if self._is_idle():
                    return
                yield self._keepalive()

    def _wake(self) -> None:
        """Look again; called from any thread."""
        self._loop.call_soon_threadsafe(self._moved.set)

    def _is_over(self) -> bool:
        if self._bus.faults.silence:
            return False
        if self._problem is not None:
            raise self._problem
        if self._endings != self._bus.endings:
            if self._bus.ending is not None:
                raise Problem(self._bus.ending)
            return True
        self._check()
        return False

    def _next(self) -> wire.FetchResponse | None:
        """Return the next events, as many as were asked for and may be delivered."""
        if not self._pending or self._bus.faults.silence:
            return None
        with self._guard:
            if not self._owed:
                self._fetch()
            count = min(self._pending, len(self._owed))
            if not count:
                return None
            now, allocation = self._bus.now(), self._bus.allocation
            count = min(count, allocation.left(now))
            if not count:
                raise Problem("subscription.limit.exceeded")
            allocation.take(count, now)
        return self._response([self._owed.popleft() for _ in range(count)])

    def _fetch(self) -> None:
        objects = self._bus.channels.objects_on(self._topic) or frozenset()
        for placed in self._bus.after(self._position, objects, MOST_PENDING):
            self._owed.extend([placed] * placed.event.times)

    def _response(self, sent: list[Placed]) -> wire.FetchResponse:
        self._position = sent[-1].position
        self._pending -= len(sent)
        self._emptied = self._loop.time()
        return wire.FetchResponse(
            events=[_consumer_event(each) for each in sent],
            latest_replay_id=encode_replay_id(self._position),
            rpc_id=str(uuid.uuid4()),
            pending_num_requested=self._pending,
        )

    def _keepalive(self) -> wire.FetchResponse:
        """Return the answer that only says where the stream is; it never passes an event that is still owed."""
        self._spoke = self._loop.time()
        with self._guard:
            objects = self._bus.channels.objects_on(self._topic) or frozenset()
            if not self._owed and not self._bus.after(self._position, objects, 1):
                self._position = self._bus.tip()
        return wire.FetchResponse(
            latest_replay_id=encode_replay_id(self._position),
            rpc_id=str(uuid.uuid4()),
            pending_num_requested=self._pending,
        )

    async def _wait(self) -> bool:
        """Wait for something to happen; return False when it was time for a keepalive, or for the end."""
        try:
            async with asyncio.timeout_at(None if self._bus.faults.silence else self._deadline()):
                await self._moved.wait()
        except TimeoutError:
            return False
        return True

    def _deadline(self) -> float:
        keepalive = self._spoke + self._bus.settings.keepalive
        return keepalive if self._pending else min(keepalive, self._emptied + self._bus.settings.idle)

    def _is_idle(self) -> bool:
        return not self._pending and self._loop.time() >= self._emptied + self._bus.settings.idle


def _consumer_event(placed: Placed) -> wire.ConsumerEvent:
    event = placed.event
    inner = wire.ProducerEvent(id=event.id, schema_id=event.schema_id, payload=event.payload)
    return wire.ConsumerEvent(event=inner, replay_id=encode_replay_id(placed.position))
