"""One request at a time: what is repeated, what is not, how fast, and what never leaks."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from hintsync.core.errors import FixConfiguration, RetryLater, UnknownOutcome
from hintsync.replicas.hint.client import Answer, HintClient, Pace, expect, record_path
from hintsync.replicas.hint.names import PATIENTS
from hintsync_emulators.control import Failure
from tests.contract.hint_world import HintWorld
from tests.replicas.clock import HeldClock

ADA = {"first_name": "Ada", "last_name": "Moor"}


async def test_a_create_is_never_sent_twice_when_its_reply_is_lost(hint: HintWorld) -> None:
    hint.fail(Failure(match="^POST ", drop=True, after_commit=True, times=9))
    with pytest.raises(UnknownOutcome):
        await hint.client.post(PATIENTS, ADA)
    assert hint.count() == 1
    assert hint.app.faults.counts["patients.create"] == 1


async def test_a_create_that_met_a_server_error_is_not_sent_again(hint: HintWorld) -> None:
    hint.fail(Failure(status=502, match="^POST "))
    with pytest.raises(UnknownOutcome):
        await hint.client.post(PATIENTS, ADA)
    assert hint.client.calls == 1


async def test_a_create_that_was_turned_away_for_its_rate_is_sent_again(hint: HintWorld) -> None:
    hint.fail(Failure(status=429, match="^POST "))
    assert isinstance(await hint.client.post(PATIENTS, ADA), Answer)
    assert hint.count() == 1


async def test_an_update_whose_reply_was_lost_is_sent_again(hint: HintWorld) -> None:
    record_id = hint.seed(ADA)
    hint.fail(Failure(match="^PATCH ", drop=True, after_commit=True, times=2))
    answer = await hint.client.patch(record_path(PATIENTS, record_id), {"address_city": "Shelbyville"})
    assert isinstance(answer, Answer)
    assert hint.app.faults.counts["patients.update"] == 3


async def test_nothing_is_sent_for_a_second_after_a_429(hint: HintWorld) -> None:
    hint.fail(Failure(status=429))
    await hint.client.get(PATIENTS)
    assert hint.clock.elapsed >= 1.0


async def test_a_retry_after_is_waited_for(hint: HintWorld) -> None:
    hint.fail(Failure(status=429, headers={"Retry-After": "9"}))
    await hint.client.get(PATIENTS)
    assert hint.clock.elapsed >= 9.0


async def test_a_block_under_load_stops_everything_for_a_while(hint: HintWorld) -> None:
    await hint.client.get(PATIENTS)
    hint.fail(Failure(status=403, body={"status": 403, "message": "Access forbidden."}))
    await hint.client.get(PATIENTS)
    assert hint.clock.elapsed >= 15.0


async def test_a_403_before_anything_worked_is_for_an_administrator(hint: HintWorld) -> None:
    hint.fail(Failure(status=403))
    with pytest.raises(FixConfiguration):
        await hint.client.get(PATIENTS)


async def test_requests_keep_to_the_partners_rate_over_all_its_practices(hint: HintWorld) -> None:
    pace = Pace.of(hint.clock, per_second=8)
    clients = [HintClient(hint.transport, hint.practice.token, pace, base_url=hint.base_url) for _ in range(2)]
    await asyncio.gather(*(client.get(PATIENTS) for client in clients for _ in range(8)))
    assert hint.clock.elapsed == pytest.approx(15 / 8)


async def test_the_partner_key_is_no_practice_token(hint: HintWorld) -> None:
    client = HintClient(hint.transport, hint.practice.partner.key, hint.pace, base_url=hint.base_url)
    with pytest.raises(FixConfiguration, match="partner key"):
        await client.get(PATIENTS)


@pytest.mark.parametrize("token", ["", "two words", "tok\r\nX-Other: 1", "tökén"])
async def test_what_cannot_be_a_token_is_not_sent(hint: HintWorld, token: str) -> None:
    with pytest.raises(FixConfiguration, match="characters"):
        HintClient(hint.transport, token, hint.pace, base_url=hint.base_url)


async def test_errors_carry_no_names_from_the_address_and_no_credential(hint: HintWorld) -> None:
    hint.fail(Failure(status=500, times=99))
    with pytest.raises(RetryLater) as raised:
        await hint.client.get(record_path(PATIENTS, "pat-canary"), [("last_name", "canary")])
    assert "canary" not in str(raised.value)
    assert hint.practice.token not in str(raised.value)
    assert raised.value.__cause__ is None


def test_an_id_from_elsewhere_cannot_leave_its_place_in_the_path() -> None:
    assert record_path(PATIENTS, "../practice?x=1") == "/api/provider/patients/..%2Fpractice%3Fx%3D1"


@pytest.mark.parametrize("body", ["<html>maintenance</html>", {"patients": []}, [1, 2]])
async def test_a_success_that_is_not_a_list_of_objects_is_read_again_later(hint: HintWorld, body: object) -> None:
    hint.fail(Failure(status=200, body=body))
    answer = expect(await hint.client.get(PATIENTS), "the list")
    with pytest.raises(RetryLater):
        answer.rows()


@pytest.mark.parametrize("status", [404, 405, 501, 302])
async def test_a_wrong_base_url_is_for_an_administrator(hint: HintWorld, status: int) -> None:
    hint.fail(Failure(status=status, body="not here", times=99))
    with pytest.raises(FixConfiguration, match="base URL"):
        await hint.replica.identify()
    with pytest.raises(FixConfiguration, match="base URL"):
        await anext(hint.replica.scan_keys())  # type: ignore[arg-type]


class Silent:
    """A server that takes a request and never answers."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.get_running_loop().create_future()


async def test_a_server_that_never_answers_leaves_a_write_unknown() -> None:
    clock = HeldClock()
    client = HintClient(httpx.ASGITransport(Silent()), "token", Pace.of(clock), base_url="http://hint", timeout=0.01)
    with pytest.raises(UnknownOutcome):
        await client.post(PATIENTS, ADA)


async def test_no_more_than_three_patients_are_read_singly_at_a_time(hint: HintWorld) -> None:
    ids = [hint.seed(ADA) for _ in range(12)]
    crowd = Crowd(hint)
    hint.client._transport = httpx.ASGITransport(crowd)
    await asyncio.gather(hint.replica.read(ids), hint.replica.read(ids[::-1]), hint.replica.find_by_key(ids))
    assert crowd.most == 3


class Crowd:
    """Counts the requests that are in work at one time."""

    def __init__(self, hint: HintWorld) -> None:
        self._app = hint.app
        self._now = 0
        self.most = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._now += 1
        self.most = max(self.most, self._now)
        for _ in range(5):
            await asyncio.sleep(0)
        await self._app(scope, receive, send)
        self._now -= 1
