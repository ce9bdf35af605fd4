"""The two real replicas once more, over sockets: what in-process transports cannot show (a connection that is cut)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from hintsync.core.codec import Codec
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.ports import Created, CreateUnknown, Draft, Replica, Unknown, Update, WriteMode, Written
from hintsync.replicas.hint.client import HintClient
from hintsync.replicas.hint.replica import HintReplica
from hintsync.replicas.salesforce.auth import GivenToken
from hintsync.replicas.salesforce.client import SalesforceClient, open_http
from hintsync.replicas.salesforce.replica import SalesforceReplica
from hintsync.replicas.wire import open_transport
from hintsync_emulators.serve import serving
from tests.contract.hint_world import USUAL, HintWorld
from tests.contract.replica_world import World
from tests.contract.salesforce_world import SalesforceWorld
from tests.replicas.salesforce.office import TOKEN

ADA = {"first_name": "Ada", "last_name": "Moor", "birth_date": "1980-02-29", "city": "Springfield"}


@pytest.fixture(params=["hint", "salesforce"])
async def wired(request: pytest.FixtureRequest) -> AsyncIterator[tuple[World, Replica]]:
    """A world, and a replica that reaches it over a socket instead of in process."""
    if request.param == "hint":
        hint = HintWorld()
        with serving(hint.app) as url:
            transport = open_transport()
            client = HintClient(transport, hint.practice.token, hint.pace, base_url=url)
            yield hint, HintReplica(client, Codec(USUAL.adapt(DEFAULT_MAPPING)), USUAL)
            await transport.aclose()
        return
    salesforce = await SalesforceWorld.open()
    with serving(salesforce.office.app) as url:
        replica = SalesforceReplica(
            SalesforceClient(open_http(), GivenToken(url, TOKEN), salesforce.clock), clock=salesforce.clock
        )
        yield salesforce, replica
        await replica.aclose()
    await salesforce.aclose()


async def test_a_whole_round_over_a_socket(wired: tuple[World, Replica]) -> None:
    world, replica = wired
    ids = world.seed_many([ADA] * (replica.capabilities.page_size + 30))
    found = [record async for page in replica.scan() for record in page.records]
    assert sorted(record.id for record in found) == sorted(ids)
    updates = [Update(each.id, {"city": f"Town {n}"}, each) for n, each in enumerate(found[:60])]
    for mode in WriteMode:
        seen = await replica.read([each.record_id for each in updates])
        fresh = [Update(each.record_id, each.values, seen[each.record_id]) for each in updates]
        assert all(isinstance(answer, Written) for answer in await replica.update(fresh, mode))
    assert [world.look(each.record_id)["city"] for each in updates] == [f"Town {n}" for n in range(60)]
    (created,) = await replica.create([Draft("key-1", ADA)])
    assert isinstance(created, Created)
    assert (await replica.find_by_key(["key-1"]))["key-1"].id == created.record_id


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_connection_cut_under_a_write_leaves_its_outcome_open(
    wired: tuple[World, Replica], carried_out: bool
) -> None:
    world, replica = wired
    record_id = world.seed(ADA)
    seen = (await replica.read([record_id]))[record_id]
    world.lose_write(carried_out=carried_out)
    assert await replica.update([Update(record_id, {"city": "Town"}, seen)], WriteMode.BATCH) == [Unknown(record_id)]
    assert await replica.create([Draft("key-1", ADA)]) == [CreateUnknown("key-1")]
    assert world.look(record_id)["city"] == ("Town" if carried_out else "Springfield")
    assert bool(await replica.find_by_key(["key-1"])) is carried_out


async def test_a_connection_cut_under_a_read_is_not_seen(wired: tuple[World, Replica]) -> None:
    world, replica = wired
    record_id = world.seed(ADA)
    await replica.read([record_id])
    world.lose_reads_once()
    assert set(await replica.read([record_id])) == {record_id}
