"""The web server flow: a page, a code, PKCE, an id_token."""

from __future__ import annotations

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from hintsync_emulators.salesforce import App, ManualClock, Org
from hintsync_emulators.salesforce.steering import OrgSteering

BACK = "https://hintsync.example/oauth/salesforce"
USERNAME = "integration@example.org"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123456789"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
URL = "/services/oauth2/authorize"
ASKED = {
    "response_type": "code",
    "client_id": "web",
    "redirect_uri": BACK,
    "state": "tab 1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
EXCHANGE = {
    "grant_type": "authorization_code",
    "client_id": "web",
    "client_secret": "web-secret",
    "redirect_uri": BACK,
    "code_verifier": VERIFIER,
}


@pytest.fixture(autouse=True)
def web(org: Org) -> App:
    app = App("web", "web-secret", scope="api openid refresh_token", redirect_uris=(BACK, f"{BACK}?org=1"))
    org.auth.register([app])
    return app


async def _agree(client: httpx.AsyncClient, **changes: str) -> dict[str, str]:
    """Press the button as a person would: on the form that the page holds; the second time they are logged in."""
    page = await client.get(URL, params={**ASKED, **changes})
    action = re.search(rf'action="({URL}[^"]+)"', page.text)
    user = re.search(r"<option[^>]*>([^<]+)</option>", page.text)
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert action is not None
    assert csrf is not None
    form = {"csrf": csrf[1], "decision": "allow"} | ({} if user is None else {"username": user[1]})
    answer = await client.post(action[1].replace("&amp;", "&"), data=form)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def _exchange(client: httpx.AsyncClient, **changes: str) -> httpx.Response:
    return await client.post("/services/oauth2/token", data={**EXCHANGE, **changes})


async def test_a_person_agrees_and_the_app_gets_tokens(outside: httpx.AsyncClient, org: Org) -> None:
    back = await _agree(outside)
    assert set(back) == {"code", "state"}
    assert back["state"] == "tab 1"
    body = (await _exchange(outside, code=back["code"])).json()
    assert set(body) == {
        "access_token",
        "refresh_token",
        "id_token",
        "signature",
        "scope",
        "instance_url",
        "id",
        "token_type",
        "issued_at",
    }
    assert body["scope"] == "api openid refresh_token"
    headers = {"Authorization": f"Bearer {body['access_token']}"}
    assert (await outside.get("/services/data/v64.0/limits", headers=headers)).status_code == 200
    form = {"grant_type": "refresh_token", "client_id": "web", "client_secret": "web-secret"}
    again = await outside.post("/services/oauth2/token", data={**form, "refresh_token": body["refresh_token"]})
    assert (again.status_code, "refresh_token" in again.json()) == (200, False)


async def test_the_id_token_verifies_against_the_published_key(
    outside: httpx.AsyncClient, clock: ManualClock, org: Org
) -> None:
    back = await _agree(outside, nonce="n-1")
    body = (await _exchange(outside, code=back["code"])).json()
    keys = (await outside.get("/id/keys")).json()["keys"]
    header = jwt.get_unverified_header(body["id_token"])
    key = next(one for one in keys if one["kid"] == header["kid"])
    # The org's clock stands in another year than the verifier's, so the moment is compared by hand.
    claims = jwt.decode(
        body["id_token"],
        jwt.PyJWK(key).key,
        algorithms=["RS256"],
        audience="web",
        issuer="http://emulated",
        options={"verify_exp": False, "verify_iat": False},
    )
    assert claims["sub"] == f"http://emulated/id/{org.org_id}/{org.user_id}"
    assert (claims["nonce"], claims["iat"]) == ("n-1", int(clock().timestamp()))
    left = hashlib.sha256(body["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(left).rstrip(b"=").decode()


async def test_a_snapshot_keeps_codes_and_the_key(outside: httpx.AsyncClient, org: Org) -> None:
    code = (await _agree(outside))["code"]
    keys = (await outside.get("/id/keys")).json()
    steering = OrgSteering(org)
    taken = steering.snapshot()
    assert (await _exchange(outside, code=code)).status_code == 200
    steering.restore(taken)
    assert (await _exchange(outside, code=code)).status_code == 200
    assert (await outside.get("/id/keys")).json() == keys


async def test_scopes_narrow_what_is_given(outside: httpx.AsyncClient) -> None:
    back = await _agree(outside, scope="api")
    body = (await _exchange(outside, code=back["code"])).json()
    assert (body["scope"], "refresh_token" in body, "id_token" in body) == ("api", False, False)


async def test_a_code_is_good_once(outside: httpx.AsyncClient) -> None:
    code = (await _agree(outside))["code"]
    assert (await _exchange(outside, code=code)).status_code == 200
    again = await _exchange(outside, code=code)
    assert again.json() == {"error": "invalid_grant", "error_description": "invalid authorization code"}


async def test_a_code_is_good_for_fifteen_minutes(outside: httpx.AsyncClient, clock: ManualClock) -> None:
    code = (await _agree(outside))["code"]
    clock.advance(901)
    answer = await _exchange(outside, code=code)
    assert answer.json() == {"error": "invalid_grant", "error_description": "expired authorization code"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "another-verifier-of-forty-three-characters-00000"}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": f"{BACK}?org=1"}, "redirect_uri_mismatch"),
        ({"redirect_uri": ""}, "redirect_uri_mismatch"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "unknown"}, "invalid_client_id"),
        ({"client_id": "other", "client_secret": "other-secret"}, "invalid_grant"),
        ({"code": "made-up"}, "invalid_grant"),
    ],
)
async def test_an_exchange_that_does_not_fit_its_code_is_refused(
    outside: httpx.AsyncClient, org: Org, changes: dict[str, str], error: str
) -> None:
    org.auth.register([App("other", "other-secret", redirect_uris=(BACK,))])
    code = (await _agree(outside))["code"]
    answer = await _exchange(outside, **{"code": code, **changes})
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_a_challenge_that_no_verifier_can_have_made_is_no_match(outside: httpx.AsyncClient) -> None:
    code = (await _agree(outside, code_challenge="ü" * 43))["code"]
    assert (await _exchange(outside, code=code)).json()["error"] == "invalid_grant"


