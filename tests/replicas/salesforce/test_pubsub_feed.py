"""Following an org's change events over gRPC: credits, positions, tokens, silence, and streams that end."""

from __future__ import annotations

import asyncio
import socket
from contextlib import aclosing

import pytest

from hintsync.change_feed import DeliveriesSpent, PositionLost, TellsChanges, look_for_feed
from hintsync.core.errors import FixConfiguration, ReconnectNeeded, RetryLater
from hintsync.core.guards import Deliveries
from hintsync.replicas.salesforce.auth import Session
from hintsync.replicas.salesforce.events_address import SALESFORCE, EventsAddress
from hintsync.replicas.salesforce.pubsub_feed import CHANNEL, STANDARD, open_feed
from hintsync.replicas.salesforce.pubsub_stream import MOST_OUTSTANDING, SILENCE, Silent, Subscription
from hintsync.replicas.salesforce.replica import SalesforceReplica
from tests.replicas.salesforce.following import changes, following, standing
from tests.replicas.salesforce.generate_pubsub import FOLDER, generated
from tests.replicas.salesforce.office import ADDRESS


def test_the_generated_messages_are_those_of_the_interface() -> None:
    for name, text in generated().items():
        assert (FOLDER / name).read_text() == text, "run python -m tests.replicas.salesforce.generate_pubsub"


async def test_a_change_arrives_with_its_position() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        contact = world.office.contact(Email="Ada@Example.org")
        arrived = await anext(stream)
        assert [(change.record_id, change.values["email"]) for change in arrived.changes] == [
            (contact, "ada@example.org")
        ]
        assert (arrived.events, bytes.fromhex(arrived.position)) == (1, world.org.events.tip().to_bytes(8))


async def test_no_more_than_a_hundred_events_are_outstanding_until_they_were_stored() -> None:
    async with following() as world:
        world.org.events.settings.keepalive = 0.01
        stream = Subscription(world.feed._pubsub, CHANNEL, world.clock)
        await stream.begin(None)
        await stream.stands()
        world.org.insert_many("Contact", [{"LastName": "Moor"} for _ in range(250)])
        assert await _until_pending_is_zero(stream) == MOST_OUTSTANDING
        stream.give_back(60)
        assert await _until_pending_is_zero(stream) == 60
        await stream.aclose()


async def _until_pending_is_zero(stream: Subscription) -> int:
    """Take events until the service says twice that it owes none: the second time it had the chance to send more."""
    events, pauses = 0, 0
    while pauses < 2:
        for response in await stream.take():
            events += len(response.events)
            pauses += 0 if response.events or response.pending_num_requested else 1
    return events


async def test_credit_is_given_back_only_when_the_next_events_are_asked_for() -> None:
    """Another stream, which stores everything at once, shows that the service had the time to send more to this one."""
    async with (
        following() as world,
        aclosing(world.feed.follow(None)) as idle,
        aclosing(world.feed.follow(None)) as busy,
    ):
        await standing(idle)
        await standing(busy)
        world.org.insert_many("Contact", [{"LastName": "Moor"} for _ in range(400)])
        await anext(idle)
        await changes(busy, 400)
        used = world.org.events.allocation.used(world.org.events.now())
        assert 400 < used <= 400 + MOST_OUTSTANDING


async def test_a_burst_arrives_whole_and_in_order() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        ids = world.org.insert_many("Contact", [{"LastName": f"Moor{number}"} for number in range(730)])
        assert [change.record_id for change in await changes(stream, 730)] == ids


async def test_a_position_goes_on_behind_itself() -> None:
    async with following() as world:
        async with aclosing(world.feed.follow(None)) as stream:
            await standing(stream)
            world.office.contact()
            position = (await anext(stream)).position
        later = [world.office.contact(), world.office.contact()]
        async with aclosing(world.feed.follow(position)) as stream:
            assert [change.record_id for change in await changes(stream, 2)] == later


