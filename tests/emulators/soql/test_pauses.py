"""Long work leaves room for other calls between its pieces."""

from __future__ import annotations

import asyncio

import httpx

from hintsync_emulators.salesforce import Org


async def _upload(api: httpx.AsyncClient, names: list[str]) -> str:
    job = (await api.post("/jobs/ingest", json={"object": "Contact", "operation": "insert"})).json()["id"]
    content = "\n".join(["LastName", *names, ""])
    await api.put(f"/jobs/ingest/{job}/batches", content=content, headers={"Content-Type": "text/csv"})
    await api.patch(f"/jobs/ingest/{job}", json={"state": "UploadComplete"})
    return str(job)


async def test_other_calls_are_answered_while_a_job_works(api: httpx.AsyncClient, org: Org) -> None:
    org.pace.bulk_polls = 0
    job = await _upload(api, [f"L{number}" for number in range(3_000)])
    seen = []

    async def watch(work: asyncio.Task[httpx.Response]) -> None:
        while not work.done():
            # A call in process never pauses by itself unless it has work to do in pieces.
            await asyncio.sleep(0)
            seen.append((await api.get("/query", params={"q": "SELECT COUNT() FROM Contact"})).json()["totalSize"])

    work = asyncio.create_task(api.get(f"/jobs/ingest/{job}"))
    await watch(work)
    assert work.result().json()["state"] == "JobComplete"
    between = [count for count in seen if 0 < count < 3_000]
    assert between
    assert all(count % 200 == 0 for count in between)


async def test_a_second_look_at_a_working_job_only_reports(api: httpx.AsyncClient, org: Org) -> None:
    org.pace.bulk_polls = 0
    job = await _upload(api, [f"L{number}" for number in range(1_000)])
    answers = await asyncio.gather(*(api.get(f"/jobs/ingest/{job}") for _ in range(3)))
    assert sorted(one.json()["state"] for one in answers) == ["InProgress", "InProgress", "JobComplete"]
    assert org.count("Contact") == 1_000


async def test_a_job_aborted_while_it_works_leaves_the_rest_unprocessed(api: httpx.AsyncClient, org: Org) -> None:
    org.pace.bulk_polls = 0
    job = await _upload(api, [f"L{number}" for number in range(1_000)])
    work = asyncio.create_task(api.get(f"/jobs/ingest/{job}"))
    while not org.count("Contact"):  # noqa: ASYNC110 - nothing announces that a piece is done
        await asyncio.sleep(0)
    aborted = await api.patch(f"/jobs/ingest/{job}", json={"state": "Aborted"})
    assert aborted.json()["state"] == "Aborted"
    ended = (await work).json()
    done = org.count("Contact")
    assert (ended["state"], ended["numberRecordsProcessed"]) == ("Aborted", done)
    unprocessed = (await api.get(f"/jobs/ingest/{job}/unprocessedrecords")).text.splitlines()
    assert unprocessed[1:] == [f'"L{number}"' for number in range(done, 1_000)]
