"""Keys and tokens: who may call what."""

import httpx
import pytest

from hintsync_emulators.control import Controlled
from hintsync_emulators.hint import Partner, Practice, create_app

from .conftest import client_of, message

PATIENTS = "/api/provider/patients"


@pytest.mark.parametrize("credential", [None, "nonsense", ""])
async def test_no_key_or_a_bad_one_is_unauthorized(app: Controlled, credential: str | None) -> None:
    async with client_of(app, credential) as client:
        assert (await client.get(PATIENTS)).status_code == 401
        assert (await client.get("/api/integrations")).status_code == 401


async def test_basic_with_the_token_as_user_name_works_like_bearer(app: Controlled, practice: Practice) -> None:
    async with client_of(app, None) as client:
        assert (await client.get(PATIENTS, auth=(practice.token, ""))).status_code == 200
        assert (await client.get("/api/integrations", auth=(practice.partner.key, ""))).status_code == 200
        assert (await client.get(PATIENTS, auth=("nonsense", ""))).status_code == 401
        broken = await client.get(PATIENTS, headers={"Authorization": "Basic ***"})
        assert broken.status_code == 401


async def test_the_partner_key_does_not_open_a_practice(partner_api: httpx.AsyncClient) -> None:
    assert message(await partner_api.get(PATIENTS)) == (428, "This action requires a Practice")


async def test_a_practice_token_does_not_open_the_partners_routes(api: httpx.AsyncClient) -> None:
    assert message(await api.get("/api/integrations")) == (403, "Access forbidden.")


async def test_a_revoked_token_is_unauthorized_until_a_code_brings_a_new_one(
    api: httpx.AsyncClient, partner_api: httpx.AsyncClient, practice: Practice
) -> None:
    practice.revoke_token()
    assert message(await api.get(PATIENTS)) == (401, "Unauthorized")
    with pytest.raises(LookupError):
        _ = practice.token
    body = {"grant_type": "authorization_code", "code": practice.new_code()}
    token = (await partner_api.post("/api/oauth/tokens", json=body)).json()["access_token"]
    assert token == practice.token
    api.headers["Authorization"] = f"Bearer {token}"
    assert (await api.get(PATIENTS)).status_code == 200


async def test_a_deactivated_connection_closes_its_token(
    api: httpx.AsyncClient, partner_api: httpx.AsyncClient, practice: Practice
) -> None:
    connection = practice.installation.integration_id
    assert (await partner_api.post(f"/api/integrations/{connection}/deactivate")).json()["status"] == "inactive"
    assert (await api.get(PATIENTS)).status_code == 401
    await partner_api.post(f"/api/integrations/{connection}/activate")
    assert (await api.get(PATIENTS)).status_code == 200


async def test_the_token_works_while_the_connection_is_pending() -> None:
    practice = Practice(status="pending")
    async with client_of(create_app(practice), practice.token) as client:
        assert (await client.get(PATIENTS)).status_code == 200


async def test_a_token_sees_its_own_practice_only() -> None:
    partner = Partner(seed=1)
    one, other = Practice(seed=1, partner=partner), Practice(seed=2, partner=partner)
    patient_id = one.create_patient(first_name="Ada", last_name="Moor")
    app = create_app(one, other)
    async with client_of(app, other.token) as client:
        assert (await client.get(PATIENTS)).json() == []
        assert (await client.get(f"{PATIENTS}/{patient_id}")).status_code == 404
    async with client_of(app, one.token) as client:
        assert (await client.get(f"{PATIENTS}/{patient_id}")).status_code == 200


def test_practices_of_different_partners_cannot_be_served_together() -> None:
    with pytest.raises(ValueError, match="share one partner"):
        create_app(Practice(seed=1), Practice(seed=2))
    with pytest.raises(ValueError, match="at least one practice"):
        create_app()


async def test_what_is_not_emulated_says_so_by_name(api: httpx.AsyncClient, app: Controlled) -> None:
    answer = await api.get("/api/provider/companies?limit=5")
    assert message(answer) == (501, "not emulated: GET /api/provider/companies")
    assert message(await api.post("/api/provider/practice")) == (501, "not emulated: POST /api/provider/practice")
    assert app.faults.counts == {"not_emulated": 2}


def test_seeds_decide_every_id_and_secret() -> None:
    one, same, other = Practice(seed=3), Practice(seed=3), Practice(seed=4)
    assert (one.id, one.token, one.partner.key) == (same.id, same.token, same.partner.key)
    assert one.token != other.token
    assert one.create_patient(first_name="A", last_name="B") == same.create_patient(first_name="A", last_name="B")


def test_a_sandbox_puts_its_mark_on_every_id_and_key() -> None:
    practice = Practice(seed=3, sandbox=True)
    patient_id = practice.create_patient(first_name="A", last_name="B")
    assert patient_id.startswith("sbx-pat-")
    assert practice.token.startswith("sbx-")
    assert practice.id.startswith("sbx-pra-")
