"""Keeps a connection's stream of change events going, and tells when it does not.

Everything that arrives is stored together with the position behind it, and only then credit is given back. Where the stream
cannot go on from its position it begins at the latest event, after what changed meanwhile was read.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Final, NoReturn

from hintsync import metrics
from hintsync.change_feed import (
    Arrived,
    ChangeFeed,
    ChangeKind,
    DeliveriesSpent,
    PositionLost,
    RecordChange,
    TellsChanges,
)
from hintsync.core.errors import FixConfiguration, HintsyncError, RetryLater
from hintsync.core.guards import check_deliveries
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.deliveries import note_deliveries
from hintsync.engine.detect.heard import Ear
from hintsync.engine.detect.notices import Notice, NoticeKind
from hintsync.engine.detect.poll import TakeIn
from hintsync.engine.detect.way import WAY, Way

_log = logging.getLogger(__name__)

#: Cursor: the replay id behind everything that was taken in, hexadecimal.
REPLAY: Final = "salesforce:replay"


@dataclass(frozen=True, slots=True)
class Pace:
    """How patiently a subscriber works; seconds."""

    #: A lease lasts that long; a dead subscriber's connection is taken over when it ends.
    lease: float = 15.0
    #: Between renewals of the lease, and between tries to get it.
    renew: float = 5.0
    #: Between polls while events are followed: they prove that events are told, and move the cursor for a catch-up.
    beside: float = 900.0
    #: Between looks at the org's deliveries (guard G8).
    deliveries: float = 900.0
    #: After which the stream is tried again that an administrator must set right.
    look_again: float = 900.0
    #: Between two stored positions while nothing happens; the org keeps positions for three days.
    keep_position: float = 300.0
    #: First pause after passing trouble, doubled up to the longest.
    first_pause: float = 1.0
    longest_pause: float = 300.0


#: The usual patience.
PACE: Final = Pace()


#: Polls in a row that find work no event told of, on a stream that never told of any, before it is not relied on.
_MISSES = 2
_MUTE = "contacts change and no event tells of it: select Contact under Setup, Change Data Capture"


@dataclass(slots=True)
class Situation:
    """What the keeper of the stream and the keeper of polls know of each other."""

    #: Events are followed.
    stands: bool = False
    #: Why they are not, or are not relied on; empty: nobody knows yet, or it is about to pass.
    reason: str = ""
    #: Set when polling must look at the situation again.
    moved: asyncio.Event = field(default_factory=asyncio.Event)
    #: An event came since the stream stands.
    heard: bool = False
    #: Polls in a row that found what no event had told.
    missed: int = 0

    @property
    def relied_on(self) -> bool:
        """Whether events may be trusted to tell."""
        return self.stands and not self.reason

    def stand(self) -> None:
        """Note that events are followed."""
        self.stands, self.reason, self.heard, self.missed = True, "", False, 0

    def hear(self) -> None:
        """Note that an event came."""
        self.reason, self.heard, self.missed = "", True, 0

    def found(self, marks: int) -> None:
        """Note what a poll found: the topic of contacts is there even if nobody selected them, and then it is mute."""
        if self.stands and not self.heard:
            self.missed = self.missed + 1 if marks else 0
            if self.missed >= _MISSES:
                self.reason = _MUTE

    def fall(self, reason: str) -> None:
        """Note that they are not; with a reason, polling takes over at once."""
        if self.stands or reason:
            self.moved.set()
        self.stands, self.reason = False, reason


@dataclass(frozen=True, slots=True)
class Hands:
    """What is done about changes: parameters, so that tests and other surfaces can put their own in place."""

    take_in: TakeIn
    #: Reads everything that changed since the last poll; returns how many marks were new.
    poll: Callable[[], Awaitable[int]]
    #: Reads everything that may have been missed, deleted records included.
    catch_up: Callable[[], Awaitable[object]]
    #: Notes that something went well.
    beat: Callable[[], Awaitable[None]]


class StreamKeeper:
    """Follows one connection's change events for as long as it is let."""

    def __init__(
        self, engine: Engine, hands: Hands, situation: Situation, pace: Pace = PACE, random: Random | None = None
    ) -> None:
        self._engine = engine
        self._hands = hands
        self._situation = situation
        self._pace = pace
        self._random = random or Random()
        #: The stream must begin at the latest event: its position was lost, or is not worth its deliveries.
        self._afresh = False
        #: More than a poll is needed before it goes on: positions were lost.
        self._missed = False
        #: Guard G8 has tripped, and deliveries are not clear yet.
        self._spent = False
        self._failures = 0
        self._ear = Ear(Side.SALESFORCE)
        self._stored_at = float("-inf")
        self._looked_at = float("-inf")
        self._shown: Way | None = None

    async def keep(self) -> NoReturn:
        """Follow the events, again and again."""
        while True:
            try:
                await self._follow()
            except HintsyncError as error:
                pause = await self._fallen(error)
            if pause:
                await self._engine.clock.sleep(pause)

    async def _follow(self) -> NoReturn:
        async with self._opened() as feed:
            await self._check_deliveries(feed)
            async with aclosing(feed.follow(await self._position())) as arrivals:
                async for arrived in arrivals:
                    await self._take(arrived)
                    await self._stand(feed, heard=arrived.events > 0)
                    await self._check_deliveries(feed)
        raise RetryLater(Side.SALESFORCE, "the feed ended by itself")

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[ChangeFeed]:
        engine = self._engine
        replica = engine.salesforce
        if not isinstance(replica, TellsChanges):
            raise FixConfiguration(f"{Side.SALESFORCE}: this kind of replica has no change events")
        feed = await replica.open_feed(engine.connection.org_id, engine.options.topic)
        try:
            yield feed
        finally:
            await feed.aclose()

    async def _position(self) -> str | None:
        stored = await self._engine.store.get_cursor(self._engine.connection.id, REPLAY)
        if stored is None:
            self._afresh = True
        return None if self._afresh else stored

    async def _take(self, arrived: Arrived) -> None:
        """Store what arrived with the position behind it; read first what the events do not tell."""
        if arrived.fresh:
            await self._bridge()
        if arrived.lost is not None:
            self._count("overflow")
            _log.warning("change events were lost: %s", arrived.lost)
            await self._hands.catch_up()
        now = self._engine.clock.monotonic()
        is_due = self._afresh or now - self._stored_at >= self._pace.keep_position
        if arrived.position and (arrived.events or is_due):
            notices = [_notice(change, self._engine.clock.now().timestamp()) for change in arrived.changes]
            heard = self._ear.heard(self._engine) if arrived.events else {}
            cursors = {REPLAY: arrived.position, **heard}
            await _whole(self._hands.take_in(self._engine, notices, cursors=cursors))
            self._afresh, self._stored_at = False, now
        if arrived.events:
            self._count("stream-event", arrived.events)
            self._count("gap", sum(map(_shows_nothing, arrived.changes)))
        await self._hands.beat()

    async def _bridge(self) -> None:
        """Read what happened before the stream began."""
        await (self._hands.catch_up() if self._missed else self._hands.poll())
        self._missed = False

    async def _stand(self, feed: ChangeFeed, *, heard: bool) -> None:
        self._failures, self._spent = 0, False
        if not self._situation.stands:
            self._situation.stand()
        if heard:
            self._situation.hear()
        await self._show(Way("" if self._situation.reason else feed.name, self._situation.reason))

    async def _check_deliveries(self, feed: ChangeFeed) -> None:
        """Guard G8: leave the stream while the org's deliveries are near their limit, until they are clear of it.

        Raises:
            DeliveriesSpent: they are.
        """
        now = self._engine.clock.monotonic()
        if now - self._looked_at < self._pace.deliveries:
            return
        self._looked_at = now
        try:
            deliveries = await feed.deliveries()
        except RetryLater as error:
            _log.warning("the org's event deliveries could not be read: %s", error.code)
            return
        if deliveries:
            await note_deliveries(self._engine, deliveries)
        trip = check_deliveries(deliveries) if deliveries else None
        if trip:
            raise DeliveriesSpent(Side.SALESFORCE, f"{trip.guard}: {trip.reason}", after=self._pace.deliveries)
        if deliveries and self._spent and not deliveries.are_clear:
            reason = (
                f"G8: {deliveries.used} of {deliveries.limit} event deliveries of the day, not clear of the limit yet"
            )
            raise DeliveriesSpent(Side.SALESFORCE, reason, after=self._pace.deliveries)

    async def _fallen(self, error: HintsyncError) -> float:
        """Note why the stream ended and return the seconds to wait before it is tried again."""
        self._failures += 1
        _log.warning("the stream of change events ended: %s", error.code)
        match error:
            case PositionLost():
                self._count("replay-expired")
                self._afresh = self._missed = True
                reason, pause = "", 0.0 if self._failures == 1 else self._backoff()
            case DeliveriesSpent():
                self._afresh = self._spent = True
                reason, pause = error.reason, error.after or self._pace.deliveries
            case FixConfiguration():
                reason, pause = str(error), self._pace.look_again
            case _:
                self._count("reconnected")
                reason, pause = (str(error) if self._failures > 1 else ""), self._backoff(error)
        self._situation.fall(reason)
        if reason:
            await self._show(Way("", reason))
        return pause

    def _backoff(self, error: HintsyncError | None = None) -> float:
        grown = min(self._pace.longest_pause, self._pace.first_pause * 2.0 ** (self._failures - 1))
        asked = error.after if isinstance(error, RetryLater) and error.after else 0.0
        return max(asked, grown * (0.5 + self._random.random() / 2))

    async def _show(self, way: Way) -> None:
        """Keep the way in use where people see it."""
        store, connection = self._engine.store, self._engine.connection
        if way != self._shown:
            await store.put_cursor(connection.id, WAY, way.pack())
            self._shown = way

    def _count(self, word: str, by: int = 1) -> None:
        metrics.count(word, self._engine.connection.id, Side.SALESFORCE, by)


def _shows_nothing(change: RecordChange) -> bool:
    """Say whether an event names a record that is there and shows nothing of it, as a gap event does."""
    return change.kind in (ChangeKind.CREATED, ChangeKind.CHANGED) and not change.complete and not change.values


def _notice(change: RecordChange, at: float) -> Notice:
    return Notice(
        side=Side.SALESFORCE,
        record_id=change.record_id,
        kind=NoticeKind(change.kind.value),
        cause="change-event",
        at=at,
        event_id=change.event_id,
        values=change.values,
        complete=change.complete,
        peer_id=change.peer_id,
        marks_changed=change.marks_changed,
        marked=change.marked,
    )


async def _whole(work: Awaitable[object]) -> None:
    """Let a transaction come to its end even if we are told to stop meanwhile."""
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.gather(task, return_exceptions=True)
        raise
