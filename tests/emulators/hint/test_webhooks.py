"""Webhooks from the change to the receiver: signed, retried, muted, listed, and what can go wrong with them."""

import json
from typing import Any

import httpx
import pytest

from hintsync_emulators.hint import Practice, create_app
from hintsync_emulators.serve import serving

from .conftest import Clock, client_of, message
from .hooks import GLOBAL, person, register
from .receiver import Receiver

REQUESTS = "/api/partner/webhook_requests"


async def rows(partner_api: httpx.AsyncClient, **query: object) -> list[dict[str, Any]]:
    answer = await partner_api.get(REQUESTS, params={"limit": 100, **query})
    return list(answer.raise_for_status().json())


async def test_a_change_arrives_signed_and_whole(
    practice: Practice, receiver: Receiver, endpoint: str, partner_api: httpx.AsyncClient
) -> None:
    patient_id = person(practice)
    await practice.deliver()
    (got,) = receiver.got
    assert got.is_signed_with(practice.partner.key)
    assert got.headers["content-type"] == "application/json"
    assert got.json["object"] == {k: v for k, v in practice.patient(patient_id).items() if k != "title"}
    (row,) = await rows(partner_api)
    assert (row["status"], row["attempts"], row["last_status_code"]) == ("delivered", 1, 200)
    assert row["delivered_at"] == row["last_attempted_at"] == row["webhook_endpoint"]["last_delivered_at"]
    assert row["payload"] is None
    assert await practice.deliver() == []


@pytest.mark.parametrize("status", [204, 299])
async def test_any_answer_in_the_two_hundreds_is_a_success(
    practice: Practice, receiver: Receiver, endpoint: str, partner_api: httpx.AsyncClient, status: int
) -> None:
    receiver.statuses = [status]
    person(practice)
    await practice.deliver()
    assert (await rows(partner_api))[0]["status"] == "delivered"


@pytest.mark.parametrize("status", [302, 400, 410, 500])
async def test_any_other_answer_is_tried_again_every_hour_for_three_days(
    practice: Practice, receiver: Receiver, endpoint: str, partner_api: httpx.AsyncClient, clock: Clock, status: int
) -> None:
    receiver.statuses = [status] * 100
    person(practice)
    while (await rows(partner_api))[0]["status"] != "failed":
        assert len(await practice.deliver()) == 1
        assert await practice.deliver() == []
        clock.advance(hours=1)
    assert len(receiver.got) == 73
    clock.advance(days=30)
    assert await practice.deliver() == []
    assert (await rows(partner_api))[0]["last_status_code"] == status


async def test_the_other_schedule_waits_longer_each_time(
    practice: Practice, receiver: Receiver, endpoint: str, clock: Clock
) -> None:
    practice.switches.webhook_retries = "exponential"
    receiver.statuses = [500] * 4
    person(practice)
    waited = []
    for minutes in range(20):
        if await practice.deliver():
            waited.append(minutes)
        clock.advance(minutes=1)
    assert waited == [0, 1, 3, 7, 15]
    assert practice.outbox == []


async def test_a_success_after_failures_is_listed_with_its_attempts(
    practice: Practice, receiver: Receiver, endpoint: str, partner_api: httpx.AsyncClient, clock: Clock
) -> None:
    receiver.statuses, receiver.answer = [503], b"later"
    person(practice)
    await practice.deliver()
    (row,) = await rows(partner_api, status="retrying")
    assert (row["attempts"], row["last_response"], row["delivered_at"]) == (1, "later", None)
    clock.advance(hours=1)
    await practice.deliver()
    (row,) = await rows(partner_api, status="delivered", attempts=2)
    assert row["event_type"] == "patient.created"


async def test_a_receiver_that_does_not_answer_in_time_has_failed(
    practice: Practice, receiver: Receiver, endpoint: str, partner_api: httpx.AsyncClient
) -> None:
    receiver.hangs = True
    practice.switches.webhook_timeout_seconds = 0.01
    person(practice)
    await practice.deliver()
    (row,) = await rows(partner_api)
    assert (row["status"], row["last_status_code"], row["last_response"]) == ("retrying", None, "no answer in time")


async def test_a_receiver_that_is_not_there_has_failed(
    practice: Practice, partner_api: httpx.AsyncClient, endpoint: str
) -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    person(practice)
    await practice.deliver(httpx.MockTransport(refuse))
    assert (await rows(partner_api))[0]["last_response"] == "ConnectError"


