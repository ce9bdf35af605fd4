"""Tokens for grants, and who a token stands for."""

from __future__ import annotations

import base64
import datetime as dt
import json

import httpx
import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from hintsync_emulators.salesforce import App, ManualClock, Org

USERNAME = "integration@example.org"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def _certificate() -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "emulated")])
    start = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(KEY.public_key())
    dated = built.serial_number(1).not_valid_before(start).not_valid_after(start + dt.timedelta(days=3650))
    return dated.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def _public_key() -> str:
    kind = serialization.PublicFormat.SubjectPublicKeyInfo
    return KEY.public_key().public_bytes(serialization.Encoding.PEM, kind).decode()


@pytest.fixture
def app_of_org(org: Org) -> App:
    app = App("consumer-key", "consumer-secret", run_as=USERNAME, certificate=_certificate())
    org.auth.register([app])
    return app


async def _token(client: httpx.AsyncClient, **form: str) -> httpx.Response:
    return await client.post("/services/oauth2/token", data=form)


async def test_client_credentials_work_in_the_body_and_as_basic(outside: httpx.AsyncClient, app_of_org: App) -> None:
    in_body = await _token(
        outside, grant_type="client_credentials", client_id="consumer-key", client_secret="consumer-secret"
    )
    basic = base64.b64encode(b"consumer-key:consumer-secret").decode()
    as_basic = await outside.post(
        "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        headers={"Authorization": f"Basic {basic}"},
    )
    for answer in (in_body, as_basic):
        token = answer.json()["access_token"]
        good = await outside.get("/services/data/v64.0/limits", headers={"Authorization": f"Bearer {token}"})
        assert good.status_code == 200


async def test_the_token_answer_has_the_shape_that_clients_take_apart(
    outside: httpx.AsyncClient, app_of_org: App, org: Org
) -> None:
    answer = await _token(
        outside, grant_type="client_credentials", client_id="consumer-key", client_secret="consumer-secret"
    )
    body = answer.json()
    assert set(body) == {"access_token", "signature", "scope", "instance_url", "id", "token_type", "issued_at"}
    assert body["access_token"].startswith(f"{org.org_id[:15]}!")
    assert body["id"] == f"http://emulated/id/{org.org_id}/{org.user_id}"
    assert body["instance_url"] == "http://emulated"
    assert (body["token_type"], body["issued_at"].isdigit(), len(body["issued_at"])) == ("Bearer", True, 13)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "x", "client_secret": "y"}, "invalid_client_id"),
        ({"grant_type": "client_credentials", "client_id": "consumer-key", "client_secret": "y"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "consumer-key"}, "invalid_client"),
        ({"grant_type": "refresh_token", "client_id": "consumer-key", "refresh_token": "no"}, "invalid_client"),
        (
            {"grant_type": "refresh_token", "client_id": "consumer-key", "client_secret": "consumer-secret"},
            "invalid_grant",
        ),
        ({"grant_type": "password"}, "invalid_client_id"),
        ({"grant_type": "device"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "format": "xml"}, "invalid_request"),
        ({"grant_type": "telepathy"}, "unsupported_grant_type"),
        ({}, "unsupported_grant_type"),
        ({"grant_type": JWT, "assertion": "a.b.c"}, "invalid_grant"),
        ({"grant_type": JWT, "assertion": "nonsense"}, "invalid_grant"),
    ],
)
async def test_refusals_speak_oauth_not_rest(
    outside: httpx.AsyncClient, app_of_org: App, form: dict[str, str], error: str
) -> None:
    answer = await _token(outside, **form)
    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert set(answer.json()) == {"error", "error_description"}


def _assertion(clock: ManualClock, **changes: object) -> str:
    soon = int(clock().timestamp()) + 180
    claims = {"iss": "consumer-key", "sub": USERNAME, "aud": "https://login.salesforce.com", "exp": soon, **changes}
    return jwt.encode(claims, KEY, algorithm="RS256")


