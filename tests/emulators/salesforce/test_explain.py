"""Query plans: which index would serve a statement, and what that would cost."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from hintsync_emulators.salesforce import Org


@pytest.fixture
def crowd(org: Org) -> list[str]:
    """Twenty contacts, of whom every fifth has the same address; one of them deleted."""
    people = [
        {"LastName": f"Name {n}", "Email": "a@example.org" if n % 5 == 0 else f"{n}@example.org"} for n in range(20)
    ]
    made = org.insert_many("Contact", people)
    org.delete("Contact", made[19])
    return made


async def _plans(api: httpx.AsyncClient, statement: str, path: str = "/query") -> list[dict[str, object]]:
    answer = await api.get(path, params={"explain": statement})
    assert answer.status_code == 200, answer.text
    assert answer.json()["sourceQuery"] == statement
    found: list[dict[str, object]] = answer.json()["plans"]
    return found


@pytest.mark.usefixtures("crowd")
async def test_without_a_filter_all_rows_are_scanned(api: httpx.AsyncClient) -> None:
    (plan,) = await _plans(api, "SELECT Id FROM Contact ORDER BY CreatedDate DESC LIMIT 10")
    assert (plan["leadingOperationType"], plan["fields"]) == ("TableScan", [])
    assert (plan["cardinality"], plan["sobjectCardinality"], plan["sobjectType"]) == (10, 20, "Contact")
    assert plan["relativeCost"] > 1, "a scan of everything is not selective"
    assert plan["notes"] == [
        {
            "description": "Not considering filter for optimization because unindexed",
            "fields": ["IsDeleted"],
            "tableEnumOrId": "Contact",
        }
    ]


@pytest.mark.usefixtures("crowd")
async def test_a_selective_index_leads_and_an_unindexed_filter_is_noted(api: httpx.AsyncClient) -> None:
    statement = "SELECT Id FROM Contact WHERE Email = 'a@example.org' AND Department = 'X'"
    best, scan = await _plans(api, statement)
    assert (best["leadingOperationType"], best["fields"], best["cardinality"]) == ("Index", ["Email"], 4)
    assert (scan["leadingOperationType"], scan["cardinality"]) == ("TableScan", 0)
    assert best["relativeCost"] < 1 < scan["relativeCost"]
    assert [note["fields"] for note in best["notes"]] == [["Department"], ["IsDeleted"]]


@pytest.mark.parametrize(
    ("where", "fields"),
    [
        ("Id != '003000000000001AAA'", []),
        ("Name LIKE '%5'", []),
        ("Email = null", []),
        ("Name = 'Name 5' OR Email = 'a@example.org'", []),
        ("Account.Name = 'X'", []),
        ("AccountId = '001000000000001AAA'", ["AccountId"]),
        ("CreatedDate = TODAY AND OwnerId IN ('005000000000001AAA')", ["CreatedDate", "OwnerId"]),
        ("Name LIKE 'Name 1%'", ["Name"]),
    ],
)
@pytest.mark.usefixtures("crowd")
async def test_only_conditions_that_narrow_by_an_indexed_field_make_a_plan(
    api: httpx.AsyncClient, where: str, fields: list[str]
) -> None:
    plans = await _plans(api, f"SELECT Id FROM Contact WHERE {where}")
    led = [plan["fields"][0] for plan in plans if plan["leadingOperationType"] == "Index"]
    assert sorted(led) == fields


async def test_a_custom_index_must_be_more_selective_than_a_standard_one(
    api: httpx.AsyncClient, org: Org, add_field: Callable[..., None]
) -> None:
    add_field("Key__c", external_id=True)
    org.insert_many("Contact", [{"LastName": "A", "Key__c": "k" if n < 4 else None} for n in range(20)])
    plans = await _plans(api, "SELECT Id FROM Contact WHERE Key__c = 'k' AND Name = 'A'")
    costs = {plan["fields"][0]: plan["relativeCost"] for plan in plans if plan["fields"]}
    assert costs["Key__c"] == pytest.approx(4 / 2)
    assert costs["Name"] == pytest.approx(20 / 6, abs=0.001)
    assert [plan["relativeCost"] for plan in plans] == sorted(plan["relativeCost"] for plan in plans)


async def test_explaining_runs_nothing_and_counts_deleted_rows_only_where_they_are_asked_for(
    api: httpx.AsyncClient, crowd: list[str]
) -> None:
    (living,) = await _plans(api, "SELECT Id FROM Contact")
    (every,) = await _plans(api, "SELECT Id FROM Contact", "/queryAll")
    assert (living["cardinality"], every["cardinality"], every["notes"]) == (19, 20, [])


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        ("SELECT", 400, "MALFORMED_QUERY"),
        ("", 400, "MALFORMED_QUERY"),
        ("SELECT Nothing FROM Contact", 400, "INVALID_FIELD"),
        ("00B000000000001AAA", 400, "INVALID_ID"),
        ("003000000000001AAA", 400, "INVALID_ID"),
        ("00O000000000001AAA", 501, "NOT_EMULATED"),
    ],
)
async def test_what_cannot_be_explained_is_refused(api: httpx.AsyncClient, text: str, status: int, code: str) -> None:
    answer = await api.get("/query", params={"explain": text})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)
