"""Who may call: registered apps, sessions that can be ended, refresh tokens that may be used once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from hintsync_emulators.salesforce.clock import Clock, system_clock
from hintsync_emulators.salesforce.codes import Code
from hintsync_emulators.salesforce.errors import OAuthError
from hintsync_emulators.salesforce.signing import Signer

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._"


@dataclass(frozen=True, slots=True)
class App:
    """A registered client of the org (an external client app)."""

    client_id: str
    client_secret: str
    #: Username that client-credentials tokens act as; None leaves that flow off.
    run_as: str | None = None
    #: PEM of a certificate or public key that JWT assertions are signed for; None leaves that flow off.
    certificate: str | None = None
    #: Usernames that an administrator has approved; None approves everybody.
    approved: frozenset[str] | None = None
    #: Each use of a refresh token replaces it.
    rotate: bool = False
    #: What its tokens may do; ``full`` covers all but refresh_token.
    scope: str = "api refresh_token"
    #: Addresses that an authorization code may be sent to; without one the web server flow is off.
    redirect_uris: tuple[str, ...] = ()
    #: The web server and refresh flows need the secret.
    requires_secret: bool = True
    #: The web server flow needs a PKCE challenge.
    requires_pkce: bool = False

    def allows(self, scope: str) -> bool:
        """Say whether every scope of a list separated by spaces was given to the app."""
        own = set(_same_name(self.scope))
        return all(one in own or ("full" in own and one != "refresh_token") for one in _same_name(scope))


def _same_name(scope: str) -> list[str]:
    """Return the scopes of a list; offline_access is another name of refresh_token."""
    return ["refresh_token" if one == "offline_access" else one for one in scope.split()]


@dataclass(frozen=True, slots=True)
class Session:
    """What a token stands for."""

    token: str
    user_id: str
    client_id: str
    scope: str = ""
    #: Epoch seconds.
    issued: float = 0.0

    def may(self, scope: str) -> bool:
        """Say whether the session was given a scope."""
        return scope in _same_name(self.scope)

    @property
    def owner(self) -> tuple[str, str]:
        """The user and the app that the session is between."""
        return self.user_id, self.client_id


@dataclass
class Auth:
    """Tokens of one org."""

    #: Fifteen characters; every token begins with it and an exclamation mark.
    org_id: str
    chance: random.Random
    clock: Clock = system_clock
    apps: dict[str, App] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    refresh: dict[str, Session] = field(default_factory=dict)
    #: Refresh tokens that rotation has replaced: whoever brings one has stolen it, or was stolen from.
    spent: dict[str, Session] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    #: Username -> password, for those who log in by it.
    passwords: dict[str, str] = field(default_factory=dict)
    #: Seconds that a session lives; None lets it live until it is ended.
    lifetime: float | None = None
    signer: Signer = field(default_factory=Signer)
    #: Called after sessions have ended, for whoever holds one open.
    watchers: set[Callable[[], None]] = field(default_factory=set)
    #: Called before an app is looked up, for whoever knows more of who may use it.
    before_lookup: list[Callable[[], None]] = field(default_factory=list)

    def register(self, apps: Iterable[App]) -> None:
        """Make apps known, or change them."""
        for app in apps:
            self.apps[app.client_id] = app

    def now(self) -> float:
        """Return the epoch seconds of the org."""
        return self.clock().timestamp()

    def issue(self, user_id: str, client_id: str, token: str | None = None, scope: str = "") -> Session:
        """Begin a session; `token` fixes its text, which otherwise is random and opaque."""
        session = Session(token or f"{self.org_id}!{self.random(96)}", user_id, client_id, scope, self.now())
        self.sessions[session.token] = session
        return session

    def session(self, token: str) -> Session | None:
        """Return the session of a token, unless its time is over."""
        found = self.sessions.get(token)
        if found is None or self.lifetime is None or self.now() - found.issued < self.lifetime:
            return found
        self._end([token])
        return None

    def issue_refresh(self, session: Session) -> str:
        """Return a refresh token for the user and app of a session."""
        token = f"5Aep861{self.random(80)}"
        self.refresh[token] = replace(session, token=token)
        return token

    def redeem_refresh(self, token: str, app: App) -> tuple[Session, str | None]:
        """Return what a refresh token stands for, and its successor where the app rotates them.

        A replaced token that comes again ends everything between its user and its app: one of the two who had it is
        not who they should be.

        Raises:
            OAuthError: invalid_grant.
        """
        stolen = self.spent.get(token)
        if stolen is not None:
            self.end_all_of(stolen)
        known = self.refresh.get(token)
        if known is None or known.client_id != app.client_id:
            raise OAuthError("invalid_grant", "expired access/refresh token")
        if not app.rotate:
            return known, None
        self.spent[token] = self.refresh.pop(token)
        return known, self.issue_refresh(known)

    def issue_code(self, code: Code) -> str:
        """Return a new authorization code."""
        text = f"aPrx{self.random(60)}"
        self.codes[text] = code
        return text

    def expire_all(self) -> int:
        """End every session, so that each token answers INVALID_SESSION_ID; return how many there were."""
        ended = len(self.sessions)
        self._end(list(self.sessions))
        return ended

    def expire_refresh(self) -> int:
        """Forget every refresh token, as an administrator who revokes an app does; return how many there were."""
        ended = len(self.refresh)
        self.refresh.clear()
        return ended

    def revoke(self, token: str) -> bool:
        """End what a token of either kind stands for; a refresh token takes the user's sessions with it."""
        if token in self.sessions:
            self._end([token])
            return True
        owner = self.refresh.pop(token, None)
        if owner is None:
            return False
        self._end([text for text, session in self.sessions.items() if session.owner == owner.owner])
        return True

    def end_all_of(self, one: Session) -> None:
        """End every session and refresh token between a user and an app."""
        for token in [text for text, session in self.refresh.items() if session.owner == one.owner]:
            del self.refresh[token]
        self._end([text for text, session in self.sessions.items() if session.owner == one.owner])

    def _end(self, tokens: Iterable[str]) -> None:
        for token in tokens:
            del self.sessions[token]
        for watcher in list(self.watchers):
            watcher()

    def app(self, client_id: str, client_secret: str | None) -> App:
        """Return the app that presents itself.

        Raises:
            OAuthError: invalid_client_id or invalid_client.
        """
        for tell in self.before_lookup:
            tell()
        app = self.apps.get(client_id)
        if app is None:
            raise OAuthError("invalid_client_id", "client identifier invalid")
        if client_secret is not None and not hmac.compare_digest(client_secret.encode(), app.client_secret.encode()):
            raise OAuthError("invalid_client", "invalid client credentials")
        return app

    def check_password(self, username: str, password: str) -> bool:
        """Say whether this is the user's password; a security token may follow it."""
        known = self.passwords.get(username)
        if known is None:
            return False
        rest = password[len(known) :]
        return hmac.compare_digest(password[: len(known)].encode(), known.encode()) and (not rest or rest.isalnum())

    def signature(self, identity: str, issued_at: str, app: App | None) -> str:
        """Return the signature of a token answer, by which a client can tell who sent it."""
        key = (app.client_secret if app else "").encode()
        return base64.b64encode(hmac.new(key, (identity + issued_at).encode(), hashlib.sha256).digest()).decode()

    def random(self, length: int) -> str:
        """Return opaque text."""
        return "".join(self.chance.choices(_ALPHABET, k=length))
