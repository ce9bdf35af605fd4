"""The whole way over a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import uvloop

from hintsync.core.codec import Codec
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.ports import Created, Draft, Update, WriteMode, Written
from hintsync.replicas.hint.client import HintClient, Pace
from hintsync.replicas.hint.facts import HintFacts
from hintsync.replicas.hint.probe import probe
from hintsync.replicas.hint.replica import Concurrency, HintReplica
from hintsync.replicas.wire import open_transport
from hintsync_emulators.control import Failure
from hintsync_emulators.hint import Practice, create_app
from hintsync_emulators.serve import serving
from tests.replicas.clock import HeldClock


class Wired:
    def __init__(self, url: str, practice: Practice, connections: int) -> None:
        self.clock = HeldClock()
        self.transport = open_transport(connections)
        self.client = HintClient(self.transport, practice.token, Pace.of(self.clock, per_second=None), base_url=url)


@pytest.fixture
def practice() -> Practice:
    practice = Practice()
    practice.load([{"first_name": "Ada", "last_name": f"Moor {n}", "dob": "1980-02-29"} for n in range(230)])
    return practice


@pytest.fixture
async def served(practice: Practice) -> AsyncIterator[tuple[Wired, list[Failure]]]:
    app = create_app(practice)
    app.faults.limits["per_second"] = None
    with serving(app) as url:
        wired = Wired(url, practice, connections=5)
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


async def test_a_request_that_was_given_up_leaves_its_connection_to_nobody(served: Served) -> None:
    wired, _ = served
    for _ in range(20):
        task = asyncio.create_task(wired.client.get("/api/provider/practice"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    answers = await asyncio.gather(*(wired.client.get("/api/provider/practice") for _ in range(20)))
    assert len(answers) == 20


def test_the_same_under_the_event_loop_that_the_service_runs_on(practice: Practice) -> None:
    async def read_all(url: str) -> int:
        wired = Wired(url, practice, connections=5)
        replica = HintReplica(wired.client, Codec(DEFAULT_MAPPING), HintFacts(filter_all=True))
        found = [record async for page in replica.scan() for record in page.records]
        await wired.transport.aclose()
        return len(found)

    app = create_app(practice)
    app.faults.limits["per_second"] = None
    with serving(app) as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(read_all(url)) == 230
