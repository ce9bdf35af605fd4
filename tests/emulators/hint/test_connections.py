"""How a practice is connected: codes, tokens, activation, on the older and the newer routes."""

import httpx
import pytest

from hintsync_emulators.control import Controlled
from hintsync_emulators.hint import Partner, Practice, create_app

from .conftest import client_of, message


def exchange(code: str, **more: object) -> dict[str, object]:
    return {"grant_type": "authorization_code", "code": code, **more}


async def test_a_code_is_exchanged_for_the_practice_token(partner_api: httpx.AsyncClient, practice: Practice) -> None:
    answer = await partner_api.post("/api/oauth/tokens", json=exchange(practice.new_code()))
    body = answer.json()
    assert answer.status_code == 200
    assert body["id"].startswith("int-")
    assert body["access_token"] == body["api_keys"][0]["token"] == practice.token
    assert (body["expires_in"], body["refresh_token"], body["token_type"]) == (None, None, "bearer")
    assert body["status"] == "active"
    assert body["practice"] == {"id": practice.id, "name": "Example Family Medicine"}
    assert set(body) >= {"webhook_url_default", "webhook_url_override", "activated_by", "product"}


async def test_a_code_is_exchanged_on_the_newer_route(partner_api: httpx.AsyncClient, practice: Practice) -> None:
    answer = await partner_api.post("/api/partner/installations/connect", json={"code": practice.new_code()})
    body = answer.json()
    assert answer.status_code == 200
    assert body["id"].startswith("inst-")
    assert "access_token" not in body
    assert body["api_keys"][0]["token"] == practice.token
    assert set(body["api_keys"][0]) == {"id", "token", "label", "created_at", "last_used_at", "deactivated_at"}
    assert body["practice"]["id"] == practice.id


async def test_after_a_revocation_the_live_key_comes_first(partner_api: httpx.AsyncClient, practice: Practice) -> None:
    practice.revoke_token()
    body = {"code": practice.new_code()}
    keys = (await partner_api.post("/api/partner/installations/connect", json=body)).json()["api_keys"]
    assert [key["deactivated_at"] is None for key in keys] == [True, False]
    assert keys[0]["token"] == practice.token


@pytest.mark.parametrize(
    ("path", "more"),
    [("/api/oauth/tokens", {"grant_type": "authorization_code"}), ("/api/partner/installations/connect", {})],
)
async def test_a_code_is_good_once(
    partner_api: httpx.AsyncClient, practice: Practice, path: str, more: dict[str, str]
) -> None:
    body = {"code": practice.new_code(), **more}
    assert (await partner_api.post(path, json=body)).status_code == 200
    assert message(await partner_api.post(path, json=body))[0] == 422
    assert message(await partner_api.post(path, json={**body, "code": "made-up"}))[0] == 422
    assert message(await partner_api.post(path, json=more)) == (422, "Validation failed: Code can't be blank")
    practice.switches.bad_code_status = 404
    assert message(await partner_api.post(path, json=body))[0] == 404


async def test_another_kind_of_grant_is_refused(partner_api: httpx.AsyncClient, practice: Practice) -> None:
    body = {"grant_type": "password", "code": practice.new_code()}
    assert message(await partner_api.post("/api/oauth/tokens", json=body))[0] == 400


async def test_an_exchange_can_leave_the_connection_pending(partner_api: httpx.AsyncClient, practice: Practice) -> None:
    body = (await partner_api.post("/api/oauth/tokens", json=exchange(practice.new_code(), activate=False))).json()
    assert body["status"] == "pending"
    activated = await partner_api.post(f"/api/integrations/{body['id']}/activate")
    assert (activated.status_code, activated.json()["status"]) == (200, "active")


async def test_old_and_new_routes_show_one_connection(partner_api: httpx.AsyncClient, practice: Practice) -> None:
    (old,) = (await partner_api.get("/api/integrations")).json()
    (new,) = (await partner_api.get("/api/partner/installations")).json()
    assert (old["id"], new["id"]) == (practice.installation.integration_id, practice.installation.id)
    await partner_api.post(f"/api/partner/installations/{new['id']}/deactivate")
    assert (await partner_api.get(f"/api/integrations/{old['id']}")).json()["status"] == "inactive"
    assert (await partner_api.get(f"/api/partner/installations/{new['id']}")).json()["status"] == "deactivated"
    revived = await partner_api.post(f"/api/partner/installations/{new['id']}/activate")
    assert revived.json()["status"] == "active"