@pytest.mark.parametrize("aud", ["https://login.salesforce.com", "https://test.salesforce.com/", "http://emulated/"])
@pytest.mark.parametrize("exp", ["seconds", "text", "milliseconds"])
async def test_jwt_takes_the_claims_that_real_clients_send(
    outside: httpx.AsyncClient, app_of_org: App, clock: ManualClock, aud: str, exp: str
) -> None:
    soon = int(clock().timestamp()) + 180
    spelt = {"seconds": soon, "text": str(soon), "milliseconds": soon * 1000}[exp]
    # PyJWT checks exp on encoding in no way, so any spelling passes through it.
    header = base64.urlsafe_b64encode(json.dumps({"alg": "RS256"}).encode()).rstrip(b"=").decode()
    claims = {"iss": "consumer-key", "sub": USERNAME, "aud": aud, "exp": spelt}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    algorithm = jwt.get_algorithm_by_name("RS256")
    signature = base64.urlsafe_b64encode(algorithm.sign(f"{header}.{body}".encode(), KEY)).rstrip(b"=").decode()
    answer = await _token(outside, grant_type=JWT, assertion=f"{header}.{body}.{signature}")
    assert answer.status_code == 200
    assert "refresh_token" not in answer.json()


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1_000_000_000},
        {"exp": "nan"},
        {"exp": "inf"},
        {"aud": "https://elsewhere.example"},
        {"sub": "stranger@example.org"},
        {"iss": "other-key"},
    ],
)
async def test_jwt_is_refused_for_wrong_claims(
    outside: httpx.AsyncClient, app_of_org: App, clock: ManualClock, changes: dict[str, object]
) -> None:
    answer = await _token(outside, grant_type=JWT, assertion=_assertion(clock, **changes))
    assert (answer.status_code, "access_token" in answer.json()) == (400, False)


async def test_jwt_is_refused_for_a_signature_of_another_key(
    outside: httpx.AsyncClient, app_of_org: App, clock: ManualClock
) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    soon = int(clock().timestamp()) + 180
    claims = {"iss": "consumer-key", "sub": USERNAME, "aud": "http://emulated", "exp": soon}
    answer = await _token(outside, grant_type=JWT, assertion=jwt.encode(claims, other, algorithm="RS256"))
    assert answer.json()["error"] == "invalid_grant"


async def test_a_public_key_serves_as_well_as_a_certificate(
    outside: httpx.AsyncClient, org: Org, clock: ManualClock
) -> None:
    org.auth.register([App("consumer-key", "s", certificate=_public_key())])
    assert (await _token(outside, grant_type=JWT, assertion=_assertion(clock))).status_code == 200


async def test_a_user_who_is_not_approved_gets_no_jwt_token(
    outside: httpx.AsyncClient, org: Org, clock: ManualClock
) -> None:
    org.auth.register([App("consumer-key", "s", certificate=_public_key(), approved=frozenset())])
    answer = await _token(outside, grant_type=JWT, assertion=_assertion(clock))
    assert answer.json()["error_description"] == "user hasn't approved this consumer"


@pytest.mark.parametrize("rotate", [False, True])
async def test_refresh_gives_a_new_token_and_a_new_refresh_token_only_with_rotation(
    outside: httpx.AsyncClient, org: Org, rotate: bool
) -> None:
    org.auth.register([App("web", "s", rotate=rotate)])
    old = org.auth.issue_refresh(org.auth.issue(org.user_id, "web"))
    form = {"grant_type": "refresh_token", "client_id": "web", "client_secret": "s", "refresh_token": old}
    answer = (await _token(outside, **form)).json()
    assert ("refresh_token" in answer) is rotate
    again = await _token(outside, **form)
    assert again.status_code == (400 if rotate else 200)


async def test_a_refresh_token_used_twice_ends_all_that_its_app_holds(outside: httpx.AsyncClient, org: Org) -> None:
    org.auth.register([App("web", "s", rotate=True)])
    first = org.auth.issue_refresh(org.auth.issue(org.user_id, "web"))
    form = {"grant_type": "refresh_token", "client_id": "web", "client_secret": "s"}
    second = (await _token(outside, **form, refresh_token=first)).json()
    bystander = org.issue_token()
    again = await _token(outside, **form, refresh_token=first)
    assert (again.json()["error"], again.status_code) == ("invalid_grant", 400)
    thief = await _token(outside, **form, refresh_token=second["refresh_token"])
    assert thief.json()["error"] == "invalid_grant"
    assert org.auth.session(second["access_token"]) is None
    assert org.auth.session(bystander) is not None


async def test_revoking_a_refresh_token_ends_the_sessions_of_its_user_and_app(
    outside: httpx.AsyncClient, org: Org
) -> None:
    session = org.auth.issue(org.user_id, "web")
    refresh, other = org.auth.issue_refresh(session), org.issue_token()
    assert (await outside.get("/services/oauth2/revoke", params={"token": refresh})).status_code == 200
    assert org.auth.session(session.token) is None
    assert org.auth.session(other) is not None
    again = await outside.post("/services/oauth2/revoke", data={"token": refresh})
    assert (again.status_code, again.json()["error"]) == (400, "unsupported_token_type")


async def test_revoking_ends_a_session(outside: httpx.AsyncClient, org: Org) -> None:
    token = org.issue_token()
    headers = {"Authorization": f"Bearer {token}"}
    assert (await outside.get("/services/oauth2/userinfo", headers=headers)).status_code == 200
    assert (await outside.post("/services/oauth2/revoke", data={"token": token})).status_code == 200
    answer = await outside.get("/services/oauth2/userinfo", headers=headers)
    assert (answer.status_code, answer.text) == (403, "Bad_OAuth_Token")