async def test_a_hundred_failures_in_a_row_mute_an_endpoint_for_an_hour_and_a_success_frees_it(
    practice: Practice, receiver: Receiver, endpoint: str, clock: Clock
) -> None:
    receiver.statuses = [500] * 100
    for _ in range(120):
        person(practice)
    await practice.deliver()
    assert len(receiver.got) == 100
    person(practice)
    clock.advance(minutes=59)
    assert await practice.deliver() == []
    clock.advance(minutes=1)
    await practice.deliver()
    assert practice.outbox == []
    receiver.statuses = [500]
    person(practice)
    person(practice)
    assert len(await practice.deliver()) == 2


async def test_muting_can_be_switched_off(practice: Practice, receiver: Receiver, endpoint: str) -> None:
    practice.switches.webhook_mute_after = 0
    receiver.statuses = [500] * 300
    for _ in range(120):
        person(practice)
    await practice.deliver()
    assert len(receiver.got) == 120


async def test_deleting_an_endpoint_cancels_what_waits_for_it(
    practice: Practice, receiver: Receiver, endpoint: str, partner_api: httpx.AsyncClient, clock: Clock
) -> None:
    receiver.statuses = [500]
    person(practice)
    await practice.deliver()
    person(practice, "Bo")
    assert {row["status"] for row in await rows(partner_api)} == {"pending", "retrying"}
    await partner_api.delete(f"{GLOBAL}/{endpoint}")
    clock.advance(hours=5)
    assert await practice.deliver() == []
    assert {row["status"] for row in await rows(partner_api)} == {"non_requestable"}


async def test_rows_are_filtered_by_everything_the_documents_name(
    practice: Practice, partner_api: httpx.AsyncClient, endpoint: str, clock: Clock
) -> None:
    other = await register(partner_api, f"/api/partner/installations/{practice.installation.id}/webhook_endpoints")
    patient_id = person(practice)
    await practice.deliver()
    clock.advance(days=1)
    practice.edit(patient_id, email="ada@example.com")
    later = json.dumps({"gte": clock().isoformat()})
    assert len(await rows(partner_api)) == 4
    assert len(await rows(partner_api, status="pending")) == 2
    assert len(await rows(partner_api, event_type="patient.updated")) == 2
    assert len(await rows(partner_api, attempts=1)) == 2
    assert len(await rows(partner_api, webhook_endpoint=other)) == 2
    assert len(await rows(partner_api, created_at=later)) == 2
    assert len(await rows(partner_api, delivered_at='{"is_present": true}')) == 2
    assert len(await rows(partner_api, **{"delivered_at[lt]": clock().isoformat()})) == 2
    page = await partner_api.get(REQUESTS, params={"limit": 1, "offset": 3})
    assert (page.headers["x-count"], page.headers["x-total-count"]) == ("1", "4")
    assert message(await partner_api.get(REQUESTS, params={"status": "lost"}))[0] == 422


async def test_the_deprecated_single_addresses_get_events_too(
    practice: Practice, receiver: Receiver, partner_api: httpx.AsyncClient
) -> None:
    connection = f"/api/integrations/{practice.installation.integration_id}"
    await partner_api.patch("/api/partner", json={"partner": {"webhook_url": "https://example.com/oldest"}})
    person(practice)
    await practice.deliver()
    await partner_api.patch(connection, json={"webhook_url_override": "https://example.com/override"})
    person(practice)
    await practice.deliver()
    await partner_api.patch(connection, json={"webhook_url_override": None})
    person(practice)
    await practice.deliver()
    assert [each.path for each in receiver.got] == ["/oldest", "/override", "/oldest"]


# What causes events


async def test_practitioners_cause_events(practice: Practice, receiver: Receiver, endpoint: str) -> None:
    pct = practice.add_practitioner("Dr. Roe")
    practice.edit_practitioner(pct, name="Dr. Moor")
    practice.edit_practitioner(pct, name="Dr. Moor")
    practice.remove_practitioner(pct)
    await practice.deliver()
    assert receiver.types == ["practitioner.created", "practitioner.updated", "practitioner.destroyed"]
    assert receiver.got[1].json["object"]["name"] == "Dr. Moor"


async def test_a_practice_that_changes_its_name_causes_an_event(
    practice: Practice, receiver: Receiver, endpoint: str
) -> None:
    practice.edit_profile(name="New Name")
    practice.edit_profile(name="New Name")
    await practice.deliver()
    assert receiver.types == ["practice.updated"]


