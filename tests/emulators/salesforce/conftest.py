"""An org with a clock that stands still, and a client that reaches it in process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from hintsync_emulators.control import Controlled
from hintsync_emulators.salesforce import ManualClock, Org, create_app
from hintsync_emulators.salesforce.schema.model import Field

TOKEN = "00DEM0000000001!secret"
#: Version that the tests speak.
ROOT = "/services/data/v64.0"


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


@pytest.fixture
async def outside(app: Controlled) -> AsyncIterator[httpx.AsyncClient]:
    """A caller without a token."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://emulated") as client:
        yield client


@pytest.fixture
async def api(app: Controlled) -> AsyncIterator[httpx.AsyncClient]:
    """A caller with a token, whose paths begin below the API version."""
    transport, headers = httpx.ASGITransport(app), {"Authorization": f"Bearer {TOKEN}"}
    async with httpx.AsyncClient(transport=transport, base_url=f"http://emulated{ROOT}", headers=headers) as client:
        yield client


@pytest.fixture
def add_field(org: Org) -> Callable[..., None]:
    """Give Contact a custom field, e.g. ``add_field("Key__c", unique=True)``."""

    def add(name: str, kind: str = "string", **more: object) -> None:
        given = {"length": 255 if kind == "string" else 0, **more}
        org.add_fields("Contact", [Field(name, name.removesuffix("__c"), kind, custom=True, **given)])

    return add
