"""Query jobs and how their results are read."""

from __future__ import annotations

import csv
import io

import httpx
import pytest

from hintsync_emulators.salesforce import Org


async def _job(api: httpx.AsyncClient, statement: str, operation: str = "query", **more: str) -> str:
    answer = await api.post("/jobs/query", json={"operation": operation, "query": statement, **more})
    assert answer.status_code == 200, answer.text
    assert answer.json()["state"] == "UploadComplete"
    job = str(answer.json()["id"])
    states = [(await api.get(f"/jobs/query/{job}")).json()["state"] for _ in range(2)]
    assert states == ["InProgress", "JobComplete"]
    return job


def _lines(answer: httpx.Response) -> list[list[str]]:
    return list(csv.reader(io.StringIO(answer.text, newline="")))


async def test_a_result_is_csv_with_the_columns_of_the_statement(api: httpx.AsyncClient, org: Org) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    record_id = org.insert("Contact", {"LastName": 'Love"lace', "AccountId": account, "MailingStreet": "1 Main\nApt 2"})
    job = await _job(
        api, "SELECT Id, LastName, Account.Name, DoNotCall, CreatedDate, Email, MailingStreet FROM Contact"
    )
    answer = await api.get(f"/jobs/query/{job}/results")
    assert answer.headers["content-type"] == "text/csv"
    assert (answer.headers["Sforce-Locator"], answer.headers["Sforce-NumberOfRecords"]) == ("null", "1")
    header, row = _lines(answer)
    assert header == ["Id", "LastName", "Account.Name", "DoNotCall", "CreatedDate", "Email", "MailingStreet"]
    assert row == [record_id, 'Love"lace', "Acme", "false", "2026-03-02T09:00:00.000Z", "", "1 Main\nApt 2"]


async def test_a_result_is_read_by_locators_until_the_word_null(api: httpx.AsyncClient, org: Org) -> None:
    names = [f"L{number:03}" for number in range(25)]
    org.insert_many("Contact", [{"LastName": name} for name in names])
    job = await _job(api, "SELECT LastName FROM Contact ORDER BY LastName")
    found: list[str] = []
    locator, sizes = "", []
    while locator != "null":
        params = {"maxRecords": "10", **({"locator": locator} if locator else {})}
        answer = await api.get(f"/jobs/query/{job}/results", params=params)
        header, *rows = _lines(answer)
        assert header == ["LastName"]
        found += [row[0] for row in rows]
        sizes.append(answer.headers["Sforce-NumberOfRecords"])
        locator = answer.headers["Sforce-Locator"]
    assert (found, sizes) == (names, ["10", "10", "5"])


async def test_result_pages_cover_the_whole_result(api: httpx.AsyncClient, org: Org) -> None:
    names = [f"L{number:03}" for number in range(70)]
    org.insert_many("Contact", [{"LastName": name} for name in names])
    org.pace.bulk_page = 10
    job = await _job(api, "SELECT LastName FROM Contact ORDER BY LastName")
    body = (await api.get(f"/jobs/query/{job}/resultPages")).json()
    assert (len(body["resultPages"]), body["done"]) == (5, False)
    rest = (await api.get(f"http://emulated{body['nextRecordsUrl']}")).json()
    assert (len(rest["resultPages"]), rest["done"], "nextRecordsUrl" in rest) == (2, True, False)
    found = []
    for page in body["resultPages"] + rest["resultPages"]:
        found += [row[0] for row in _lines(await api.get(f"http://emulated{page['resultUrl']}"))[1:]]
    assert found == names


async def test_another_api_version_may_not_read_the_result(api: httpx.AsyncClient) -> None:
    job = await _job(api, "SELECT Id FROM Contact")
    answer = await api.get(f"http://emulated/services/data/v65.0/jobs/query/{job}/results")
    assert answer.status_code == 409


async def test_an_empty_result_has_its_header(api: httpx.AsyncClient) -> None:
    job = await _job(api, "SELECT Id, Name FROM Contact")
    answer = await api.get(f"/jobs/query/{job}/results")
    assert (answer.text, answer.headers["Sforce-Locator"]) == ('"Id","Name"\n', "null")


async def test_query_all_reads_deleted_rows(api: httpx.AsyncClient, org: Org) -> None:
    org.delete("Contact", org.insert("Contact", {"LastName": "A"}))
    job = await _job(api, "SELECT LastName FROM Contact", "queryAll", columnDelimiter="PIPE", lineEnding="CRLF")
    assert (await api.get(f"/jobs/query/{job}/results")).content == b'"LastName"\r\n"A"\r\n'


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("SELECT COUNT(Id) FROM Contact", "API_ERROR"),
        ("SELECT LastName, COUNT(Id) FROM Contact GROUP BY LastName", "API_ERROR"),
        ("SELECT Id FROM Contact LIMIT 1 OFFSET 1", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR"),
        ("SELECT MailingAddress FROM Contact", "API_ERROR"),
        ("SELECT Nope FROM Contact", "INVALID_FIELD"),
    ],
)
async def test_statements_that_bulk_does_not_run_are_refused(api: httpx.AsyncClient, statement: str, code: str) -> None:
    answer = await api.post("/jobs/query", json={"operation": "query", "query": statement})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


async def test_a_job_is_given_up_listed_and_removed(api: httpx.AsyncClient) -> None:
    body = {"operation": "query", "query": "SELECT Id FROM Contact"}
    job = (await api.post("/jobs/query", json=body)).json()["id"]
    early = await api.get(f"/jobs/query/{job}/results")
    assert early.json()[0]["errorCode"] == "INVALIDJOBSTATE"
    assert (await api.patch(f"/jobs/query/{job}", json={"state": "Aborted"})).json()["state"] == "Aborted"
    assert [one["id"] for one in (await api.get("/jobs/query")).json()["records"]] == [job]
    assert (await api.delete(f"/jobs/query/{job}")).status_code == 204
    assert (await api.get(f"/jobs/query/{job}")).status_code == 404
