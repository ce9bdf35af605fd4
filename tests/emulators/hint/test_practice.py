"""What the practice's staff does, and what of it shows through the API; webhooks due for it."""

import json
import random
from typing import Any

import httpx
import pytest

from hintsync_emulators.hint import HintError, Practice, signature

from .conftest import Clock, message

PATIENTS = "/api/provider/patients"


@pytest.fixture
def ada(practice: Practice) -> str:
    return practice.create_patient(first_name="Ada", last_name="Moor", dob="1980-03-02", email="ada@example.com")


async def show(api: httpx.AsyncClient, patient_id: str) -> dict[str, Any]:
    return dict((await api.get(f"{PATIENTS}/{patient_id}")).json())


async def test_the_staff_may_write_what_the_api_may_not(api: httpx.AsyncClient, practice: Practice) -> None:
    patient_id = practice.create_patient(
        first_name="Ada",
        last_name="Moor",
        membership_status="unpaid",
        joined_practice_date="2025-11-01",
        practitioner="Dr. Roe",
        patient_agreement_accepted=True,
    )
    patient = await show(api, patient_id)
    assert patient["membership_status"] == "unpaid"
    (membership,) = patient["memberships"]
    assert (membership["status"], membership["start_date"]) == ("unpaid", "2025-11-01")
    assert membership["payer"] == {"id": patient_id, "name": "Ada Moor"}
    assert patient["practitioner"]["name"] == "Dr. Roe"
    assert patient["terms_accepted_at"] == patient["created_at"]


def test_naming_a_practitioner_again_uses_the_one_that_is_there(practice: Practice) -> None:
    for _ in range(3):
        practice.create_patient(first_name="A", last_name="B", practitioner="Dr. Roe")
    assert len(practice.practitioners) == 1


@pytest.mark.parametrize("values", [{"frist_name": "Ada"}, {"updated_at": "2026-01-01"}])
def test_a_test_that_misspells_a_field_is_told(practice: Practice, ada: str, values: dict[str, object]) -> None:
    with pytest.raises(HintError, match="unpermitted"):
        practice.edit(ada, **values)


async def test_an_edit_by_the_staff_moves_updated_at(
    api: httpx.AsyncClient, practice: Practice, clock: Clock, ada: str
) -> None:
    before = await show(api, ada)
    clock.advance(hours=1)
    practice.edit(ada, email="ada@example.com")
    assert await show(api, ada) == before
    practice.edit(ada, email="new@example.com", membership_status="active")
    after = await show(api, ada)
    assert after["updated_at"] > before["updated_at"]
    assert (after["email"], after["membership_status"]) == ("new@example.com", "active")


async def test_an_archived_patient_shows_it_and_can_be_reached_by_id(
    api: httpx.AsyncClient, practice: Practice, ada: str
) -> None:
    before = await show(api, ada)
    practice.archive(ada)
    archived = await show(api, ada)
    assert archived["membership_status"] == "archived"
    assert archived["updated_at"] > before["updated_at"]
    practice.switches.archived_by_id = False
    assert message(await api.get(f"{PATIENTS}/{ada}"))[0] == 404
    assert (await api.patch(f"{PATIENTS}/{ada}", json={"email": "x@example.com"})).status_code == 404
    practice.unarchive(ada)
    assert (await show(api, ada))["membership_status"] == "unconfirmed"


async def test_a_patient_can_be_loaded_archived(api: httpx.AsyncClient, practice: Practice) -> None:
    practice.load([{"first_name": "Ada", "last_name": "Moor", "archived": True}])
    assert (await api.get(PATIENTS)).json() == []
    assert len((await api.get(PATIENTS, params={"filter": "archived"})).json()) == 1


async def test_the_staff_need_no_names_where_the_api_does(api: httpx.AsyncClient, practice: Practice, ada: str) -> None:
    practice.switches.names_required_on_patch = True
    practice.edit(ada, email="new@example.com")
    assert (await show(api, ada))["email"] == "new@example.com"
    assert (await api.patch(f"{PATIENTS}/{ada}", json={"email": "x@example.com"})).status_code == 422


