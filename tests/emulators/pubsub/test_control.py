"""Steering change events over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import httpx
import pytest
from grpc import aio

from hintsync_emulators.salesforce import Org, create_app
from hintsync_emulators.salesforce.pubsub import eventbus_pb2 as wire
from tests.emulators.pubsub.conftest import CONTACTS, Client, Log


@pytest.fixture
async def control(org: Org) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(org))
    async with httpx.AsyncClient(transport=transport, base_url="http://emulated/_control") as client:
        yield client


async def put(control: httpx.AsyncClient, path: str, body: object) -> dict[str, object]:
    answer = await control.put(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_objects_are_selected_and_taken_out_again(org: Org, control: httpx.AsyncClient) -> None:
    assert await put(control, "/pubsub/objects", {"Account": True, "Contact": False}) == {
        "channel": "ChangeEvents",
        "objects": ["Account"],
    }
    await put(control, "/pubsub/objects", {"Contact": True, "channel": "Clinic__chn"})
    assert (await control.get("/pubsub")).json()["objects"] == {"ChangeEvents": ["Account"], "Clinic__chn": ["Contact"]}


async def test_open_streams_and_deliveries_are_counted(org: Org, client: Client, control: httpx.AsyncClient) -> None:
    call = await client.subscribe(10)
    org.insert("Contact", {"LastName": "Moor"})
    await client.take(call, 1)
    shown = (await control.get("/pubsub")).json()
    assert (shown["streams"], shown["deliveries"]) == (1, {"daily": 25_000, "used": 1})


async def test_settings_reach_streams_that_are_open(org: Org, client: Client, control: httpx.AsyncClient) -> None:
    call = await client.subscribe(10)
    changed = await put(control, "/pubsub/settings", {"keepalive": 0.01, "merging": False, "daily": 7})
    assert (changed["keepalive"], changed["merging"], changed["daily"]) == (0.01, False, 7)
    assert not (await call.read()).events


async def test_events_are_spoilt_and_released(org: Org, log: Log, control: httpx.AsyncClient) -> None:
    shown = await put(control, "/pubsub/faults", {"drop": 1, "delay": 1})
    assert (shown["faults"]["drop"], shown["faults"]["delay"]) == (1, 1)
    ids = [org.insert("Contact", {"LastName": name}) for name in ("Lost", "Late", "Soon")]
    assert (await control.post("/pubsub/release")).json() == {"released": 1}
    assert [event["ChangeEventHeader"]["recordIds"] for event in log.new()] == [[ids[2]], [ids[1]]]


async def test_gaps_and_overflow_are_sent(org: Org, log: Log, control: httpx.AsyncClient) -> None:
    await control.post("/pubsub/gap", json={"object": "Contact", "ids": ["003*"], "type": "GAP_DELETE"})
    await control.post("/pubsub/overflow", json={"object": "Contact"})
    assert [event["ChangeEventHeader"]["changeType"] for event in log.new()] == ["GAP_DELETE", "GAP_OVERFLOW"]


async def test_streams_end_and_calls_fail_until_everything_is_reset(
    org: Org, client: Client, control: httpx.AsyncClient
) -> None:
    call = await client.subscribe(10)
    answer = await control.post("/pubsub/close", json={"error": "subscription.internal.error"})
    assert answer.json() == {"closed": 1}
    with pytest.raises(aio.AioRpcError):
        await call.read()
    await put(control, "/pubsub/faults", {"fail_next": ["service.unavailable", "service.unavailable"]})
    with pytest.raises(aio.AioRpcError) as caught:
        await client.topic(CONTACTS)
    assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    await control.post("/reset")
    assert (await client.topic(CONTACTS)).can_subscribe


async def test_events_expire_on_demand(org: Org, client: Client, control: httpx.AsyncClient) -> None:
    org.insert("Contact", {"LastName": "Old"})
    assert (await control.post("/pubsub/expire")).status_code == 204
    call = await client.subscribe(1, replay_preset=wire.EARLIEST)
    org.insert("Contact", {"LastName": "New"})
    assert [event["Name"]["LastName"] for event in await client.take(call, 1)] == ["New"]


async def test_a_snapshot_takes_the_selection_and_the_events_along_and_leaves_streams_alone(
    org: Org, client: Client, control: httpx.AsyncClient
) -> None:
    call = await client.subscribe(10)
    await control.post("/snapshots", json={"name": "before"})
    org.insert("Contact", {"LastName": "Undone"})
    await client.take(call, 1)
    await put(control, "/pubsub/objects", {"Contact": False})
    await control.post("/snapshots/before/restore")
    org.insert("Contact", {"LastName": "After"})
    assert [event["Name"]["LastName"] for event in await client.take(call, 1)] == ["After"]
    kept = await client.subscribe(10, replay_preset=wire.EARLIEST)
    assert [event["Name"]["LastName"] for event in await client.take(kept, 1)] == ["After"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "objects", {"Nothing": True}),
        ("PUT", "objects", {"Contact": 1}),
        ("PUT", "objects", {"Contact": True, "channel": "Clinic"}),
        ("PUT", "settings", {"keepalife": 1}),
        ("PUT", "settings", {"keepalive": -1}),
        ("PUT", "settings", {"merging": 1}),
        ("PUT", "settings", {"daily": 1.5}),
        ("PUT", "faults", {"drop": True}),
        ("PUT", "faults", {"silence": 1}),
        ("PUT", "faults", {"lose": 1}),
        ("PUT", "faults", {"fail_next": ["no.such.error"]}),
        ("POST", "gap", {"object": "Contact"}),
        ("POST", "gap", {"object": "Nothing", "ids": ["003*"]}),
        ("POST", "gap", {"object": "Contact", "ids": ["003*"], "type": "UPDATE"}),
        ("POST", "overflow", {"object": "Nothing"}),
        ("POST", "close", {"error": "no.such.error"}),
    ],
)
async def test_a_request_that_makes_no_sense_is_refused_and_changes_nothing(
    org: Org, log: Log, control: httpx.AsyncClient, method: str, path: str, body: object
) -> None:
    before = (await control.get("/pubsub")).json()
    answer = await control.request(method, f"/pubsub/{path}", json=body)
    assert answer.status_code == 400
    assert answer.json()["error"]
    assert (await control.get("/pubsub")).json() == before
    assert log.new() == []
