"""Faults on the way of Hint's events: dropped, doubled, delayed, reordered."""

import httpx
import pytest

from hintsync_emulators.hint import Practice

from .conftest import Clock
from .hooks import person
from .receiver import Receiver


async def faults(api: httpx.AsyncClient, *faults: dict[str, object]) -> None:
    (await api.put("/_control/events/faults", json={"faults": faults})).raise_for_status()


async def test_events_are_dropped_doubled_and_delayed(
    practice: Practice, receiver: Receiver, endpoint: str, api: httpx.AsyncClient, clock: Clock
) -> None:
    await faults(
        api,
        {"do": "drop", "skip": 1},
        {"do": "double", "match": "^patient.created pat-"},
        {"do": "delay", "seconds": 600, "match": "updated"},
    )
    ada = person(practice, "Ada")
    person(practice, "Bo")
    practice.edit(ada, email="ada@example.com")
    person(practice, "Cy")
    await practice.deliver()
    assert receiver.names() == ["Ada", "Ada", "Cy"]
    assert receiver.got[0].json["id"] == receiver.got[1].json["id"]
    clock.advance(minutes=10)
    await practice.deliver()
    assert receiver.types[-1] == "patient.updated"


async def test_a_reordered_event_comes_after_later_ones(
    practice: Practice, receiver: Receiver, endpoint: str, api: httpx.AsyncClient
) -> None:
    await faults(api, {"do": "reorder", "behind": 2})
    for name in ("Ada", "Bo"):
        person(practice, name)
    await practice.deliver()
    person(practice, "Cy")
    await practice.deliver()
    await practice.deliver()
    assert receiver.names() == ["Bo", "Cy", "Ada"]


async def test_what_a_fault_holds_back_can_be_released_and_a_reset_ends_faults(
    practice: Practice, receiver: Receiver, endpoint: str, api: httpx.AsyncClient
) -> None:
    await faults(api, {"do": "reorder"}, {"do": "delay", "seconds": 9999}, {"do": "drop", "times": 5})
    person(practice, "Ada")
    person(practice, "Bo")
    assert await practice.deliver() == []
    assert len((await api.get("/_control/events/faults")).json()["faults"]) == 1
    await api.post("/_control/events/release")
    await practice.deliver()
    assert receiver.names() == ["Ada", "Bo"]
    await api.post("/_control/reset")
    assert (await api.get("/_control/events/faults")).json() == {"faults": []}


@pytest.mark.parametrize(
    "wrong",
    [
        {"do": "explode"},
        {"match": "x"},
        {"do": "drop", "times": -1},
        {"do": "delay", "seconds": "5"},
        {"do": "drop", "match": "("},
        {"do": "drop", "match": 5},
        {"do": "drop", "what": 1},
        5,
    ],
)
async def test_faults_of_events_that_make_no_sense_are_refused(api: httpx.AsyncClient, wrong: object) -> None:
    answer = await api.put("/_control/events/faults", json={"faults": [wrong]})
    assert answer.status_code == 400
