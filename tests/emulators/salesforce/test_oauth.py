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
        ({"grant_type": "refresh_token", "client_id": "consumer-key", "refresh_token": "no"}, "invalid_grant"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
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