async def test_an_unknown_connection_is_not_found(partner_api: httpx.AsyncClient) -> None:
    assert (await partner_api.get("/api/integrations/int-nobody")).status_code == 404
    assert (await partner_api.post("/api/integrations/int-nobody/activate")).status_code == 404


async def test_newer_routes_need_a_version_unless_switched(app: Controlled, practice: Practice) -> None:
    async with client_of(app, practice.partner.key) as client:
        for path in ("/api/partner/installations", "/api/partner/webhook_endpoints"):
            assert (await client.get(path)).status_code == 404
            assert (await client.get(path, headers={"Hint-Version": "2026-07-01"})).status_code == 200
        practice.switches.version_header_required = False
        assert (await client.get("/api/partner/installations")).status_code == 200


async def test_each_practice_of_a_partner_has_its_own_connection_and_code() -> None:
    partner = Partner(seed=1)
    one, other = Practice(seed=1, partner=partner, name="One"), Practice(seed=2, partner=partner, name="Other")
    async with client_of(create_app(one, other), partner.key) as client:
        body = (await client.post("/api/oauth/tokens", json=exchange(other.new_code()))).json()
        assert (body["practice"]["id"], body["access_token"]) == (other.id, other.token)
        assert len((await client.get("/api/integrations")).json()) == 2


async def test_the_override_of_the_webhook_address_is_kept(partner_api: httpx.AsyncClient, practice: Practice) -> None:
    path = f"/api/integrations/{practice.installation.integration_id}"
    answer = await partner_api.patch(path, json={"webhook_url_override": "https://example.com/hook"})
    assert answer.json()["webhook_url_override"] == "https://example.com/hook"


@pytest.mark.parametrize("wrapped", [True, False])
async def test_the_partner_takes_both_shapes_of_an_update(partner_api: httpx.AsyncClient, wrapped: bool) -> None:
    values = {"webhook_url": "https://example.com/hook"}
    answer = await partner_api.patch("/api/partner", json={"partner": values} if wrapped else values)
    assert answer.json()["webhook_url"] == "https://example.com/hook"
    assert (await partner_api.get("/api/partner")).json() == answer.json()


async def test_the_practice_describes_itself(api: httpx.AsyncClient, practice: Practice) -> None:
    shown = (await api.get("/api/provider/practice")).json()
    assert (shown["id"], shown["name"]) == (practice.id, "Example Family Medicine")
    changed = await api.patch("/api/provider/practice", json={"integration_record_id": "00D1", "id": "mine"})
    assert (changed.json()["integration_record_id"], changed.json()["id"]) == ("00D1", practice.id)


async def test_practitioners_are_listed_and_shown(api: httpx.AsyncClient, practice: Practice) -> None:
    first = practice.add_practitioner("Dr. Roe", email="roe@example.com")
    practice.add_practitioner("Dr. Roe")
    rows = (await api.get("/api/provider/practitioners")).json()
    assert [row["name"] for row in rows] == ["Dr. Roe", "Dr. Roe"]
    assert len({row["id"] for row in rows}) == 2
    shown = (await api.get(f"/api/provider/practitioners/{first}")).json()
    assert (shown["email"], shown["id"].startswith("pct-")) == ("roe@example.com", True)
    assert (await api.get("/api/provider/practitioners/pct-nobody")).status_code == 404


@pytest.mark.parametrize("code", [["x"], {"a": 1}, 5])
async def test_a_code_that_is_no_text_was_never_given_out(partner_api: httpx.AsyncClient, code: object) -> None:
    answer = await partner_api.post("/api/oauth/tokens", json={"grant_type": "authorization_code", "code": code})
    assert message(answer) == (422, "Validation failed: Code is invalid")
