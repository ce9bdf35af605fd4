"""What recorded answers of the real API show, fact by fact, each as a request that brings it out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from hintsync_emulators.salesforce import App, DuplicateRule, ManualClock, Org, create_app
from hintsync_emulators.salesforce.schema.model import Field

TOKEN = "00DEM0000000001!secret"
ROOT = "/services/data/v64.0"


@pytest.fixture
def org() -> Iterator[Org]:
    org = Org(seed=7, clock=ManualClock(), token=TOKEN)
    org.add_fields("Contact", [Field("Key__c", "Key", "string", length=64, custom=True, external_id=True)])
    yield org
    org.close()


@pytest.fixture
async def api(org: Org) -> AsyncIterator[httpx.AsyncClient]:
    transport, headers = httpx.ASGITransport(create_app(org)), {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url=f"http://emulated{ROOT}", headers=headers) as client:
        yield client


def _rows(*values: dict[str, object], name: str = "Contact") -> dict[str, object]:
    return {"allOrNone": False, "records": [{"attributes": {"type": name}, **each} for each in values]}


async def test_t23_a_failed_row_of_a_collection_has_no_id(api: httpx.AsyncClient) -> None:
    answer = await api.post("/composite/sobjects", json=_rows({"LastName": "A"}, {"FirstName": "B"}))
    good, bad = answer.json()
    assert answer.status_code == 200
    assert set(good) == {"id", "success", "errors"}
    assert set(bad) == {"success", "errors"}
    assert bad["success"] is False
    assert [set(error) for error in bad["errors"]] == [{"statusCode", "message", "fields"}]


async def test_t23_upserted_rows_say_whether_they_were_made_and_updated_rows_do_not(api: httpx.AsyncClient) -> None:
    upserted = await api.patch("/composite/sobjects/Contact/Key__c", json=_rows({"Key__c": "k", "LastName": "A"}))
    [row] = upserted.json()
    assert (set(row), row["created"]) == ({"id", "success", "errors", "created"}, True)
    updated = await api.patch("/composite/sobjects", json=_rows({"id": row["id"], "LastName": "B"}))
    assert [set(one) for one in updated.json()] == [{"id", "success", "errors"}]


@pytest.mark.parametrize("comma", [",", "%2C"])
async def test_t23_collections_are_deleted_by_ids_in_the_address(api: httpx.AsyncClient, org: Org, comma: str) -> None:
    made = org.insert_many("Contact", [{"LastName": "A"}, {"LastName": "B"}])
    answer = await api.delete(f"/composite/sobjects?ids={comma.join(made)}&allOrNone=true")
    assert [(one["id"], one["success"]) for one in answer.json()] == [(record_id, True) for record_id in made]
    assert org.count("Contact") == 0


async def test_t23_errors_of_records_and_of_collections_name_their_code_differently(api: httpx.AsyncClient) -> None:
    alone = (await api.post("/sobjects/Contact", json={"FirstName": "A"})).json()
    [row] = (await api.post("/composite/sobjects", json=_rows({"FirstName": "A"}))).json()
    assert (isinstance(alone, list), alone[0]["errorCode"], "statusCode" in alone[0]) == (
        True,
        "REQUIRED_FIELD_MISSING",
        False,
    )
    error = row["errors"][0]
    assert (error["statusCode"], "errorCode" in error) == ("REQUIRED_FIELD_MISSING", False)


async def test_t23_a_deleted_record_is_not_found_by_get_and_is_deleted_to_delete(
    api: httpx.AsyncClient, org: Org
) -> None:
    record_id = org.insert("Contact", {"LastName": "A"})
    org.delete("Contact", record_id)
    read, again = await api.get(f"/sobjects/Contact/{record_id}"), await api.delete(f"/sobjects/Contact/{record_id}")
    assert (read.status_code, read.json()[0]["errorCode"]) == (404, "NOT_FOUND")
    assert (again.status_code, again.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")


async def test_t23_duplicates_are_told_under_a_misspelt_key(api: httpx.AsyncClient, org: Org) -> None:
    first = org.insert("Contact", {"LastName": "A", "Email": "a@example.org"})
    org.add_duplicate_rule(DuplicateRule("Contact", ("Email",)))
    answer = await api.post("/sobjects/Contact", json={"LastName": "A", "Email": "a@example.org"})
    [error] = answer.json()
    assert (answer.status_code, error["errorCode"]) == (400, "DUPLICATES_DETECTED")
    assert set(error) == {"duplicateResut", "errorCode", "message"}
    assert isinstance(error["duplicateResut"]["allowSave"], bool)
    [match] = error["duplicateResut"]["matchResults"][0]["matchRecords"]
    assert (match["record"]["Id"], match["matchConfidence"]) == (first, 100.0)


async def test_t23_a_query_error_points_at_its_place(api: httpx.AsyncClient) -> None:
    answer = await api.get("/query", params={"q": "SELECT Id, LastName, Nonsense FROM Contact"})
    message = answer.json()[0]["message"]
    lines = message.splitlines()
    caret = next(number for number, line in enumerate(lines) if line.strip() == "^")
    assert "Nonsense" in lines[caret - 1]
    assert lines[caret + 1].startswith("ERROR at Row:1:Column:22")


async def test_t23_composite_answers_200_outside_whatever_is_inside(api: httpx.AsyncClient, org: Org) -> None:
    record_id = org.insert("Contact", {"LastName": "A"})
    seen = {"If-Modified-Since": "Mon, 02 Mar 2026 12:00:00 GMT"}
    parts = [
        {"method": "GET", "url": f"{ROOT}/sobjects/Contact/003000000000001AAA", "referenceId": "gone"},
        {
            "method": "GET",
            "url": f"{ROOT}/sobjects/Contact/{record_id}",
            "referenceId": "same",
            "httpHeaders": seen,
        },
    ]
    answer = await api.post("/composite", json={"compositeRequest": parts})
    gone, same = answer.json()["compositeResponse"]
    assert answer.status_code == 200
    assert (gone["httpStatusCode"], gone["body"][0]["errorCode"]) == (404, "NOT_FOUND")
    assert (same["httpStatusCode"], same["body"]) == (304, None)


async def test_t23_two_records_under_one_external_id_answer_300_with_their_addresses(
    api: httpx.AsyncClient, org: Org
) -> None:
    made = org.insert_many("Contact", [{"LastName": "A", "Key__c": "k"}, {"LastName": "B", "Key__c": "k"}])
    answer = await api.patch("/sobjects/Contact/Key__c/k", json={"LastName": "C"})
    assert answer.status_code == 300
    assert answer.json() == [f"{ROOT}/sobjects/Contact/{record_id}" for record_id in made]
    assert {row["LastName"] for row in org.rows("Contact")} == {"A", "B"}


async def test_t23_bodies_are_compact_unless_asked_otherwise(api: httpx.AsyncClient) -> None:
    plain = await api.get("/limits")
    pretty = await api.get("/limits", headers={"X-PrettyPrint": "1"})
    assert b"\n" not in plain.content
    assert pretty.content.startswith(b"{\n  ")


async def test_t23_answers_carry_the_headers_of_their_kind(api: httpx.AsyncClient) -> None:
    made = await api.post("/sobjects/Contact", json={"LastName": "A"})
    assert made.headers["location"] == f"{ROOT}/sobjects/Contact/{made.json()['id']}"
    read = await api.get(f"/sobjects/Contact/{made.json()['id']}")
    assert read.headers["last-modified"] == "Mon, 02 Mar 2026 09:00:00 GMT"
    described = await api.get("/sobjects/Contact/describe")
    assert described.headers["etag"]
    refused = await api.get("/sobjects/Nothing")
    for number, answer in enumerate((made, read, described, refused), start=1):
        assert answer.headers["sforce-limit-info"] == f"api-usage={number}/100000"


async def test_t23_a_refused_token_is_told_in_the_words_of_oauth(api: httpx.AsyncClient, org: Org) -> None:
    org.auth.register([App("k", "s", run_as="integration@example.org")])
    form = {"grant_type": "refresh_token", "client_id": "k", "client_secret": "s", "refresh_token": "gone"}
    answer = await api.post("http://emulated/services/oauth2/token", data=form)
    assert answer.status_code == 400
    assert answer.json() == {"error": "invalid_grant", "error_description": "expired access/refresh token"}


async def test_t23_the_keys_of_a_bulk_job_change_with_its_state(api: httpx.AsyncClient, org: Org) -> None:
    org.pace.bulk_polls = 0
    made = (await api.post("/jobs/ingest", json={"object": "Contact", "operation": "insert"})).json()
    url = f"/jobs/ingest/{made['id']}"
    opened = (await api.get(url)).json()
    assert ("contentUrl" in made, "jobType" in made, "numberRecordsFailed" in made) == (True, False, False)
    assert ("contentUrl" in opened, opened["jobType"]) == (True, "V2Ingest")
    await api.put(f"{url}/batches", content="LastName\nA\n", headers={"Content-Type": "text/csv"})
    closed = (await api.patch(url, json={"state": "UploadComplete"})).json()
    assert ("contentUrl" in closed, "jobType" in closed, "numberRecordsFailed" in closed) == (False, False, False)
    done = (await api.get(url)).json()
    assert ("contentUrl" in done, done["state"], done["numberRecordsProcessed"]) == (False, "JobComplete", 1)


def test_t23_change_events_of_contacts_have_the_fields_of_the_real_schema(org: Org) -> None:
    org.enable("PersonAccounts")
    org.add_fields("Contact", [Field(f"More{number}__c", "More", "string", length=9, custom=True) for number in (1, 2)])
    schema = json.loads(org.events.event_schema("Contact").json)
    fields = {field["name"]: field for field in schema["fields"]}
    # The recorded schema was of an org with three custom fields.
    assert (schema["name"], len(fields)) == ("ContactChangeEvent", 43)
    name = fields["Name"]["type"][1]
    assert (name["name"], [part["name"] for part in name["fields"]][:3]) == (
        "PersonName",
        ["Salutation", "FirstName", "LastName"],
    )
    assert (fields["Birthdate"]["type"], fields["Birthdate"]["doc"]) == (["null", "long"], "Data:DateOnly")
    header = {field["name"]: field["type"] for field in fields["ChangeEventHeader"]["type"]["fields"]}
    assert {"GAP_CREATE", "GAP_OVERFLOW", "SNAPSHOT"} < set(header["changeType"]["symbols"])
