"""What clients of Hint that nobody here wrote send and expect, fact by fact, even where they disagree."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from hintsync_emulators.hint import Practice, create_app

PATIENTS = "/api/provider/patients"


@pytest.fixture
def practice() -> Practice:
    return Practice(seed=7)


@pytest.fixture
async def api(practice: Practice) -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(practice)
    app.faults.limits["per_second"] = None
    headers = {"Authorization": f"Bearer {practice.token}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hint", headers=headers) as client:
        yield client


def _basic(practice: Practice) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{practice.token}:'.encode()).decode()}"}


@pytest.mark.parametrize(
    "query",
    [
        {"created_at": json.dumps({"gte": "2000-01-01", "lte": "2100-01-01"})},
        {"created_at[gte]": "2000-01-01", "created_at[lte]": "2100-01-01"},
    ],
    ids=["go-hint", "marketplace"],
)
async def test_t23_ranges_come_in_two_spellings(
    api: httpx.AsyncClient, practice: Practice, query: dict[str, str]
) -> None:
    practice.create_patient(first_name="Ada", last_name="Moor")
    assert len((await api.get(PATIENTS, params=query)).json()) == 1
    never = {name: value.replace("2000", "2099") for name, value in query.items()}
    assert (await api.get(PATIENTS, params=never)).json() == []


async def test_t23_the_key_works_as_bearer_and_as_the_user_of_basic(api: httpx.AsyncClient, practice: Practice) -> None:
    assert (await api.get(PATIENTS)).status_code == 200
    assert (await api.get(PATIENTS, headers=_basic(practice))).status_code == 200
    wrong = {"Authorization": "Bearer nobody"}
    assert (await api.get(PATIENTS, headers=wrong)).status_code == 401


async def test_t23_both_names_of_the_first_address_line_can_be_taken(
    api: httpx.AsyncClient, practice: Practice
) -> None:
    practice.switches.address_line_1_accepted = True
    for name in ("address_line_1", "address_line1"):
        body = {"first_name": "A", "last_name": "B", name: "1 Main St"}
        assert (await api.post(PATIENTS, json=body)).json()["address_line1"] == "1 Main St"


async def test_t23_lists_are_bare_and_counted_in_headers(api: httpx.AsyncClient, practice: Practice) -> None:
    for number in range(105):
        practice.create_patient(first_name="Ada", last_name=f"Moor {number}")
    page = await api.get(PATIENTS, params={"limit": 100, "offset": 100})
    assert isinstance(page.json(), list)
    assert (page.headers["x-count"], page.headers["x-total-count"]) == ("5", "105")
    assert len((await api.get(PATIENTS, params={"limit": 100})).json()) == 100


async def test_t23_archived_patients_are_hidden_unless_all_are_asked_for(
    api: httpx.AsyncClient, practice: Practice
) -> None:
    practice.archive(practice.create_patient(first_name="Ada", last_name="Moor"))
    assert (await api.get(PATIENTS)).json() == []
    assert len((await api.get(PATIENTS, params={"filter": "all"})).json()) == 1


async def test_t23_webhooks_are_signed_over_the_raw_body(api: httpx.AsyncClient, practice: Practice) -> None:
    partner = {"Authorization": f"Bearer {practice.partner.key}"}
    await api.post("/api/global_webhook_endpoints", json={"webhook_url": "https://example.com/a"}, headers=partner)
    practice.create_patient(first_name="Ada", last_name="Moor")
    (event,) = (await api.get("/_control/outbox")).json()
    digest = hmac.new(practice.partner.signing_key.encode(), event["body"].encode(), hashlib.sha256).hexdigest()
    assert event["headers"]["X-Hint-Signature"] == f"sha256={digest}"
    assert set(json.loads(event["body"])) == {"id", "type", "practice_id", "created_at", "object"}
