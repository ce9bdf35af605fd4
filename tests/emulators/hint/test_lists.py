"""The list of patients: pages, counts, filters in both spellings, order, and what it hides."""

import json
from typing import Any

import httpx
import pytest

from hintsync_emulators.hint import Practice

from .conftest import Clock, message

PATIENTS = "/api/provider/patients"


@pytest.fixture
def crowd(practice: Practice) -> list[str]:
    return practice.load(
        {
            "first_name": f"Ada{number:03}",
            "last_name": ("Moor", "O'Dell", "Peña")[number % 3],
            "dob": f"19{60 + number % 40}-04-05",
            "email": f"Ada{number}@Example.com",
        }
        for number in range(123)
    )


async def ids(api: httpx.AsyncClient, **params: Any) -> list[str]:
    answer = await api.get(PATIENTS, params={"limit": "100", **params})
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()]


async def names(api: httpx.AsyncClient, **params: Any) -> list[str]:
    answer = await api.get(PATIENTS, params={"limit": "100", **params})
    return [row["first_name"] for row in answer.json()]


async def test_a_page_has_ten_rows_unless_asked_and_a_hundred_at_most(api: httpx.AsyncClient, crowd: list[str]) -> None:
    for query, rows in ((None, 10), ("limit=3", 3), ("limit=100", 100), ("limit=1000", 100), ("limit=0", 1)):
        answer = await api.get(PATIENTS + (f"?{query}" if query else ""))
        assert isinstance(answer.json(), list)
        assert len(answer.json()) == rows
        assert (answer.headers["x-count"], answer.headers["x-total-count"]) == (str(rows), "123")


async def test_pages_in_turn_give_everybody_once_in_the_order_of_creation(
    api: httpx.AsyncClient, crowd: list[str]
) -> None:
    seen: list[str] = []
    for offset in range(0, 200, 50):
        seen += await ids(api, limit=50, offset=offset)
    assert seen == crowd


async def test_a_page_after_the_end_is_empty_and_still_counts(api: httpx.AsyncClient, crowd: list[str]) -> None:
    answer = await api.get(PATIENTS, params={"offset": 500})
    assert answer.json() == []
    assert (answer.headers["x-count"], answer.headers["x-total-count"]) == ("0", "123")


@pytest.mark.parametrize("query", ["limit=ten", "offset=-1"])
async def test_a_page_that_is_no_number_is_refused(api: httpx.AsyncClient, query: str) -> None:
    assert (await api.get(f"{PATIENTS}?{query}")).status_code == 400


async def test_exact_filters_ignore_case_and_combine(api: httpx.AsyncClient, crowd: list[str]) -> None:
    assert await names(api, last_name="PEÑA", limit=2) == ["Ada002", "Ada005"]
    assert await names(api, email="ada7@example.COM") == ["Ada007"]
    both = await names(api, last_name="moor", dob="1963-04-05")
    assert both == [f"Ada{number:03}" for number in range(123) if number % 3 == 0 and 60 + number % 40 == 63]
    assert await names(api, first_name="nobody") == []


async def test_filters_do_not_match_parts_of_a_value(api: httpx.AsyncClient, crowd: list[str]) -> None:
    assert await names(api, last_name="Moo") == []


async def test_unknown_parameters_are_ignored_so_strangers_come_back(api: httpx.AsyncClient, crowd: list[str]) -> None:
    answer = await api.get(PATIENTS, params={"q": "Ada007", "per_page": "5", "page": "2", "practitioner": "x"})
    assert [row["id"] for row in answer.json()] == crowd[:10]


async def test_a_filter_follows_an_edit(api: httpx.AsyncClient, practice: Practice, crowd: list[str]) -> None:
    assert await ids(api, email="ada5@example.com") == [crowd[5]]
    practice.edit(crowd[5], email="new@example.com")
    assert await ids(api, email="ada5@example.com") == []
    assert await ids(api, email="new@example.com") == [crowd[5]]
    practice.destroy(crowd[5])
    assert await ids(api, email="new@example.com") == []