@pytest.mark.parametrize(("aliased", "expected"), [(True, (True, True)), (False, (True, False))])
async def test_whether_terms_are_the_agreement_by_an_older_name_is_a_switch(
    api: httpx.AsyncClient, practice: Practice, ada: str, aliased: bool, expected: tuple[bool, bool]
) -> None:
    practice.switches.terms_alias = aliased
    practice.edit(ada, patient_agreement_accepted=True)
    shown = await show(api, ada)
    assert (shown["patient_agreement_accepted"], shown["terms_accepted"]) == expected
    assert (shown["terms_accepted_at"] is not None) == aliased


async def test_new_stamps_can_be_in_utc(api: httpx.AsyncClient, practice: Practice, ada: str) -> None:
    assert (await show(api, ada))["updated_at"].endswith("-08:00")
    practice.switches.utc_timestamps = True
    practice.edit(ada, email="new@example.com")
    shown = await show(api, ada)
    assert shown["updated_at"].endswith("Z")
    assert shown["created_at"].endswith("-08:00")


async def test_practitioners_are_written_through_the_api(api: httpx.AsyncClient, practice: Practice, ada: str) -> None:
    base = "/api/provider/practitioners"
    made = (await api.post(base, json={"name": "Dr. Roe", "npi": {"number": "1"}, "shoe_size": 9})).json()
    assert (made["name"], made["npi"], "shoe_size" in made) == ("Dr. Roe", {"number": "1"}, False)
    path = f"{base}/{made['id']}"
    changed = (await api.patch(path, json={"email": "roe@example.com"})).json()
    assert changed["updated_at"] > made["updated_at"]
    practice.edit(ada, practitioner="Dr. Roe")
    assert (await show(api, ada))["practitioner"]["email"] == "roe@example.com"
    for wrong in ({"name": " "}, {"panel_size": -1}, {"email": []}, {"education": "x"}, {"npi": "x"}):
        assert message(await api.patch(path, json=wrong))[0] == 422
    assert (await api.delete(path)).status_code == 204
    assert (await show(api, ada))["practitioner"] is None
    assert message(await api.patch(path, json={}))[0] == 404


async def test_older_lists_can_be_made_pages(api: httpx.AsyncClient, practice: Practice) -> None:
    for number in range(3):
        practice.add_practitioner(f"Dr. {number}")
    answer = await api.get("/api/provider/practitioners", params={"limit": 2})
    assert (len(answer.json()), "x-count" in answer.headers) == (3, False)
    practice.switches.legacy_lists_paged = True
    answer = await api.get("/api/provider/practitioners", params={"limit": 2})
    assert (len(answer.json()), answer.headers["x-total-count"]) == (2, "3")


async def test_a_merged_patient_points_at_the_survivor(api: httpx.AsyncClient, practice: Practice, ada: str) -> None:
    other = practice.create_patient(first_name="Ada", last_name="Moor-Rowe", integration_record_id="003A")
    survivor_before = await show(api, ada)
    practice.merge(other, into=ada)
    loser = await show(api, other)
    assert loser["merged_into"] == {"id": ada, "name": "Ada Moor"}
    assert loser["integration_record_id"] == "003A"
    assert await show(api, ada) == survivor_before
    assert [row["id"] for row in (await api.get(PATIENTS)).json()] == [ada]
    practice.edit(ada, last_name="Rowe")
    assert (await show(api, other))["merged_into"]["name"] == "Ada Rowe"
    practice.switches.merged_by_id = False
    assert message(await api.get(f"{PATIENTS}/{other}"))[0] == 404


def test_nobody_is_merged_into_himself(practice: Practice, ada: str) -> None:
    with pytest.raises(HintError, match="into itself"):
        practice.merge(ada, into=ada)


def test_destroying_and_editing_need_a_patient(practice: Practice, ada: str) -> None:
    practice.destroy(ada)
    assert len(practice) == 0
    for act in (practice.destroy, practice.archive, practice.patient, practice.edit):
        with pytest.raises(HintError, match="Couldn't find Patient"):
            act(ada)


def test_all_patients_can_be_read_in_python(practice: Practice, ada: str) -> None:
    practice.archive(ada)
    practice.create_patient(first_name="Bo", last_name="Rowe", title="Mr.")
    assert [(each["first_name"], each["title"]) for each in practice.patients()] == [("Ada", None), ("Bo", "Mr.")]


