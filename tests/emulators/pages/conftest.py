"""An org with pages, people who open them, and a way to deploy what they show."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping

import httpx
import pytest

from hintsync_emulators.control import Controlled
from hintsync_emulators.salesforce import ManualClock, Org, create_app
from tests.emulators.metadata.deploying import RestDeployer, Types, zipped
from tests.emulators.metadata.zoo import FILES, TYPES
from tests.emulators.pages.reading import Browser

TOKEN = "00DEM0000000001!secret"
BASE = "http://127.0.0.1:8001"
ADMIN = "integration@example.org"
Deploy = Callable[[Mapping[str, str | bytes], Types], Awaitable[None]]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def org(clock: ManualClock) -> Iterator[Org]:
    org = Org(seed=7, clock=clock, token=TOKEN)
    yield org
    org.close()


@pytest.fixture
def app(org: Org) -> Controlled:
    return create_app(org)


def browser_of(app: Controlled) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE, follow_redirects=True)


@pytest.fixture
async def outsider(app: Controlled) -> AsyncIterator[Browser]:
    """Somebody who has not logged in."""
    async with browser_of(app) as client:
        yield Browser(client)


@pytest.fixture
async def browser(outsider: Browser) -> Browser:
    """The administrator, logged in."""
    await outsider.log_in()
    return outsider


@pytest.fixture
def add_user(org: Org) -> Callable[..., str]:
    """Add a user with the profile Standard User, or with none, and the permission sets of these names."""

    def add(name: str, *sets: str, profile: str | None = "Standard", **more: object) -> str:
        known = org.components.get("Profile", profile) if profile else None
        record = {"LastName": name, "Username": f"{name.lower()}@example.org", "Email": f"{name.lower()}@example.org"}
        user_id = org.insert("User", {**record, "ProfileId": known.id if known else None, **more})
        for each in sets:
            (set_id,) = org.storage.ids_where("PermissionSet", "Name", each, live_only=False)
            org.insert("PermissionSetAssignment", {"AssigneeId": user_id, "PermissionSetId": set_id})
        return user_id

    return add


@pytest.fixture
async def deploy(app: Controlled) -> AsyncIterator[Deploy]:
    """Deploy files as an administrator's tool does."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    transport, base = httpx.ASGITransport(app), f"{BASE}/services/data/v67.0"
    async with httpx.AsyncClient(transport=transport, base_url=base, headers=headers) as client:

        async def run(files: Mapping[str, str | bytes], types: Types) -> None:
            result = await RestDeployer(client).deploy(zipped(files, types))
            assert result.success, result.problems

        yield run


@pytest.fixture
async def zoo(deploy: Deploy) -> None:
    """One component of every kind is deployed: page, tab, action, button, canvas app, report, permission set."""
    await deploy(FILES, TYPES)