@pytest.mark.parametrize("spelling", ["json", "brackets"])
@pytest.mark.parametrize(
    ("operator", "expected"), [("gt", [2, 3]), ("gte", [1, 2, 3]), ("lt", [0]), ("lte", [0, 1]), ("eq", [1])]
)
async def test_ranges_of_time_work_in_both_spellings(
    api: httpx.AsyncClient, practice: Practice, clock: Clock, spelling: str, operator: str, expected: list[int]
) -> None:
    made = []
    for _ in range(4):
        made.append(practice.create_patient(first_name="Ada", last_name="Moor"))
        clock.advance(hours=1)
    moment = str(practice.patient(made[1])["created_at"])
    if spelling == "json":
        found = await ids(api, created_at=json.dumps({operator: moment}))
    else:
        found = await ids(api, **{f"created_at[{operator}]": moment})
    assert found == [made[index] for index in expected]


async def test_both_ends_of_a_range_hold_together(api: httpx.AsyncClient, practice: Practice, clock: Clock) -> None:
    made = []
    for _ in range(4):
        made.append(practice.create_patient(first_name="Ada", last_name="Moor"))
        clock.advance(days=1)
    query = json.dumps({"gte": "2026-03-02", "lt": "2026-03-04"})
    assert await ids(api, created_at=query) == made[1:3]
    assert await ids(api, **{"created_at[gte]": "2026-03-02", "created_at[lt]": "2026-03-04"}) == made[1:3]


async def test_a_range_on_updated_at_gives_what_changed_since(
    api: httpx.AsyncClient, practice: Practice, clock: Clock, crowd: list[str]
) -> None:
    since = clock().isoformat()
    clock.advance(minutes=1)
    practice.edit(crowd[50], email="later@example.com")
    practice.edit(crowd[3], email="late@example.com")
    moment = clock().isoformat()
    assert await ids(api, **{"updated_at[gte]": moment}) == [crowd[3], crowd[50]]
    assert set(await ids(api, **{"updated_at[gt]": since})) >= {crowd[3], crowd[50]}
    assert await ids(api, **{"updated_at[gt]": "2027-03-01T00:00:00Z"}) == []


async def test_pages_of_a_delta_follow_edits_made_between_them(
    api: httpx.AsyncClient, practice: Practice, clock: Clock, crowd: list[str]
) -> None:
    clock.advance(minutes=1)
    moment = clock().isoformat()
    for patient_id in crowd[:4]:
        practice.edit(patient_id, email="a@example.com")
    assert await ids(api, **{"updated_at[gte]": moment, "limit": 2}) == crowd[:2]
    practice.edit(crowd[10], email="b@example.com")
    assert await ids(api, **{"updated_at[gte]": moment, "limit": 10, "offset": 2}) == [*crowd[2:4], crowd[10]]


async def test_birth_dates_and_other_values_take_ranges_too(api: httpx.AsyncClient, crowd: list[str]) -> None:
    assert await names(api, **{"dob[lt]": "1961-01-01"}) == ["Ada000", "Ada040", "Ada080", "Ada120"]


async def test_presence_can_be_asked_for(api: httpx.AsyncClient, practice: Practice, crowd: list[str]) -> None:
    practice.edit(crowd[9], integration_record_id="003A")
    assert await ids(api, integration_record_id='{"is_present": true}') == [crowd[9]]
    answer = await api.get(PATIENTS, params={"integration_record_id[is_present]": "false"})
    assert answer.headers["x-total-count"] == "122"


@pytest.mark.parametrize(
    "query",
    [
        "created_at=%7Bbroken",
        "created_at[near]=2026-01-01",
        "updated_at[gt]=yesterday",
        # A plus sign that was not encoded arrives as a blank.
        "updated_at[gt]=2026-01-01T00:00:00+00:00",
    ],
)
async def test_a_range_that_cannot_be_read_is_refused(api: httpx.AsyncClient, query: str) -> None:
    assert (await api.get(f"{PATIENTS}?{query}")).status_code == 400


