"""The whole way over a real socket, through the lanes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from hintsync.core.codec import Codec
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.ports import Created, Draft, Update, WriteMode, Written
from hintsync.replicas.hint.client import HintClient, Pace
from hintsync.replicas.hint.lanes import LaneTransport
from hintsync.replicas.hint.probe import probe
from hintsync.replicas.hint.replica import Concurrency, HintReplica
from hintsync_emulators.control import Failure
from hintsync_emulators.hint import Practice, create_app
from hintsync_emulators.serve import serving
from tests.replicas.clock import HeldClock


class Wired:
    def __init__(self, url: str, practice: Practice, lanes: int) -> None:
        self.clock = HeldClock()
        self.transport = LaneTransport(lanes)
        self.client = HintClient(self.transport, practice.token, Pace.of(self.clock, per_second=None), base_url=url)


@pytest.fixture
async def practice() -> Practice:
    practice = Practice()
    practice.load([{"first_name": "Ada", "last_name": f"Moor {n}", "dob": "1980-02-29"} for n in range(230)])
    return practice


@pytest.fixture
async def served(practice: Practice) -> AsyncIterator[tuple[Wired, list[Failure]]]:
    app = create_app(practice)
    app.faults.limits["per_second"] = None
    with serving(app) as url:
        wired = Wired(url, practice, lanes=5)
        yield wired, app.faults.fail_next
        await wired.transport.aclose()


Served = tuple[Wired, list[Failure]]


async def test_a_whole_round_over_a_socket(served: Served, practice: Practice) -> None:
    wired, failures = served
    facts = await probe(wired.client)
    replica = HintReplica(wired.client, Codec(facts.adapt(DEFAULT_MAPPING)), facts, concurrency=Concurrency(8, 8, 3))
    people = [record for page in [p async for p in replica.scan()] for record in page.records]
    assert len(people) == 230
    failures.append(Failure(match="^PATCH ", drop=True, after_commit=True, times=3))
    failures.append(Failure(match="^PATCH ", status=503, times=3))
    updates = [Update(each.id, {"city": f"Town {n}"}, each) for n, each in enumerate(people[:100])]
    answers = await replica.update(updates, WriteMode.BATCH)
    assert all(isinstance(answer, Written) for answer in answers)
    assert [practice.patient(each.id)["address_city"] for each in people[:100]] == [f"Town {n}" for n in range(100)]
    (created,) = await replica.create([Draft("key-1", {"first_name": "Ben", "last_name": "Holt"})])
    assert isinstance(created, Created)
    assert (await replica.find_by_key(["key-1"]))["key-1"].id == created.record_id


async def test_a_lane_is_free_again_after_a_request_that_was_given_up(served: Served) -> None:
    wired, _ = served
    for _ in range(20):
        task = asyncio.create_task(wired.client.get("/api/provider/practice"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    answers = await asyncio.gather(*(wired.client.get("/api/provider/practice") for _ in range(20)))
    assert len(answers) == 20


async def test_a_lane_is_free_again_after_a_connection_that_could_not_be_made() -> None:
    transport = LaneTransport(2)
    for _ in range(5):
        with pytest.raises(httpx.ConnectError):
            await transport.handle_async_request(httpx.Request("GET", "http://127.0.0.1:1/"))
    await transport.aclose()