async def test_userinfo_and_the_identity_url_name_the_same_user(outside: httpx.AsyncClient, org: Org) -> None:
    headers = {"Authorization": f"Bearer {org.issue_token()}"}
    info = (await outside.get("/services/oauth2/userinfo", headers=headers)).json()
    assert (info["user_id"], info["organization_id"]) == (org.user_id, org.org_id)
    assert info["preferred_username"] == USERNAME
    who = (await outside.get(info["sub"], headers=headers)).json()
    assert (who["user_id"], who["username"], who["id"]) == (org.user_id, USERNAME, info["sub"])


async def test_the_list_of_resources_leads_to_the_identity_url(api: httpx.AsyncClient, org: Org) -> None:
    listing = (await api.get("/")).json()
    assert listing["identity"] == f"http://emulated/id/{org.org_id}/{org.user_id}"
    assert listing["query"] == "/services/data/v64.0/query"


async def test_introspection_tells_an_app_of_its_own_tokens_only(
    outside: httpx.AsyncClient, app_of_org: App, org: Org, clock: ManualClock
) -> None:
    org.auth.register([App("other", "other-secret")])
    session = org.auth.issue(org.user_id, "consumer-key", scope="api")
    refresh = org.auth.issue_refresh(session)
    basic = {"Authorization": f"Basic {base64.b64encode(b'consumer-key:consumer-secret').decode()}"}
    url = "/services/oauth2/introspect"
    own = (await outside.post(url, data={"token": session.token}, headers=basic)).json()
    assert own == {
        "active": True,
        "scope": "api",
        "client_id": "consumer-key",
        "username": USERNAME,
        "sub": f"http://emulated/id/{org.org_id}/{org.user_id}",
        "token_type": "access_token",
        "iat": int(clock().timestamp()),
        "nbf": int(clock().timestamp()),
    }
    kept = (await outside.post(url, data={"token": refresh}, headers=basic)).json()
    assert (kept["active"], kept["token_type"]) == (True, "refresh_token")
    theirs = {"token": session.token, "client_id": "other", "client_secret": "other-secret"}
    assert (await outside.post(url, data=theirs)).json() == {"active": False}
    assert (await outside.post(url, data={"token": "x"}, headers=basic)).json() == {"active": False}
    assert (await outside.post(url, data={"token": session.token})).json()["error"] == "invalid_client_id"


async def test_a_session_ends_by_itself_once_it_has_a_lifetime(
    outside: httpx.AsyncClient, org: Org, clock: ManualClock
) -> None:
    org.auth.lifetime = 7200
    headers = {"Authorization": f"Bearer {org.issue_token()}"}
    woken: list[bool] = []
    org.auth.watchers.add(lambda: woken.append(True))
    clock.advance(7199)
    assert (await outside.get("/services/data/v64.0/limits", headers=headers)).status_code == 200
    clock.advance(1)
    answer = await outside.get("/services/data/v64.0/limits", headers=headers)
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    assert woken == [True]


async def test_an_inactive_user_gets_no_token(outside: httpx.AsyncClient, app_of_org: App, org: Org) -> None:
    org.update("User", org.user_id, {"IsActive": False})
    credentials = {"client_id": "consumer-key", "client_secret": "consumer-secret"}
    answer = await _token(outside, grant_type="client_credentials", **credentials)
    assert (answer.status_code, answer.json()["error"]) == (400, "inactive_user")


async def test_discovery_names_the_endpoints_that_answer(outside: httpx.AsyncClient) -> None:
    found = (await outside.get("/.well-known/openid-configuration")).json()
    assert found["issuer"] == "http://emulated"
    assert found["token_endpoint"] == "http://emulated/services/oauth2/token"
    assert (await outside.get(found["jwks_uri"])).json()["keys"][0]["kty"] == "RSA"
    for name in ("authorization_endpoint", "introspection_endpoint", "revocation_endpoint", "userinfo_endpoint"):
        assert (await outside.post(found[name])).status_code in (400, 403)
    left_out = await outside.post(found["registration_endpoint"], json={})
    assert (left_out.status_code, left_out.json()[0]["errorCode"]) == (501, "NOT_EMULATED")


async def test_userinfo_shows_an_active_user_with_an_alias(outside: httpx.AsyncClient, org: Org) -> None:
    headers = {"Authorization": f"Bearer {org.issue_token()}"}
    info = (await outside.get("/services/oauth2/userinfo", headers=headers)).json()
    assert (info["active"], info["nickname"], info["zoneinfo"]) == (True, "emulated", "GMT")
