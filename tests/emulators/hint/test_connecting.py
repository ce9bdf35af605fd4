"""The three ways a code arrives, activation by whom, keys of a connection, and the embedded app."""

import json

import httpx
import pytest

from hintsync_emulators.hint import Practice

from .conftest import Clock, message
from .receiver import Receiver


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def practice(clock: Clock, receiver: Receiver) -> Practice:
    return Practice(seed=7, clock=clock, status="onboarding", transport=receiver.transport)


def body(code: str, **more: object) -> dict[str, object]:
    return {"grant_type": "authorization_code", "code": code, **more}


async def connect(api: httpx.AsyncClient, **backend: object) -> dict[str, str]:
    (await api.patch("/_control/backend", json=backend)).raise_for_status()
    return dict((await api.post("/_control/connect")).raise_for_status().json())


async def exchange(partner_api: httpx.AsyncClient, code: str, **more: object) -> str:
    answer = await partner_api.post("/api/oauth/tokens", json=body(code, **more))
    return str(answer.raise_for_status().json()["status"])


async def test_a_manual_code_is_shown_to_be_pasted(partner_api: httpx.AsyncClient) -> None:
    shown = await connect(partner_api)
    assert (shown["auth_type"], shown["url"]) == ("manual", None)
    assert await exchange(partner_api, shown["code"]) == "active"


async def test_a_redirect_has_the_code_right_behind_its_address(
    partner_api: httpx.AsyncClient, receiver: Receiver
) -> None:
    shown = await connect(partner_api, auth_type="automatic_redirect", redirect_url="https://example.com/x?code=")
    assert shown["url"] == f"https://example.com/x?code={shown['code']}"
    assert receiver.got == []
    assert await exchange(partner_api, shown["code"]) == "active"


async def test_a_headless_connect_posts_to_the_address_with_the_code(
    partner_api: httpx.AsyncClient, receiver: Receiver
) -> None:
    receiver.answer = b'{"status": "connected"}'
    shown = await connect(partner_api, auth_type="automatic_headless", redirect_url="https://example.com/hint/connect/")
    assert receiver.got[0].path == f"/hint/connect/{shown['code']}"
    assert (shown["status_code"], json.loads(shown["text"])) == (200, {"status": "connected"})
    assert await exchange(partner_api, shown["code"]) == "active"


async def test_an_automatic_way_needs_an_address(partner_api: httpx.AsyncClient) -> None:
    await partner_api.patch("/_control/backend", json={"auth_type": "automatic_headless"})
    answer = await partner_api.post("/_control/connect")
    assert (answer.status_code, "Redirect url" in answer.json()["error"]) == (422, True)


async def test_an_app_may_be_connected_again_and_gets_the_same_token(
    partner_api: httpx.AsyncClient, practice: Practice
) -> None:
    tokens = set()
    for _ in range(2):
        code = (await connect(partner_api))["code"]
        tokens.add((await partner_api.post("/api/oauth/tokens", json=body(code))).json()["access_token"])
    assert tokens == {practice.token}


async def test_practice_activate_waits_for_the_practice(partner_api: httpx.AsyncClient, practice: Practice) -> None:
    code = (await connect(partner_api, activation_type="practice_activate"))["code"]
    assert await exchange(partner_api, code) == "pending"
    ours = f"/api/partner/installations/{practice.installation.id}/activate"
    assert message(await partner_api.post(ours))[0] == 422
    await partner_api.post("/_control/finish-setup")
    assert practice.installation.status == "active"


async def test_partner_activate_waits_for_us(partner_api: httpx.AsyncClient, practice: Practice) -> None:
    code = (await connect(partner_api, activation_type="partner_activate"))["code"]
    assert await exchange(partner_api, code, activate=False) == "pending"
    await partner_api.post("/_control/finish-setup")
    assert practice.installation.status == "pending"
    answer = await partner_api.post(f"/api/integrations/{practice.installation.integration_id}/activate")
    assert answer.json()["status"] == "active"