async def test_rows_can_be_sorted_up_and_down(api: httpx.AsyncClient, practice: Practice, clock: Clock) -> None:
    for first, last in (("Bo", "rowe"), ("Ada", "Moor"), ("Cy", "Abbott")):
        practice.create_patient(first_name=first, last_name=last)
        clock.advance(seconds=1)
    assert await names(api, sort="last_name") == ["Cy", "Ada", "Bo"]
    assert await names(api, sort="-last_name") == ["Bo", "Ada", "Cy"]
    assert await names(api, sort="-created_at") == ["Cy", "Ada", "Bo"]
    assert await names(api, sort="created_at") == ["Bo", "Ada", "Cy"]
    assert await names(api, sort="no_such_key") == ["Bo", "Ada", "Cy"]


async def test_archived_patients_are_hidden_unless_asked_for(
    api: httpx.AsyncClient, practice: Practice, crowd: list[str]
) -> None:
    assert len(await ids(api)) == 100
    practice.archive(crowd[0])
    practice.archive(crowd[40])
    assert (await ids(api, limit=1))[0] == crowd[1]
    assert await ids(api, filter="archived") == [crowd[0], crowd[40]]
    answer = await api.get(PATIENTS, params={"filter": "all", "limit": 1})
    assert (answer.headers["x-total-count"], answer.json()[0]["id"]) == ("123", crowd[0])
    assert await ids(api, email="ada40@example.com") == []
    assert await ids(api, email="ada40@example.com", filter="all") == [crowd[40]]
    practice.unarchive(crowd[0])
    assert await ids(api, filter="archived") == [crowd[40]]


async def test_new_and_destroyed_patients_move_the_rows_of_later_pages(
    api: httpx.AsyncClient, practice: Practice, crowd: list[str]
) -> None:
    assert await ids(api, limit=1, offset=10) == [crowd[10]]
    practice.destroy(crowd[0])
    assert await ids(api, limit=1, offset=10) == [crowd[11]]
    added = practice.create_patient(first_name="New", last_name="Moor")
    assert await ids(api, limit=10, offset=120) == [*crowd[121:], added]


async def test_the_birth_date_filter_can_be_switched_off(
    api: httpx.AsyncClient, practice: Practice, crowd: list[str]
) -> None:
    assert len(await ids(api, dob="1960-04-05")) == 4
    practice.switches.dob_filter = False
    assert len(await ids(api, dob="1960-04-05")) == 100


async def test_the_filter_on_changes_can_be_switched_off(
    api: httpx.AsyncClient, practice: Practice, crowd: list[str]
) -> None:
    practice.switches.updated_at_filter = False
    assert len(await ids(api, **{"updated_at[gt]": "2027-03-01"})) == 100


async def test_the_filter_for_all_can_be_switched_off(
    api: httpx.AsyncClient, practice: Practice, crowd: list[str]
) -> None:
    practice.archive(crowd[0])
    practice.switches.filter_all = False
    assert crowd[0] not in await ids(api, filter="all")
    assert await ids(api, filter="archived") == [crowd[0]]


async def test_rows_are_whole_patients(api: httpx.AsyncClient, crowd: list[str]) -> None:
    (row,) = (await api.get(PATIENTS, params={"limit": 1})).json()
    assert row == (await api.get(f"{PATIENTS}/{crowd[0]}")).json()


async def test_an_unknown_patient_is_not_found(api: httpx.AsyncClient) -> None:
    assert message(await api.get(f"{PATIENTS}/pat-nobody")) == (404, "Couldn't find Patient")


async def test_a_limit_above_the_highest_is_clamped_or_refused(api: httpx.AsyncClient, practice: Practice) -> None:
    practice.load([{"first_name": "A", "last_name": "B"}] * 101)
    assert len((await api.get(PATIENTS, params={"limit": 500})).json()) == 100
    practice.switches.limit_clamped = False
    assert message(await api.get(PATIENTS, params={"limit": 101}))[0] == 400
    assert len((await api.get(PATIENTS, params={"limit": 100})).json()) == 100
