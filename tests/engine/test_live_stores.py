"""Live sync on one file and on PostgreSQL: the same ends, several workers, no link in two hands."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from hintsync.core.records import LinkStatus
from hintsync.core.values import Side
from hintsync.engine.live.work import work_once
from hintsync.engine.options import Options
from hintsync.state.sql.store import SqlStore
from tests.engine.living import BORN, LiveWorld


async def test_edits_conflicts_echoes_and_moves(sql_store: SqlStore):
    world = LiveWorld(store=sql_store, options=Options(create_contacts=True))
    contact, patient = await world.linked(city="Lynn", zip="01901")
    world.org.edit(contact, {"city": "Reno"})
    world.practice.edit(patient, {"zip": "89501"})
    await world.deliver()
    assert (await world.work()).written == {Side.SALESFORCE: 1, Side.HINT: 1}
    assert (await world.deliver()).echoes == 2
    winner = world.contact("Ann", "Moor", BORN, street="1 Elm Road")
    world.org.merge(contact, winner)
    new = world.patient("Bea", "Hill", BORN)
    await world.quiet()
    state = await world.link_of(winner)
    assert (state.link.patient_id, state.link.status) == (patient, LinkStatus.ACTIVE)
    assert world.shown(Side.SALESFORCE, winner, "city") == "Reno"
    assert world.shown(Side.HINT, patient, "street") == "1 Elm Road"
    made = (await sql_store.live_links("main", Side.HINT, [new]))[new]
    assert made.link.status is LinkStatus.ACTIVE
    world.org.edit(winner, {"city": "Elko"})
    world.practice.edit(patient, {"city": "Mesa"})
    await world.quiet()
    assert set((await world.link_of(winner)).holds) == {"city"}
    assert not await sql_store.verify_audit("main")
    assert await world.dirty() == []


async def test_a_record_that_fails_is_parked_and_replayed(sql_store: SqlStore):
    world = LiveWorld(store=sql_store)
    contact, patient = await world.linked(city="Lynn")
    world.org.faults.lock(contact, times=8)
    world.practice.edit(patient, {"city": "Reno"})
    await world.quiet()
    assert [dirty.parked for dirty in await world.dirty(parked=True)] == ["salesforce:UNABLE_TO_LOCK_ROW"]
    await sql_store.replay("main", world.clock.now().timestamp())
    await world.quiet()
    assert world.shown(Side.SALESFORCE, contact, "city") == "Reno"


async def test_workers_share_the_work_and_no_link(sql_store: SqlStore):
    world = LiveWorld(store=sql_store, options=Options(guard_at_least=1000))
    pairs = await world.population(40)
    held: dict[str, str] = {}
    clashes: list[str] = []
    lease, release = sql_store.lease_links, sql_store.release_links

    async def watched(connection_id: str, link_ids: Collection[str], worker: str, now: float, until: float):
        ours = await lease(connection_id, link_ids, worker, now, until)
        clashes.extend(link for link in ours if held.setdefault(link, worker) != worker)
        return ours

    async def let_go(connection_id: str, link_ids: Collection[str], worker: str) -> None:
        for link in link_ids:
            held.pop(link, None)
        await release(connection_id, link_ids, worker)

    sql_store.lease_links, sql_store.release_links = watched, let_go  # type: ignore[method-assign]
    for number, (contact, patient) in enumerate(pairs):
        world.org.edit(contact, {"city": f"Town {number}"})
        world.practice.edit(patient, {"zip": f"0190{number % 10}"})
    await world.deliver()
    engine = await world.live()
    for _ in range(60):
        worked = await asyncio.gather(*(work_once(engine, f"worker-{n}", limit=7) for n in range(4)))
        world.clock.push(1.0)
        if not any(each.claimed for each in worked):
            break
    assert (clashes, held) == ([], {})
    assert await world.dirty() == []
    assert [world.shown(Side.HINT, patient, "city") for _, patient in pairs] == [f"Town {n}" for n in range(40)]
