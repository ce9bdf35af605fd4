"""Every error of the Pub/Sub API, and what is done next: as a table, and over the wire with the emulator's trailers."""

from __future__ import annotations

from contextlib import aclosing

import grpc
import pytest
from grpc import aio

from hintsync.change_feed import DeliveriesSpent, PositionLost
from hintsync.core.errors import FixConfiguration, ReconnectNeeded, RetryLater
from hintsync.replicas.salesforce.pubsub_errors import BUSY_PAUSE, CODES, PREFIX, BrokenOff, TokenRefused, failure
from hintsync_emulators.salesforce.pubsub.errors import PROBLEMS
from tests.replicas.salesforce.following import Following, following, standing

#: Code, what is raised, and a word that its message must hold.
TABLE = {
    "subscription.fetch.replayid.corrupted": (PositionLost, "72 hours"),
    "subscription.fetch.replayid.validation.failed": (PositionLost, "position"),
    "subscription.fetch.requested.events.invalid": (RetryLater, "events"),
    "subscription.fetch.topic.mismatch": (RetryLater, "topic"),
    "subscription.fetch.overflow": (RetryLater, "outstanding"),
    "subscription.fetch.replay.repeated": (RetryLater, "twice"),
    "subscription.topic.cannot.subscribe": (FixConfiguration, "Change Data Capture"),
    "subscription.internal.error": (RetryLater, "internal"),
    "subscription.limit.exceeded": (DeliveriesSpent, "deliveries"),
    "topic.not.found": (FixConfiguration, "Change Data Capture"),
    "topic.meta.permission": (FixConfiguration, "read access"),
    "topic.api.unavailable": (RetryLater, "topics"),
    "schema.meta.permission": (FixConfiguration, "read access"),
    "schema.api.unavailable": (RetryLater, "schemas"),
    "schema.validation.failed": (RetryLater, "schema"),
    "service.unavailable": (RetryLater, "available"),
    "service.protection.triggered": (RetryLater, "protects"),
    "service.auth.error": (TokenRefused, "token"),
    "service.auth.headers.invalid": (FixConfiguration, "connect the org again"),
    "service.tenant.license": (FixConfiguration, "licence"),
    "concurrent.client.limit.exceeded": (RetryLater, "subscribers"),
}


def ended(status: grpc.StatusCode, code: str | bytes | None = None) -> aio.AioRpcError:
    trailers = aio.Metadata() if code is None else aio.Metadata(("error-code", code))
    return aio.AioRpcError(status, aio.Metadata(), trailers, details="Ada Okafor")


def test_the_table_has_every_code() -> None:
    assert TABLE.keys() == CODES.keys()


@pytest.mark.parametrize("code", TABLE)
def test_every_code_says_what_is_done_next(code: str) -> None:
    kind, word = TABLE[code]
    error = failure(ended(grpc.StatusCode.UNKNOWN, PREFIX + code), "/data/X")
    assert type(error) is kind
    assert word in str(error)
    assert code in str(error)
    assert "Ada" not in str(error)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, TokenRefused),
        (grpc.StatusCode.PERMISSION_DENIED, FixConfiguration),
        (grpc.StatusCode.NOT_FOUND, FixConfiguration),
        (grpc.StatusCode.UNIMPLEMENTED, FixConfiguration),
        (grpc.StatusCode.INVALID_ARGUMENT, PositionLost),
        (grpc.StatusCode.UNAVAILABLE, RetryLater),
        (grpc.StatusCode.INTERNAL, BrokenOff),
        (grpc.StatusCode.DEADLINE_EXCEEDED, RetryLater),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, RetryLater),
        (grpc.StatusCode.CANCELLED, RetryLater),
    ],
)
def test_without_a_code_the_status_tells(status: grpc.StatusCode, kind: type[Exception]) -> None:
    assert type(failure(ended(status), "/data/X")) is kind
    assert type(failure(ended(status, "a.code.of.tomorrow"), "/data/X")) is kind


def test_a_busy_service_is_left_alone_for_longer_and_a_spent_day_for_longest() -> None:
    busy = failure(ended(grpc.StatusCode.UNAVAILABLE, PREFIX + "service.protection.triggered"), "x")
    spent = failure(ended(grpc.StatusCode.RESOURCE_EXHAUSTED, (PREFIX + "subscription.limit.exceeded").encode()), "x")
    assert isinstance(busy, RetryLater)
    assert isinstance(spent, DeliveriesSpent)
    assert busy.after == BUSY_PAUSE < (spent.after or 0)


async def _follow(world: Following) -> None:
    async with aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        await anext(stream)


@pytest.mark.parametrize("code", [code for code in PROBLEMS if code != "service.auth.error"])
async def test_what_the_service_answers_reaches_us_as_the_table_says(code: str) -> None:
    async with following() as world:
        world.org.events.faults.fail_next.append(code)
        with pytest.raises(TABLE[code][0]):
            await _follow(world)


@pytest.mark.parametrize("code", [code for code in PROBLEMS if code != "service.auth.error"])
async def test_what_ends_a_stream_reaches_us_as_the_table_says(code: str) -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        world.org.events.end_streams(code)
        with pytest.raises(TABLE[code][0]):
            await anext(stream)


async def test_a_look_up_that_is_refused_twice_needs_a_person() -> None:
    async with following() as world:
        world.org.events.faults.fail_next += ["service.auth.error", "service.auth.error"]
        with pytest.raises(ReconnectNeeded):
            await world.feed._pubsub.topic("/data/Hint_Sync__chn")
        world.org.events.faults.fail_next.append("service.auth.error")
        assert (await world.feed._pubsub.topic("/data/Hint_Sync__chn")).can_subscribe
