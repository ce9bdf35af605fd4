"""Log in with Salesforce: the authorization code flow of OpenID Connect with PKCE, against the pinned org itself.

Sources: OpenID Connect Core 1.0, sections 3.1 and 16; RFC 7636; RFC 9207 (the issuer is compared); Salesforce's help,
"OAuth 2.0 Web Server Flow". The org is asked at its own address, never at one that an answer names.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx
import jwt

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.logins import CanvasApp

AUTHORIZE, TOKEN, KEYS = "/services/oauth2/authorize", "/services/oauth2/token", "/id/keys"
USERINFO = "/services/oauth2/userinfo"
#: Seconds by which clocks may differ.
_LEEWAY = 60
_BYTES = 32


class NotLoggedIn(Exception):
    """The login failed; one of our own words says why, and nothing of what was sent."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What is remembered of a login between leaving for Salesforce and coming back."""

    connection_id: str
    #: Path to go to afterwards; begins with one slash.
    wanted: str
    state: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(_BYTES), repr=False)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """Who came back, as the org vouches."""

    #: 18 characters.
    user_id: str
    #: 18 characters.
    org_id: str
    #: For showing to the person only.
    name: str


@dataclass(frozen=True, slots=True)
class Opened:
    """Who came back, and the session that they let us have."""

    person: LoggedIn
    access_token: str = field(repr=False)


def authorize_url(origin: str, app: CanvasApp, attempt: Attempt, callback: str, scope: str = "openid") -> str:
    """Return where to send the browser.

    Args:
        origin: scheme and host of the org.
        app: our external client app there.
        attempt: fresh.
        callback: our address that the browser comes back to, as the app knows it.
        scope: what is asked for; `openid` alone tells who it is, and opens nothing.
    """
    challenge = base64.urlsafe_b64encode(hashlib.sha256(attempt.verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": app.consumer_key,
        "redirect_uri": callback,
        "scope": scope,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return f"{origin}{AUTHORIZE}?{urlencode(asked)}"


async def redeem(
    http: httpx.AsyncClient, origin: str, app: CanvasApp, attempt: Attempt, callback: str, answer: Mapping[str, str]
) -> LoggedIn:
    """Turn the code that a browser came back with into a person; see `redeem_session`."""
    return (await redeem_session(http, origin, app, attempt, callback, answer)).person


async def redeem_session(
    http: httpx.AsyncClient, origin: str, app: CanvasApp, attempt: Attempt, callback: str, answer: Mapping[str, str]
) -> Opened:
    """Turn the code that a browser came back with into a person and their session.

    Args:
        http: way to the org.
        origin: scheme and host of the org.
        app: our external client app there.
        attempt: as it was remembered.
        callback: as in `authorize_url`.
        answer: query of the address that the browser came back to.

    Raises:
        NotLoggedIn: the person declined, or something of the answer is not the attempt's or not the org's.
        RetryLater: the org does not answer.
    """
    if not secrets.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
        raise NotLoggedIn("it was not begun in this browser, or long ago")
    if "error" in answer or "code" not in answer:
        raise NotLoggedIn("Salesforce did not let you in, or you declined")
    form = {
        "grant_type": "authorization_code",
        "code": answer["code"],
        "redirect_uri": callback,
        "client_id": app.consumer_key,
        "code_verifier": attempt.verifier,
    }
    if app.consumer_secret:
        form["client_secret"] = app.consumer_secret
    tokens = await _ask(http, "POST", origin + TOKEN, data=form)
    id_token, access_token = tokens.get("id_token"), tokens.get("access_token")
    if not (isinstance(id_token, str) and isinstance(access_token, str)):
        raise NotLoggedIn("Salesforce gave no token; the app needs the scope openid")
    claims = _claims(id_token, await _ask(http, "GET", origin + KEYS), origin, app, attempt)
    person = _person(claims, await _ask(http, "GET", origin + USERINFO, token=access_token))
    return Opened(person, access_token)


def _claims(
    id_token: str, keys: Mapping[str, object], origin: str, app: CanvasApp, attempt: Attempt
) -> Mapping[str, object]:
    """Check an id_token: key and signature (RS256 only), issuer, audience, times, nonce."""
    try:
        key = jwt.PyJWKSet.from_dict(dict(keys))[str(jwt.get_unverified_header(id_token).get("kid"))]
        claims: Mapping[str, object] = jwt.decode(
            id_token,
            key.key,
            algorithms=["RS256"],
            audience=app.consumer_key,
            issuer=origin,
            leeway=_LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "sub"]},
        )
    except (jwt.PyJWTError, KeyError, ValueError):
        raise NotLoggedIn("Salesforce’s answer is not signed as it should be") from None
    if not secrets.compare_digest(str(claims.get("nonce", "")).encode(), attempt.nonce.encode()):
        raise NotLoggedIn("Salesforce’s answer belongs to another login")
    return claims


def _person(claims: Mapping[str, object], told: Mapping[str, object]) -> LoggedIn:
    """Take who it is from the userinfo of the very person whom the id_token names."""
    user_id, org_id = told.get("user_id"), told.get("organization_id")
    if not (isinstance(user_id, str) and isinstance(org_id, str)) or told.get("sub") != claims["sub"]:
        raise NotLoggedIn("Salesforce’s answers name two people")
    return LoggedIn(user_id, org_id, str(told.get("name") or ""))


async def _ask(
    http: httpx.AsyncClient, method: str, url: str, *, data: Mapping[str, str] | None = None, token: str = ""
) -> Mapping[str, object]:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = await http.request(method, url, data=data, headers=headers, follow_redirects=False)
    except httpx.RequestError:
        raise RetryLater(Side.SALESFORCE, "no answer during a login") from None
    if answer.status_code >= 500:
        raise RetryLater(Side.SALESFORCE, "trouble during a login")
    try:
        told = answer.json() if answer.status_code == 200 else None
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise NotLoggedIn("Salesforce did not accept the login")
    return told
