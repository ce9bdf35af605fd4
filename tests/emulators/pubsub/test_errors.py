"""Calls that fail: the gRPC status, and the code of the API in the trailers."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta

import grpc
import pytest
from grpc import aio

from hintsync_emulators.salesforce import ManualClock, Org
from hintsync_emulators.salesforce.pubsub import eventbus_pb2 as wire
from hintsync_emulators.salesforce.pubsub.errors import PROBLEMS
from tests.emulators.pubsub.conftest import CONTACTS, SERVICE, TOKEN, Client, streams

PREFIX = "sfdc.platform.eventbus.grpc."


async def failure(call: Awaitable[object]) -> tuple[grpc.StatusCode, str]:
    """Return the status and the code, without its beginning, that a call fails with."""
    with pytest.raises(aio.AioRpcError) as caught:
        await call
    error = caught.value
    trailers = dict(error.trailing_metadata())
    assert trailers["error-code"].startswith(PREFIX)
    assert f"rpcId: {trailers['rpc-id']}" in (error.details() or "")
    return error.code(), trailers["error-code"].removeprefix(PREFIX)


async def refusal(client: Client, **request: object) -> tuple[grpc.StatusCode, str]:
    """Return how a subscription that begins with this request fails."""
    first = wire.FetchRequest(**{"topic_name": CONTACTS, "num_requested": 1, **request})
    return await failure(anext(aiter(client.open(first))))


async def test_a_token_that_is_no_session_is_refused(client: Client) -> None:
    client.metadata = (("accesstoken", "00Dwrong!token"), *client.metadata[1:])
    expected = (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")
    assert await failure(client.topic(CONTACTS)) == expected
    assert await failure(client.schema("x")) == expected
    assert await refusal(client) == expected


@pytest.mark.parametrize("missing", ["accesstoken", "instanceurl", "tenantid"])
async def test_every_header_is_needed(client: Client, missing: str) -> None:
    client.metadata = tuple(pair for pair in client.metadata if pair[0] != missing)
    assert await failure(client.topic(CONTACTS)) == (
        grpc.StatusCode.UNAUTHENTICATED,
        "service.auth.headers.invalid",
    )


async def test_the_token_of_another_org_is_refused_and_a_short_org_id_is_not(org: Org, client: Client) -> None:
    client.metadata = (*client.metadata[:2], ("tenantid", org.org_id[:15]))
    assert (await client.topic(CONTACTS)).can_subscribe
    client.metadata = (*client.metadata[:2], ("tenantid", "00D000000000001AAA"))
    assert await failure(client.topic(CONTACTS)) == (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")


async def test_a_token_that_expires_under_a_live_stream_ends_it(org: Org, client: Client) -> None:
    call = await client.subscribe(10)
    org.expire_tokens()
    assert await failure(call.read()) == (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")


async def test_a_session_whose_time_is_over_ends_its_streams_with_the_next_keepalive(
    org: Org, client: Client, clock: ManualClock
) -> None:
    org.auth.lifetime = 3_600
    org.events.settings.keepalive = 0.01
    call = await client.subscribe(10)
    clock.advance(3_600)
    responses = aiter(call)

    async def to_the_end() -> None:
        while True:
            await anext(responses)

    assert await failure(to_the_end()) == (grpc.StatusCode.UNAUTHENTICATED, "service.auth.error")


async def test_a_token_that_is_revoked_ends_its_own_streams_only(org: Org, client: Client) -> None:
    other = org.issue_token()
    mine = await client.subscribe(10)
    client.metadata = (("accesstoken", other), *client.metadata[1:])
    theirs = await client.subscribe(10)
    org.auth.revoke(TOKEN)
    assert (await failure(mine.read()))[0] == grpc.StatusCode.UNAUTHENTICATED
    org.insert("Contact", {"LastName": "Moor"})
    assert len(await client.take(theirs, 1)) == 1


@pytest.mark.parametrize("topic", ["/data/NothingChangeEvent", "/event/Nothing__e", "ContactChangeEvent", ""])
async def test_a_topic_that_does_not_exist(client: Client, topic: str) -> None:
    assert await failure(client.topic(topic)) == (grpc.StatusCode.NOT_FOUND, "topic.not.found")
    assert await refusal(client, topic_name=topic) == (grpc.StatusCode.PERMISSION_DENIED, "topic.meta.permission")


async def test_a_schema_that_does_not_exist(client: Client) -> None:
    assert (await failure(client.schema("no-such-schema")))[1] == "schema.meta.permission"


@pytest.mark.parametrize("count", [0, -1])
async def test_a_request_for_no_events(client: Client, count: int) -> None:
    expected = (grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.requested.events.invalid")
    assert await refusal(client, num_requested=count) == expected
    call = await client.subscribe(1)
    await call.write(wire.FetchRequest(topic_name=CONTACTS, num_requested=count))
    assert await failure(call.read()) == expected


async def test_a_subscription_cannot_change_its_topic(client: Client) -> None:
    call = await client.subscribe(1)
    await call.write(wire.FetchRequest(topic_name="/data/ChangeEvents", num_requested=1))
    assert await failure(call.read()) == (grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.topic.mismatch")


async def test_the_custom_preset_needs_a_replay_id(client: Client) -> None:
    assert await refusal(client, replay_preset=wire.CUSTOM) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "subscription.fetch.replayid.validation.failed",
    )


@pytest.mark.parametrize("replay_id", [b"short", b"\x00" * 8, b"\xff" * 8, b"\x00" * 7 + b"\x05", b"\x00" * 16])
async def test_a_replay_id_that_was_never_given_out(client: Client, replay_id: bytes) -> None:
    assert await refusal(client, replay_preset=wire.CUSTOM, replay_id=replay_id) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "subscription.fetch.replayid.corrupted",
    )


@pytest.mark.parametrize("way", ["time", "fault"])
async def test_a_replay_id_that_has_expired(org: Org, client: Client, clock: ManualClock, way: str) -> None:
    call = await client.subscribe(1)
    org.insert("Contact", {"LastName": "Moor"})
    [event] = await client.take_raw(call, 1)
    if way == "time":
        clock.advance(timedelta(hours=72, seconds=1).total_seconds())
    else:
        org.events.expire()
    assert await refusal(client, replay_preset=wire.CUSTOM, replay_id=event.replay_id) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "subscription.fetch.replayid.corrupted",
    )


async def test_deliveries_of_a_day_are_limited_over_all_subscribers(
    org: Org, client: Client, clock: ManualClock
) -> None:
    org.events.allocation.daily = 3
    first, second = await client.subscribe(10), await client.subscribe(10)
    org.insert("Contact", {"LastName": "One"})
    assert len(await client.take(first, 1)) == len(await client.take(second, 1)) == 1
    second.cancel()
    await streams(org, 1)
    org.insert("Contact", {"LastName": "Two"})
    [last] = await client.take_raw(first, 1)
    org.insert("Contact", {"LastName": "Three"})
    assert await failure(first.read()) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "subscription.limit.exceeded")
    clock.advance(timedelta(days=1).total_seconds())
    again = await client.subscribe(10, replay_preset=wire.CUSTOM, replay_id=last.replay_id)
    assert len(await client.take(again, 1)) == 1


@pytest.mark.parametrize("code", sorted(PROBLEMS))
async def test_any_error_can_be_asked_for(org: Org, client: Client, code: str) -> None:
    org.events.faults.fail_next += [code, code, code]
    status = grpc.StatusCode[PROBLEMS[code][0]]
    assert await failure(client.topic(CONTACTS)) == (status, code)
    assert await failure(client.schema("x")) == (status, code)
    assert await refusal(client) == (status, code)
    assert (await client.topic(CONTACTS)).can_subscribe


@pytest.mark.parametrize("name", ["Publish", "PublishStream", "ManagedSubscribe"])
async def test_what_is_left_out_says_so_by_name(org: Org, address: str, certificate: object, name: str) -> None:
    async with aio.secure_channel(address, grpc.ssl_channel_credentials(certificate.ca)) as channel:
        call = channel.stream_stream(f"{SERVICE}{name}")()
        with pytest.raises(aio.AioRpcError) as caught:
            await call.read()
    assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert caught.value.details() == f"not emulated: {name}"
