"""The subscriber on an emulated org: events stored with their position, polls in their place, one subscriber at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
import pytest

from hintsync.bootstrap import Transports, open_engine, open_service
from hintsync.change_feed import CHANGES_FACT
from hintsync.core.errors import RetryLater
from hintsync.core.records import Link, LinkStatus
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.catch_up import catch_up
from hintsync.engine.detect.intake import TakenIn, take_in
from hintsync.engine.detect.notices import Notice
from hintsync.engine.detect.poll import poll_once
from hintsync.engine.detect.positions import position_name
from hintsync.engine.detect.way import WAY, Way, chosen_way, describe_way, load_way
from hintsync.engine.options import Options
from hintsync.logins import WithToken
from hintsync.metrics import METRICS
from hintsync.replicas.salesforce.events_address import EventsAddress
from hintsync.replicas.salesforce.pubsub_feed import CHANNEL, STANDARD
from hintsync.replicas.salesforce.pubsub_stream import SILENCE
from hintsync.replicas.salesforce.replica import SalesforceReplica
from hintsync.settings import Settings
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync.state.port import Commit, LinkChange, Run
from hintsync.surfaces.stream_keeper import PACE, REPLAY, Pace
from hintsync.surfaces.subscriber import run_subscriber
from hintsync_emulators.hint import Practice
from hintsync_emulators.hint import create_app as hint_app
from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce import create_app as salesforce_app
from hintsync_emulators.salesforce.pubsub.server import serving_pubsub
from tests.engine.world import World
from tests.replicas.salesforce.following import PushedClock, certificate
from tests.replicas.salesforce.office import TOKEN, Office

POLL = 30.0


@dataclass
class Town:
    """An org with its events, a store, and what a subscriber did, in the order it did it."""

    office: Office
    world: World
    clock: PushedClock
    host: str
    #: "poll", "catch-up", or the ids of records that events told of.
    done: asyncio.Queue[str | list[str]] = field(default_factory=asyncio.Queue)
    #: The next so many calls of a kind fail.
    failing: dict[str, int] = field(default_factory=dict)
    #: How often the workers' bell was rung.
    rung: int = 0

    @property
    def org(self) -> Org:
        return self.office.org

    async def engine(self, options: Options | None = None) -> Engine:
        """Return an engine as a fresh process would build it."""
        engine = await self.world.engine()
        engine.options = options or engine.options
        address = EventsAddress(self.host, certificate().ca)
        replica = SalesforceReplica(self.office.client, clock=self.clock, events=address)
        org = await replica.identify()
        engine.connection = replace(engine.connection, org_id=org.id, org_sandbox=org.sandbox)
        await self.world.store.put_connection(engine.connection)
        engine.replicas = {Side.SALESFORCE: replica, Side.HINT: self.world.practice}
        engine.clock = self.clock
        return engine

    @asynccontextmanager
    async def subscribing(self, options: Options | None = None, pace: Pace = PACE) -> AsyncIterator[Engine]:
        """Run a subscriber for the length of a with block, and stop it in order."""
        engine, stop = await self.engine(options), asyncio.Event()
        work = run_subscriber(
            engine, stop, take=self._take, catch=self._catch, poll=self._poll, wake=self._wake, pace=pace
        )
        task = asyncio.create_task(work)
        try:
            yield engine
        finally:
            stop.set()
            await task

    async def _take(
        self, engine: Engine, notices: Sequence[Notice], *, cursors: Mapping[str, str] | None = None
    ) -> TakenIn:
        self._fail("take")
        taken = await take_in(engine, notices, cursors=cursors)
        if notices:
            self.done.put_nowait([notice.record_id for notice in notices])
        return taken

    async def _catch(self, engine: Engine, side: Side) -> Run:
        self._fail("catch-up")
        run = await catch_up(engine, side)
        self.done.put_nowait("catch-up")
        return run

    async def _poll(self, engine: Engine, side: Side) -> int:
        self._fail("poll")
        marked = await poll_once(engine, side)
        self.done.put_nowait("poll")
        return marked

    async def _wake(self) -> None:
        self.rung += 1

    def _fail(self, kind: str) -> None:
        if self.failing.get(kind, 0):
            self.failing[kind] -= 1
            raise RetryLater(Side.SALESFORCE, "told to fail")

    async def heard(self, *contacts: str) -> None:
        """Wait until events of these contacts were stored, in that order, whatever else happened."""
        expected = list(contacts)
        while expected:
            done = await self.done.get()
            if isinstance(done, list):
                told = [each for each in done if each in contacts]
                assert told == expected[: len(told)]
                expected = expected[len(told) :]

    async def next(self) -> str | list[str]:
        """Return what happened next."""
        return await self.done.get()

    async def position(self) -> str | None:
        return await self.world.store.get_cursor("main", REPLAY)

    async def way(self, engine: Engine) -> Way:
        return await load_way(self.world.store, engine.connection)

    async def until_followed(self, engine: Engine) -> None:
        """Wait until events are followed, and forget what was done on the way."""
        while not (await self.way(engine)).topic:  # noqa: ASYNC110 - a cursor tells nobody that it moved
            await asyncio.sleep(0)
        while not self.done.empty():
            self.done.get_nowait()

    async def until_idle(self) -> None:
        """Wait until the stream waits for the next event."""
        await self.clock.until_asleep(SILENCE)

    async def until_pausing(self, seconds: float) -> None:
        """Wait until the stream pauses for that long; pauses after passing trouble are passed over.

        A stream that ends while credit is sent looks like one that broke: why it ended is told when it is opened again.
        """
        while await self.pausing() != seconds:
            await self.resume()

    async def looks_at_deliveries(self) -> int:
        """Return how often the org's limits were read."""
        return self.office.faults.counts["limits"]

    async def pausing(self) -> float:
        """Wait until the stream pauses before it is tried again, and return for how long."""
        return await self.clock.until_asleep_in("StreamKeeper.keep")

    async def resume(self) -> None:
        """Let the pause of the stream pass."""
        self.clock.push(await self.pausing())


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    office, clock = Office(), PushedClock()
    await office.deploy()
    office.org.events.channels.select("Contact", "Hint_Sync__chn")
    office.contact(LastName="Settler")
    async with serving_pubsub(office.org, certificate()) as host:
        yield Town(office, World(), clock, host)
    await office.aclose()


