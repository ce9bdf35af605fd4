"""What is remembered of somebody who sets hintsync up for the first time: in their own browser, sealed, for an hour."""

from __future__ import annotations

import hmac
import json
import secrets
from dataclasses import asdict, dataclass, field

from cryptography.fernet import InvalidToken

from hintsync.logins import CanvasApp, WithToken
from hintsync.surfaces.web.access.oidc import Attempt
from hintsync.surfaces.web.access.tokens import Tokens

#: Seconds that a set-up may take from the code on.
LIFE = 3600


@dataclass(frozen=True, slots=True)
class SetupSession:
    """Somebody who brought a code, and how far they came."""

    #: When the code was brought: seconds since 1970. No step moves it, so the session ends an hour later whatever is done.
    began: int
    id: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    #: Name of the connection that is made, or made anew.
    name: str = ""
    #: Scheme and host of the org.
    origin: str = ""
    #: Consumer key and secret of the app that hintsync signs in with; no secret: by a key of our own.
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    #: User that hintsync works as, where it signs in by a key of our own.
    username: str = ""
    #: The login that was begun; none: `state` is empty.
    state: str = field(default="", repr=False)
    nonce: str = field(default="", repr=False)
    verifier: str = field(default="", repr=False)
    #: The administrator's own session in the org, for the installation only; revoked when it is done.
    token: str = field(default="", repr=False)
    user_id: str = ""
    #: For showing to the person only.
    person: str = ""

    @property
    def app(self) -> CanvasApp:
        """The app that the administrator logs in through."""
        return CanvasApp(self.client_id, self.client_secret)

    @property
    def attempt(self) -> Attempt:
        """The login that was begun."""
        return Attempt(self.name, "/setup/install", self.state, self.nonce, self.verifier)

    @property
    def installer(self) -> WithToken:
        """How the administrator signs in for the installation."""
        return WithToken(self.origin, self.token)

    def left(self, now: int) -> int:
        """Return the seconds until it ends; 0 once it has."""
        return max(0, self.began + LIFE - now)

    def seal(self, tokens: Tokens) -> str:
        """Return it for a cookie."""
        return tokens.seal(json.dumps({"setup": asdict(self)}))

    def proof(self, tokens: Tokens) -> str:
        """Return what a form of this session carries, so that no other site can send one."""
        return tokens.seal(json.dumps({"setup-form": self.id}))

    def is_proved(self, tokens: Tokens, proof: str) -> bool:
        """Say whether a form is of this session."""
        try:
            told = str(json.loads(tokens.unseal(proof, LIFE)).get("setup-form", ""))
        except (InvalidToken, ValueError, AttributeError):
            return False
        return hmac.compare_digest(told.encode(), self.id.encode())


def open_session(tokens: Tokens, now: int, sealed: str) -> SetupSession | None:
    """Return the session that a cookie holds; None if it is none of ours, or has ended.

    Args:
        tokens: opens what they sealed.
        now: seconds since 1970.
        sealed: the cookie.
    """
    try:
        session = SetupSession(**json.loads(tokens.unseal(sealed, LIFE))["setup"])
    except (InvalidToken, ValueError, TypeError, KeyError):
        return None
    return session if session.left(now) else None
