from __future__ import annotations

import asyncio

import pytest

from hintsync.replicas.side_by_side import all_of, end_all, take_earliest


class Held:
    """Something under way that never ends by itself, and counts how often it was ended."""

    def __init__(self) -> None:
        self.ended = 0

    async def wait(self) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1
        return "never"


async def told(word: str, turns: int = 0) -> str:
    for _ in range(turns):
        await asyncio.sleep(0)
    return word


async def failing(turns: int = 0) -> str:
    await told("", turns)
    raise LookupError("gone")


async def test_all_are_answered_in_the_order_of_asking() -> None:
    assert await all_of([told("slow", 3), told("fast")]) == ["slow", "fast"]
    assert await all_of([]) == []


async def test_the_first_failure_ends_the_others() -> None:
    held = Held()
    with pytest.raises(LookupError):
        await all_of([held.wait(), failing(2), held.wait()])
    assert held.ended == 2


async def test_whoever_gives_up_waiting_for_all_ends_all() -> None:
    held = Held()
    waiting = asyncio.create_task(all_of([held.wait(), held.wait()]))
    await told("", 3)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert held.ended == 2


async def test_the_earliest_is_taken_and_of_several_the_one_begun_first() -> None:
    slow, first, second = (asyncio.create_task(told(*each)) for each in (("slow", 9), ("first", 1), ("second", 0)))
    tasks = dict.fromkeys((slow, first, second))
    await told("", 5)
    assert [await take_earliest(tasks), await take_earliest(tasks)] == ["first", "second"]
    assert list(tasks) == [slow]
    assert await take_earliest(tasks) == "slow"


async def test_a_failure_is_taken_as_a_result_is() -> None:
    held = Held()
    tasks = dict.fromkeys([asyncio.create_task(held.wait()), asyncio.create_task(failing())])
    with pytest.raises(LookupError):
        await take_earliest(tasks)
    assert len(tasks) == 1
    await end_all(tasks)
    assert held.ended == 1


async def test_ending_all_waits_until_each_has_ended_whatever_came_of_it() -> None:
    held = Held()
    tasks = [asyncio.create_task(each) for each in (held.wait(), failing(), told("done"))]
    await told("", 3)
    await end_all(tasks)
    assert held.ended == 1
    assert all(task.done() for task in tasks)