async def test_keys_of_a_connection_are_listed_made_renamed_and_ended(
    partner_api: httpx.AsyncClient, practice: Practice, api: httpx.AsyncClient
) -> None:
    base = f"/api/partner/installations/{practice.installation.id}/api_keys"
    made = (await partner_api.post(base, json={"label": "second"})).json()
    assert set(made) == {"id", "created_at", "deactivated_at", "label", "last_used_at", "token"}
    api.headers["Authorization"] = f"Bearer {made['token']}"
    assert (await api.get("/api/provider/practice")).status_code == 200
    listed = (await partner_api.get(base, params={"label": "second"})).json()
    assert [each["token_last_4"] for each in listed] == [made["token"][-4:]]
    assert listed[0]["last_used_at"] is not None
    renamed = (await partner_api.patch(f"{base}/{made['id']}", json={"label": "third"})).json()
    assert renamed["label"] == "third"
    assert (await partner_api.delete(f"{base}/{made['id']}")).status_code == 204
    assert (await api.get("/api/provider/practice")).status_code == 401
    ended = await partner_api.get(base, params={"deactivated_at": '{"is_present": true}'})
    assert (ended.headers["x-total-count"], ended.json()[0]["label"]) == ("1", "third")
    assert message(await partner_api.patch(f"{base}/key-nobody", json={}))[0] == 404
    assert message(await partner_api.post(base, json={"label": 5}))[0] == 422


async def test_a_second_key_of_the_partner_opens_the_same_account(partner_api: httpx.AsyncClient) -> None:
    made = (await partner_api.post("/api/partner/api_keys", json={})).json()
    assert made["label"] is None
    assert len((await partner_api.get("/api/partner/api_keys")).json()) == 2
    partner_api.headers["Authorization"] = f"Bearer {made['token']}"
    assert (await partner_api.get("/api/integrations")).status_code == 200


@pytest.mark.parametrize(
    ("version", "status"),
    [("2026-07-01", 200), ("2026-11-01", 200), ("2025-01-01", 404), ("latest", 404), ("marketplace_endpoints", 200)],
)
async def test_the_newer_routes_want_a_version_that_has_them(
    partner_api: httpx.AsyncClient, version: str, status: int
) -> None:
    answer = await partner_api.get("/api/partner/backends", headers={"Hint-Version": version})
    assert answer.status_code == status


async def test_installations_are_filtered_and_come_in_pages(partner_api: httpx.AsyncClient, practice: Practice) -> None:
    base = "/api/partner/installations"
    row = (await partner_api.get(base, params={"status": "onboarding"})).json()[0]
    assert "api_keys" not in row
    assert (await partner_api.get(base, params={"status": "active"})).json() == []
    assert (await partner_api.get(base, params={"partner_product": "ppro-x"})).json() == []
    assert (await partner_api.get(base, params={"created_at[gt]": "2030-01-01"})).json() == []
    answer = await partner_api.get(base, params={"offset": 1})
    assert (answer.json(), answer.headers["x-total-count"]) == ([], "1")
    for wrong in ({"offset": "x"}, {"limit": "9" * 400}, {"created_at": '{"gt": null}'}):
        assert message(await partner_api.get(base, params=wrong))[0] == 400


# The embedded app


async def test_the_embedded_app_is_opened_with_a_signed_handshake(
    partner_api: httpx.AsyncClient, practice: Practice, receiver: Receiver, api: httpx.AsyncClient
) -> None:
    receiver.answer = b'{"session_key": "s-1"}'
    await partner_api.patch("/_control/backend", json={"handshake_url": "https://example.com/handshake"})
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor")
    asked = {"surface": "clinical_chart", "surface_url": "https://example.com/chart?x=1", "patient_id": patient_id}
    opened = (await partner_api.post("/_control/handshake", json=asked)).json()
    assert opened == {"session_key": "s-1", "surface_url": "https://example.com/chart?x=1&session_key=s-1"}
    (got,) = receiver.got
    assert got.is_signed_with(practice.partner.signing_key)
    assert (got.json["patient"], got.json["access_context"]) == ({"id": patient_id}, "standard")
    api.headers["Authorization"] = f"Bearer {got.json['access_token']}"
    assert (await api.get("/api/provider/practice")).json()["id"] == practice.id


@pytest.mark.parametrize(("status", "answer"), [(401, b'{"session_key": "s"}'), (200, b"{}"), (200, b"hello")])
async def test_a_handshake_that_is_not_answered_as_agreed_says_so(
    partner_api: httpx.AsyncClient, receiver: Receiver, status: int, answer: bytes
) -> None:
    receiver.statuses, receiver.answer = [status], answer
    assert (await partner_api.post("/_control/handshake")).status_code == 422
    await partner_api.patch("/_control/backend", json={"handshake_url": "https://example.com/handshake"})
    assert (await partner_api.post("/_control/handshake")).status_code == 502