# Matching


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"first_name": "Adeline", "last_name": "moor"}, True),
        ({"first_name": "Zoe", "last_name": "Moor"}, False),
        ({"first_name": "Zoe", "last_name": "Moor", "dob": "1980-03-02"}, True),
        ({"first_name": "ADA", "last_name": "Smith", "dob": "1980-03-02"}, True),
        ({"first_name": "Zoe", "last_name": "Smith", "dob": "1980-03-02"}, False),
        ({"first_name": "Zoe", "last_name": "Smith", "email": "ADA@example.com"}, True),
        ({"first_name": "Zoe", "last_name": "Moor", "phones": [{"number": "(415) 555-0132"}]}, True),
        ({"first_name": "Zoe", "last_name": "Smith", "phones": [{"number": "+1 415 555 0132"}]}, False),
    ],
)
async def test_matching_finds_whoever_might_be_meant(
    api: httpx.AsyncClient, practice: Practice, ada: str, body: dict[str, Any], found: bool
) -> None:
    practice.edit(ada, phones=[{"number": "4155550132", "type": "mobile"}])
    practice.create_patient(first_name="Quite", last_name="Another")
    answer = await api.post(f"{PATIENTS}/matching", json=body)
    assert answer.status_code == 200
    assert [row["id"] for row in answer.json()] == ([ada] if found else [])


async def test_matching_needs_both_names_and_skips_the_archived(
    api: httpx.AsyncClient, practice: Practice, ada: str
) -> None:
    said = "Validation failed: Last name can't be blank"
    assert message(await api.post(f"{PATIENTS}/matching", json={"first_name": "Ada"})) == (422, said)
    practice.archive(ada)
    answer = await api.post(f"{PATIENTS}/matching", json={"first_name": "Ada", "last_name": "Moor"})
    assert answer.json() == []


# Webhooks


async def test_endpoints_are_registered_changed_and_removed(partner_api: httpx.AsyncClient, practice: Practice) -> None:
    connection = practice.installation
    for base in (
        "/api/global_webhook_endpoints",
        "/api/partner/webhook_endpoints",
        f"/api/integrations/{connection.integration_id}/webhook_endpoints",
        f"/api/partner/installations/{connection.id}/webhook_endpoints",
    ):
        made = (await partner_api.post(base, json={"webhook_url": "https://example.com/a"})).json()
        assert made["id"].startswith("whep-")
        assert made["last_delivered_at"] is None
        path = f"{base}/{made['id']}"
        changed = (await partner_api.patch(path, json={"webhook_url": "https://example.com/b"})).json()
        assert (changed["id"], changed["webhook_url"]) == (made["id"], "https://example.com/b")
        assert (await partner_api.get(base)).json() == [changed]
        if "/partner/" in base:
            assert message(await partner_api.get(path)) == (501, f"not emulated: GET {path}")
        else:
            assert (await partner_api.get(path)).json() == changed
        assert (await partner_api.delete(path)).status_code == 204
        assert (await partner_api.get(base)).json() == []
        assert message(await partner_api.delete(path))[0] == 404
        assert message(await partner_api.post(base, json={"webhook_url": "ftp://example.com"}))[0] == 422


async def test_changes_by_the_staff_are_due_at_every_endpoint(
    api: httpx.AsyncClient, partner_api: httpx.AsyncClient, practice: Practice
) -> None:
    await partner_api.post("/api/global_webhook_endpoints", json={"webhook_url": "https://example.com/a"})
    own = f"/api/integrations/{practice.installation.integration_id}/webhook_endpoints"
    await partner_api.post(own, json={"webhook_url": "https://example.com/b"})
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor")
    practice.edit(patient_id, email="ada@example.com")
    practice.edit(patient_id, email="ada@example.com")
    shown = await show(api, patient_id)
    practice.destroy(patient_id)
    assert [event.type for event in practice.outbox] == ["patient.created", "patient.updated", "patient.destroyed"]
    envelope = json.loads(practice.outbox[1].body)
    assert set(envelope) == {"id", "created_at", "type", "practice_id", "object"}
    assert (envelope["practice_id"], envelope["object"]) == (practice.id, shown)
    assert json.loads(practice.outbox[2].body)["object"] == {"id": patient_id}
    assert all(len(event.endpoint_ids) == 2 for event in practice.outbox)
    rows = (await partner_api.get("/api/partner/webhook_requests")).json()
    assert len(rows) == 6
    assert {(row["status"], row["attempts"]) for row in rows} == {("pending", 0)}