async def test_events_are_stored_together_with_the_position_behind_them(town: Town) -> None:
    async with town.subscribing() as engine:
        assert await town.next() == "poll"
        contacts = [town.office.contact(), town.office.contact()]
        await town.heard(*contacts)
        assert await town.position() == town.org.events.tip().to_bytes(8).hex()
        assert await town.way(engine) == Way(CHANNEL)


async def test_the_stream_begins_with_what_happened_before_it(town: Town) -> None:
    """Nothing tells of what was committed before the first stream stands, so it is polled; from then on events tell."""
    before = town.office.contact()
    async with town.subscribing() as engine:
        assert await town.next() == "poll"
        assert await town.world.store.get_cursor("main", position_name(Side.SALESFORCE)) is not None
        after = town.office.contact()
        await town.heard(after)
        assert before != after
        assert engine.connection.org_id == town.org.org_id


async def test_a_linked_contacts_edit_is_marked_and_our_own_echo_is_not(town: Town) -> None:
    async with town.subscribing() as engine:
        assert await town.next() == "poll"
        edited, echoed = town.office.contact(), town.office.contact(LastName="Vale")
        await town.heard(edited, echoed)
        for contact in (edited, echoed):
            fp = engine.fingerprinter(contact.encode())
            link = Link(
                f"link-{contact}",
                "main",
                contact,
                f"pat-{contact}",
                LinkStatus.ACTIVE,
                "manual",
                "me",
                contact.encode(),
                "t",
            )
            await town.world.store.reserve(link)
            await _remember(town, link, fp.of("city", "Waco"))
        assert town.rung == 0
        marked, echoes = (METRICS.total(word, "main", Side.SALESFORCE) for word in ("marked", "echo"))
        town.org.update("Contact", edited, {"MailingCity": "Austin"})
        town.org.update("Contact", echoed, {"MailingCity": "Waco"})
        town.org.update("Contact", echoed, {"Hint_Last_Batch_Sync_Id__c": "run-1"})
        await town.heard(edited, echoed, echoed)
        assert [(dirty.side, dirty.record_id, dirty.cause) for dirty in await town.world.store.dirty("main")] == [
            (Side.SALESFORCE, edited, "change-event")
        ]
        await town.until_idle()
        assert town.rung == 1
        assert METRICS.total("marked", "main", Side.SALESFORCE) == marked + 1
        assert METRICS.total("echo", "main", Side.SALESFORCE) >= echoes + 1


