"""The first page: an administrator sees how everything stands, a user where the work is."""

from __future__ import annotations

import re
from dataclasses import replace

from pydantic import SecretStr

from hintsync.core.values import Side
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.detect.webhooks import REGISTERED, SEEN
from hintsync.engine.guards.stops import Desk as Stopping
from hintsync.engine.guards.stops import pause
from hintsync.state.live import Lane, Mark
from hintsync.state.port import Commit, Review, ReviewKind
from tests.surfaces.web.pages.desk import Desk


def counted(page: str, label: str) -> str:
    """Return the number beside a label."""
    found = re.search(rf"<dt>{label}</dt>\s*<dd>(?:<a [^>]*>)?\s*([\d,]+)", page)
    assert found, label
    return found.group(1)


async def test_a_user_is_shown_where_the_work_is_and_nothing_of_administration(desk: Desk) -> None:
    answer = await desk.front_desk.open()
    assert answer.status_code == 200
    assert "Sync to Hint" in answer.text
    assert "/lightning/o/Contact/list" in answer.text
    assert "First steps" not in answer.text
    for path in ("/connection", "/connection/webhook", "/settings", "/fields"):
        assert (await desk.front_desk.get(path)).status_code == 403
    assert (await desk.front_desk.post("/sides")).status_code == 403


async def test_a_new_connection_leads_through_the_steps_of_the_article_and_ticks_what_is_done(desk: Desk) -> None:
    page = (await desk.administrator.open()).text
    assert page.count(">Done<") == 1
    assert page.count(">To do<") == 3
    store = desk.house.wire.service.store
    connection = await desk.house.wire.service.connection("demo")
    await store.put_connection(
        replace(connection, settings={**connection.settings, "default_account_id": "001000000000001AAA"})
    )
    registration = (
        '{"url": "https://x.example", "endpoint_id": "whep-1", "integration_id": "int-1", "registered_at": ""}'
    )
    await store.put_cursor("demo", REGISTERED, registration)
    page = (await desk.administrator.get("/")).text
    assert page.count(">Done<") == 2
    assert "Edit a patient in Hint to see that it arrives" in page
    await store.put_cursor("demo", SEEN, "2026-11-22T10:00:00Z")
    async with desk.house.wire.engine() as engine:
        await batch_patients(engine, dry=True)
    page = (await desk.administrator.get("/")).text
    assert "First steps" not in page
    assert "Batch Sync Patients to Contacts, dry run" in page


async def test_both_sides_are_named_with_what_was_pinned(desk: Desk) -> None:
    connection = await desk.house.wire.service.connection("demo")
    page = (await desk.administrator.open()).text
    assert connection.org_id in page
    assert connection.practice_id in page
    assert "Emulated Clinic" in page
    assert "Example Family Medicine" in page
    assert "Polling every 30 seconds" in page
    assert "Hint was not told our webhook address yet" in page


async def test_what_waits_and_what_is_stopped_is_counted(desk: Desk) -> None:
    service = desk.house.wire.service
    now = service.clock.now().timestamp()
    marks = [Mark(Side.HINT, f"pat-{number:012}", "webhook", now, Lane.CATCH_UP) for number in range(3)]
    await service.store.mark("demo", marks)
    reviews = [
        Review("rev-1", "demo", ReviewKind.CONFLICT, Side.HINT, "pat-1", "city", "2026-11-22T10:00:00Z"),
        Review("rev-2", "demo", ReviewKind.OVERLAY, Side.HINT, "pat-1", "", "2026-11-22T10:00:00Z"),
    ]
    await service.store.commit(Commit(reviews=reviews))
    await pause(Stopping(await service.connection("demo"), service.store, service.clock, "x"), "the office is moving")
    page = (await desk.administrator.open()).text
    assert counted(page, "Records to be synced") == "3"
    assert counted(page, "Conflicts to decide") == "1"
    assert counted(page, "Other reviews") == "1"
    assert "Paused by a person" in page
    assert "the office is moving" in page


async def test_asked_now_both_systems_say_who_they_are_and_hint_whether_it_is_active(desk: Desk) -> None:
    house = desk.house
    key = SecretStr(house.wire.practice.partner.key)
    house.wire.service.settings = house.wire.service.settings.model_copy(update={"hint_partner_key": key})
    await desk.administrator.open()
    told = (await desk.administrator.post("/sides")).text
    assert told.count(">Answers<") == 2
    assert ">Active<" in told
    house.wire.practice.set_status("pending", by_api=False)
    told = (await desk.administrator.post("/sides")).text
    assert ">Pending<" in told
    assert "Activate in Hint" in told
    done = await desk.administrator.act("/connection/activate")
    assert "Status Active" in done.text
    assert house.wire.practice.installation.status == "active"


async def test_g1_a_system_that_is_another_one_is_said_so(desk: Desk) -> None:
    await desk.administrator.open()
    engine = desk.house.engines.engine("demo")
    assert engine is not None
    engine.connection = replace(engine.connection, practice_id="pra-another00001", org_sandbox=True)
    told = (await desk.administrator.post("/sides")).text
    assert told.count(">Another one<") == 2
    assert "pinned is pra-another00001" in told
    assert "is production, pinned as a sandbox" in told


async def test_without_the_partner_key_the_status_says_what_is_missing(desk: Desk) -> None:
    await desk.administrator.open()
    told = (await desk.administrator.post("/sides")).text
    assert "hint_partner_key is not set" in told
