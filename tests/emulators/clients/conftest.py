"""An org for foreign clients: served over a socket, with apps, a user who has a password, and a key for JWT."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.types import Receive, Scope, Send

from hintsync_emulators.control import CONTROL_PREFIX, Controlled, raw_path
from hintsync_emulators.salesforce import App, Org, create_app
from hintsync_emulators.salesforce.responses.urls import ROUTES
from hintsync_emulators.salesforce.schema.model import Field
from hintsync_emulators.salesforce.web.router import Router
from hintsync_emulators.serve import serving

TOKEN = "00DEM0000000001!secret"
USERNAME = "integration@example.org"
PASSWORD = "correct horse"
REDIRECT = "http://localhost:1717/OauthRedirect"
#: Which client is known to have called which endpoints in which test; `exercised` holds tests to it.
TABLE = Path(__file__).parent / "exercised.json"
_ROUTER = Router(ROUTES)


class Watched:
    """An emulator that notes which endpoints it was called at."""

    def __init__(self, app: Controlled) -> None:
        self._app, self._called = app, set[str]()
        self.faults = app.faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not scope["path"].startswith(CONTROL_PREFIX):
            route = _ROUTER.find(scope["method"], f"/{raw_path(scope).strip('/')}").route
            if route is not None:
                self._called.add(f"{route.method} {route.path}")
        await self._app(scope, receive, send)

    def called(self) -> set[str]:
        """Return the endpoints called, and the methods of the Pub/Sub API by the names they are counted under."""
        return self._called | {kind for kind in self.faults.counts if kind.startswith("pubsub.")}

    def forget(self) -> None:
        """Begin anew."""
        self._called.clear()
        self.faults.reset()


@dataclass(frozen=True)
class Emulated:
    """A running emulator with a way behind the scenes."""

    url: str
    org: Org
    app: Watched

    def settings(self) -> dict[str, str]:
        """Return what a script needs to know, as environment variables."""
        return {
            "EMULATOR_URL": self.url,
            "EMULATOR_TOKEN": TOKEN,
            "EMULATOR_USERNAME": USERNAME,
            "EMULATOR_PASSWORD": PASSWORD,
            "EMULATOR_REDIRECT": REDIRECT,
        }


@pytest.fixture(scope="session")
def jwt_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def emulated(jwt_key: rsa.RSAPrivateKey) -> Iterator[Emulated]:
    org = make_org(jwt_key)
    app = Watched(create_app(org))
    with serving(app) as url:
        yield Emulated(url, org, app)
    org.close()


def make_org(jwt_key: rsa.RSAPrivateKey) -> Org:
    """Return an org with an external id on Contact, and the apps that the clients present themselves as."""
    public = jwt_key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    apps = [
        App("key", "secret", run_as=USERNAME, certificate=public.decode()),
        App("web", "web-secret", scope="api openid refresh_token", redirect_uris=(REDIRECT,)),
        App("rotating", "web-secret", redirect_uris=(REDIRECT,), rotate=True, requires_pkce=True),
    ]
    org = Org(seed=5, token=TOKEN, apps=apps, username=USERNAME)
    org.auth.passwords[USERNAME] = PASSWORD
    org.add_fields("Contact", [Field("Hint_Id__c", "Hint Id", "string", length=64, custom=True, external_id=True)])
    return org


@pytest.fixture
def exercised() -> Callable[[Watched, str], None]:
    """Hold a client's calls to the table of what it is known to exercise.

    ``HINTSYNC_WRITE_EXERCISED=1`` adds what was seen to the table instead.
    """

    def check(app: Watched, client: str) -> None:
        seen = app.called()
        table: dict[str, dict[str, list[str]]] = json.loads(TABLE.read_text())
        part = os.environ["PYTEST_CURRENT_TEST"].partition("::")[2].rpartition(" (")[0]
        if os.environ.get("HINTSYNC_WRITE_EXERCISED"):
            table.setdefault(client, {})[part] = sorted(seen)
            TABLE.write_text(json.dumps(table, indent=2, sort_keys=True) + "\n")
            return
        known = set(table.get(client, {}).get(part, []))
        assert seen == known, f"{TABLE.name} says otherwise: {sorted(seen ^ known)}"

    return check


def run(
    command: Sequence[str], environment: Mapping[str, str], folder: Path, seconds: float = 120
) -> subprocess.CompletedProcess[str]:
    """Run a client's program to its end, with nothing of this machine's environment but the PATH."""
    return subprocess.run(
        command,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
