"""Ingest jobs from opening to results."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable

import httpx
import pytest

from hintsync_emulators.salesforce import Org

JSON = {"Content-Type": "application/json; charset=utf-8"}


async def _open(api: httpx.AsyncClient, operation: str, **more: str) -> str:
    answer = await api.post("/jobs/ingest", json={"object": "Contact", "operation": operation, **more})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def _finish(api: httpx.AsyncClient, job: str, content: bytes | str) -> dict[str, object]:
    put = await api.put(f"/jobs/ingest/{job}/batches", content=content, headers={"Content-Type": "text/csv"})
    assert (put.status_code, put.content) == (201, b"")
    closed = await api.patch(f"/jobs/ingest/{job}", json={"state": "UploadComplete"})
    assert closed.json()["state"] == "UploadComplete"
    for _ in range(50):
        found: dict[str, object] = (await api.get(f"/jobs/ingest/{job}")).json()
        if found["state"] in ("JobComplete", "Failed"):
            return found
        assert found["state"] == "InProgress"
    raise AssertionError("the job never ended")


async def _rows(api: httpx.AsyncClient, job: str, which: str, delimiter: str = ",") -> list[dict[str, str]]:
    answer = await api.get(f"/jobs/ingest/{job}/{which}")
    assert answer.headers["content-type"] == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), delimiter=delimiter))


async def test_a_job_changes_its_keys_with_its_state(api: httpx.AsyncClient, org: Org) -> None:
    opened = (await api.post("/jobs/ingest", json={"object": "contact", "operation": "insert"}, headers=JSON)).json()
    job = opened["id"]
    assert (opened["state"], opened["object"], opened["apiVersion"]) == ("Open", "Contact", 64.0)
    assert opened["contentUrl"] == f"services/data/v64.0/jobs/ingest/{job}/batches"
    assert not {"jobType", "numberRecordsProcessed"} & set(opened)
    await api.put(
        f"/jobs/ingest/{job}/batches", content="LastName\nA\n", headers={"Content-Type": "text/csv; charset=UTF-8"}
    )
    closed = (await api.patch(f"/jobs/ingest/{job}", json={"state": "UploadComplete"})).json()
    assert not {"contentUrl", "jobType"} & set(closed)
    states = []
    for _ in range(3):
        looked = (await api.get(f"/jobs/ingest/{job}")).json()
        states.append((looked["state"], looked["numberRecordsProcessed"]))
    assert states == [("InProgress", 0), ("JobComplete", 1), ("JobComplete", 1)]
    assert looked["jobType"] == "V2Ingest"
    listed = (await api.get("/jobs/ingest")).json()
    assert [one["id"] for one in listed["records"]] == [job]


async def test_a_job_may_end_at_the_first_look(api: httpx.AsyncClient, org: Org) -> None:
    org.pace.bulk_polls = 0
    job = await _open(api, "insert")
    await api.put(f"/jobs/ingest/{job}/batches", content="LastName\nA\n", headers={"Content-Type": "text/csv"})
    await api.patch(f"/jobs/ingest/{job}", json={"state": "UploadComplete"})
    assert (await api.get(f"/jobs/ingest/{job}")).json()["state"] == "JobComplete"


async def test_rows_fail_one_by_one_and_results_quote_every_cell(api: httpx.AsyncClient, org: Org) -> None:
    job = await _open(api, "insert")
    content = (
        'LastName,FirstName,Email,Birthdate\n"Love, ""Ada""",Ada,ada@example.org,1815-12-10\n,B,,\nC,,bad,\nD,,,99\n'
    )
    ended = await _finish(api, job, content)
    assert (ended["state"], ended["numberRecordsProcessed"], ended["numberRecordsFailed"]) == ("JobComplete", 4, 3)
    passed = await _rows(api, job, "successfulResults/")
    assert [row["sf__Created"] for row in passed] == ["true"]
    assert org.get("Contact", passed[0]["sf__Id"])["LastName"] == 'Love, "Ada"'
    failed = await _rows(api, job, "failedResults")
    assert [row["sf__Error"] for row in failed] == [
        "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --",
        "INVALID_EMAIL_ADDRESS:Email: invalid email address: bad:Email --",
        "INVALID_TYPE_ON_FIELD_IN_RECORD:Birthdate: value not of required type: 99:Birthdate --",
    ]
    assert [row["LastName"] for row in failed] == ["", "C", "D"]
    raw = (await api.get(f"/jobs/ingest/{job}/failedResults")).text
    assert raw.startswith('"sf__Id","sf__Error","LastName","FirstName","Email","Birthdate"\n"","')
    assert (await _rows(api, job, "unprocessedrecords")) == (await _rows(api, job, "unprocessedRecords")) == []


