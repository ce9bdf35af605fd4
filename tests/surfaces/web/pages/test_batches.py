"""Both batches as an administrator starts, follows and stops them on the pages (M14, M15, B3)."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from dataclasses import replace

import httpx
import pytest

from hintsync.core.plan import Outcome
from hintsync.core.values import Side
from hintsync.engine.batch.csv_check import MOST_BYTES
from hintsync.setup.installation import PAGES_FACT
from hintsync.state.port import Commit, Run, RunKind, RunRow, RunStatus
from hintsync.surfaces.order_keeper import OrderKeeper
from tests.surfaces.web.pages.desk import Desk, Person

BORN = "1980-05-06"
CANARY = "Zyxwvutcanary"


def contact(desk: Desk, first: str, last: str, **values: str) -> str:
    person = {"FirstName": first, "LastName": last, "Birthdate": BORN, **values}
    return desk.house.wire.org.insert("Contact", person)


def both(desk: Desk, first: str, last: str, **values: object) -> tuple[str, str]:
    return contact(desk, first, last), desk.house.patient(first, last, BORN, **values)


async def work(desk: Desk) -> bool:
    """Do what a worker does: take up the order that waits longest."""
    service = desk.house.wire.service
    (engine,) = desk.house.engines.open
    return await OrderKeeper(service, engine).work_next(asyncio.Event())


async def runs(desk: Desk, kind: RunKind = RunKind.BATCH_PATIENTS) -> list[Run]:
    return list(await desk.house.wire.service.store.runs("demo", kinds=[kind]))


async def upload(person: Person, content: bytes) -> httpx.Response:
    headers = {
        "Authorization": f"Bearer {person.token}",
        "X-Hintsync-Fetch": "1",
        "Content-Type": "application/octet-stream",
    }
    return await person.house.http.post("/c/demo/batches/contacts/check", content=content, headers=headers)


def draft_of(answer: httpx.Response) -> str:
    (found,) = re.findall(r'name="draft" value="([^"]+)"', answer.text)
    return str(found)


async def test_m14_a_batch_that_is_started_shows_its_id_at_once_and_the_abort_button(desk: Desk) -> None:
    await desk.administrator.open()
    shown = await desk.administrator.get("/batches")
    assert "Start Batch" in shown.text
    assert "Abort Batch" not in shown.text
    shown = await desk.administrator.act("/batches/patients", {"dry": "no"})
    (run,) = await runs(desk)
    assert run.status is RunStatus.RUNNING
    assert run.started_by == f"user:{desk.administrator.user_id}"
    assert run.id in shown.text
    assert "Abort Batch" in shown.text
    assert "waiting for a worker" in shown.text
    assert f"/runs/{run.id}/progress" in shown.text


async def test_m14_a_worker_takes_up_what_was_started_and_the_results_are_shown(desk: Desk) -> None:
    linked, _ = both(desk, "Ann", "Moor")
    desk.house.patient("Bea", "Hill", BORN)
    await desk.administrator.open()
    await desk.administrator.act("/batches/patients", {"dry": "no"})
    assert await work(desk)
    assert not await work(desk)
    (run,) = await runs(desk)
    assert (run.status, run.done) == (RunStatus.DONE, 2)
    shown = (await desk.administrator.get(f"/runs/{run.id}")).text
    assert "Linked" in shown
    assert "No match" in shown
    assert f"/lightning/r/Contact/{linked}/view" in shown
    assert "Ann Moor" in shown
    assert f"/contacts/{linked}" in shown
    filtered = (await desk.administrator.get(f"/runs/{run.id}", outcome="no match")).text
    assert "Ann Moor" not in filtered


async def test_m16_the_report_in_salesforce_opens_with_its_filter_filled(desk: Desk) -> None:
    both(desk, "Ann", "Moor")
    await desk.administrator.open()
    await desk.administrator.act("/batches/patients", {"dry": "no"})
    await work(desk)
    (run,) = await runs(desk)
    assert "Open the report" not in (await desk.administrator.get(f"/runs/{run.id}")).text
    service = desk.house.wire.service
    connection = await service.connection("demo")
    facts = {**connection.facts, PAGES_FACT: {"report_id": "00O5g000001AbCdEAK"}}
    await service.store.put_connection(replace(connection, facts=facts))
    shown = (await desk.administrator.get(f"/runs/{run.id}")).text
    assert f"/lightning/r/Report/00O5g000001AbCdEAK/view?fv0={run.id}" in shown


async def test_m16_results_are_downloaded_whole_or_filtered(desk: Desk) -> None:
    _, linked = both(desk, "Ann", "Moor")
    odd = desk.house.patient("Bea", "Hill", "1900-01-01")
    await desk.administrator.open()
    await desk.administrator.act("/batches/patients", {"dry": "no"})
    await work(desk)
    (run,) = await runs(desk)
    answer = await desk.administrator.get(f"/runs/{run.id}/results.csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == f'attachment; filename="{run.id}.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert {row["Record ID"]: row["Outcome"] for row in rows} == {linked: "linked", odd: "incomplete"}
    answer = await desk.administrator.get(f"/runs/{run.id}/results.csv", outcome="linked")
    assert [row["Record ID"] for row in csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig")))] == [linked]
    assert (await desk.administrator.get(f"/runs/{run.id}", outcome="nonsense")).status_code == 422


async def test_m16_long_results_and_lists_come_page_by_page(desk: Desk) -> None:
    store = desk.house.wire.service.store
    now = "2026-11-23T04:00:00Z"
    for number in range(30):
        kind = RunKind.CATCH_UP
        await store.start_run(Run(f"run-{number:02}", "demo", kind, RunStatus.DONE, False, now, "hintsync"))
    rows = [RunRow("run-29", n, Side.HINT, f"pat-{n:03}", Outcome.NO_MATCH, "L2") for n in range(60)]
    await store.commit(Commit(rows=rows))
    await desk.administrator.open()
    first = (await desk.administrator.get("/runs/run-29")).text
    assert "pat-049" in first
    assert "pat-050" not in first
    assert "?after=49" in first
    second = (await desk.administrator.get("/runs/run-29", after="49")).text
    assert "pat-050" in second
    assert "pat-049" not in second
    assert "Next page" not in second
    listed = (await desk.administrator.get("/runs")).text
    assert "run-05" in listed
    assert "run-04" not in listed
    assert "run-04" in (await desk.administrator.get("/runs", before="run-05")).text


async def test_a_run_of_another_connection_is_nobodys(desk: Desk) -> None:
    await desk.administrator.open()
    service = desk.house.wire.service
    await service.store.put_connection(replace(await service.connection("demo"), id="other", name="other"))
    now = "2026-11-23T04:00:00Z"
    run = Run("run-other", "other", RunKind.BATCH_PATIENTS, RunStatus.RUNNING, True, now, "hintsync", seal="5ea1")
    await service.store.start_run(run)
    for path in ("", "/progress", "/results.csv"):
        assert (await desk.administrator.get(f"/runs/run-other{path}")).status_code == 422
    for path in ("/abort", "/resume", "/start"):
        assert (await desk.administrator.post(f"/runs/run-other{path}", {"seal": "5ea1"})).status_code == 422
    assert await service.store.run("run-other") == replace(run, seal="5ea1")


async def test_m13_the_tick_for_new_contacts_counts_for_this_batch(desk: Desk) -> None:
    patient = desk.house.patient("Bea", "Hill", BORN)
    await desk.administrator.open()
    await desk.administrator.act("/batches/patients", {"dry": "no", "create_contacts": "yes"})
    await work(desk)
    org = desk.house.wire.org
    assert org.storage.ids_where("Contact", "Hint_Patient_Id__c", patient, live_only=True)
    assert not desk.house.engines.open[0].options.create_contacts


async def test_b3_a_dry_run_writes_nothing_and_exactly_its_plan_can_be_started(desk: Desk) -> None:
    linked, patient = both(desk, "Ann", "Moor", email="ann@example.org")
    moved, other = both(desk, "Bea", "Hill", email="bea@example.org")
    await desk.administrator.open()
    await desk.administrator.act("/batches/patients", {"dry": "yes"})
    await work(desk)
    org = desk.house.wire.org
    assert not org.get("Contact", linked)["Synced_to_Hint__c"]
    (plan,) = await runs(desk)
    shown = (await desk.administrator.get(f"/runs/{plan.id}")).text
    assert "Records whose fields would be written" in shown
    assert "API calls" in shown
    assert plan.seal is not None
    assert plan.seal in shown
    desk.house.wire.practice.edit(other, email="bea.hill@example.org")
    shown = (await desk.administrator.act(f"/runs/{plan.id}/start", {"seal": plan.seal})).text
    await work(desk)
    carried = (await runs(desk))[0]
    assert carried.details["approved"] == plan.id
    assert org.get("Contact", linked)["Hint_Patient_Id__c"] == patient
    assert not org.get("Contact", moved)["Hint_Patient_Id__c"]
    shown = (await desk.administrator.get(f"/runs/{carried.id}")).text
    assert "Changed since" in shown
    assert "you" in (await desk.administrator.get(f"/runs/{plan.id}")).text


async def test_b3_a_plan_that_is_not_what_was_seen_is_not_started(desk: Desk) -> None:
    both(desk, "Ann", "Moor")
    await desk.administrator.open()
    await desk.administrator.act("/batches/patients", {"dry": "yes"})
    await work(desk)
    (plan,) = await runs(desk)
    answer = await desk.administrator.post(f"/runs/{plan.id}/start", {"seal": "another"})
    assert answer.status_code == 422
    assert len(await runs(desk)) == 1


async def test_a_second_batch_of_the_kind_waits_for_the_end_of_the_first(desk: Desk) -> None:
    await desk.administrator.open()
    await desk.administrator.act("/batches/patients", {"dry": "yes"})
    answer = await desk.administrator.post("/batches/patients", {"dry": "no"})
    assert answer.status_code == 422
    assert "is under way" in answer.text
    assert len(await runs(desk)) == 1


async def test_a_batch_is_aborted_before_a_worker_has_it_and_resumed(desk: Desk) -> None:
    both(desk, "Ann", "Moor")
    await desk.administrator.open()
    await desk.administrator.act("/batches/patients", {"dry": "no"})
    (run,) = await runs(desk)
    shown = await desk.administrator.act(f"/runs/{run.id}/abort", {"back": "batches"})
    assert (await runs(desk))[0].status is RunStatus.ABORTED
    assert "Resume" in shown.text
    assert "Start Batch" in shown.text
    assert not await work(desk)
    await desk.administrator.act(f"/runs/{run.id}/resume", {"back": "batches"})
    assert await work(desk)
    assert (await runs(desk))[0].status is RunStatus.DONE
    assert (await desk.administrator.post(f"/runs/{run.id}/abort")).status_code == 422
    assert (await desk.administrator.post(f"/runs/{run.id}/resume")).status_code == 422


async def test_b6_a_batch_that_a_pause_stopped_says_why_and_how_to_go_on(desk: Desk) -> None:
    from hintsync.engine.guards.stops import pause
    from hintsync.engine.guards.stops import resume as end_pause

    both(desk, "Ann", "Moor")
    (engine,) = desk.house.engines.open
    await pause(engine, "moving house")
    await desk.administrator.open()
    assert "moving house" in (await desk.administrator.get("/batches")).text
    await desk.administrator.act("/batches/patients", {"dry": "no"})
    await work(desk)
    (run,) = await runs(desk)
    assert run.status is RunStatus.STOPPED
    shown = (await desk.administrator.get(f"/runs/{run.id}")).text
    assert "moving house" in shown
    assert "Safety stops" in shown or "End the stop first" in shown
    await end_pause(engine)
    await desk.administrator.act(f"/runs/{run.id}/resume")
    await work(desk)
    assert (await runs(desk))[0].status is RunStatus.DONE


async def test_m15_a_file_is_checked_before_anything_starts(desk: Desk) -> None:
    first, patient = both(desk, "Ann", "Moor")
    await desk.administrator.open()
    lines = ["Contact ID,Name", f"{first},x", f"<b>{CANARY}</b>,x", "001000000000001AAA,x", f"{first[:15]},x"]
    content = "\r\n".join([*lines, "", '"My report"', '"Copyright (c) 2026 salesforce.com, inc."']).encode("utf-16")
    checked = await upload(desk.administrator, content)
    assert checked.status_code == 200
    assert f"&lt;b&gt;{CANARY}&lt;/b&gt;" in checked.text
    assert "the id of an account" in checked.text
    assert "Line 5 names the contact of line 2" in checked.text
    assert "from line 7 on, left out" in checked.text
    assert "UTF-16" in checked.text
    assert await runs(desk, RunKind.BATCH_CONTACTS) == []
    store = desk.house.wire.service.store
    kept = await store.get_cursor("demo", f"draft:user:{desk.administrator.user_id}")
    assert kept is not None
    assert CANARY not in kept

    form = {"draft": draft_of(checked), "dry": "no"}
    assert (await desk.administrator.post("/batches/contacts", form)).status_code == 422
    shown = await desk.administrator.act("/batches/contacts", {**form, "accept": "yes"})
    assert "Abort Batch" in shown.text
    await work(desk)
    (run,) = await runs(desk, RunKind.BATCH_CONTACTS)
    counts = {str(outcome): count for outcome, count in (await store.outcome_counts(run.id)).items()}
    assert counts == {"linked": 1, "bad id": 2, "repeated": 1}
    assert desk.house.wire.org.get("Contact", first)["Hint_Patient_Id__c"] == patient
    results = (await desk.administrator.get(f"/runs/{run.id}")).text
    assert "line 3 of the file" in results
    assert CANARY not in results


async def test_m15_a_checked_file_is_started_once(desk: Desk) -> None:
    first, _ = both(desk, "Ann", "Moor")
    await desk.administrator.open()
    draft = draft_of(await upload(desk.administrator, f"Contact ID\n{first}\n".encode()))
    await desk.administrator.act("/batches/contacts", {"draft": draft, "dry": "yes"})
    await work(desk)
    answer = await desk.administrator.post("/batches/contacts", {"draft": draft, "dry": "no"})
    assert answer.status_code == 422
    assert "choose it again" in answer.text
    (plan,) = await runs(desk, RunKind.BATCH_CONTACTS)
    await desk.administrator.act(f"/runs/{plan.id}/start", {"seal": plan.seal or ""})
    await work(desk)
    assert (await runs(desk, RunKind.BATCH_CONTACTS))[0].status is RunStatus.DONE
    assert desk.house.wire.org.get("Contact", first)["Hint_Patient_Id__c"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04\x00\x00\x00\x08", "binary file"),
        (b"Name,Contact ID\nAnn,003000000000001AAA\n", "Column 2 has contact ids"),
        (b"Name\nAnn\n", "Put the Salesforce ID into the first column"),
        (b"x" * (MOST_BYTES + 1), "larger than 20 MB"),
    ],
)
async def test_t14_a_file_that_cannot_be_used_is_said_and_nothing_starts(desk: Desk, content: bytes, told: str) -> None:
    await desk.administrator.open()
    answer = await upload(desk.administrator, content)
    assert told in answer.text
    assert 'name="draft"' not in answer.text


async def test_b2_the_front_desk_neither_sees_nor_starts_batches(desk: Desk) -> None:
    await desk.front_desk.open("panel", contact(desk, "Ann", "Moor"))
    for path in ("/batches", "/runs"):
        assert (await desk.front_desk.get(path)).status_code == 403
    assert (await desk.front_desk.post("/batches/patients", {"dry": "no"})).status_code == 403
    assert (await upload(desk.front_desk, b"Contact ID\n")).status_code == 403
    assert await runs(desk) == []
