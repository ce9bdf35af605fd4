"""Requests beyond all bounds: refused as their sender's fault, or answered, and never an error of the server."""

from __future__ import annotations

import base64
import io
import random
import zipfile
from collections.abc import Callable

import httpx
import pytest

from hintsync_emulators.salesforce import Org

LONG = "9" * 5_000


async def _found(api: httpx.AsyncClient, statement: str) -> int:
    """Run a statement that no address could hold, and return how many rows it found."""
    job = (await api.post("/jobs/query", json={"operation": "query", "query": statement})).raise_for_status().json()
    while (seen := (await api.get(f"/jobs/query/{job['id']}")).raise_for_status().json())["state"] != "JobComplete":
        pass
    return int(seen["numberRecordsProcessed"])


async def test_conditions_may_be_thousands(org: Org, api: httpx.AsyncClient) -> None:
    org.insert_many("Contact", [{"LastName": name} for name in ("Zoë", "ÜNAL", "Moor")])
    names = [f"é{number}" for number in range(2_000)]
    either = " OR ".join(f"LastName = '{name}'" for name in [*names, "zoë", "moor"])
    assert await _found(api, f"SELECT Id FROM Contact WHERE {either}") == 2
    listed = ", ".join(f"'{name}'" for name in [*names, "zoë", "ünal", "MOOR", "plain"])
    assert await _found(api, f"SELECT Id FROM Contact WHERE LastName IN ({listed})") == 3
    assert await _found(api, f"SELECT Id FROM Contact WHERE LastName NOT IN ({listed})") == 0
    neither = " AND ".join(f"LastName != '{name}'" for name in [*names, "Moor"])
    assert await _found(api, f"SELECT Id FROM Contact WHERE {neither}") == 2


@pytest.mark.parametrize("depth", [60, 3_000])
async def test_a_statement_that_goes_too_deep_is_too_complicated(api: httpx.AsyncClient, depth: int) -> None:
    statement = f"SELECT Id FROM Contact WHERE {'NOT (' * depth}Title = 'x'{')' * depth}"
    answer = await api.get("/query", params={"q": statement}) if depth < 100 else None
    answer = answer or await api.post("/jobs/query", json={"operation": "query", "query": statement})
    refused = (400, "QUERY_TOO_COMPLICATED")
    assert answer.status_code == 200 or (answer.status_code, answer.json()[0]["errorCode"]) == refused


async def test_more_parents_than_a_statement_can_join_are_too_complicated(api: httpx.AsyncClient) -> None:
    ways = ["", "Account.", "Account.Parent.", "Account.Parent.Parent.", "ReportsTo.", "ReportsTo.ReportsTo."]
    users = ["Owner", "CreatedBy", "LastModifiedBy"]
    users += [f"{one}.{other}" for one in users for other in ("CreatedBy", "LastModifiedBy", "Manager")]
    known = {one["relationshipName"] for one in (await api.get("/sobjects/User/describe")).json()["fields"]}
    paths = [f"{way}{user}.Name" for way in ways for user in users if user.rpartition(".")[2] in {*known, *users[:3]}]
    answer = await api.get("/query", params={"q": f"SELECT {', '.join(paths)} FROM Contact"})
    assert len(paths) > 49
    assert answer.status_code == 200 or answer.json()[0]["errorCode"] == "QUERY_TOO_COMPLICATED"


@pytest.mark.parametrize(
    ("statement", "status"),
    [
        (f"SELECT Id FROM Contact LIMIT {LONG}", 400),
        (f"SELECT Id FROM Contact LIMIT 1 OFFSET {LONG}", 400),
        (f"SELECT Id FROM Account WHERE NumberOfEmployees = {LONG}", 200),
        (f"SELECT Id FROM Account WHERE NumberOfEmployees < -{LONG}", 200),
        (f"SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS:{LONG}", 400),
        ("SELECT Id FROM Account WHERE CreatedDate = LAST_N_DAYS:1.5", 400),
    ],
)
async def test_numbers_of_any_length_are_read(api: httpx.AsyncClient, statement: str, status: int) -> None:
    assert (await api.get("/query", params={"q": statement})).status_code == status


@pytest.mark.parametrize("number", [LONG, "²", "-1", "1.5"])
async def test_numbers_in_addresses_and_headers_must_be_whole_ones(api: httpx.AsyncClient, number: str) -> None:
    job = (await api.post("/jobs/query", json={"operation": "query", "query": "SELECT Id FROM Contact"})).json()["id"]
    while (await api.get(f"/jobs/query/{job}")).json()["state"] != "JobComplete":
        pass
    place = base64.urlsafe_b64encode(number.encode()).decode()
    size = {"Sforce-Query-Options": f"batchSize={number}".encode("latin-1")}
    calls: list[Callable[[], object]] = [
        lambda: api.get("/recent", params={"limit": number}),
        lambda: api.get(f"/jobs/query/{job}/results", params={"maxRecords": number}),
        lambda: api.get(f"/jobs/query/{job}/results", params={"locator": place}),
        lambda: api.get("/parameterizedSearch", params={"q": "moor", "overallLimit": number}),
        lambda: api.get(f"/query/01g000000000001AAA-{number}"),
        lambda: api.get("/query", params={"q": "SELECT Id FROM Contact"}, headers=size),
    ]
    for call in calls:
        answer = await call()  # type: ignore[misc]
        assert answer.status_code == 400


async def test_versions_beyond_all_numbers_do_not_exist(outside: httpx.AsyncClient) -> None:
    assert (await outside.get(f"/services/data/v{LONG}.0/limits")).status_code == 404
    assert "UNSUPPORTED_API_VERSION" in (await outside.post("/services/Soap/u/²", content="<a/>")).text


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "1e999"])
async def test_a_whole_number_is_finite(api: httpx.AsyncClient, value: str) -> None:
    answer = await api.post("/sobjects/Account", json={"Name": "Maple", "NumberOfEmployees": value})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
async def test_json_does_not_nest_without_end(api: httpx.AsyncClient, opening: str, closing: str) -> None:
    for depth in (99, 900, 1_500):
        body = f'{{"compositeRequest": {opening * depth}1{closing * depth}}}'
        answer = await api.post("/composite", content=body, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")


async def test_a_zip_that_was_damaged_is_no_zip(api: httpx.AsyncClient) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package.xml", "<Package xmlns='http://soap.sforce.com/2006/04/metadata'></Package>" * 3)
    chance, statuses = random.Random(1), set()
    for _ in range(200):
        damaged = bytearray(raw.getvalue())
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        parts = {"json": (None, '{"deployOptions": {}}', "application/json"), "file": ("p.zip", bytes(damaged))}
        statuses.add((await api.post("/metadata/deployRequest", files=parts)).status_code)
    assert statuses == {201, 400}