async def _remember(town: Town, link: Link, city: bytes) -> None:
    await town.world.store.commit(
        Commit([LinkChange(replace(link, revision=1), base={"city": city})], [], [], [], [], None)
    )


async def test_a_subscriber_that_is_started_again_goes_on_where_it_left_off(town: Town) -> None:
    async with town.subscribing():
        await town.next()
        await town.heard(town.office.contact())
    missed = [town.office.contact(), town.office.contact()]
    async with town.subscribing():
        assert await town.next() == missed
        assert town.done.empty()


async def test_what_could_not_be_stored_is_delivered_again(town: Town) -> None:
    async with town.subscribing():
        await town.next()
        await town.heard(town.office.contact())
        before = await town.position()
        town.failing["take"] = 1
        contact = town.office.contact()
        pause = await town.pausing()
        assert await town.position() == before
        town.clock.push(pause)
        await town.heard(contact)


async def test_an_expired_position_is_caught_up_with_and_then_events_are_followed_again(town: Town) -> None:
    async with town.subscribing():
        await town.next()
        await town.heard(town.office.contact())
    missed = town.office.contact()
    town.org.events.expire()
    async with town.subscribing() as engine:
        assert await town.next() == "catch-up"
        contact = town.office.contact()
        await town.heard(contact)
        assert await town.position() == town.org.events.tip().to_bytes(8).hex()
        assert (await town.way(engine)).topic == CHANNEL
        assert missed != contact


async def test_a_catch_up_that_fails_is_tried_again_before_the_stream_goes_on(town: Town) -> None:
    async with town.subscribing():
        await town.next()
        await town.heard(town.office.contact())
    town.org.events.expire()
    town.failing["catch-up"] = 2
    before = await town.position()
    async with town.subscribing():
        for _ in range(2):
            pause = await town.pausing()
            assert await town.position() == before
            town.clock.push(pause)
        while await town.next() != "catch-up":
            pass
        await town.heard(town.office.contact())


async def test_an_overflow_is_caught_up_with_before_its_position_is_stored(town: Town) -> None:
    async with town.subscribing():
        await town.next()
        await town.heard(town.office.contact())
        before = await town.position()
        town.failing["catch-up"] = 1
        town.org.events.overflow("Contact")
        pause = await town.pausing()
        assert await town.position() == before
        town.clock.push(pause)
        assert await town.next() == "catch-up"
        await town.heard(town.office.contact())
        assert await town.position() != before