async def test_the_secret_is_needed_unless_the_app_is_public(outside: httpx.AsyncClient, org: Org) -> None:
    form = {name: value for name, value in EXCHANGE.items() if name != "client_secret"}
    kept = await outside.post("/services/oauth2/token", data={**form, "code": (await _agree(outside))["code"]})
    assert kept.json()["error"] == "invalid_client"
    org.auth.register([App("web", "web-secret", redirect_uris=(BACK,), requires_secret=False)])
    public = await outside.post("/services/oauth2/token", data={**form, "code": (await _agree(outside))["code"]})
    assert public.status_code == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "unknown"}, "invalid_client_id"),
        ({"redirect_uri": f"{BACK}/"}, "redirect_uri_mismatch"),
        ({"redirect_uri": "https://elsewhere.example/steal"}, "redirect_uri_mismatch"),
        ({"redirect_uri": ""}, "invalid_request"),
    ],
)
async def test_nobody_is_sent_to_an_address_that_the_app_did_not_list(
    outside: httpx.AsyncClient, changes: dict[str, str], error: str
) -> None:
    for answer in (
        await outside.get(URL, params={**ASKED, **changes}),
        await outside.post(URL, params={**ASKED, **changes}, data={"username": USERNAME, "decision": "allow"}),
    ):
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert parse_qs(answer.text)["error"] == [error]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "telepathy"}, "unsupported_response_type"),
        ({"scope": "api full"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"prompt": "none"}, "immediate_unsuccessful"),
    ],
)
async def test_other_refusals_go_back_to_the_app(
    outside: httpx.AsyncClient, changes: dict[str, str], error: str
) -> None:
    answer = await outside.get(URL, params={**ASKED, **changes})
    assert answer.status_code == 302
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (back["error"], back["state"]) == ([error], ["tab 1"])