async def test_switching_the_connection_causes_events_even_when_it_ends(
    practice: Practice, receiver: Receiver, endpoint: str
) -> None:
    practice.set_status("deactivated")
    person(practice)
    practice.set_status("active")
    await practice.deliver()
    assert receiver.types == [
        "integration.deactivated",
        "installation.deactivated",
        "integration.activated",
        "installation.activated",
    ]


async def test_a_membership_that_ends_is_an_event_of_its_own(
    practice: Practice, receiver: Receiver, endpoint: str
) -> None:
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor", membership_status="active")
    practice.edit(patient_id, membership_status="inactive")
    await practice.deliver()
    assert receiver.types == ["patient.created", "patient.updated", "patient.inactive"]


@pytest.mark.parametrize(("switched", "expected"), [("patient.inactive", ["patient.inactive"]), ("none", [])])
async def test_what_an_archive_sends_is_a_switch(
    practice: Practice, receiver: Receiver, endpoint: str, switched: str, expected: list[str]
) -> None:
    patient_id = person(practice)
    await practice.deliver()
    practice.switches.archive_event = switched
    practice.archive(patient_id)
    await practice.deliver()
    assert receiver.types[1:] == expected


async def test_what_a_merge_sends_about_the_loser_is_a_switch(
    practice: Practice, receiver: Receiver, endpoint: str
) -> None:
    practice.switches.merge_event = "patient.destroyed"
    loser, survivor = person(practice, "Bo"), person(practice)
    practice.merge(loser, into=survivor)
    await practice.deliver()
    assert receiver.got[-1].json["object"] == {"id": loser}


async def test_the_shape_of_the_envelope_is_switched(practice: Practice, receiver: Receiver, endpoint: str) -> None:
    practice.switches.set("destroyed_in_full", True)
    practice.switches.set("envelope_timestamp", True)
    practice.switches.set("webhook_practice_prefix", "prc")
    practice.destroy(person(practice))
    await practice.deliver()
    body = receiver.got[1].json
    assert body["object"]["first_name"] == "Ada"
    assert body["timestamp"] == body["created_at"]
    assert body["practice_id"] == practice.id.replace("pra-", "prc-")


async def test_any_event_can_be_let_happen(practice: Practice, receiver: Receiver, endpoint: str) -> None:
    practice.announce("invoice.paid", {"id": "inv-1"})
    await practice.deliver()
    assert (receiver.types, receiver.got[0].json["object"]) == (["invoice.paid"], {"id": "inv-1"})


# Backends


async def backend(partner_api: httpx.AsyncClient, practice: Practice, **changes: object) -> dict[str, Any]:
    path = f"/api/partner/backends/{practice.partner.backend.id}"
    answer = await partner_api.patch(path, json=changes)
    assert (await partner_api.get(path)).json() == answer.json()
    return dict(answer.raise_for_status().json())


async def test_a_backend_hears_what_it_listens_to(
    practice: Practice, receiver: Receiver, endpoint: str, partner_api: httpx.AsyncClient
) -> None:
    await backend(partner_api, practice, listened_events=["patient.updated", "practitioner.*"])
    patient_id = person(practice)
    practice.edit(patient_id, email="ada@example.com")
    practice.add_practitioner("Dr. Roe")
    await practice.deliver()
    assert receiver.types == ["patient.updated", "practitioner.created"]


async def test_paused_webhooks_wait_and_disabled_ones_do_not(
    practice: Practice, receiver: Receiver, endpoint: str, partner_api: httpx.AsyncClient
) -> None:
    await backend(partner_api, practice, webhooks_paused=True)
    person(practice, "Ada")
    assert await practice.deliver() == []
    await backend(partner_api, practice, webhooks_disabled=True)
    person(practice, "Bo")
    await backend(partner_api, practice, webhooks_paused=False, webhooks_disabled=False)
    await practice.deliver()
    assert receiver.names() == ["Ada"]


async def test_a_backend_can_unmute_what_its_own_calls_cause(
    practice: Practice, receiver: Receiver, endpoint: str, partner_api: httpx.AsyncClient, api: httpx.AsyncClient
) -> None:
    person_json = {"first_name": "Ada", "last_name": "Moor"}
    await api.post("/api/provider/patients", json=person_json)
    await api.post("/api/provider/practitioners", json={"name": "Dr. Roe"})
    await backend(partner_api, practice, unmute_self_webhooks=True)
    await api.post("/api/provider/patients", json=person_json)
    await practice.deliver()
    assert receiver.types == ["patient.created"]