async def test_a_gap_marks_the_records_it_names(town: Town) -> None:
    async with town.subscribing():
        await town.next()
        contact = town.office.contact()
        await town.heard(contact)
        link = Link("link-1", "main", contact, "pat-1", LinkStatus.ACTIVE, "manual", "me", b"salt", "t")
        await town.world.store.reserve(link)
        gaps = METRICS.total("gap", "main")
        town.org.events.faults.gap = 1
        town.org.update("Contact", contact, {"Title": "Dr"})
        await town.heard(contact)
        assert [dirty.record_id for dirty in await town.world.store.dirty("main")] == [contact]
        await town.until_idle()
        assert METRICS.total("gap", "main") == gaps + 1


async def test_passing_trouble_is_waited_out_and_nothing_is_missed(town: Town) -> None:
    async with town.subscribing() as engine:
        await town.next()
        await town.heard(town.office.contact())
        town.org.events.faults.fail_next.append("service.unavailable")
        town.org.events.end_streams()
        contact = town.office.contact()
        pause = await town.pausing()
        assert pause <= PACE.first_pause
        assert (await town.way(engine)).topic == CHANNEL
        town.clock.push(pause)
        await town.heard(contact)


async def test_trouble_that_goes_on_is_polled_over_and_says_so(town: Town) -> None:
    async with town.subscribing() as engine:
        await town.next()
        await town.heard(town.office.contact())
        town.org.events.faults.fail_next += ["service.unavailable"] * 4
        town.org.events.end_streams()
        for _ in range(3):
            await town.resume()
        assert await town.next() == "poll"
        pause = await town.pausing()
        assert "service.unavailable" in describe_way(engine.connection, await town.way(engine))
        contact = town.office.contact()
        town.clock.push(pause)
        await town.heard(contact)
        await town.until_followed(engine)


async def test_silence_is_a_dead_stream_and_it_is_opened_again(town: Town) -> None:
    async with town.subscribing():
        await town.next()
        await town.heard(town.office.contact())
        await town.until_idle()
        town.org.events.faults.silence = True
        contact = town.office.contact()
        await _push_until_pausing(town, SILENCE)
        town.org.events.faults.silence = False
        town.clock.push(await town.pausing())
        await town.heard(contact)


async def _push_until_pausing(town: Town, seconds: float) -> None:
    """Let time pass in steps that keep the lease."""
    for _ in range(int(seconds / PACE.renew)):
        town.clock.push(PACE.renew)
        await town.clock.until_asleep(PACE.renew)


async def test_an_org_without_change_events_is_polled_and_says_why(town: Town) -> None:
    town.org.events.channels.close("Hint_Sync__chn")
    async with town.subscribing(Options(topic=CHANNEL)) as engine:
        assert await town.next() == "poll"
        assert await town.pausing() == PACE.look_again
        told = describe_way(engine.connection, await town.way(engine))
        assert told.startswith("polling every 30 seconds: ")
        assert "Change Data Capture" in told
        for _ in range(3):
            await town.clock.until_asleep(POLL)
            town.clock.push(POLL)
            assert await town.next() == "poll"


async def test_change_events_that_are_switched_on_later_are_found(town: Town) -> None:
    town.org.events.channels.close("Hint_Sync__chn")
    async with town.subscribing(Options(topic=CHANNEL)) as engine:
        assert await town.next() == "poll"
        pause = await town.pausing()
        town.org.events.channels.select("Contact", "Hint_Sync__chn")
        town.clock.push(pause)
        await town.until_followed(engine)
        await town.heard(town.office.contact())


async def test_g8_spent_deliveries_are_polled_over_until_the_window_clears(town: Town) -> None:
    async with town.subscribing() as engine:
        await town.next()
        town.org.events.allocation.daily = 1
        await town.heard(town.office.contact())
        contact = town.office.contact()
        await town.until_pausing(PACE.deliveries)
        assert await town.next() == "poll"
        assert "deliveries" in describe_way(engine.connection, await town.way(engine))
        town.org.events.allocation.daily = 1000
        town.clock.push(PACE.deliveries)
        await town.until_followed(engine)
        later = town.office.contact()
        await town.heard(later)  # begun at the latest event: what was polled is not delivered, and not counted, again
        assert contact != later