async def test_a_keepalive_brings_a_position_even_if_nothing_ever_happened() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        world.org.events.settings.keepalive = 0.01
        await standing(stream)
        arrived = await anext(stream)
        assert (arrived.events, arrived.changes, arrived.lost) == (0, (), None)
        later = world.office.contact()
        async with aclosing(world.feed.follow(arrived.position)) as again:
            assert [change.record_id for change in await changes(again, 1)] == [later]


async def test_an_event_delivered_twice_carries_the_same_id() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        world.org.events.faults.double = 1
        world.office.contact()
        first, second = await changes(stream, 2)
        assert first.event_id == second.event_id is not None


async def test_events_out_of_order_and_late_ones_arrive() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        world.org.events.faults.reorder = 3
        moved = [world.office.contact() for _ in range(3)]
        assert [change.record_id for change in await changes(stream, 3)] == moved[::-1]
        world.org.events.faults.delay = 1
        late, early = world.office.contact(), world.office.contact()
        assert [change.record_id for change in await changes(stream, 1)] == [early]
        world.org.events.release()
        assert [change.record_id for change in await changes(stream, 1)] == [late]


async def test_a_token_that_expires_under_the_stream_is_replaced_and_nothing_is_missed() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        world.office.contact()
        await anext(stream)
        for _ in range(2):
            world.office.faults.counts.clear()
            world.org.expire_tokens()
            contacts = [world.office.contact(), world.office.contact()]
            assert [change.record_id for change in await changes(stream, 2)] == contacts
            assert world.office.faults.counts["oauth.token"] == 1


async def test_the_new_token_serves_other_calls_too() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        world.office.contact()
        await anext(stream)
        world.org.expire_tokens()
        world.office.contact()
        await anext(stream)
        world.office.faults.counts.clear()
        await world.office.client.get("limits", "read the limits")
        assert world.office.faults.counts["oauth.token"] == 0


async def test_a_new_token_that_is_refused_too_needs_a_person() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        world.org.events.faults.fail_next += ["service.auth.error", "service.auth.error"]
        with pytest.raises(ReconnectNeeded):
            await changes(stream, 1)


async def test_a_stream_that_ends_in_order_is_opened_again_at_its_position() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        world.office.contact()
        await anext(stream)
        for _ in range(3):
            world.org.events.end_streams()
            contact = world.office.contact()
            assert [change.record_id for change in await changes(stream, 1)] == [contact]


async def test_a_stream_that_ends_before_it_said_anything_is_not_opened_again_at_once() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        world.org.events.end_streams()
        with pytest.raises(RetryLater):
            await anext(stream)


async def test_what_was_heard_before_an_error_is_handed_out_before_it() -> None:
    async with following() as world:
        stream = Subscription(world.feed._pubsub, CHANNEL, world.clock)
        await stream.begin(None)
        await stream.stands()
        world.office.contact()
        assert sum(len(each.events) for each in await stream.take()) == 1
        world.office.contact()
        while not stream._heard:  # noqa: ASYNC110 - who takes waits, and this is about what nobody has taken yet
            await asyncio.sleep(0)
        world.org.events.end_streams("service.unavailable")
        while not stream._over:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0)
        assert sum(len(each.events) for each in await stream.take()) == 1
        with pytest.raises(RetryLater):
            await stream.take()
        await stream.aclose()


async def test_two_minutes_of_silence_are_a_dead_stream() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        world.org.events.faults.silence = True
        waiting = asyncio.create_task(anext(stream))
        await world.clock.until_asleep(SILENCE)
        world.clock.push(SILENCE - 1)
        await asyncio.sleep(0)
        assert not waiting.done()
        world.clock.push(1)
        with pytest.raises(Silent):
            await waiting


async def test_a_service_that_never_answers_is_given_up_on() -> None:
    """A listener that takes connections and says nothing: there are not even headers."""
    with socket.create_server(("127.0.0.1", 0)) as mute:
        async with following() as world:
            feed = world.feed
            feed._pubsub = type(feed._pubsub)(
                f"127.0.0.1:{mute.getsockname()[1]}", None, world.office.client.sessions, world.org.org_id
            )
            async with aclosing(feed.follow(None)) as stream:
                waiting = asyncio.create_task(anext(stream))
                await world.clock.until_asleep(SILENCE)
                world.clock.push(SILENCE)
                with pytest.raises(Silent):
                    await waiting


