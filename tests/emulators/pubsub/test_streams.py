"""Subscriptions over gRPC, seen by a plain grpcio client that resolves schemas by their ids."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from datetime import timedelta

import grpc
import pytest
from grpc import aio

from hintsync_emulators.salesforce import ManualClock, Org
from hintsync_emulators.salesforce.pubsub import eventbus_pb2 as wire
from hintsync_emulators.salesforce.pubsub.server import pubsub_thread, serving_pubsub
from hintsync_emulators.tls import Certificate
from tests.emulators.pubsub.conftest import CONTACTS, Client, streams


def add(org: Org, *names: str) -> list[str]:
    return [org.insert("Contact", {"LastName": name}) for name in names]


def last_names(events: list[dict[str, object]]) -> list[str]:
    return [event["Name"]["LastName"] for event in events]


async def test_a_topic_names_its_schema_and_the_schema_its_fields(org: Org, client: Client) -> None:
    topic = await client.topic(CONTACTS)
    assert (topic.topic_name, topic.can_subscribe, topic.can_publish) == (CONTACTS, True, False)
    schema = await client.schema(topic.schema_id)
    assert (schema.schema_id, schema.schema_json) == (topic.schema_id, org.events.event_schema("Contact").json)
    assert topic.rpc_id != schema.rpc_id


async def test_a_topic_of_several_objects_has_no_schema_of_its_own(client: Client) -> None:
    topic = await client.topic("/data/ChangeEvents")
    assert (topic.can_subscribe, topic.schema_id) == (True, "")


async def test_the_latest_preset_begins_with_what_is_committed_from_now_on(org: Org, client: Client) -> None:
    add(org, "Before")
    call = await client.subscribe(10)
    add(org, "After", "Later")
    assert last_names(await client.take(call, 2)) == ["After", "Later"]


async def test_the_earliest_preset_begins_with_the_oldest_event_that_is_kept(
    org: Org, client: Client, clock: ManualClock
) -> None:
    add(org, "Expired")
    clock.advance(timedelta(hours=72).total_seconds())
    add(org, "Old")
    clock.advance(1)
    add(org, "New")
    call = await client.subscribe(10, replay_preset=wire.EARLIEST)
    assert last_names(await client.take(call, 2)) == ["Old", "New"]


async def test_a_replay_id_begins_with_the_event_after_it(org: Org, client: Client) -> None:
    add(org, "One", "Two", "Three", "Four")
    call = await client.subscribe(2, replay_preset=wire.EARLIEST)
    seen = await client.take_raw(call, 2)
    call.cancel()
    again = await client.subscribe(10, replay_preset=wire.CUSTOM, replay_id=seen[-1].replay_id)
    assert last_names(await client.take(again, 2)) == ["Three", "Four"]


async def test_replay_ids_are_eight_bytes_that_grow_and_leave_gaps(org: Org, client: Client) -> None:
    call = await client.subscribe(50)
    add(org, *(f"Moor{number}" for number in range(50)))
    ids = [event.replay_id for event in await client.take_raw(call, 50)]
    numbers = [int.from_bytes(each, "big") for each in ids]
    assert {len(each) for each in ids} == {8}
    assert numbers == sorted(set(numbers))
    assert any(after - before > 1 for before, after in itertools.pairwise(numbers))


async def test_no_more_is_sent_than_was_asked_for(org: Org, client: Client) -> None:
    call = await client.subscribe(2, replay_preset=wire.EARLIEST)
    add(org, "One", "Two", "Three")
    pending = []
    while 0 not in pending:
        pending.append((await call.read()).pending_num_requested)
    assert pending in ([0], [1, 0])
    await call.write(wire.FetchRequest(topic_name=CONTACTS, num_requested=5))
    response = await call.read()
    assert last_names([await client.decode(event) for event in response.events]) == ["Three"]
    assert response.pending_num_requested == 4
    assert response.latest_replay_id == response.events[-1].replay_id


async def test_requests_add_up_to_a_hundred_and_no_further(org: Org, client: Client) -> None:
    org.events.settings.keepalive = 0.01
    call = await client.subscribe(60)
    await call.write(wire.FetchRequest(topic_name=CONTACTS, num_requested=60))
    while (await call.read()).pending_num_requested != 100:
        pass
    org.insert_many("Contact", [{"LastName": "Moor"} for _ in range(150)])
    await client.take_raw(call, 100)
    keepalive = await call.read()
    assert (list(keepalive.events), keepalive.pending_num_requested) == ([], 0)
    await call.write(wire.FetchRequest(topic_name=CONTACTS, num_requested=60))
    await client.take_raw(call, 50)


async def test_every_subscriber_gets_every_event_and_topics_are_kept_apart(org: Org, client: Client) -> None:
    org.events.channels.select("Account")
    contacts, accounts, both = [
        await client.subscribe(10, f"/data/{name}")
        for name in ("ContactChangeEvent", "AccountChangeEvent", "ChangeEvents")
    ]
    org.insert("Account", {"Name": "Moor"})
    add(org, "Moor")
    assert [event["Name"] for event in await client.take(accounts, 1)] == ["Moor"]
    assert last_names(await client.take(contacts, 1)) == ["Moor"]
    found = await client.take(both, 2)
    assert [event["ChangeEventHeader"]["entityName"] for event in found] == ["Account", "Contact"]


async def test_a_schema_that_changes_under_a_stream_is_fetched_by_its_new_id(org: Org, client: Client) -> None:
    call = await client.subscribe(10)
    add(org, "Before")
    org.enable("MiddleName")
    org.insert("Contact", {"LastName": "After", "MiddleName": "Q."})
    before, after = await client.take(call, 2)
    assert "MiddleName" not in before["Name"]
    assert after["Name"]["MiddleName"] == "Q."


# --- quiet streams ----------------------------------------------------------------------------------------------------


async def test_a_quiet_stream_is_kept_alive_with_the_newest_replay_id(org: Org, client: Client) -> None:
    org.events.settings.keepalive = 0.01
    add(org, "Moor")
    call = await client.subscribe(7)
    response = await call.read()
    assert (list(response.events), response.pending_num_requested) == ([], 7)
    later = await client.subscribe(7, replay_preset=wire.CUSTOM, replay_id=response.latest_replay_id)
    add(org, "After")
    assert last_names(await client.take(later, 1)) == ["After"]


async def test_a_keepalive_never_passes_an_event_that_was_not_asked_for_yet(org: Org, client: Client) -> None:
    org.events.settings.keepalive = 0.01
    add(org, "One", "Two")
    call = await client.subscribe(1, replay_preset=wire.EARLIEST)
    [first] = await client.take_raw(call, 1)
    assert (await call.read()).latest_replay_id == first.replay_id


async def test_a_replay_id_that_keepalives_renew_outlives_the_time_of_retention(
    org: Org, client: Client, clock: ManualClock
) -> None:
    org.events.settings.keepalive = 0.01
    call = await client.subscribe(1)
    first = (await call.read()).latest_replay_id
    clock.advance(timedelta(hours=73).total_seconds())
    latest = first
    while latest == first:
        latest = (await call.read()).latest_replay_id
    again = await client.subscribe(1, replay_preset=wire.CUSTOM, replay_id=latest)
    add(org, "After")
    assert last_names(await client.take(again, 1)) == ["After"]


async def test_a_stream_whose_subscriber_asks_for_nothing_more_is_closed(org: Org, client: Client) -> None:
    org.events.settings.idle = 0.01
    call = await client.subscribe(1)
    add(org, "One", "Two")
    await client.take(call, 1)
    assert await call.read() == aio.EOF
    assert await call.code() == grpc.StatusCode.OK


async def test_a_stream_with_requests_outstanding_is_not_closed(org: Org, client: Client) -> None:
    org.events.settings.idle = org.events.settings.keepalive = 0.01
    call = await client.subscribe(1)
    for _ in range(5):
        assert await call.read() != aio.EOF
    add(org, "One")
    assert last_names(await client.take(call, 1)) == ["One"]


async def test_a_subscriber_that_leaves_is_forgotten(org: Org, client: Client) -> None:
    calls = [await client.subscribe(1) for _ in range(3)]
    assert org.events.streams == 3
    for call in calls:
        call.cancel()
    await streams(org, 0)


# --- faults -----------------------------------------------------------------------------------------------------------


async def test_a_dropped_event_never_comes(org: Org, client: Client) -> None:
    call = await client.subscribe(10)
    org.events.faults.drop = 1
    add(org, "Lost", "Found")
    assert last_names(await client.take(call, 1)) == ["Found"]


async def test_a_doubled_event_comes_twice_under_one_replay_id_within_what_was_asked_for(
    org: Org, client: Client
) -> None:
    call = await client.subscribe(1)
    org.events.faults.double = 1
    add(org, "Twice", "Once")
    [first] = await client.take_raw(call, 1)
    await call.write(wire.FetchRequest(topic_name=CONTACTS, num_requested=2))
    second, other = await client.take_raw(call, 2)
    assert (second.replay_id, second.event.id) == (first.replay_id, first.event.id)
    assert last_names([await client.decode(other)]) == ["Once"]


async def test_a_delayed_event_comes_after_its_release(org: Org, client: Client) -> None:
    call = await client.subscribe(10)
    org.events.faults.delay = 1
    add(org, "Late", "Soon")
    assert last_names(await client.take(call, 1)) == ["Soon"]
    assert org.events.release() == 1
    assert last_names(await client.take(call, 1)) == ["Late"]


async def test_reordered_events_come_last_one_first(org: Org, client: Client) -> None:
    call = await client.subscribe(10)
    org.events.faults.reorder = 3
    add(org, "One", "Two", "Three", "Four")
    assert last_names(await client.take(call, 4)) == ["Three", "Two", "One", "Four"]


async def test_a_change_may_come_as_a_gap(org: Org, client: Client) -> None:
    call = await client.subscribe(10)
    org.events.faults.gap = 1
    [record_id] = add(org, "Moor")
    [event] = await client.take(call, 1)
    head = event["ChangeEventHeader"]
    assert (head["changeType"], head["recordIds"], event["Name"]) == ("GAP_CREATE", [record_id], None)


async def test_a_silent_bus_hangs_without_a_word_and_then_goes_on(org: Org, client: Client) -> None:
    org.events.settings.keepalive = 0.01
    call = await client.subscribe(10)
    org.events.faults.silence = True
    org.events.wake()
    add(org, "Moor")
    reading = asyncio.ensure_future(client.take(call, 1))
    # Nothing tells that a silence lasts: whole calls pass meanwhile, each longer than a keepalive would take.
    for _ in range(20):
        await client.topic(CONTACTS)
    assert not reading.done()
    org.events.clear_faults()
    assert last_names(await reading) == ["Moor"]


async def test_streams_are_closed_on_demand_in_order_or_with_an_error(org: Org, client: Client) -> None:
    call = await client.subscribe(10)
    org.events.end_streams()
    assert await call.read() == aio.EOF
    call = await client.subscribe(10)
    org.events.end_streams("service.unavailable")
    with pytest.raises(aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE


# --- the server -------------------------------------------------------------------------------------------------------


async def test_a_port_that_is_taken_is_an_error(org: Org, address: str, certificate: Certificate) -> None:
    with pytest.raises(OSError, match="cannot listen"):
        async with serving_pubsub(org, certificate, port=int(address.rpartition(":")[2])):
            pass


async def test_calls_are_counted_by_kind(org: Org, certificate: Certificate) -> None:
    kinds: list[str] = []
    async with (
        serving_pubsub(org, certificate, count=kinds.append) as address,
        aio.secure_channel(address, grpc.ssl_channel_credentials(certificate.ca)) as channel,
    ):
        client = Client(channel, org.org_id)
        await client.schema((await client.topic(CONTACTS)).schema_id)
        await client.subscribe(1)
    assert kinds == ["pubsub.topic", "pubsub.schema", "pubsub.subscribe"]


def test_a_thread_serves_programs_without_a_loop(org: Org, certificate: Certificate) -> None:
    def requests() -> Iterator[wire.FetchRequest]:
        yield wire.FetchRequest(topic_name=CONTACTS, num_requested=1, replay_preset=wire.EARLIEST)

    add(org, "Moor")
    metadata = (("accesstoken", next(iter(org.auth.sessions))), ("instanceurl", "https://x"), ("tenantid", org.org_id))
    with (
        pubsub_thread(org, certificate) as address,
        grpc.secure_channel(address, grpc.ssl_channel_credentials(certificate.ca)) as channel,
    ):
        call = channel.stream_stream(
            "/eventbus.v1.PubSub/Subscribe", wire.FetchRequest.SerializeToString, wire.FetchResponse.FromString
        )
        response = next(call(requests(), metadata=metadata))
        assert len(response.events) == 1
        taken = int(address.rpartition(":")[2])
        with pytest.raises(OSError, match="cannot listen"), pubsub_thread(org, certificate, taken):
            pass