async def test_g8_four_fifths_of_the_deliveries_are_enough(town: Town) -> None:
    town.org.events.allocation.daily = 10
    async with town.subscribing(pace=Pace(deliveries=10.0)) as engine:
        await town.next()
        await town.heard(*(town.office.contact() for _ in range(7)))
        await town.until_idle()
        assert await town.looks_at_deliveries() == 1
        town.clock.push(10)
        await town.heard(town.office.contact())
        assert await town.pausing() == 10.0
        assert await town.looks_at_deliveries() == 2
        way = await town.way(engine)
        assert (way.topic, way.reason) == (
            "",
            "G8: 8 of 10 event deliveries of the day; polling takes over",
        )
        town.org.events.allocation.daily = 13  # eight of thirteen: below the limit, not clear of it
        await town.resume()
        assert await town.pausing() == 10.0
        assert "not clear" in (await town.way(engine)).reason


async def test_only_one_subscriber_follows_and_the_next_one_takes_over(town: Town) -> None:
    second_is_on = asyncio.Event()

    async def second() -> None:
        async with town.subscribing():
            second_is_on.set()
            await over.wait()

    over = asyncio.Event()
    async with town.subscribing():
        await town.next()
        await town.heard(town.office.contact())
        task = asyncio.create_task(second())
        await second_is_on.wait()
        while town.clock.asleep().count(PACE.renew) < 2:  # noqa: ASYNC110 - both wait for the same number of seconds
            await asyncio.sleep(0)
        town.clock.push(PACE.renew)
        await town.heard(town.office.contact())
        assert town.org.events.streams == 1
    missed = town.office.contact()
    await town.clock.until_asleep(PACE.renew)
    town.clock.push(PACE.renew)
    assert await town.next() == [missed]
    over.set()
    await task


async def test_a_subscriber_that_stops_lets_go_at_once(town: Town) -> None:
    async with town.subscribing() as engine:
        await town.next()
    now = town.clock.now().timestamp()
    assert await engine.store.lease_links("main", ["subscriber:main"], "somebody", now, now + 15)


async def test_beside_the_stream_a_poll_now_and_then_finds_what_no_event_told(town: Town) -> None:
    async with town.subscribing(pace=Pace(beside=10.0)):
        assert await town.next() == "poll"
        town.clock.push(POLL)
        assert await town.next() == "poll"
        first = town.office.contact()
        await town.heard(first)
        link = Link("link-1", "main", first, "pat-1", LinkStatus.ACTIVE, "manual", "me", b"salt", "t")
        await town.world.store.reserve(link)
        town.org.events.faults.drop = 1
        town.org.update("Contact", first, {"MailingCity": "Waco"})
        town.clock.push(10)
        assert await town.next() == "poll"
        assert [dirty.cause for dirty in await town.world.store.dirty("main")] == ["poll"]


async def test_a_topic_that_stays_mute_while_contacts_change_is_not_relied_on(town: Town) -> None:
    """The org's own topic is there although nobody selected contacts: its stream stands, and tells nothing."""
    town.org.events.settings.keepalive = 0.01
    contact = town.office.contact()
    link = Link("link-1", "main", contact, "pat-1", LinkStatus.ACTIVE, "manual", "me", b"salt", "t")
    async with town.subscribing(Options(topic=STANDARD), Pace(beside=POLL)) as engine:
        await town.world.store.reserve(link)
        assert await town.next() == "poll"
        await town.until_followed(engine)
        for city in ("Waco", "Austin"):
            town.org.update("Contact", contact, {"MailingCity": city})
            town.office.clock.elapsed += POLL
            await town.clock.until_asleep(POLL)
            town.clock.push(POLL)
            assert await town.next() == "poll"
        while (await town.way(engine)).topic:  # noqa: ASYNC110 - a cursor tells nobody that it moved
            await asyncio.sleep(0)
        assert "select Contact" in describe_way(engine.connection, await town.way(engine))
        town.org.events.channels.select("Contact")
        await town.heard(town.office.contact())
        await town.until_followed(engine)