async def test_pkce_can_be_made_a_duty(outside: httpx.AsyncClient, org: Org) -> None:
    without = {name: value for name, value in ASKED.items() if not name.startswith("code_")}
    assert (await outside.get(URL, params=without)).status_code == 200
    org.auth.register([App("web", "web-secret", redirect_uris=(BACK,), requires_pkce=True)])
    answer = await outside.get(URL, params=without)
    assert parse_qs(urlsplit(answer.headers["location"]).query)["error"] == ["invalid_request"]


async def test_a_person_may_say_no(outside: httpx.AsyncClient) -> None:
    asked = {**ASKED, "redirect_uri": f"{BACK}?org=1"}
    answer = await outside.post(URL, params=asked, data={"username": USERNAME, "decision": "deny"})
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (back["org"], back["error"], back["state"]) == (["1"], ["access_denied"], ["tab 1"])


async def test_only_approved_users_can_agree_where_there_is_a_list(outside: httpx.AsyncClient, org: Org) -> None:
    org.auth.register([App("web", "web-secret", redirect_uris=(BACK,), approved=frozenset())])
    answer = await outside.post(URL, params=ASKED, data={"username": USERNAME, "decision": "allow"})
    back = parse_qs(urlsplit(answer.headers["location"]).query)
    assert back["error"] == ["OAUTH_APPROVAL_ERROR_GENERIC"]


async def test_the_page_shows_what_was_asked_for_as_text(outside: httpx.AsyncClient, org: Org) -> None:
    org.insert("User", {"LastName": "<Admin>", "Username": "<admin>@example.org", "Email": "a@example.org"})
    page = await outside.get(URL, params={**ASKED, "state": '"><script>', "login_hint": "<admin>@example.org"})
    assert page.headers["content-type"].startswith("text/html")
    assert "<option selected>&lt;admin&gt;@example.org</option>" in page.text
    assert "<script>" not in page.text


async def test_who_is_logged_in_is_asked_only_for_consent(outside: httpx.AsyncClient, org: Org) -> None:
    other = org.insert("User", {"LastName": "Other", "Username": "other@example.org", "Email": "o@example.org"})
    form = {"username": "other@example.org", "decision": "allow"}
    first = await outside.post(URL, params=ASKED, data=form)
    assert "HttpOnly" in first.headers["set-cookie"]
    page = await outside.get(URL, params=ASKED)
    assert "<option" not in page.text
    assert "other@example.org" in page.text
    body = (await _exchange(outside, code=(await _agree(outside))["code"])).json()
    assert body["id"].endswith(other)


async def test_somebody_else_can_be_chosen_all_the_same(outside: httpx.AsyncClient, org: Org) -> None:
    org.insert("User", {"LastName": "Other", "Username": "other@example.org", "Email": "o@example.org"})
    await outside.post(URL, params=ASKED, data={"username": "other@example.org", "decision": "allow"})
    back = await _agree(outside, prompt="login")
    assert (await _exchange(outside, code=back["code"])).json()["id"].endswith(org.user_id)


async def test_no_other_site_can_press_the_button_of_who_is_logged_in(outside: httpx.AsyncClient) -> None:
    await _agree(outside)
    for headers in ({}, {"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await outside.post(URL, params=ASKED, data={"decision": "allow"}, headers=headers)
        assert (answer.status_code, "location" in answer.headers) == (200, False)


async def test_no_other_site_can_choose_a_user(outside: httpx.AsyncClient) -> None:
    form = {"username": USERNAME, "decision": "allow"}
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await outside.post(URL, params=ASKED, data=form, headers=headers)
        assert (answer.status_code, "location" in answer.headers) == (200, False)


async def test_the_page_lets_its_form_lead_on_to_the_app_alone(outside: httpx.AsyncClient) -> None:
    policy = (await outside.get(URL, params=ASKED)).headers["content-security-policy"]
    assert "form-action 'self' https://hintsync.example;" in policy
