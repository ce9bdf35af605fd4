"""A practice with a clock that the test moves, and clients that speak to it in process."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from hintsync_emulators.control import Controlled
from hintsync_emulators.hint import Practice, create_app

from .hooks import register
from .receiver import Receiver


@dataclass
class Clock:
    """A clock that stands still until moved."""

    now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def receiver() -> Receiver:
    """Where the practice's events arrive."""
    return Receiver()


@pytest.fixture
def practice(clock: Clock, receiver: Receiver) -> Practice:
    return Practice(seed=7, clock=clock, transport=receiver.transport)


@pytest.fixture
def app(practice: Practice) -> Controlled:
    app = create_app(practice)
    app.faults.limits["per_second"] = None
    return app


def client_of(app: Controlled, credential: str | None) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {credential}"} if credential else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hint", headers=headers)


@pytest.fixture
async def api(app: Controlled, practice: Practice) -> AsyncIterator[httpx.AsyncClient]:
    """The practice's API, opened by its token."""
    async with client_of(app, practice.token) as client:
        yield client


@pytest.fixture
async def partner_api(app: Controlled, practice: Practice) -> AsyncIterator[httpx.AsyncClient]:
    """The partner's API, opened by the partner key; names a version as the newer routes want it."""
    async with client_of(app, practice.partner.key) as client:
        client.headers["Hint-Version"] = "marketplace_endpoints"
        yield client


@pytest.fixture
async def endpoint(partner_api: httpx.AsyncClient) -> str:
    """An address for all practices; the id."""
    return await register(partner_api)


def message(answer: httpx.Response) -> tuple[int, str]:
    """Returns an error's status and text, after checking that it has Hint's shape."""
    body = answer.json()
    assert set(body) == {"status", "message"}
    assert body["status"] == answer.status_code
    return answer.status_code, body["message"]