async def test_an_empty_cell_leaves_a_field_and_na_empties_it(api: httpx.AsyncClient, org: Org) -> None:
    record_id = org.insert("Contact", {"LastName": "A", "Title": "Dr", "Department": "X"})
    job = await _open(api, "update")
    await _finish(api, job, f"Id,LastName,Title,Department\n{record_id[:15]},,#N/A,\n")
    row = org.get("Contact", record_id)
    assert (row["LastName"], row["Title"], row["Department"]) == ("A", None, "X")
    assert (await _rows(api, job, "successfulResults"))[0]["sf__Created"] == "false"


@pytest.mark.parametrize("name", ["BACKQUOTE", "CARET", "COMMA", "PIPE", "SEMICOLON", "TAB"])
@pytest.mark.parametrize("ending", ["LF", "CRLF"])
async def test_every_delimiter_and_line_ending_is_read_and_written(
    api: httpx.AsyncClient, org: Org, name: str, ending: str
) -> None:
    mark = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}[name]
    line = {"LF": "\n", "CRLF": "\r\n"}[ending]
    job = await _open(api, "insert", columnDelimiter=name, lineEnding=ending)
    await _finish(api, job, line.join([f"LastName{mark}MailingStreet", f'A{mark}"1 Main{line}Apt 2"', ""]))
    assert org.rows("Contact")[0]["MailingStreet"] == f"1 Main{line}Apt 2"
    assert len(await _rows(api, job, "successfulResults", mark)) == 1
    raw = (await api.get(f"/jobs/ingest/{job}/successfulResults")).content
    assert (
        raw.split(line.encode())[0]
        == mark.join(['"sf__Id"', '"sf__Created"', '"LastName"', '"MailingStreet"']).encode()
    )


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"LastName,Nope\nA,b\n", "InvalidBatch : Field name not found : Nope"),
        (b"LastName;FirstName\nA;b\n", "InvalidBatch : Field name not found : LastName;FirstName"),
        (b"LastName\r\nA\r\n", "InvalidBatch : LineEnding is invalid on user data. Current LineEnding setting is LF"),
        (b"LastName,LASTNAME\nA,b\n", "InvalidBatch : Duplicate field name : LASTNAME"),
        (b"LastName,Title\nA\n", "line 2 has 1 columns, the header has 2"),
        (b"LastName\n\xff\xfe\n", "the data is not UTF-8"),
        (b"\n", "Unable to find a header row"),
    ],
)
async def test_an_upload_that_cannot_be_read_fails_the_whole_job(
    api: httpx.AsyncClient, org: Org, content: bytes, text: str
) -> None:
    ended = await _finish(api, await _open(api, "insert"), content)
    assert ended["state"] == "Failed"
    assert text in str(ended["errorMessage"])
    assert org.count("Contact") == 0


async def test_an_empty_upload_is_a_job_without_rows(api: httpx.AsyncClient) -> None:
    job = await _open(api, "insert")
    ended = await _finish(api, job, b"")
    assert (ended["state"], ended["numberRecordsProcessed"], ended["numberRecordsFailed"]) == ("JobComplete", 0, 0)
    assert await _rows(api, job, "successfulResults") == []


async def test_upsert_by_an_external_id_ignores_the_empty_id_column_that_jsforce_sends(
    api: httpx.AsyncClient, org: Org, add_field: Callable[..., None]
) -> None:
    add_field("Key__c", unique=True, external_id=True)
    old = org.insert("Contact", {"LastName": "A", "Key__c": "h1"})
    job = await _open(api, "upsert", externalIdFieldName="Key__c")
    await _finish(api, job, "Id,Key__c,LastName\n,h1,Lovelace\n,h2,Byron\n,h3,X\n,H3,Y\n,,Z\n")
    passed = await _rows(api, job, "successfulResults")
    assert [(row["Key__c"], row["sf__Created"]) for row in passed] == [("h1", "false"), ("h2", "true")]
    assert (passed[0]["sf__Id"], org.get("Contact", old)["LastName"]) == (old, "Lovelace")
    errors = [row["sf__Error"].partition(":")[0] for row in await _rows(api, job, "failedResults")]
    assert errors == ["DUPLICATE_VALUE", "DUPLICATE_VALUE", "MISSING_ARGUMENT"]