async def test_our_own_writes_cause_no_webhook_unless_unmuted(
    api: httpx.AsyncClient, partner_api: httpx.AsyncClient, practice: Practice
) -> None:
    await partner_api.post("/api/global_webhook_endpoints", json={"webhook_url": "https://example.com/a"})
    patient = (await api.post(PATIENTS, json={"first_name": "Ada", "last_name": "Moor"})).json()
    assert practice.outbox == []
    practice.switches.unmute_self_webhooks = True
    await api.patch(f"{PATIENTS}/{patient['id']}", json={"email": "ada@example.com"})
    assert [event.type for event in practice.outbox] == ["patient.updated"]


async def test_a_connection_that_is_not_active_gets_no_webhook(
    partner_api: httpx.AsyncClient, practice: Practice
) -> None:
    await partner_api.post("/api/global_webhook_endpoints", json={"webhook_url": "https://example.com/a"})
    practice.installation.status = "pending"
    practice.create_patient(first_name="Ada", last_name="Moor")
    assert practice.outbox == []


def test_the_signature_is_that_of_the_published_recipe() -> None:
    # Computed once with openssl: printf '{"id":"evt-1"}' | openssl dgst -sha256 -hmac whsec-test
    known = "sha256=dba19c57521d523d23fd6032ada9c4759b120975b005904e4d0547fecdd13caa"
    assert signature("whsec-test", b'{"id":"evt-1"}') == known


async def test_the_list_of_event_types_is_served(partner_api: httpx.AsyncClient) -> None:
    types = (await partner_api.get("/api/partner/webhook_events")).json()
    assert {"patient.created", "patient.updated", "patient.destroyed", "integration.activated"} <= set(types)
    assert "patient.archived" not in types
    assert len(set(types)) == len(types)


# The control API's additions


async def test_the_control_api_hands_out_credentials_and_codes(
    api: httpx.AsyncClient, partner_api: httpx.AsyncClient, practice: Practice
) -> None:
    credentials = (await api.get("/_control/credentials")).json()
    assert (credentials["token"], credentials["partner_key"]) == (practice.token, practice.partner.key)
    code = (await api.post("/_control/codes")).json()["code"]
    body = {"grant_type": "authorization_code", "code": code}
    assert (await partner_api.post("/api/oauth/tokens", json=body)).status_code == 200
    assert (await api.post("/_control/tokens/revoke")).status_code == 204
    assert (await api.get(PATIENTS)).status_code == 401
    assert (await api.get("/_control/credentials")).json()["token"] is None


async def test_switches_are_read_and_set_over_http(api: httpx.AsyncClient, practice: Practice) -> None:
    answer = await api.put("/_control/switches", json={"updated_at_filter": False, "max_length": 40})
    assert answer.json() == (await api.get("/_control/switches")).json()
    shown = {each["name"]: each for each in answer.json()}
    assert (shown["max_length"]["value"], shown["max_length"]["default"]) == (40, 255)
    assert all(each["about"].endswith(".") for each in answer.json())
    assert shown["webhook_retries"]["choices"] == ["hourly", "exponential"]
    other = await api.put("/_control/switches", json={"webhook_retries": "never"})
    assert (other.status_code, "one of hourly, exponential" in other.json()["error"]) == (400, True)
    assert (practice.switches.updated_at_filter, practice.switches.max_length) == (False, 40)
    unknown = await api.put("/_control/switches", json={"updated_filter": False})
    assert (unknown.status_code, "no switch 'updated_filter'" in unknown.json()["error"]) == (400, True)
    wrong = await api.put("/_control/switches", json={"max_length": True})
    assert (wrong.status_code, "of type int" in wrong.json()["error"]) == (400, True)