async def test_a_ceiling_of_deliveries_a_minute_is_kept(
    practice: Practice, receiver: Receiver, endpoint: str, partner_api: httpx.AsyncClient, clock: Clock
) -> None:
    await backend(partner_api, practice, max_requests_per_minute=3)
    for _ in range(5):
        person(practice)
    assert [len(await practice.deliver()) for _ in range(2)] == [3, 0]
    clock.advance(minutes=1)
    assert len(await practice.deliver()) == 2


async def test_the_signing_key_is_rotated_by_choosing_another_key_of_the_partner(
    practice: Practice, receiver: Receiver, endpoint: str, partner_api: httpx.AsyncClient
) -> None:
    new = (await partner_api.post("/api/partner/api_keys", json={"label": "signing 2"})).json()
    shown = await backend(partner_api, practice, webhooks_signature_api_key={"id": new["id"]})
    assert shown["webhooks_signature_api_key"]["id"] == new["id"]
    assert new["token"] not in json.dumps(shown)
    person(practice)
    await practice.deliver()
    assert receiver.got[0].is_signed_with(new["token"])
    assert not receiver.got[0].is_signed_with(practice.partner.key)
    unknown = {"webhooks_signature_api_key": {"id": "key-nobody"}}
    path = f"/api/partner/backends/{practice.partner.backend.id}"
    assert message(await partner_api.patch(path, json=unknown))[0] == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"auth_type": "magic"},
        {"activation_type": 1},
        {"redirect_url": "ftp://x"},
        {"listened_events": "*"},
        {"max_requests_per_minute": 0},
        {"webhooks_paused": "yes"},
        {"name": ""},
    ],
)
async def test_a_backend_refuses_what_cannot_be(
    practice: Practice, partner_api: httpx.AsyncClient, wrong: dict[str, object]
) -> None:
    path = f"/api/partner/backends/{practice.partner.backend.id}"
    assert message(await partner_api.patch(path, json=wrong))[0] == 422


async def test_a_global_endpoint_can_belong_to_another_backend(
    practice: Practice, receiver: Receiver, partner_api: httpx.AsyncClient
) -> None:
    other = practice.partner.add_backend("Second")
    mine = await register(partner_api, "/api/partner/webhook_endpoints", backend=other.id)
    await register(partner_api, "/api/partner/webhook_endpoints", backend={"id": practice.partner.backend.id})
    listed = await partner_api.get("/api/partner/webhook_endpoints", params={"backend": f"{other.id},pbnd-x"})
    assert [each["id"] for each in listed.json()] == [mine]
    other.listened_events = []
    person(practice)
    await practice.deliver()
    assert len(receiver.got) == 1
    assert [each["name"] for each in (await partner_api.get("/api/partner/backends")).json()] == ["Default", "Second"]
    body = {"webhook_url": "https://example.com", "backend": "pbnd-nobody"}
    assert message(await partner_api.post("/api/partner/webhook_endpoints", json=body))[0] == 404


# Served


def test_a_served_emulator_delivers_by_itself() -> None:
    practice, receiver = Practice(seed=7), Receiver()
    with serving(receiver) as receiving, serving(create_app(practice)) as url:
        key = {"Authorization": f"Bearer {practice.partner.key}"}
        with httpx.Client(base_url=url, headers=key) as client:
            client.post(GLOBAL, json={"webhook_url": f"{receiving}/hook"}).raise_for_status()
            person(practice)
            while client.get(REQUESTS, params={"status": "delivered"}).json() == []:
                pass
    assert receiver.got[-1].is_signed_with(practice.partner.key)


async def test_events_of_one_practice_are_not_sent_by_another(clock: Clock) -> None:
    receiver = Receiver()
    one = Practice(seed=1, clock=clock, transport=receiver.transport)
    other = Practice(seed=2, clock=clock, partner=one.partner)
    async with client_of(create_app(one, other), one.partner.key) as client:
        await register(client)
    person(one, "Ada")
    person(other, "Bo")
    await one.deliver()
    assert receiver.names() == ["Ada"]
    await other.deliver()
    assert receiver.got[1].json["practice_id"] == other.id
