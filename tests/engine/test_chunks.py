"""A batch whose links somebody else moves meanwhile reads them again instead of stopping."""

from __future__ import annotations

import pytest

from hintsync.core.plan import Outcome
from hintsync.core.records import LinkStatus, RecordId
from hintsync.core.values import Side
from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.replicas.memory_records import Change
from hintsync.state.port import Commit, LinkChange, RunStatus
from tests.engine.living import LiveWorld
from tests.engine.world import listing


class Meddler:
    """Somebody who commits the links of the pairs whenever the batch has written to Hint, some times."""

    def __init__(self, world: LiveWorld, times: int) -> None:
        self.world, self.left, self.met = world, times, 0
        world.practice.watch(self._heard)
        self.heard: list[RecordId] = []
        self._commit, world.store.commit = world.store.commit, self.commit

    def _heard(self, change: Change) -> None:
        if change.ours:
            self.heard.append(change.record_id)

    async def commit(self, commit: Commit) -> None:
        """Be faster than the batch with what it is about to commit."""
        ids, self.heard = self.heard, []
        if ids and self.left:
            self.left, self.met = self.left - 1, self.met + 1
            states = await self.world.store.live_links("main", Side.HINT, ids)
            await self._commit(Commit(links=[LinkChange(state.link) for state in states.values()]))
        await self._commit(commit)


async def test_a_chunk_whose_links_moved_is_worked_anew():
    world = LiveWorld()
    pairs = [world.both(f"Ann{n}", "Moor", "1980-05-06", city="Lynn") for n in range(5)]
    engine = await world.live()
    meddler = Meddler(world, 1)
    run = await batch_patients(engine)
    assert (run.status, meddler.met) == (RunStatus.DONE, 1)  # once it is written, nothing is written again
    states = await world.store.live_links("main", Side.SALESFORCE, [contact for contact, _ in pairs])
    assert {state.link.status for state in states.values()} == {LinkStatus.ACTIVE}
    assert run.done == 5


async def test_a_chunk_of_listed_contacts_goes_on_with_its_own_reservations():
    world = LiveWorld()
    pairs = [world.both(f"Ann{n}", "Moor", "1980-05-06", city="Lynn") for n in range(5)]
    engine = await world.live()
    meddler = Meddler(world, 1)
    run = await batch_contacts(engine, listing(*(contact for contact, _ in pairs)))
    assert (run.status, meddler.met) == (RunStatus.DONE, 1)
    assert {row.outcome for row in (await world.rows(run)).values()} == {Outcome.LINKED}
    states = await world.store.live_links("main", Side.SALESFORCE, [contact for contact, _ in pairs])
    assert {state.link.status for state in states.values()} == {LinkStatus.ACTIVE}


@pytest.mark.parametrize("listed", [True, False])
async def test_u4_a_pair_that_is_declined_while_a_batch_runs_is_not_linked(listed: bool):
    world = LiveWorld()
    (ann, ann_there), (bob, _) = (world.both(name, "Moor", "1980-05-06", city="Lynn") for name in ("Ann", "Bob"))
    engine, ask = await world.live(), world.store.declined_pairs

    async def ask_then_decline(connection_id: str) -> frozenset[tuple[RecordId, RecordId]]:
        known = await ask(connection_id)
        await world.store.decline("main", ann, ann_there, "user-7", engine.now())
        return known

    world.store.declined_pairs = ask_then_decline
    run = await (batch_contacts(engine, listing(ann, bob)) if listed else batch_patients(engine))
    rows = await world.rows(run)
    row = rows[ann if listed else ann_there]
    assert (row.outcome, row.rule, row.reason) == (Outcome.CHANGED_SINCE, "U4", "declined meanwhile")
    assert set(await world.store.live_links("main", Side.SALESFORCE, [ann, bob])) == {bob}
    assert world.org.shown(ann).peer_id is None


async def test_a_sync_of_all_reads_moved_links_again():
    world = LiveWorld()
    pairs = await world.population(4)
    for contact, _ in pairs:
        world.org.edit(contact, {"city": "Reno"})
    meddler = Meddler(world, 1)
    run = await sync_all(await world.live())
    assert (run.status, meddler.met) == (RunStatus.DONE, 1)
    assert {world.shown(Side.HINT, patient, "city") for _, patient in pairs} == {"Reno"}


async def test_links_that_keep_moving_stop_the_run_in_order():
    world = LiveWorld()
    await world.population(2)
    engine = await world.live()
    for contact in [record.id for record in world.org.records()]:
        world.org.edit(contact, {"city": "Reno"})

    real_read = world.org.read

    async def read(ids):
        found = await real_read(ids)
        states = await world.store.live_links("main", Side.SALESFORCE, list(ids))
        await world.store.commit(Commit(links=[LinkChange(state.link) for state in states.values()]))
        return found

    world.org.read = read
    run = await sync_all(engine)
    assert run.status is RunStatus.STOPPED
    assert "kept moving" in (run.reason or "")
