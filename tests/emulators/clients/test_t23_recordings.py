"""Recorded requests of real clients, played to the emulator, whose answers must have the recorded shapes.

The recordings in ``recordings/`` hold what three clients were seen to send and what answers they were seen to need;
people and values in them are invented.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from hintsync_emulators.salesforce import App, ManualClock, Org, create_app
from hintsync_emulators.salesforce.schema.model import Field
from tests.emulators.clients.playing import Step, play

_RECORDED: dict[str, list[Step]] = json.loads((Path(__file__).parent / "recordings" / "requests.json").read_text())
TOKEN = "00DEM0000000001!TOKEN"
USERNAME = "integration@example.org"


@pytest.fixture
def org() -> Iterator[Org]:
    org = Org(seed=7, clock=ManualClock(), token=TOKEN, username=USERNAME, apps=[App("k", "s", run_as=USERNAME)])
    key = Field("Hint_Id__c", "Hint Id", "string", length=64, custom=True, unique=True, external_id=True)
    org.add_fields("Contact", [key])
    org.auth.passwords[USERNAME] = "pw"
    yield org
    org.close()


@pytest.fixture
async def outside(org: Org) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(create_app(org)), base_url="http://emulated") as client:
        client.headers.clear()
        yield client


@pytest.mark.parametrize("name", _RECORDED)
async def test_t23_a_recorded_request_is_answered_as_it_was(name: str, outside: httpx.AsyncClient, org: Org) -> None:
    contact = org.insert("Contact", {"FirstName": "Ada", "LastName": "O'Neil"})
    await play(outside, _RECORDED[name], {"token": TOKEN, "contact": contact, "origin": "http://emulated"})
