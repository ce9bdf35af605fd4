"""Safety stops, the plan behind one, pinning, pause and resume, parked records."""

from __future__ import annotations

import re
from dataclasses import replace

from hintsync.core.values import Side
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.guards.stops import stops_in_force
from hintsync.engine.options import Options
from hintsync.state.live import Mark, Stop
from hintsync.state.port import RunStatus
from tests.surfaces.web.pages.desk import Desk
from tests.surfaces.web.pages.pairs import contact, in_org, link, patient
from tests.surfaces.web.pages.test_reviews import seen


async def stops(desk: Desk) -> list[Stop]:
    return list(await desk.house.wire.service.store.stops("demo"))


async def too_much(desk: Desk, pairs: int = 3) -> list[tuple[str, str]]:
    """Link some pairs, and change more of them in Hint than a strict guard G3 allows."""
    made = []
    for number in range(pairs):
        mine, theirs = contact(desk, f"Ann{number}"), patient(desk, f"Ann{number}")
        await link(desk, mine, theirs)
        made.append((mine, theirs))
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    strict = replace(engine, options=Options(guard_share=0.0, guard_at_least=1))
    for _, theirs in made:
        desk.house.wire.practice.edit(theirs, address_city="Lynn")
    await sync_all(strict)
    return made


async def test_nothing_stopped_says_so_and_names_every_guard(desk: Desk) -> None:
    await desk.administrator.open()
    text = seen((await desk.administrator.get("/stops")).text)
    assert "Nothing is stopped" in text
    assert all(f"G{number}" in text for number in range(1, 9))


async def test_a_pause_holds_back_automatic_work_until_somebody_resumes(desk: Desk) -> None:
    await desk.administrator.open()
    answer = await desk.administrator.act("/stops/pause", {"reason": "moving the office"})
    assert "Paused by a person" in seen(answer.text)
    assert "moving the office" in answer.text
    assert [stop.guard for stop in await stops(desk)] == ["pause"]
    trail = await desk.house.wire.service.store.audit_latest("demo", limit=1)
    assert (trail[0].event.action, trail[0].event.actor) == ("paused", f"user:{desk.administrator.user_id}")
    await desk.administrator.act("/stops/resume", {})
    assert await stops(desk) == []


async def test_the_front_desk_can_pause_nothing(desk: Desk) -> None:
    await desk.front_desk.open()
    assert (await desk.front_desk.post("/stops/pause", {"reason": "x"})).status_code == 403
    assert await stops(desk) == []


async def test_g3_shows_what_was_held_back_and_approves_exactly_that(desk: Desk) -> None:
    pairs = await too_much(desk)
    (stop,) = await stops(desk)
    await desk.administrator.open()
    text = seen((await desk.administrator.get("/stops")).text)
    assert "Too many changes at once" in text
    assert "Changes in Hint are not carried to Salesforce automatically" in text
    plan = await desk.administrator.get(f"/stops/plans/{stop.run_id}")
    assert "Salesforce gets City" in seen(plan.text)
    assert pairs[0][1] in plan.text
    seal = re.search(r'name="seal" value="([^"]+)"', plan.text)
    assert seal is not None
    wrong = await desk.administrator.act(f"/stops/plans/{stop.run_id}/approve", {"seal": "something else"})
    assert wrong.status_code == 422
    assert len(await stops(desk)) == 1
    answer = await desk.administrator.act(f"/stops/plans/{stop.run_id}/approve", {"seal": seal.group(1)})
    assert "The plan is approved" in seen(answer.text)
    assert await stops(desk) == []
    run = await desk.house.wire.service.store.run(stop.run_id or "")
    assert run is not None
    assert (run.status, run.approved_by) == (RunStatus.DONE, f"user:{desk.administrator.user_id}")


async def test_g3_may_be_let_go_on_without_an_approval(desk: Desk) -> None:
    await too_much(desk)
    await desk.administrator.open()
    await desk.administrator.act("/stops/acknowledge", {"guard": "G3", "side": "hint"})
    assert await stops(desk) == []


async def test_g1_another_practice_is_pinned_only_with_its_id_typed_in(desk: Desk) -> None:
    store = desk.house.wire.service.store
    connection = await store.connection("demo")
    assert connection is not None
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    await store.put_stop(Stop("demo", "G1", None, "another practice answers", "2026-03-01T09:00:00Z"))
    pinned = replace(connection, practice_id="pra-before")
    await store.put_connection(pinned)
    await desk.house.engines.refresh(at_once=True)
    await desk.administrator.open()
    text = (await desk.administrator.get("/stops")).text
    assert "Another org or practice answers" in seen(text)
    assert connection.practice_id in text
    fields = dict(re.findall(r'name="(org|sandbox|practice)" value="([^"]*)"', text))
    refused = await desk.administrator.act("/stops/pin", {**fields, "typed": "yes"})
    assert refused.status_code == 422
    assert len(await stops(desk)) == 1
    other = await desk.administrator.act("/stops/pin", {**fields, "practice": "pra-forged", "typed": "pra-forged"})
    assert other.status_code == 422
    await desk.administrator.act("/stops/pin", {**fields, "typed": connection.practice_id})
    now = await store.connection("demo")
    assert now is not None
    assert now.practice_id == connection.practice_id
    assert await stops(desk) == []


async def test_g1_systems_that_are_back_go_on_without_typing(desk: Desk) -> None:
    await desk.house.wire.service.store.put_stop(
        Stop("demo", "G1", None, "another org answered", "2026-03-01T09:00:00Z")
    )
    await desk.administrator.open()
    assert "The pinned systems answer again" in seen((await desk.administrator.get("/stops")).text)
    await desk.administrator.act("/stops/acknowledge", {"guard": "G1"})
    assert await stops(desk) == []


async def parked(desk: Desk, *record_ids: str) -> None:
    store = desk.house.wire.service.store
    await store.mark("demo", [Mark(Side.SALESFORCE, each, "person", 100.0) for each in record_ids])
    claimed = await store.claim("demo", "worker-1", 200.0, 300.0, limit=10)
    await store.put_off(claimed, 200.0, parked="retry-later")


async def test_parked_records_show_why_and_are_tried_again_one_or_all(desk: Desk) -> None:
    ids = [contact(desk, name) for name in ("Ann", "Bea", "Cal")]
    await parked(desk, *ids)
    await desk.administrator.open()
    text = seen((await desk.administrator.get("/parked")).text)
    assert "3 parked" in text
    assert "retry-later" in text
    assert "Bea Moor" in text
    await desk.administrator.act("/parked/replay", {"side": "salesforce", "record": ids[0]})
    store = desk.house.wire.service.store
    assert {each.record_id for each in await store.dirty("demo", parked=True)} == set(ids[1:])
    answer = await desk.administrator.act("/parked/replay", {"all": "yes"})
    assert "Nothing is parked" in seen(answer.text)
    trail = await store.audit_latest("demo", limit=2)
    assert [each.event.reason for each in trail] == ["2 parked records", "1 parked records"]


async def test_a_plan_that_is_none_is_not_shown(desk: Desk) -> None:
    await desk.administrator.open()
    assert (await desk.administrator.get("/stops/plans/run-of-somebody-else")).status_code == 422
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    assert (await stops_in_force(engine)).in_force == ()
    assert in_org(desk, contact(desk))