async def test_polls_that_fail_are_tried_again(town: Town) -> None:
    town.org.events.channels.close("Hint_Sync__chn")
    town.failing["poll"] = 2
    async with town.subscribing(Options(topic=CHANNEL)):
        while town.done.empty():
            await town.clock.until_asleep(POLL)
            town.clock.push(POLL)
        assert await town.next() == "poll"
        assert town.failing == {"poll": 0}


async def test_the_way_is_what_was_found_at_connect_until_a_subscriber_runs(town: Town) -> None:
    connection = (await town.engine()).connection
    assert "nobody has looked" in describe_way(connection)
    found = replace(connection, facts={CHANGES_FACT: {"topic": CHANNEL, "reason": ""}})
    assert describe_way(found) == f"change events of {CHANNEL}"
    assert await load_way(town.world.store, found) == chosen_way(found) == Way(CHANNEL)
    polled = replace(connection, facts={CHANGES_FACT: {"topic": "", "reason": "no licence"}})
    assert describe_way(polled) == "polling every 30 seconds: no licence"
    assert Way.unpack(Way("", 'a "reason"').pack()) == Way("", 'a "reason"')


async def test_from_connect_to_the_dirty_set_on_sqlite(tmp_path: Path) -> None:
    """The whole way with real settings and a real store: the channel is deployed, found, followed, and an edit is marked."""
    org, practice = Org(token=TOKEN, features=("MiddleName",)), Practice()
    org.pace.deploy_polls = 0
    hint = hint_app(practice)
    hint.faults.limits["per_second"] = None
    transports = Transports(httpx.ASGITransport(app=hint), httpx.ASGITransport(app=salesforce_app(org)))
    authorities = tmp_path / "authorities.pem"
    authorities.write_bytes(certificate().ca)
    async with serving_pubsub(org, certificate()) as host:
        settings = Settings(
            state=tmp_path,
            hint_url="http://127.0.0.1:9",
            hint_requests_per_second=1000,
            salesforce_events=host,
            salesforce_events_ca=authorities,
        )
        async with open_service(settings, transports) as service:
            login = WithToken("http://127.0.0.1:9", TOKEN)
            await prepare_org(service, login)
            connection = await connect(service, "demo", hint_token=practice.token, login=login)
            assert describe_way(connection) == f"change events of {CHANNEL}"
            async with open_engine(service, connection) as engine:
                await _edit_until_marked(engine, org)
    org.close()


async def _edit_until_marked(engine: Engine, org: Org) -> None:
    contact = org.insert("Contact", {"LastName": "Moor", "MailingCity": "Austin"})
    link = Link("link-1", "demo", contact, "pat-1", LinkStatus.ACTIVE, "manual", "me", b"salt", engine.now())
    await engine.store.reserve(link)
    stop, woken = asyncio.Event(), asyncio.Event()

    async def wake() -> None:
        woken.set()

    subscriber = asyncio.create_task(run_subscriber(engine, stop, wake=wake))
    await woken.wait()  # the poll that bridges to the stream has found the contact
    (dirty,) = await engine.store.dirty("demo")
    await engine.store.finish_marks([dirty])
    while await engine.store.get_cursor("demo", WAY) is None:  # noqa: ASYNC110 - a cursor tells nobody that it moved
        await asyncio.sleep(0.01)
    woken.clear()
    org.update("Contact", contact, {"MailingCity": "Waco"})
    await woken.wait()
    assert [(each.record_id, each.cause) for each in await engine.store.dirty("demo")] == [(contact, "change-event")]
    stop.set()
    await subscriber
    assert await engine.store.get_cursor("demo", REPLAY) == org.events.tip().to_bytes(8).hex()
