"""Sessions with an org: the grants that yield access tokens, and one token shared by all calls."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import httpx
import orjson

from hintsync.core.errors import FixConfiguration, ReconnectNeeded, RetryLater
from hintsync.core.values import Side
from hintsync.ports import Clock
from hintsync.replicas.salesforce.assertion import jwt_assertion

TOKEN_PATH = "/services/oauth2/token"
REVOKE_PATH = "/services/oauth2/revoke"
_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
#: OAuth errors that pass by themselves: the login service is busy.
_PASSING = frozenset({"unknown_error", "temporarily_unavailable", "server_error", "login_rate_exceeded"})


@dataclass(frozen=True, slots=True)
class Session:
    """An access token and the host it is good for."""

    #: Such as `https://acme.my.salesforce.com`; without a slash at the end.
    instance_url: str
    access_token: str = field(repr=False)


class Grant(Protocol):
    """A way to get an access token."""

    async def new_session(self, http: httpx.AsyncClient) -> Session:
        """Ask the org for a session.

        Raises:
            ReconnectNeeded: the credential was refused.
            RetryLater: the login service did not answer or is busy.
        """
        ...


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The client credentials flow: every token is the app's run-as user."""

    #: The org's My Domain address; login.salesforce.com does not serve this flow.
    login_url: str
    client_id: str
    client_secret: str = field(repr=False)

    async def new_session(self, http: httpx.AsyncClient) -> Session:
        """Ask with the app's key and secret."""
        form = {"grant_type": "client_credentials", "client_id": self.client_id, "client_secret": self.client_secret}
        return _session(await _ask(http, self.login_url, form))


@dataclass(frozen=True, slots=True)
class JwtBearer:
    """The JWT bearer flow: a certificate at the app, a user who is approved for it beforehand."""

    #: My Domain address, or login.salesforce.com / test.salesforce.com.
    login_url: str
    client_id: str
    username: str
    #: RSA key in PEM, without a password.
    private_key: str = field(repr=False)
    clock: Clock = field(repr=False)
    #: A key that is to take its place, tried when the app refuses the first; empty: there is none.
    waiting_key: str = field(default="", repr=False)
    #: The assertion's `aud`; the login address where it is empty.
    audience: str = ""

    async def new_session(self, http: httpx.AsyncClient) -> Session:
        """Ask with an assertion that is good for three minutes."""
        try:
            return await self._signed_in(http, self.private_key)
        except ReconnectNeeded:
            if not self.waiting_key:
                raise
        return await self._signed_in(http, self.waiting_key)

    async def _signed_in(self, http: httpx.AsyncClient, key: str) -> Session:
        audience = self.audience or self.login_url.rstrip("/")
        assertion = jwt_assertion(key, self.client_id, self.username, audience, self.clock.now())
        return _session(await _ask(http, self.login_url, {"grant_type": _JWT_BEARER, "assertion": assertion}))


class RefreshToken:
    """The refresh token of an authorization that a person gave once."""

    def __init__(
        self,
        login_url: str,
        client_id: str,
        refresh_token: str,
        *,
        client_secret: str = "",
        on_rotated: Callable[[str], Awaitable[None]] | None = None,
    ) -> None:
        """Keep the token.

        Args:
            login_url: My Domain address, or login.salesforce.com / test.salesforce.com.
            client_id: the app's consumer key.
            refresh_token: as the authorization gave it.
            client_secret: empty for a public client.
            on_rotated: stores a new refresh token before it is used; apps with rotation send one with every answer.
        """
        self._login_url = login_url
        self._client_id = client_id
        self._client_secret = client_secret
        self._refresh_token = refresh_token
        self._on_rotated = on_rotated

    async def new_session(self, http: httpx.AsyncClient) -> Session:
        """Ask with the refresh token; a rotated one replaces it, here and where it is stored."""
        form = {"grant_type": "refresh_token", "client_id": self._client_id, "refresh_token": self._refresh_token}
        if self._client_secret:
            form["client_secret"] = self._client_secret
        answer = await _ask(http, self._login_url, form)
        rotated = answer.get("refresh_token")
        if isinstance(rotated, str) and rotated != self._refresh_token:
            if self._on_rotated:
                await self._on_rotated(rotated)
            self._refresh_token = rotated
        return _session(answer)


@dataclass(frozen=True, slots=True)
class GivenToken:
    """An access token from elsewhere (development, the emulator); there is no other one after it."""

    instance_url: str
    access_token: str = field(repr=False)

    async def new_session(self, http: httpx.AsyncClient) -> Session:
        """Return the token as it was given."""
        return Session(self.instance_url.rstrip("/"), self.access_token)


class Authenticator:
    """Holds the one session of an org. However many calls find it expired, one of them fetches a new one."""

    def __init__(self, http: httpx.AsyncClient, grant: Grant) -> None:
        self._http = http
        self._grant = grant
        self._session: Session | None = None
        self._fetching = asyncio.Lock()

    async def session(self) -> Session:
        """Return the session, a new one at the first call."""
        return self._session or await self.renewed(None)

    async def renewed(self, refused: Session | None) -> Session:
        """Return a session other than the one that was refused; waits if someone is fetching it already.

        Raises:
            ReconnectNeeded: the credential itself was refused, or gives the same token again.
            RetryLater: the login service did not answer or is busy.
        """
        async with self._fetching:
            if self._session is not None and self._session != refused:
                return self._session
            session = await self._grant.new_session(self._http)
            if session == refused:
                raise ReconnectNeeded(Side.SALESFORCE, "the access token was refused and there is no other")
            self._session = session
            return session

    async def revoke(self) -> None:
        """End the session in the org, so that its token opens nothing; one that has ended already is no error.

        Raises:
            ReconnectNeeded: the credential was refused, so there is no session to end.
            RetryLater: the org did not answer, or is busy; doing it again is harmless.
        """
        session = await self.session()
        try:
            answer = await self._http.post(session.instance_url + REVOKE_PATH, data={"token": session.access_token})
        except httpx.TransportError as failure:
            raise RetryLater(Side.SALESFORCE, f"no answer to the end of a session ({type(failure).__name__})") from None
        # 400 is Salesforce's answer to a token that it does not know, or no longer
        if answer.status_code not in (200, 400):
            raise RetryLater(Side.SALESFORCE, f"the end of a session was answered with {answer.status_code}")


async def _ask(http: httpx.AsyncClient, login_url: str, form: Mapping[str, str]) -> dict[str, object]:
    try:
        response = await http.post(login_url.rstrip("/") + TOKEN_PATH, data=dict(form))
    except httpx.TransportError as failure:
        raise RetryLater(Side.SALESFORCE, f"{login_url} did not answer the login ({type(failure).__name__})") from None
    answer = _object(response.content)
    if response.status_code == 200:
        return answer
    code = str(answer.get("error") or response.status_code)
    if response.status_code >= 500 or response.status_code == 429 or code in _PASSING:
        raise RetryLater(Side.SALESFORCE, f"the login service answered {response.status_code} {code}")
    raise ReconnectNeeded(Side.SALESFORCE, f"the login was refused with {code}")


def _session(answer: Mapping[str, object]) -> Session:
    token, instance_url = answer.get("access_token"), answer.get("instance_url")
    if not isinstance(token, str) or not isinstance(instance_url, str):
        raise FixConfiguration("salesforce: the login address does not answer as a Salesforce token endpoint does")
    return Session(instance_url.rstrip("/"), token)


def _object(body: bytes) -> dict[str, object]:
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return parsed if isinstance(parsed, dict) else {}
