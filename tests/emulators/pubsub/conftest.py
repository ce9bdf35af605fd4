"""An org that tells of its contacts, its server, and a subscriber made of nothing but grpcio and fastavro."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Iterator

import fastavro
import grpc
import pytest
from grpc import aio

from hintsync_emulators.salesforce import ManualClock, Org
from hintsync_emulators.salesforce.pubsub import eventbus_pb2 as wire
from hintsync_emulators.salesforce.pubsub.server import serving_pubsub
from hintsync_emulators.tls import Certificate, make_certificate

TOKEN = "00DEM0000000001!secret"
CONTACTS = "/data/ContactChangeEvent"
SERVICE = "/eventbus.v1.PubSub/"


@pytest.fixture(scope="session")
def certificate() -> Certificate:
    return make_certificate()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def org(clock: ManualClock) -> Iterator[Org]:
    org = Org(seed=7, clock=clock, token=TOKEN)
    org.events.channels.select("Contact")
    yield org
    org.close()


@pytest.fixture
async def address(org: Org, certificate: Certificate) -> AsyncIterator[str]:
    async with serving_pubsub(org, certificate) as address:
        yield address


@pytest.fixture
async def client(org: Org, address: str, certificate: Certificate) -> AsyncIterator[Client]:
    async with aio.secure_channel(address, grpc.ssl_channel_credentials(certificate.ca)) as channel:
        yield Client(channel, org.org_id)


class Client:
    """A subscriber as anybody would write it."""

    def __init__(self, channel: aio.Channel, org_id: str, token: str = TOKEN) -> None:
        self.metadata = (("accesstoken", token), ("instanceurl", "https://clinic.example.org"), ("tenantid", org_id))
        self._topic = channel.unary_unary(
            f"{SERVICE}GetTopic", wire.TopicRequest.SerializeToString, wire.TopicInfo.FromString
        )
        self._schema = channel.unary_unary(
            f"{SERVICE}GetSchema", wire.SchemaRequest.SerializeToString, wire.SchemaInfo.FromString
        )
        self._subscribe = channel.stream_stream(
            f"{SERVICE}Subscribe", wire.FetchRequest.SerializeToString, wire.FetchResponse.FromString
        )
        self._schemas: dict[str, object] = {}

    async def topic(self, name: str) -> wire.TopicInfo:
        return await self._topic(wire.TopicRequest(topic_name=name), metadata=self.metadata)

    async def schema(self, schema_id: str) -> wire.SchemaInfo:
        return await self._schema(wire.SchemaRequest(schema_id=schema_id), metadata=self.metadata)

    def open(self, *requests: wire.FetchRequest) -> aio.StreamStreamCall:
        """Begin a stream; requests given here are sent as soon as it can be, and no others may follow."""
        return self._subscribe(iter(requests) if requests else None, metadata=self.metadata)

    async def subscribe(self, count: int, topic: str = CONTACTS, **given: object) -> aio.StreamStreamCall:
        """Begin a stream and return once it stands: what is committed from now on reaches it."""
        call = self.open()
        await call.write(wire.FetchRequest(topic_name=topic, num_requested=count, **given))
        await call.initial_metadata()
        return call

    async def decode(self, event: wire.ConsumerEvent) -> dict[str, object]:
        """Read a payload in the schema that the event names, fetched by its id."""
        schema_id = event.event.schema_id
        if schema_id not in self._schemas:
            found = await self.schema(schema_id)
            self._schemas[schema_id] = fastavro.parse_schema(json.loads(found.schema_json))
        return fastavro.schemaless_reader(io.BytesIO(event.event.payload), self._schemas[schema_id], None)

    async def take(self, call: aio.StreamStreamCall, count: int) -> list[dict[str, object]]:
        """Read so many events, keepalives aside."""
        return [await self.decode(event) for event in await self.take_raw(call, count)]

    async def take_raw(self, call: aio.StreamStreamCall, count: int) -> list[wire.ConsumerEvent]:
        found: list[wire.ConsumerEvent] = []
        while len(found) < count:
            found += (await call.read()).events
        assert len(found) == count
        return found


async def streams(org: Org, count: int) -> None:
    """Wait until the server has noticed that so many streams are left."""
    async with asyncio.timeout(10):
        while org.events.streams != count:  # noqa: ASYNC110 - the bus tells nobody that a stream has left
            await asyncio.sleep(0)


class Log:
    """Reads the bus of an org without a server."""

    def __init__(self, org: Org) -> None:
        self._org, self._position = org, org.events.tip()

    def new(self, topic: str = CONTACTS) -> list[dict[str, object]]:
        """Return the events since the last call, each decoded in its own schema by fastavro."""
        objects = self._org.events.channels.objects_on(topic)
        assert objects is not None
        placed = self._org.events.after(self._position, objects, 10_000)
        if placed:
            self._position = placed[-1].position
        return [self._decode(each.event.schema_id, each.event.payload) for each in placed]

    def _decode(self, schema_id: str, payload: bytes) -> dict[str, object]:
        text = self._org.events.schema_json(schema_id)
        assert text is not None
        source = io.BytesIO(payload)
        found = fastavro.schemaless_reader(source, fastavro.parse_schema(json.loads(text)), None)
        assert not source.read(), "bytes are left over"
        return found

    def names(self, bitmaps: list[str], event: str = "Contact") -> set[str]:
        """Return the fields that bitmaps name, by the recipe of Salesforce's samples."""
        schema = json.loads(self._org.events.event_schema(event).json)
        return field_names(schema, bitmaps)


@pytest.fixture
def log(org: Org) -> Log:
    return Log(org)


def field_names(schema: dict[str, object], bitmaps: list[str]) -> set[str]:
    """Expand bitmaps with a schema: reversed binary digits, each the flag of the field at its place."""
    names: set[str] = set()
    for bitmap in bitmaps:
        if bitmap.startswith("0x"):
            names |= {schema["fields"][place]["name"] for place in places(bitmap)}
            continue
        parent, child_map = bitmap.split("-")
        field = schema["fields"][int(parent)]
        children = _record(schema, field["type"])["fields"]
        names |= {f"{field['name']}.{children[place]['name']}" for place in places(child_map)}
    return names


def places(bitmap: str) -> list[int]:
    digits = bin(int(bitmap, 16))[2:]
    return [place for place, digit in enumerate(reversed(digits)) if digit == "1"]


def _record(schema: dict[str, object], union: list[object]) -> dict[str, object]:
    """Return the record of a union, which may only be named there and spelt out in an earlier field."""
    for kind in union:
        if isinstance(kind, dict):
            return kind
    for field in schema["fields"]:
        for kind in field["type"]:
            if isinstance(kind, dict) and kind.get("name") in union:
                return kind
    raise AssertionError("the union holds no record")
