"""Tokens that a page keeps in its memory and sends with each request: encrypted, short-lived, good for one connection."""

from __future__ import annotations

import base64
import json
from dataclasses import asdict, dataclass
from enum import StrEnum

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hintsync.ports import Clock
from hintsync.state.port import StateStore

#: Seconds that a token is good for; each answer brings a new one, so only idle pages end.
LIFE = 1800
#: Seconds after which a person must come in anew through Salesforce, however busy.
LONGEST = 12 * 3600
#: Characters beyond which nothing is read.
_LONGEST_TEXT = 4096


class Entry(StrEnum):
    """How a person came in."""

    #: Inside Salesforce, by a signed request; no cookie is set or read.
    FRAME = "frame"
    #: In a window of its own, after "Log in with Salesforce".
    WINDOW = "window"


class Purpose(StrEnum):
    """What a token is good for; one never serves the other's purpose."""

    #: Sent by the page in a header.
    PAGE = "page"
    #: Kept in a window's cookie: opens pages, and never acts.
    COOKIE = "cookie"
    #: Sealed for a moment; names nobody.
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Visitor:
    """A person who came in."""

    connection_id: str
    #: 18 characters.
    user_id: str
    #: For showing to the person only.
    name: str
    entry: Entry
    #: Seconds since 1970.
    came_in: int
    #: Origin of the org around our frame.
    org_origin: str = ""


class BadToken(Exception):
    """The token is none of ours, too old, or for something else."""


class Tokens:
    """Makes and opens tokens; any process of the service opens what another made."""

    def __init__(self, store: StateStore, clock: Clock) -> None:
        """Derive keys from the store's; `clock` tells ages."""
        self._store = store
        self._clock = clock

    def make(self, visitor: Visitor, purpose: Purpose) -> str:
        """Return a fresh token for a visitor."""
        content = json.dumps(asdict(visitor)).encode()
        return self._fernet(visitor.connection_id, purpose).encrypt_at_time(content, self._now()).decode()

    def open(self, token: str, connection_id: str, purpose: Purpose) -> Visitor:
        """Return whom a token was made for.

        Raises:
            BadToken: it was not made here for this connection and purpose, or has ended.
        """
        if len(token) > _LONGEST_TEXT:
            raise BadToken
        try:
            content = self._fernet(connection_id, purpose).decrypt_at_time(token, LIFE, self._now())
        except (InvalidToken, TypeError, ValueError):
            raise BadToken from None
        told = json.loads(content)
        visitor = Visitor(**{**told, "entry": Entry(told["entry"])})
        if visitor.connection_id != connection_id or self._now() - visitor.came_in > LONGEST:
            raise BadToken
        return visitor

    def seal(self, content: str) -> str:
        """Encrypt something that a browser keeps for us for a moment, such as a login under way."""
        return self._fernet("", Purpose.MOMENT).encrypt_at_time(content.encode(), self._now()).decode()

    def unseal(self, token: str, life: int) -> str:
        """Return what was sealed less than `life` seconds ago.

        Raises:
            InvalidToken: it was not, or not here.
        """
        return self._fernet("", Purpose.MOMENT).decrypt_at_time(token, life, self._now()).decode()

    def _now(self) -> int:
        return int(self._clock.now().timestamp())

    def _fernet(self, connection_id: str, purpose: Purpose) -> Fernet:
        info = f"hintsync {purpose} tokens {connection_id}".encode()
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=info)
        return Fernet(base64.urlsafe_b64encode(derived.derive(self._store.fingerprint_key(connection_id))))
