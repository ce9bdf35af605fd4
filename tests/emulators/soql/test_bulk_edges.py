"""Bulk API 2.0 at its edges: uploads that come with their job, wrong settings, short ids; describe's conditions."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org

BOUNDARY = "BOUNDARY"


def _parts(job: str, content: str) -> bytes:
    parts = (
        ("job", "application/json", job),
        ("content", "text/csv", content),
    )
    lines = []
    for name, kind, text in parts:
        lines += [f"--{BOUNDARY}", f"Content-Type: {kind}", f'Content-Disposition: form-data; name="{name}"', "", text]
    return "\r\n".join([*lines, f"--{BOUNDARY}--", ""]).encode()


async def _together(api: httpx.AsyncClient, job: str, content: str) -> httpx.Response:
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
    return await api.post("/jobs/ingest", content=_parts(job, content), headers=headers)


async def test_a_job_may_bring_its_rows_along(api: httpx.AsyncClient, org: Org) -> None:
    opened = await _together(api, '{"object": "Contact", "operation": "insert"}', "LastName\nA\nB\n")
    assert opened.json()["state"] == "UploadComplete"
    job = opened.json()["id"]
    states = [(await api.get(f"/jobs/ingest/{job[:15]}")).json()["state"] for _ in range(2)]
    assert states == ["InProgress", "JobComplete"]
    assert [one["LastName"] for one in org.rows("Contact")] == ["A", "B"]


@pytest.mark.parametrize(
    ("job", "content", "code"),
    [
        ("{nonsense", "LastName\nA\n", "JSON_PARSER_ERROR"),
        ('{"object": "Contact", "operation": "insert"}', "L" * 100_001, "LIMIT_EXCEEDED"),
        ('{"object": "Contact", "operation": "insert", "contentType": "XML"}', "LastName\nA\n", "INVALIDJOB"),
        ('{"object": "Contact", "operation": "merge"}', "LastName\nA\n", "INVALIDJOB"),
        ('{"object": "Contact", "operation": "insert", "columnDelimiter": "DOT"}', "LastName\nA\n", "INVALIDJOB"),
    ],
)
async def test_a_job_with_wrong_settings_is_refused(
    api: httpx.AsyncClient, org: Org, job: str, content: str, code: str
) -> None:
    answer = await _together(api, job, content)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)
    assert org.ingest_jobs == {}


async def test_rows_of_another_delimiter_fail_the_job_and_stay_unprocessed(api: httpx.AsyncClient, org: Org) -> None:
    opened = await _together(api, '{"object": "Contact", "operation": "insert"}', "LastName;Title\nA;x\n")
    job = opened.json()["id"]
    await api.get(f"/jobs/ingest/{job}")
    ended = (await api.get(f"/jobs/ingest/{job}")).json()
    assert (ended["state"], ended["numberRecordsProcessed"]) == ("Failed", 0)
    assert ended["errorMessage"] == "InvalidBatch : Field name not found : LastName;Title"
    assert (await api.get(f"/jobs/ingest/{job}/unprocessedrecords")).text == '"LastName;Title"\n"A;x"\n'
    assert org.count("Contact") == 0


async def test_describe_may_be_held_to_a_date(api: httpx.AsyncClient, org: Org, clock: ManualClock) -> None:
    modified = (await api.get("/sobjects/Contact/describe")).headers["Last-Modified"]
    same = await api.get("/sobjects/Contact/describe", headers={"If-Unmodified-Since": modified})
    assert same.status_code == 200
    clock.advance(60)
    org.enable("MiddleName")
    changed = await api.get("/sobjects/Contact/describe", headers={"If-Unmodified-Since": modified})
    assert (changed.status_code, changed.json()[0]["errorCode"]) == (412, "PRECONDITION_FAILED")
