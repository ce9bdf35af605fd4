from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from hintsync.core.errors import FixConfiguration, ReconnectNeeded, RetryLater
from hintsync.replicas.salesforce.auth import ClientCredentials, GivenToken, Grant, JwtBearer, RefreshToken
from hintsync.replicas.salesforce.errors import Rejected
from hintsync_emulators.salesforce import App
from tests.replicas.salesforce.office import ADDRESS, TOKEN, Office


def _pair() -> tuple[str, str]:
    """Return a new private key and its public one, PEM."""
    key = rsa.generate_private_key(65_537, 2_048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), public.decode()


PRIVATE, PUBLIC = _pair()
NEXT_PRIVATE, NEXT_PUBLIC = _pair()
USER = "integration@example.org"
APP = App("key", "hush-hush", run_as=USER, certificate=PUBLIC, rotate=True)
EXPIRED = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    office = Office(apps=[APP])
    yield office
    await office.aclose()


def _grants(office: Office) -> dict[str, Grant]:
    session = office.org.auth.issue(office.org.user_id, "key")
    return {
        "client credentials": ClientCredentials(ADDRESS, "key", "hush-hush"),
        "jwt": JwtBearer(ADDRESS, "key", USER, PRIVATE, office.clock),
        "refresh": RefreshToken(ADDRESS, "key", office.org.auth.issue_refresh(session), client_secret="hush-hush"),
        "given": GivenToken(ADDRESS + "/", TOKEN),
    }


@pytest.mark.parametrize("flow", ["client credentials", "jwt", "refresh", "given"])
async def test_every_flow_yields_a_session_that_works(office: Office, flow: str) -> None:
    client = office.new_client(_grants(office)[flow])
    assert (await client.get("limits", "read the limits")).status == 200


async def test_once_the_app_knows_the_next_certificate_the_waiting_key_signs_in(office: Office) -> None:
    client = office.new_client(JwtBearer(ADDRESS, "key", USER, PRIVATE, office.clock, NEXT_PRIVATE))
    await client.get("limits", "read the limits")
    assert office.faults.counts["oauth.token"] == 1, "the first key does as long as it can"
    office.org.auth.register([replace(APP, certificate=NEXT_PUBLIC)])
    office.org.expire_tokens()
    assert (await client.get("limits", "read the limits")).status == 200


async def test_where_neither_key_is_known_a_reconnect_is_asked_for(office: Office) -> None:
    office.org.auth.register([replace(APP, certificate=None)])
    client = office.new_client(JwtBearer(ADDRESS, "key", USER, PRIVATE, office.clock, NEXT_PRIVATE))
    with pytest.raises(ReconnectNeeded):
        await client.get("limits", "read the limits")


@pytest.mark.parametrize("flow", ["client credentials", "jwt", "refresh"])
async def test_an_expired_session_is_renewed_once_and_nobody_notices(office: Office, flow: str) -> None:
    client = office.new_client(_grants(office)[flow])
    await client.get("limits", "read the limits")
    office.org.expire_tokens()
    assert (await client.get("limits", "read the limits")).status == 200
    assert office.faults.counts["oauth.token"] == 2


async def test_calls_that_find_the_session_expired_together_fetch_one_new_token(office: Office) -> None:
    client = office.new_client(ClientCredentials(ADDRESS, "key", "hush-hush"))
    await client.get("limits", "read the limits")
    office.org.expire_tokens()
    await asyncio.gather(*(client.get("limits", "read the limits") for _ in range(30)))
    assert office.faults.counts["oauth.token"] == 2


async def test_the_first_calls_together_fetch_one_token(office: Office) -> None:
    client = office.new_client(ClientCredentials(ADDRESS, "key", "hush-hush"))
    await asyncio.gather(*(client.get("limits", "read the limits") for _ in range(30)))
    assert office.faults.counts["oauth.token"] == 1


async def test_a_new_session_that_is_refused_too_asks_for_a_reconnect(office: Office) -> None:
    client = office.new_client(ClientCredentials(ADDRESS, "key", "hush-hush"))
    office.fail(401, EXPIRED, match="/limits", times=10)
    with pytest.raises(ReconnectNeeded):
        await client.get("limits", "read the limits")
    assert office.faults.counts["limits"] == 2


