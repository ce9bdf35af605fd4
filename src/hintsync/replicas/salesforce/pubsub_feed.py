"""The change events of one org as a ChangeFeed: finds the topic, keeps a stream open, reads what comes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Final

from hintsync.change_feed import Arrived, PositionLost
from hintsync.core.codec import Codec
from hintsync.core.errors import FixConfiguration, ReconnectNeeded, RetryLater
from hintsync.core.guards import Deliveries
from hintsync.core.values import Side
from hintsync.ports import Clock
from hintsync.replicas.salesforce import page_names
from hintsync.replicas.salesforce.change_events import ChangeReader
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.errors import Rejected
from hintsync.replicas.salesforce.events_address import EventsAddress
from hintsync.replicas.salesforce.pubsub_client import PubSubClient
from hintsync.replicas.salesforce.pubsub_errors import BrokenOff, TokenRefused
from hintsync.replicas.salesforce.pubsub_stream import SILENCE, Subscription

#: Our own channel: it is there only if contacts were selected for it, and does not count against what the org has selected.
CHANNEL: Final = f"/data/{page_names.CHANNEL}"
#: The org's own topic of contacts. It is there even while nobody selected contacts for it, and then nothing ever comes.
STANDARD: Final = "/data/ContactChangeEvent"
TOPICS: Final = (CHANNEL, STANDARD)

#: Key of `limits` for events delivered to all subscribers of the org within 24 hours (REST API Developer Guide, "Limits").
_DELIVERED = "DailyDeliveredPlatformEvents"

ReadCodec = Callable[[], Awaitable[Codec]]


class PubSubFeed:
    """Follows one topic of one org."""

    def __init__(
        self,
        pubsub: PubSubClient,
        rest: SalesforceClient,
        topic: str,
        codec: ReadCodec,
        clock: Clock,
        *,
        silence: float = SILENCE,
    ) -> None:
        """Put the feed together; nothing is sent yet.

        Args:
            pubsub: the connection; closed by `aclose`.
            rest: tells of the org's limits.
            topic: what is followed.
            codec: tells how this org's contacts are read at present.
            clock: measures silence.
            silence: seconds after which a stream counts as dead.
        """
        self.name = topic
        self._pubsub = pubsub
        self._rest = rest
        self._clock = clock
        self._silence = silence
        self._reader = ChangeReader(pubsub.schema, codec)

    async def follow(self, position: str | None) -> AsyncGenerator[Arrived, None]:
        """Yield events; a refused token, and a stream that ends without a reason after it had spoken, are dealt with here.

        Raises:
            Silent: nothing was heard for too long. Open the feed anew: its connection may be dead, not only the stream.
            ReconnectNeeded: a new token was refused too.
            PositionLost, DeliveriesSpent, FixConfiguration, RetryLater: see `ChangeFeed.follow`.
        """
        renewed = False
        while True:
            stream = Subscription(self._pubsub, self.name, self._clock, silence=self._silence)
            session = await stream.begin(_replay_id(position))
            try:
                async with aclosing(self._arrivals(stream, fresh=position is None)) as arrivals:
                    async for arrived in arrivals:
                        yield arrived
                        position = arrived.position or position
                _check_spoke(stream, self.name)
            except TokenRefused:
                if renewed and not stream.spoke:
                    raise ReconnectNeeded(Side.SALESFORCE, "a new access token was refused for change events") from None
                await self._pubsub.renew(session)
                renewed = True
                continue
            except BrokenOff:
                _check_spoke(stream, self.name)
            finally:
                await stream.aclose()
            renewed = False

    async def deliveries(self) -> Deliveries | None:
        """Read the org's limits; figures are up to five minutes old. None where our user may not see them."""
        try:
            limits = (await self._rest.get("limits", "read the org's limits")).data
        except Rejected:
            return None
        found = limits.get(_DELIVERED) if isinstance(limits, dict) else None
        if not isinstance(found, dict) or not found.get("Max"):
            return None
        return Deliveries(used=int(found["Max"]) - int(found.get("Remaining") or 0), limit=int(found["Max"]))

    async def aclose(self) -> None:
        """Close the connection."""
        await self._pubsub.aclose()

    async def _arrivals(self, stream: Subscription, *, fresh: bool) -> AsyncGenerator[Arrived, None]:
        """Yield what comes on one stream until it ends in order, giving credit back once the next is asked for."""
        if fresh and await stream.stands():
            yield Arrived("", fresh=True)
        while responses := await stream.take():
            arrived = await self._reader.read(responses)
            yield arrived
            stream.give_back(arrived.events)


async def open_feed(
    address: EventsAddress, rest: SalesforceClient, codec: ReadCodec, clock: Clock, *, tenant: str, topic: str = ""
) -> PubSubFeed:
    """Look for the topic, or for the first of ours that is there, and return its feed.

    Raises:
        FixConfiguration: there is none that we may follow, or no address that serves the org.
        RetryLater: it could not be found out.
    """
    session = await rest.sessions.session()
    pubsub = PubSubClient(address.serving(session), address.authorities, rest.sessions, tenant)
    try:
        found = await _find(pubsub, (topic,) if topic else TOPICS)
    except BaseException:
        await pubsub.aclose()
        raise
    return PubSubFeed(pubsub, rest, found, codec, clock)


async def _find(pubsub: PubSubClient, topics: tuple[str, ...]) -> str:
    missing: FixConfiguration | None = None
    for topic in topics:
        try:
            info = await pubsub.topic(topic)
        except ReconnectNeeded:
            raise
        except FixConfiguration as error:
            missing = error
            continue
        if info.can_subscribe:
            return topic
        missing = FixConfiguration(f"{Side.SALESFORCE}: topic {topic}: our user may not subscribe to it")
    assert missing is not None  # there is always a topic to look for
    raise missing


def _replay_id(position: str | None) -> bytes | None:
    """Return a stored position as the service takes it.

    Raises:
        PositionLost: it is not one of ours.
    """
    if position is None:
        return None
    try:
        return bytes.fromhex(position)
    except ValueError:
        raise PositionLost(f"{Side.SALESFORCE}: the stored position is not hexadecimal") from None


def _check_spoke(stream: Subscription, topic: str) -> None:
    """Let a stream be opened again at once only if it was good for something; else opening it again is no remedy.

    Raises:
        RetryLater: nothing was heard of it.
    """
    if not stream.spoke:
        raise RetryLater(Side.SALESFORCE, f"{topic}: the stream ended before anything was heard")
