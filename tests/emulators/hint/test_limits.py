"""Twenty requests in a second, half a million in a day, for the partner as a whole."""

from collections.abc import AsyncIterator

import httpx
import pytest

from hintsync_emulators.control import Controlled
from hintsync_emulators.hint import Partner, Practice, create_app

from .conftest import Clock, client_of, message

PATIENTS = "/api/provider/patients"


class Stopwatch:
    """Seconds that pass only when the test says so."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stopwatch() -> Stopwatch:
    return Stopwatch()


@pytest.fixture
def limited(practice: Practice, stopwatch: Stopwatch) -> Controlled:
    return create_app(practice, monotonic=stopwatch)


@pytest.fixture
async def api(limited: Controlled, practice: Practice) -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(limited, practice.token) as client:
        yield client


async def statuses(api: httpx.AsyncClient, calls: int) -> list[int]:
    return [(await api.get(PATIENTS)).status_code for _ in range(calls)]


async def test_the_twenty_first_request_of_a_second_is_refused(api: httpx.AsyncClient) -> None:
    assert await statuses(api, 20) == [200] * 20
    answer = await api.get(PATIENTS)
    assert message(answer) == (429, "Enhance your calm")
    assert "retry-after" not in answer.headers


async def test_any_second_counts_and_not_the_clocks_own(api: httpx.AsyncClient, stopwatch: Stopwatch) -> None:
    stopwatch.seconds += 0.9
    await statuses(api, 20)
    stopwatch.seconds += 0.5
    assert await statuses(api, 1) == [429]
    stopwatch.seconds += 0.5
    assert await statuses(api, 21) == [200] * 20 + [429]


async def test_refused_requests_do_not_use_up_the_allowance(api: httpx.AsyncClient, stopwatch: Stopwatch) -> None:
    await statuses(api, 40)
    stopwatch.seconds += 1
    assert await statuses(api, 20) == [200] * 20


async def test_all_practices_of_a_partner_share_the_allowance(stopwatch: Stopwatch) -> None:
    partner = Partner(seed=1)
    one, other = Practice(seed=1, partner=partner), Practice(seed=2, partner=partner)
    app = create_app(one, other, monotonic=stopwatch)
    async with client_of(app, one.token) as first, client_of(app, other.token) as second:
        assert await statuses(first, 15) + await statuses(second, 6) == [200] * 20 + [429]
    async with client_of(app, partner.key) as key:
        assert (await key.get("/api/integrations")).status_code == 429


async def test_the_day_ends_at_midnight_utc(api: httpx.AsyncClient, limited: Controlled, clock: Clock) -> None:
    limited.faults.limits.update(per_second=None, per_day=3)
    assert await statuses(api, 4) == [200, 200, 200, 429]
    clock.advance(hours=11, minutes=59)
    assert await statuses(api, 1) == [429]
    clock.advance(minutes=1)
    assert await statuses(api, 4) == [200, 200, 200, 429]


async def test_limits_are_set_lifted_and_restored_by_the_control_api(api: httpx.AsyncClient) -> None:
    await api.put("/_control/faults", json={"limits": {"per_second": 2}})
    assert await statuses(api, 3) == [200, 200, 429]
    await api.put("/_control/faults", json={"limits": {"per_second": None}})
    assert await statuses(api, 50) == [200] * 50
    await api.post("/_control/reset")
    assert (await api.get("/_control/faults")).json()["limits"] == {
        "per_second": 20,
        "per_day": 500_000,
        "details_per_second": None,
        "anomaly_per_second": None,
    }


async def test_single_records_can_be_limited_more_strictly(
    api: httpx.AsyncClient, limited: Controlled, practice: Practice
) -> None:
    limited.faults.limits.update(per_second=None, details_per_second=2)
    one = f"{PATIENTS}/{practice.create_patient(first_name='Ada', last_name='Moor')}"
    assert [(await api.get(one)).status_code for _ in range(3)] == [200, 200, 429]
    assert await statuses(api, 3) == [200] * 3


async def test_a_burst_can_be_taken_for_an_anomaly(
    api: httpx.AsyncClient, limited: Controlled, stopwatch: Stopwatch
) -> None:
    limited.faults.limits.update(anomaly_per_second=2)
    assert await statuses(api, 3) == [200, 200, 403]
    stopwatch.seconds += 1
    assert await statuses(api, 1) == [200]