async def test_a_given_token_that_is_revoked_asks_for_a_reconnect(office: Office) -> None:
    office.org.expire_tokens()
    with pytest.raises(ReconnectNeeded):
        await office.replica.identify()


@pytest.mark.parametrize(
    "text", ["This session is not valid for use with the REST API", "Connected app is not attached to Agent"]
)
async def test_a_401_that_no_new_token_cures_is_a_matter_of_configuration(office: Office, text: str) -> None:
    client = office.new_client(ClientCredentials(ADDRESS, "key", "hush-hush"))
    office.fail(401, [{"message": text, "errorCode": "INVALID_SESSION_ID"}], match="/limits", times=10)
    with pytest.raises(Rejected):
        await client.get("limits", "read the limits")
    assert office.faults.counts["oauth.token"] == 1


@pytest.mark.parametrize(
    "grant",
    [ClientCredentials(ADDRESS, "key", "wrong"), RefreshToken(ADDRESS, "key", "revoked", client_secret="hush-hush")],
)
async def test_a_refused_credential_asks_for_a_reconnect_and_is_not_tried_again(office: Office, grant: Grant) -> None:
    with pytest.raises(ReconnectNeeded):
        await office.new_client(grant).get("limits", "read the limits")
    assert office.faults.counts["oauth.token"] == 1


async def test_a_busy_login_service_is_asked_again(office: Office) -> None:
    office.fail(503, "busy", match="oauth2/token", times=2)
    office.fail(400, {"error": "unknown_error", "error_description": "retry your request"}, match="oauth2/token")
    client = office.new_client(ClientCredentials(ADDRESS, "key", "hush-hush"))
    assert (await client.get("limits", "read the limits")).status == 200


async def test_a_login_address_that_is_no_token_endpoint_is_named_as_the_problem(office: Office) -> None:
    office.fail(200, "<html>Login</html>", match="oauth2/token")
    with pytest.raises(FixConfiguration, match="login address"):
        await office.new_client(ClientCredentials(ADDRESS, "key", "hush-hush")).get("limits", "read the limits")


async def test_a_login_service_that_stays_silent_is_left_for_later(office: Office) -> None:
    office.lose(match="oauth2/token", carried_out=False, times=99)
    with pytest.raises(RetryLater):
        await office.new_client(ClientCredentials(ADDRESS, "key", "hush-hush")).get("limits", "read the limits")


async def test_a_rotated_refresh_token_is_stored_and_used_the_next_time(office: Office) -> None:
    stored: list[str] = []

    async def store(token: str) -> None:
        stored.append(token)

    first = office.org.auth.issue_refresh(office.org.auth.issue(office.org.user_id, "key"))
    grant = RefreshToken(ADDRESS, "key", first, client_secret="hush-hush", on_rotated=store)
    await grant.new_session(office.http)
    await grant.new_session(office.http)
    assert len({first, *stored}) == 3
    assert stored[-1] in office.org.auth.refresh


async def test_secrets_stay_out_of_reprs_and_messages(office: Office) -> None:
    session = await GivenToken(ADDRESS, TOKEN).new_session(httpx.AsyncClient())
    shown = [repr(session), *map(repr, _grants(office).values())]
    office.org.expire_tokens()
    with pytest.raises(ReconnectNeeded) as raised:
        await office.replica.identify()
    shown += [str(raised.value), repr(raised.value)]
    assert not [text for text in shown if "invented" in text or "hush" in text or "PRIVATE" in text or "5Aep" in text]


@pytest.mark.parametrize("flow", ["client credentials", "jwt", "refresh", "given"])
async def test_t22_a_revoked_session_opens_nothing_and_is_revoked_again_without_harm(office: Office, flow: str) -> None:
    client = office.new_client(_grants(office)[flow])
    session = await client.sessions.session()
    await client.sessions.revoke()
    assert office.org.auth.session(session.access_token) is None
    await client.sessions.revoke()


async def test_t22_an_end_of_a_session_that_is_not_acknowledged_is_to_be_tried_again(office: Office) -> None:
    client = office.new_client(ClientCredentials(ADDRESS, "key", "hush-hush"))
    office.fail(503, match="/revoke")
    with pytest.raises(RetryLater, match="503"):
        await client.sessions.revoke()
    office.lose(match="/revoke", carried_out=True)
    with pytest.raises(RetryLater, match="no answer"):
        await client.sessions.revoke()
    await client.sessions.revoke()