async def test_an_address_where_nobody_listens_may_answer_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = once.getsockname()[1]
    async with following() as world:
        with pytest.raises(RetryLater):
            await open_feed(
                EventsAddress(f"127.0.0.1:{port}"),
                world.office.client,
                world.codec,
                world.clock,
                tenant=world.org.org_id,
            )


@pytest.mark.parametrize("position", ["", "0000000000000001", "zz", "00" * 9])
async def test_a_position_of_no_use_is_lost(position: str) -> None:
    async with following() as world, aclosing(world.feed.follow(position)) as stream:
        with pytest.raises(PositionLost):
            await anext(stream)


async def test_an_expired_position_is_lost() -> None:
    async with following() as world:
        async with aclosing(world.feed.follow(None)) as stream:
            await standing(stream)
            world.office.contact()
            position = (await anext(stream)).position
        world.org.events.expire()
        async with aclosing(world.feed.follow(position)) as stream:
            with pytest.raises(PositionLost):
                await anext(stream)


async def test_g8_spent_deliveries_end_the_stream() -> None:
    async with following() as world, aclosing(world.feed.follow(None)) as stream:
        await standing(stream)
        world.org.events.allocation.daily = 1
        first = world.office.contact()
        assert [change.record_id for change in await changes(stream, 1)] == [first]
        world.office.contact()
        with pytest.raises(DeliveriesSpent):
            await anext(stream)
        assert await world.feed.deliveries() == Deliveries(used=1, limit=1)


async def test_limits_that_are_not_for_us_tell_nothing() -> None:
    async with following() as world:
        world.office.fail(403, [{"errorCode": "INSUFFICIENT_ACCESS", "message": "no"}], match="limits")
        assert await world.feed.deliveries() is None
        world.office.fail(200, {"DailyApiRequests": {"Max": 5, "Remaining": 5}}, match="limits")
        assert await world.feed.deliveries() is None


async def test_our_own_channel_goes_before_the_orgs_topic() -> None:
    async with following(channels=("Hint_Sync__chn", "ChangeEvents")) as world:
        assert world.feed.name == CHANNEL
    async with following(channels=("ChangeEvents",)) as world, aclosing(world.feed.follow(None)) as stream:
        assert world.feed.name == STANDARD
        await standing(stream)
        contact = world.office.contact()
        assert [change.record_id for change in await changes(stream, 1)] == [contact]


async def test_a_topic_that_was_asked_for_and_is_not_there_names_the_remedy() -> None:
    with pytest.raises(FixConfiguration, match=r"/data/Other__chn.*Change Data Capture"):
        async with following("/data/Other__chn"):
            pass


async def test_a_token_is_never_shown_to_salesforce_that_is_not_salesforces() -> None:
    assert EventsAddress().serving(Session("https://acme.my.salesforce.com", "t")) == SALESFORCE
    assert (
        EventsAddress("proxy.example.org:7443").serving(Session("http://127.0.0.1:9", "t")) == "proxy.example.org:7443"
    )
    for url in (
        "http://127.0.0.1:8080",
        "http://acme.my.salesforce.com",
        "https://salesforce.com.example.org",
        ADDRESS,
    ):
        with pytest.raises(FixConfiguration, match="salesforce_events"):
            EventsAddress().serving(Session(url, "t"))


async def test_what_is_found_at_connect_is_a_topic_or_a_reason() -> None:
    async with following() as world:
        replica = world.office.replica
        assert isinstance(replica, TellsChanges)
        found = await look_for_feed(replica, world.org.org_id)
        assert found["topic"] == ""
        assert "salesforce_events" in found["reason"]
        told = SalesforceReplica(world.office.client, clock=world.clock, events=world.address)
        assert await look_for_feed(told, world.org.org_id) == {"topic": CHANNEL, "reason": ""}
        assert (await look_for_feed(object(), world.org.org_id))["topic"] == ""
