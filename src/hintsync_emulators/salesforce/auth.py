"""Who may call: registered apps, the grants of OAuth, sessions that can be ended."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import orjson
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from hintsync_emulators.salesforce.errors import OAuthError

#: Hosts that a JWT's audience may name beside the org's own.
_LOGIN_HOSTS = ("https://login.salesforce.com", "https://test.salesforce.com")


@dataclass(frozen=True, slots=True)
class App:
    """A registered client of the org (an external client app)."""

    client_id: str
    client_secret: str
    #: Username that client-credentials tokens act as; None leaves that flow off.
    run_as: str | None = None
    #: PEM of a certificate or public key that JWT assertions are signed for; None leaves that flow off.
    certificate: str | None = None
    #: Usernames that an administrator has approved for JWT; None approves everybody.
    approved: frozenset[str] | None = None
    #: Each use of a refresh token replaces it.
    rotate: bool = False
    scope: str = "api refresh_token"


@dataclass(frozen=True, slots=True)
class Session:
    """What a token stands for."""

    token: str
    user_id: str
    client_id: str


@dataclass
class Auth:
    """Tokens of one org."""

    #: Fifteen characters; every token begins with it and an exclamation mark.
    org_id: str
    chance: random.Random
    apps: dict[str, App] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    refresh: dict[str, Session] = field(default_factory=dict)
    #: Called after sessions have ended, for whoever holds one open.
    watchers: set[Callable[[], None]] = field(default_factory=set)

    def register(self, apps: Iterable[App]) -> None:
        """Make apps known, or change them."""
        for app in apps:
            self.apps[app.client_id] = app

    def issue(self, user_id: str, client_id: str, token: str | None = None) -> Session:
        """Begin a session; `token` fixes its text, which otherwise is random and opaque."""
        session = Session(token or f"{self.org_id}!{self._random(96)}", user_id, client_id)
        self.sessions[session.token] = session
        return session

    def issue_refresh(self, session: Session) -> str:
        """Return a refresh token for the user and app of a session."""
        token = f"5Aep861{self._random(80)}"
        self.refresh[token] = session
        return token

    def expire_all(self) -> int:
        """End every session, so that each token answers INVALID_SESSION_ID; return how many there were."""
        ended = len(self.sessions)
        self.sessions.clear()
        self._tell_watchers()
        return ended

    def revoke(self, token: str) -> bool:
        """End what a token of either kind stands for; a refresh token takes the user's sessions with it."""
        if token in self.sessions:
            del self.sessions[token]
            self._tell_watchers()
            return True
        owner = self.refresh.pop(token, None)
        if owner is None:
            return False
        for text, session in list(self.sessions.items()):
            if (session.user_id, session.client_id) == (owner.user_id, owner.client_id):
                del self.sessions[text]
        self._tell_watchers()
        return True

    def _tell_watchers(self) -> None:
        for watcher in list(self.watchers):
            watcher()

    def app(self, client_id: str, client_secret: str | None) -> App:
        """Return the app that presents itself.

        Raises:
            OAuthError: invalid_client_id or invalid_client.
        """
        app = self.apps.get(client_id)
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if client_secret is not None and not hmac.compare_digest(client_secret, app.client_secret):
            raise OAuthError("invalid_client", "invalid client credentials")
        return app

    def signature(self, identity: str, issued_at: str, app: App | None) -> str:
        """Return the signature of a token answer, by which a client can tell who sent it."""
        key = (app.client_secret if app else "").encode()
        return base64.b64encode(hmac.new(key, (identity + issued_at).encode(), hashlib.sha256).digest()).decode()

    def _random(self, length: int) -> str:
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"
        return "".join(self.chance.choices(alphabet, k=length))


def read_assertion(auth: Auth, assertion: str, hosts: Iterable[str], now: float) -> tuple[App, str]:
    """Check a JWT bearer assertion and return its app and username.

    Real clients write `exp` as a number, as text or in milliseconds, and `aud` with and without a slash at the end;
    Salesforce takes them all.

    Args:
        auth: the org's apps.
        assertion: three parts of base64url, joined by dots.
        hosts: audiences that mean this org, without a slash at the end.
        now: epoch seconds.

    Raises:
        OAuthError: invalid_grant, invalid_client_id or invalid_app_access.
    """
    signed, _, signature = assertion.rpartition(".")
    header, claims = (_decode_part(part) for part in _two(signed))
    if header.get("alg") != "RS256":
        raise OAuthError("invalid_grant", "invalid assertion")
    app = auth.app(str(claims.get("iss")), None)
    _check_signature(app, signed, signature)
    audience = str(claims.get("aud", "")).rstrip("/")
    if audience not in (*_LOGIN_HOSTS, *hosts):
        raise OAuthError("invalid_grant", "audience is invalid")
    if _expiry(claims.get("exp")) <= now:
        raise OAuthError("invalid_grant", "assertion expired")
    username = str(claims.get("sub") or claims.get("prn") or "")
    if app.approved is not None and username not in app.approved:
        raise OAuthError("invalid_grant", "user hasn't approved this consumer")
    return app, username


def _two(signed: str) -> tuple[str, str]:
    header, dot, claims = signed.partition(".")
    if not dot or "." in claims:
        raise OAuthError("invalid_grant", "invalid assertion")
    return header, claims


def _decode_part(text: str) -> dict[str, object]:
    try:
        found = orjson.loads(_unpadded(text))
    except ValueError:
        raise OAuthError("invalid_grant", "invalid assertion") from None
    if not isinstance(found, dict):
        raise OAuthError("invalid_grant", "invalid assertion")
    return found


def _unpadded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _expiry(value: object) -> float:
    try:
        seconds = float(str(value))
    except ValueError:
        raise OAuthError("invalid_grant", "invalid assertion") from None
    return seconds / 1000 if seconds > 10**11 else seconds


def _check_signature(app: App, signed: str, signature: str) -> None:
    if app.certificate is None:
        raise OAuthError("invalid_grant", "invalid assertion")
    key = _public_key(app.certificate)
    try:
        key.verify(_unpadded(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        raise OAuthError("invalid_grant", "invalid assertion") from None


def _public_key(pem: str) -> rsa.RSAPublicKey:
    raw = pem.encode()
    certified = b"BEGIN CERTIFICATE" in raw
    key = x509.load_pem_x509_certificate(raw).public_key() if certified else serialization.load_pem_public_key(raw)
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("an app's certificate must hold an RSA key")
    return key