async def test_a_parent_is_named_by_a_dotted_header(api: httpx.AsyncClient, org: Org) -> None:
    parent = org.insert("Contact", {"LastName": "Byron", "Email": "byron@example.org"})
    job = await _open(api, "insert")
    await _finish(api, job, "LastName,ReportsTo.Email\nLovelace,byron@example.org\nX,nobody@example.org\n")
    assert org.rows("Contact")[1]["ReportsToId"] == parent
    assert (await _rows(api, job, "failedResults"))[0]["sf__Error"].startswith("INVALID_FIELD:")


@pytest.mark.parametrize(("operation", "left"), [("delete", 1), ("hardDelete", 0)])
async def test_deleting_fills_the_recycle_bin_and_hard_deleting_does_not(
    api: httpx.AsyncClient, org: Org, operation: str, left: int
) -> None:
    record_id = org.insert("Contact", {"LastName": "A"})
    job = await _open(api, operation)
    ended = await _finish(api, job, f"Id\n{record_id}\n003D000000QV9n2IAD\nnonsense\n")
    assert ended["numberRecordsFailed"] == 2
    assert len(org.rows("Contact", deleted=True)) == left
    assert org.count("Contact") == 0


async def test_a_large_job_advances_with_each_look_and_an_abort_keeps_the_rest_unprocessed(
    api: httpx.AsyncClient, org: Org
) -> None:
    org.pace.bulk_polls, org.pace.bulk_rows = 0, 300
    job = await _open(api, "insert")
    content = "LastName\n" + "".join(f"L{number}\n" for number in range(1000))
    await api.put(f"/jobs/ingest/{job}/batches", content=content, headers={"Content-Type": "text/csv"})
    await api.patch(f"/jobs/ingest/{job}", json={"state": "UploadComplete"})
    counts = [(await api.get(f"/jobs/ingest/{job}")).json()["numberRecordsProcessed"] for _ in range(2)]
    assert counts == [300, 600]
    early = await api.get(f"/jobs/ingest/{job}/successfulResults")
    assert (early.status_code, early.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    aborted = await api.patch(f"/jobs/ingest/{job}", json={"state": "Aborted"})
    assert aborted.json()["state"] == "Aborted"
    assert len(await _rows(api, job, "successfulResults")) == org.count("Contact") == 600
    unprocessed = await _rows(api, job, "unprocessedRecords")
    assert [row["LastName"] for row in unprocessed] == [f"L{number}" for number in range(600, 1000)]


async def test_held_rows_fail_as_the_service_writes_it(api: httpx.AsyncClient, org: Org) -> None:
    record_id = org.insert("Contact", {"LastName": "A"})
    org.lock(record_id)
    job = await _open(api, "update")
    await _finish(api, job, f"Id,Title\n{record_id},x\n")
    error = (await _rows(api, job, "failedResults"))[0]["sf__Error"]
    assert error == f"UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 1 records: {record_id}: --"


async def test_a_job_takes_one_upload_only_and_can_be_removed(api: httpx.AsyncClient) -> None:
    job = await _open(api, "insert")
    await api.put(f"/jobs/ingest/{job}/batches", content="LastName\nA\n", headers={"Content-Type": "text/csv"})
    again = await api.put(f"/jobs/ingest/{job}/batches", content="LastName\nB\n", headers={"Content-Type": "text/csv"})
    assert (again.status_code, again.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    wrong = await api.put(f"/jobs/ingest/{job}/batches", content="{}", headers={"Content-Type": "application/json"})
    assert wrong.status_code == 415
    assert (await api.delete(f"/jobs/ingest/{job}")).status_code == 204
    assert (await api.get(f"/jobs/ingest/{job}")).status_code == 404


async def test_a_small_job_may_bring_its_rows_along(api: httpx.AsyncClient, org: Org) -> None:
    files = {
        "job": (None, b'{"object":"Contact","operation":"insert","lineEnding":"LF"}', "application/json"),
        "content": ("content.csv", b"LastName\nA\n", "text/csv"),
    }
    job = (await api.post("/jobs/ingest", files=files)).json()
    assert job["state"] == "UploadComplete"
    for _ in range(2):
        await api.get(f"/jobs/ingest/{job['id']}")
    assert org.count("Contact") == 1


@pytest.mark.parametrize(
    "body",
    [
        {"object": "Nothing", "operation": "insert"},
        {"object": "Contact", "operation": "sing"},
        {"object": "Contact", "operation": "upsert"},
        {"object": "Contact", "operation": "upsert", "externalIdFieldName": "LastName"},
        {"object": "Contact", "operation": "insert", "columnDelimiter": "SPACE"},
    ],
)
async def test_a_job_that_makes_no_sense_is_refused(api: httpx.AsyncClient, body: dict[str, str]) -> None:
    answer = await api.post("/jobs/ingest", json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALIDJOB")
