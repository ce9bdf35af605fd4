"""Both emulators as pytest fixtures, in process and over a socket.

    # conftest.py
    pytest_plugins = ["hintsync_emulators.pytest_plugin"]

Each test gets emulators of its own, empty, on clocks that can be moved, without Hint's limit of requests in a second.
The fixtures share nothing with the product that lives beside them; docs/howto/emulators.md shows them at work.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from hintsync_emulators import hint, salesforce
from hintsync_emulators.clock import Clock
from hintsync_emulators.control import Controlled, Faults
from hintsync_emulators.serve import serving

_CLIENT_ID = "emulated-client"
_CLIENT_SECRET = "emulated-secret"
_TOKEN = "00D000000000001!emulated.session"
_SEED = 1


@dataclass(frozen=True, slots=True)
class _Emulator:
    app: Controlled
    clock: Clock

    @property
    def faults(self) -> Faults:
        """Latency, failures, limits and the counts of calls."""
        return self.app.faults

    @property
    def transport(self) -> httpx.ASGITransport:
        """Leads an asynchronous client of httpx into the emulator, without a socket."""
        return httpx.ASGITransport(self.app)


@dataclass(frozen=True, slots=True)
class HintEmulator(_Emulator):
    """One practice with an application that serves it."""

    #: What the practice's staff can do: ``create_patient``, ``edit``, ``archive``, ``merge``, ``deliver`` …
    practice: hint.Practice

    @property
    def headers(self) -> dict[str, str]:
        """Open the practice's routes."""
        return {"Authorization": f"Bearer {self.practice.token}"}

    @property
    def partner_headers(self) -> dict[str, str]:
        """Open the partner's routes, the newer ones too."""
        return {"Authorization": f"Bearer {self.practice.partner.key}", "Hint-Version": "2026-07-01"}


@dataclass(frozen=True, slots=True)
class SalesforceEmulator(_Emulator):
    """One org with an application that serves it."""

    #: What another user of the org can do: ``insert``, ``update``, ``delete``, ``merge`` …
    org: salesforce.Org
    #: A session that is there from the beginning.
    token: str
    #: May ask for tokens by client credentials.
    client_id: str
    client_secret: str

    @property
    def headers(self) -> dict[str, str]:
        """Carry the session."""
        return {"Authorization": f"Bearer {self.token}"}


@pytest.fixture
def hint_emulator() -> HintEmulator:
    """An empty Hint practice, in process."""
    clock = Clock()
    practice = hint.Practice(seed=_SEED, clock=clock)
    app = hint.create_app(practice)
    app.faults.limits["per_second"] = None
    return HintEmulator(app, clock, practice)


@pytest.fixture
def hint_emulator_url(hint_emulator: HintEmulator) -> Iterator[str]:
    """The address at which `hint_emulator` is served for the length of the test."""
    with serving(hint_emulator.app) as url:
        yield url


@pytest.fixture
def salesforce_emulator() -> Iterator[SalesforceEmulator]:
    """An empty Salesforce org, in process."""
    clock = Clock()
    client = salesforce.App(_CLIENT_ID, _CLIENT_SECRET, run_as="integration@example.org")
    org = salesforce.Org(seed=_SEED, clock=clock, token=_TOKEN, apps=[client])
    yield SalesforceEmulator(salesforce.create_app(org), clock, org, _TOKEN, _CLIENT_ID, _CLIENT_SECRET)
    org.close()


@pytest.fixture
def salesforce_emulator_url(salesforce_emulator: SalesforceEmulator) -> Iterator[str]:
    """The address at which `salesforce_emulator` is served for the length of the test."""
    with serving(salesforce_emulator.app) as url:
        yield url
