"""How a connection logs in to its two systems: kept encrypted in the store, turned into the replicas' credentials."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from typing import TypeAlias

from hintsync.core.errors import FixConfiguration
from hintsync.ports import Clock
from hintsync.replicas.salesforce.auth import ClientCredentials, GivenToken, Grant, JwtBearer
from hintsync.replicas.salesforce.key_pair import SigningKey

#: Names of the secrets in the store.
HINT_TOKEN = "hint-token"
SALESFORCE_LOGIN = "salesforce-login"
#: Empty once the org was found to have another key.
CANVAS_APP = "canvas-app"

#: Fact of a connection: moves whenever a credential is stored, so that every process opens its engine anew.
CREDENTIALS_FACT = "credentials"
#: How that fact begins once the connection was uninstalled: its engine is not opened again until it is connected anew.
_ENDED = "ended-"


def ended_mark() -> str:
    """Return what `CREDENTIALS_FACT` becomes when a connection is uninstalled."""
    return _ENDED + secrets.token_hex(8)


def has_ended(facts: Mapping[str, object]) -> bool:
    """Say whether a connection with these facts was uninstalled, and not connected since."""
    return str(facts.get(CREDENTIALS_FACT, "")).startswith(_ENDED)


@dataclass(frozen=True, slots=True)
class WithToken:
    """An access token that somebody else renews; for the demo and for trying things out."""

    instance_url: str
    access_token: str = dataclass_field(repr=False)
    kind: str = "token"

    def grant(self, clock: Clock) -> Grant:
        """Return the credential."""
        return GivenToken(self.instance_url, self.access_token)


@dataclass(frozen=True, slots=True)
class WithClientCredentials:
    """Key and secret of an external client app whose run-as user we act as."""

    login_url: str
    client_id: str
    client_secret: str = dataclass_field(repr=False)
    kind: str = "client-credentials"

    def grant(self, clock: Clock) -> Grant:
        """Return the credential."""
        return ClientCredentials(self.login_url, self.client_id, self.client_secret)


@dataclass(frozen=True, slots=True)
class WithJwt:
    """A certificate registered with the external client app, and the user to act as."""

    login_url: str
    client_id: str
    username: str
    #: PEM.
    private_key: str = dataclass_field(repr=False)
    #: PEM of the certificate that we made for the key; empty for a key that was given to us.
    certificate: str = ""
    #: The key that is to take its place, once the app was given its certificate.
    waiting: SigningKey | None = None
    kind: str = "jwt"

    def grant(self, clock: Clock) -> Grant:
        """Return the credential."""
        waiting = self.waiting.private_key if self.waiting else ""
        return JwtBearer(self.login_url, self.client_id, self.username, self.private_key, clock, waiting)


SalesforceLogin: TypeAlias = WithToken | WithClientCredentials | WithJwt
_KINDS: Mapping[str, Callable[..., SalesforceLogin]] = {
    "token": WithToken,
    "client-credentials": WithClientCredentials,
    "jwt": WithJwt,
}


def pack_login(login: SalesforceLogin) -> bytes:
    """Return a login as the store keeps it (encrypted there)."""
    return json.dumps(asdict(login)).encode()


def unpack_login(stored: bytes) -> SalesforceLogin:
    """Read a login back.

    Raises:
        FixConfiguration: it was stored by a newer version, or is broken.
    """
    try:
        values = json.loads(stored)
        if values.get("waiting"):
            values["waiting"] = read_signing_key(values["waiting"])
        return _KINDS[values["kind"]](**values)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise FixConfiguration("the stored Salesforce login cannot be read; connect the org again") from None


def read_signing_key(values: Mapping[str, str]) -> SigningKey:
    """Read a key and its certificate back.

    Raises:
        TypeError: something else was stored.
    """
    return SigningKey(**values)


@dataclass(frozen=True, slots=True)
class CanvasApp:
    """Key and secret of our own external client app in the org: it opens our pages and logs people in."""

    #: `client_id` of "Log in with Salesforce".
    consumer_key: str
    #: Salesforce signs the requests with it that open our pages inside it; we prove ourselves with it for tokens.
    consumer_secret: str = dataclass_field(repr=False)


def pack_canvas_app(app: CanvasApp) -> bytes:
    """Return key and secret as the store keeps them under `CANVAS_APP` (encrypted there)."""
    return json.dumps(asdict(app)).encode()


def unpack_canvas_app(stored: bytes) -> CanvasApp:
    """Read key and secret back.

    Raises:
        FixConfiguration: they were stored by a newer version, or are broken.
    """
    try:
        values = json.loads(stored)
        key, secret = values["consumer_key"], values["consumer_secret"]
    except (ValueError, KeyError, TypeError):
        raise FixConfiguration("the stored key of the external client app cannot be read; install again") from None
    if not (isinstance(key, str) and key and isinstance(secret, str) and secret):
        raise FixConfiguration("the stored key of the external client app is incomplete; install again")
    return CanvasApp(key, secret)