async def test_patients_are_made_edited_archived_merged_and_destroyed_over_http(
    api: httpx.AsyncClient, practice: Practice
) -> None:
    people = [
        {"first_name": "Ada", "last_name": "Moor", "practitioner": "Dr. Roe"},
        {"first_name": "B", "last_name": "C"},
    ]
    one, other = (await api.post("/_control/patients", json=people)).json()
    edited = (await api.patch(f"/_control/patients/{one}", json={"title": "Dr."})).json()
    assert edited == (await api.get(f"/_control/patients/{one}")).json()
    assert edited["title"] == "Dr."
    merged = (await api.post(f"/_control/patients/{other}/merge", json={"into": one})).json()
    assert merged["merged_into"]["id"] == one
    assert (await api.post(f"/_control/patients/{one}/archive")).status_code == 204
    assert (await api.get(PATIENTS)).json() == []
    assert (await api.post(f"/_control/patients/{one}/unarchive")).status_code == 204
    assert (await api.delete(f"/_control/patients/{one}")).status_code == 204
    gone = await api.get(f"/_control/patients/{one}")
    assert (gone.status_code, gone.json()["error"]) == (404, "Couldn't find Patient")
    assert (await api.post("/_control/patients", json={"first_name": "Ada"})).status_code == 400
    refused = await api.patch(f"/_control/patients/{other}", json={"dob": "x"})
    assert (refused.status_code, refused.json()["error"]) == (422, "Validation failed: Dob is invalid")


async def test_the_outbox_is_shown_with_signatures_and_can_be_emptied(
    api: httpx.AsyncClient, partner_api: httpx.AsyncClient, practice: Practice
) -> None:
    await partner_api.post("/api/global_webhook_endpoints", json={"webhook_url": "https://example.com/a"})
    practice.create_patient(first_name="Ada", last_name="Moor")
    (event,) = (await api.get("/_control/outbox")).json()
    expected = signature(practice.partner.signing_key, event["body"].encode())
    assert event["headers"]["X-Hint-Signature"] == expected
    assert (await api.delete("/_control/outbox")).status_code == 204
    assert practice.outbox == []


async def test_a_control_route_can_name_the_practice(api: httpx.AsyncClient, practice: Practice) -> None:
    assert (await api.get("/_control/switches", params={"practice": practice.id})).status_code == 200
    assert (await api.get("/_control/switches", params={"practice": "pra-nobody"})).status_code == 404


# The register behind it all


@pytest.mark.parametrize("seed", range(5))
async def test_after_any_history_lists_agree_with_a_slow_and_simple_reading(
    api: httpx.AsyncClient, practice: Practice, seed: int
) -> None:
    chance = random.Random(seed)
    lasts, dates = ("Moor", "moor", "Rowe", "Peña"), ("1980-03-02", "1990-01-01", None)
    alive: list[str] = []
    for _ in range(120):
        act = chance.random()
        if act < 0.4 or not alive:
            values = {"first_name": "Ada", "last_name": chance.choice(lasts), "dob": chance.choice(dates)}
            alive.append(practice.create_patient(**values))
        elif act < 0.7:
            practice.edit(chance.choice(alive), last_name=chance.choice(lasts), dob=chance.choice(dates))
        elif act < 0.8:
            practice.archive(chance.choice(alive))
        elif act < 0.9:
            practice.unarchive(chance.choice(alive))
        else:
            practice.destroy(alive.pop(chance.randrange(len(alive))))
        everybody = practice.patients()
        assert [each["id"] for each in everybody] == alive
        await _check(api, everybody, chance.choice(lasts), chance.choice(dates[:2]) or "")


async def _check(api: httpx.AsyncClient, everybody: list[dict[str, Any]], last: str, born: str) -> None:
    active = [each for each in everybody if each["membership_status"] != "archived"]
    moment = everybody[len(everybody) // 2]["updated_at"] if everybody else "2026-01-01"
    expected = {
        "filter=active": active,
        "filter=archived": [each for each in everybody if each not in active],
        f"last_name={last}": [each for each in active if each["last_name"].casefold() == last.casefold()],
        f"dob={born}&last_name={last}&filter=all": [
            each for each in everybody if each["dob"] == born and each["last_name"].casefold() == last.casefold()
        ],
        f"updated_at[gte]={moment}": [each for each in active if each["updated_at"] >= moment],
    }
    for query, rows in expected.items():
        answer = await api.get(f"{PATIENTS}?limit=100&{query}")
        assert [row["id"] for row in answer.json()] == [row["id"] for row in rows], query
        assert answer.headers["x-total-count"] == str(len(rows))
