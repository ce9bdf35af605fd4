"""What is forgotten in the night, what stays for good, and that it is done a little at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hintsync.engine import retention
from hintsync.engine.batch.contacts import batch_contacts
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.options import Options
from hintsync.engine.parity.check import check_parity
from hintsync.engine.parity.report import verify_reports
from hintsync.engine.retention import FORGOTTEN, prune
from hintsync.state.port import Commit, ReviewStatus, RunStatus
from tests.engine.world import World, listing

DAY = 86_400


async def test_results_of_old_runs_go_and_the_runs_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "GROUP", 2)
    world = World(options=Options(result_days=30))
    pairs = [world.both(f"Ann{n}", "Moor", "1980-05-06") for n in range(5)]
    engine = await world.engine()
    old = await batch_patients(engine)
    listed = await batch_contacts(engine, listing(pairs[0][0]))
    world.clock.push(29 * DAY)
    new = await batch_patients(engine)
    assert await prune(engine)
    assert len(await world.store.row_positions(old.id)) == 5
    world.clock.push(2 * DAY)
    assert await prune(engine)
    assert await world.store.row_positions(old.id) == frozenset()
    assert await world.store.get_cursor("main", f"input:{listed.id}") is None
    assert len(await world.store.row_positions(new.id)) == 5
    kept = await world.store.run(old.id)
    assert kept is not None
    assert (kept.status, kept.done, kept.details["calls"]) == (RunStatus.DONE, 5, old.details["calls"])
    assert FORGOTTEN in kept.details
    assert len(await world.store.live_pairs("main")) == 5


async def test_the_audit_trail_and_signed_reports_hold_after_everything_else_was_forgotten() -> None:
    world = World(options=Options(result_days=1, review_days=1, log_days=1))
    world.both("Ann", "Moor", "1980-05-06")
    engine = await world.engine()
    await batch_patients(engine)
    for _ in range(3):
        await check_parity(engine, grace=0.0)
        world.clock.push(2 * DAY)
    before = await world.store.audit("main")
    assert await prune(engine)
    assert await world.store.log("main") == []
    assert await world.store.audit("main") == before
    assert list(await world.store.verify_audit("main")) == []
    assert await verify_reports(world.store, "main") == []


async def test_settled_reviews_go_by_their_age_and_open_ones_stay() -> None:
    world = World(options=Options(review_days=30))
    for _ in range(2):
        world.contact("Ann", "Moor", "1980-05-06")
    world.patient("Ann", "Moor", "1980-05-06")
    world.patient("Bea", "Hill", None)
    engine = await world.engine()
    await batch_patients(engine)
    first, second = await world.store.reviews("main")
    settled = replace(first, status=ReviewStatus.DECIDED, decided_at=engine.now())
    await world.store.commit(Commit(reviews=[settled]))
    world.clock.push(31 * DAY)
    assert await prune(engine)
    assert await world.store.review(settled.id) is None
    assert await world.store.review(second.id) is not None
