"""Seed, empty, snapshot, restore and the clock: the same routes at both emulators."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from hintsync_emulators.clock import Clock
from hintsync_emulators.hint import Practice
from hintsync_emulators.hint import create_app as hint_app
from hintsync_emulators.people import invent, spread
from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce import create_app as salesforce_app

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Hint:
    """A practice, and how many people it holds."""

    def __init__(self) -> None:
        self.practice = Practice(seed=7, clock=Clock(NOON, running=False))
        self.app = hint_app(self.practice)

    def count(self) -> int:
        return len(self.practice)

    def content(self) -> object:
        return self.practice.patients(), dict(self.practice.practitioners)

    def change_everything(self) -> None:
        for patient in self.practice.patients():
            self.practice.edit(str(patient["id"]), last_name="Changed")
        self.practice.revoke_token()
        self.practice.add_practitioner("Dr. Late")

    def is_connected(self) -> bool:
        return self.practice.installation.live_key is not None


class Salesforce:
    """An org, and how many people it holds."""

    def __init__(self) -> None:
        self.org = Org(seed=7, clock=Clock(NOON, running=False), token="00D!secret")
        self.app = salesforce_app(self.org)

    def count(self) -> int:
        return self.org.count("Contact")

    def content(self) -> object:
        return self.org.rows("Contact", deleted=True), self.org.rows("Account", deleted=True)

    def change_everything(self) -> None:
        for row in self.org.rows("Contact"):
            self.org.update("Contact", str(row["Id"]), {"LastName": "Changed"})
        self.org.expire_tokens()
        self.org.enable("MiddleName")

    def is_connected(self) -> bool:
        return "00D!secret" in self.org.auth.sessions


@pytest.fixture(params=[Hint, Salesforce])
def emulator(request: pytest.FixtureRequest) -> Hint | Salesforce:
    made: Hint | Salesforce = request.param()
    return made


@pytest.fixture
async def control(emulator: Hint | Salesforce) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(emulator.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://emulator/_control") as client:
        yield client


async def test_seeding_adds_the_half_of_a_population(emulator: Hint | Salesforce, control: httpx.AsyncClient) -> None:
    answer = (await control.post("/seed", json={"count": 40, "seed": 3})).json()
    population = spread(invent(40, 3), 3)
    expected = {"patients": len(population.patients), "contacts": len(population.contacts)}
    (count,) = [answer[name] for name in expected if name in answer]
    assert count == emulator.count() == next(expected[name] for name in expected if name in answer)
    assert answer["people"] == list(population.describe())
    await control.post("/seed", json={"count": 10, "seed": 4})
    assert emulator.count() > count


@pytest.mark.parametrize("wrong", [{"count": 0}, {"count": "5"}, {"seed": None}, {"count": 10**9}, []])
async def test_a_seed_that_makes_no_sense_is_refused(control: httpx.AsyncClient, wrong: object) -> None:
    assert (await control.post("/seed", json=wrong)).status_code == 400


async def test_emptying_removes_the_people_and_keeps_the_connection(
    emulator: Hint | Salesforce, control: httpx.AsyncClient
) -> None:
    await control.post("/seed", json={"count": 20})
    assert (await control.post("/empty")).status_code == 204
    assert emulator.count() == 0
    assert emulator.is_connected()


async def test_a_snapshot_brings_everything_back_more_than_once(
    emulator: Hint | Salesforce, control: httpx.AsyncClient
) -> None:
    await control.post("/seed", json={"count": 30})
    await control.post("/snapshots", json={"name": "before"})
    before = emulator.content()
    for _ in range(2):
        emulator.change_everything()
        assert emulator.content() != before
        assert not emulator.is_connected()
        assert (await control.post("/snapshots/before/restore")).status_code == 204
        assert emulator.content() == before
        assert emulator.is_connected()


async def test_after_a_restore_the_emulator_goes_on_as_it_did_before(
    emulator: Hint | Salesforce, control: httpx.AsyncClient
) -> None:
    await control.post("/snapshots", json={"name": "start"})
    await control.post("/seed", json={"count": 30})
    once = emulator.content()
    await control.post("/snapshots/start/restore")
    assert emulator.count() == 0
    await control.post("/seed", json={"count": 30})
    assert emulator.content() == once


async def test_snapshots_are_listed_and_forgotten(control: httpx.AsyncClient) -> None:
    for name in ("b", "a"):
        await control.post("/snapshots", json={"name": name})
    assert (await control.get("/snapshots")).json() == ["a", "b"]
    assert (await control.delete("/snapshots/a")).status_code == 204
    assert (await control.post("/snapshots/a/restore")).status_code == 404
    for wrong in ({}, {"name": ""}, {"name": "a/b"}, {"name": 5}):
        assert (await control.post("/snapshots", json=wrong)).status_code == 400


async def test_the_clock_is_read_moved_and_set(control: httpx.AsyncClient) -> None:
    async def clock(**change: object) -> dict[str, Any]:
        return dict((await control.put("/clock", json=change)).json())

    assert (await control.get("/clock")).json() == {"now": NOON.isoformat(), "running": False}
    assert await clock(advance_seconds=90) == {"now": (NOON + timedelta(seconds=90)).isoformat(), "running": False}
    assert (await clock(now="2020-01-01"))["now"] == "2020-01-01T00:00:00+00:00"
    assert (await clock(running=True))["now"].startswith("2020-01-01T00:0")
    followed = (await control.delete("/clock")).json()
    assert followed["running"] is True
    assert abs(datetime.fromisoformat(followed["now"]) - datetime.now(UTC)) < timedelta(hours=1)


@pytest.mark.parametrize(
    "wrong", [{"now": "noon"}, {"advance_seconds": "5"}, {"advance_seconds": 1e300}, {"running": 1}, {"tick": 1}, []]
)
async def test_a_clock_is_not_moved_by_nonsense(control: httpx.AsyncClient, wrong: object) -> None:
    assert (await control.put("/clock", json=wrong)).status_code == 400
    assert (await control.get("/clock")).json()["now"] == NOON.isoformat()


async def test_a_clock_that_is_not_ours_is_not_moved() -> None:
    app = hint_app(Practice(clock=lambda: NOON))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://emulator") as client:
        answer = await client.put("/_control/clock", json={"advance_seconds": 1})
        assert (answer.status_code, "only its owner" in answer.json()["error"]) == (409, True)


async def test_every_route_of_the_control_api_is_listed_with_a_command_to_copy(control: httpx.AsyncClient) -> None:
    listing = (await control.get("")).json()
    assert {each["path"] for each in listing} >= {"/_control/faults", "/_control/seed", "/_control/clock"}
    for each in listing:
        assert each["does"]
        assert each["example"].startswith("curl ")
        assert each["example"].partition(" -d ")[0].endswith(each["path"])


def test_a_running_clock_passes_from_where_it_was_set() -> None:
    clock = Clock(NOON)
    first = clock()
    assert NOON <= first <= clock()
    clock.set(NOON, running=False)
    assert clock() == clock() == NOON
