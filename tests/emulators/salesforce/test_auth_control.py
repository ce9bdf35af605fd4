"""Steering who may call, and a user's password through the API."""

from __future__ import annotations

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org

USERNAME = "integration@example.org"


async def _token(client: httpx.AsyncClient, **form: str) -> httpx.Response:
    return await client.post("/services/oauth2/token", data=form)


async def test_an_app_is_registered_from_outside(outside: httpx.AsyncClient, org: Org) -> None:
    body = {"client_secret": "s", "run_as": USERNAME, "redirect_uris": ["http://localhost/back"], "rotate": True}
    assert (await outside.put("/_control/apps/new", json=body)).status_code == 204
    answer = await _token(outside, grant_type="client_credentials", client_id="new", client_secret="s")
    assert answer.status_code == 200
    assert (org.auth.apps["new"].redirect_uris, org.auth.apps["new"].rotate) == (("http://localhost/back",), True)


@pytest.mark.parametrize(
    "body",
    [
        {"run_as": USERNAME},
        {"client_secret": 1},
        {"client_secret": "s", "rotate": "yes"},
        {"client_secret": "s", "redirect_uris": "http://localhost"},
        {"client_secret": "s", "color": "red"},
    ],
)
async def test_an_app_that_makes_no_sense_is_refused(
    outside: httpx.AsyncClient, org: Org, body: dict[str, object]
) -> None:
    assert (await outside.put("/_control/apps/new", json=body)).status_code == 400
    assert "new" not in org.auth.apps


async def test_sessions_get_a_lifetime_and_lose_it_again(
    outside: httpx.AsyncClient, api: httpx.AsyncClient, clock: ManualClock
) -> None:
    assert (await outside.put("/_control/sessions", json={"lifetime": 60})).status_code == 204
    clock.advance(59)
    assert (await api.get("/limits")).status_code == 200
    assert (await outside.put("/_control/sessions", json={"lifetime": None})).status_code == 204
    clock.advance(9999)
    assert (await api.get("/limits")).status_code == 200
    for nonsense in (0, "soon", True):
        assert (await outside.put("/_control/sessions", json={"lifetime": nonsense})).status_code == 400


async def test_every_refresh_token_is_forgotten(outside: httpx.AsyncClient, org: Org) -> None:
    org.auth.issue_refresh(org.auth.issue(org.user_id, "web"))
    assert (await outside.delete("/_control/refresh-tokens")).json() == {"forgotten": 1}
    assert org.auth.refresh == {}


async def test_a_password_is_set_looked_at_and_replaced(
    outside: httpx.AsyncClient, api: httpx.AsyncClient, org: Org
) -> None:
    await outside.put("/_control/passwords", json={USERNAME: "first-one"})
    assert org.auth.check_password(USERNAME, "first-one")
    url = f"/sobjects/User/{org.user_id}/password"
    assert (await api.get(url)).json() == {"isExpired": False}
    assert (await api.post(url, json={"NewPassword": "second-one"})).status_code == 204
    assert (org.auth.check_password(USERNAME, "first-one"), org.auth.check_password(USERNAME, "second-one")) == (
        False,
        True,
    )
    made = (await api.delete(url)).json()["NewPassword"]
    assert org.auth.check_password(USERNAME, made)
    short = await api.post(url, json={"NewPassword": "short"})
    assert short.json()[0]["errorCode"] == "INVALID_NEW_PASSWORD"
    assert (await api.get("/sobjects/User/005000000000000AAA/password")).status_code == 404
