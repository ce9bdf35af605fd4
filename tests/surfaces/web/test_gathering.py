"""Group commit: nobody waits on purpose, nobody is forgotten, and who fails fails with those in the same flush only."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.surfaces.web.gathering import Gatherer


class Slow:
    """A store that takes as long as a test says."""

    def __init__(self) -> None:
        self.flushes: list[list[int]] = []
        self.gate = asyncio.Event()
        #: Items whose flush fails.
        self.poison: set[int] = set()

    async def __call__(self, items: Sequence[int]) -> None:
        self.flushes.append([*items])
        await self.gate.wait()
        if self.poison & {*items}:
            raise OSError("disk full")


async def settle() -> None:
    """Let every task run as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_who_comes_alone_is_stored_at_once() -> None:
    store = Slow()
    store.gate.set()
    gatherer = Gatherer(store)
    await gatherer.put([1])
    await gatherer.put([2, 3])
    assert store.flushes == [[1], [2, 3]]


async def test_who_comes_during_a_flush_goes_together_with_the_next() -> None:
    store = Slow()
    gatherer = Gatherer(store)
    tasks = [asyncio.create_task(gatherer.put([0]))]
    await settle()
    tasks += [asyncio.create_task(gatherer.put([number])) for number in range(1, 5)]
    await settle()
    assert store.flushes == [[0]]
    assert not any(task.done() for task in tasks), "nobody is answered before the flush is over"
    store.gate.set()
    await asyncio.gather(*tasks)
    assert store.flushes == [[0], [1, 2, 3, 4]]


async def test_those_who_are_at_the_door_together_go_in_one_flush() -> None:
    store = Slow()
    store.gate.set()
    gatherer = Gatherer(store)
    await asyncio.gather(*(gatherer.put([number]) for number in range(20)))
    assert store.flushes == [[*range(20)]]


async def test_a_flush_that_fails_fails_for_those_in_it_and_no_others() -> None:
    store = Slow()
    store.poison = {2}
    gatherer = Gatherer(store)
    tasks = [asyncio.create_task(gatherer.put([0]))]
    await settle()
    tasks += [asyncio.create_task(gatherer.put([number])) for number in (1, 2)]
    await settle()
    store.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), OSError, OSError]
    await gatherer.put([3])
    assert store.flushes == [[0], [1, 2], [3]]


async def test_who_gives_up_waiting_hurts_nobody() -> None:
    store = Slow()
    gatherer = Gatherer(store)
    tasks = [asyncio.create_task(gatherer.put([number])) for number in range(3)]
    await settle()
    tasks[1].cancel()
    store.gate.set()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None)]


async def test_closing_waits_for_what_was_begun() -> None:
    store = Slow()
    gatherer = Gatherer(store)
    tasks = [asyncio.create_task(gatherer.put([number])) for number in range(3)]
    await settle()
    closing = asyncio.create_task(gatherer.aclose())
    await settle()
    assert not closing.done()
    store.gate.set()
    await closing
    assert all(task.done() for task in tasks)
    assert [item for flushed in store.flushes for item in flushed] == [0, 1, 2]


async def test_when_the_loop_ends_nobody_is_left_waiting() -> None:
    store = Slow()
    gatherer = Gatherer(store)
    tasks = [asyncio.create_task(gatherer.put([number])) for number in range(3)]
    await settle()
    flusher = next(each for each in asyncio.all_tasks() if "_drain" in repr(each.get_coro()))
    flusher.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(result) for result in results} == {asyncio.CancelledError}


@given(sizes=st.lists(st.integers(0, 7), max_size=30), most=st.integers(1, 10), pauses=st.lists(st.integers(0, 3)))
async def test_every_item_is_flushed_once_in_order_and_no_flush_is_too_large(
    sizes: list[int], most: int, pauses: list[int]
) -> None:
    flushes: list[list[int]] = []

    async def flush(items: Sequence[int]) -> None:
        flushes.append([*items])
        for _ in range(pauses.pop() if pauses else 1):
            await asyncio.sleep(0)

    gatherer = Gatherer(flush, most=most)
    groups, start = [], 0
    for size in sizes:
        groups.append([*range(start, start + size)])
        start += size
    await asyncio.gather(*(gatherer.put(group) for group in groups))
    assert [item for flushed in flushes for item in flushed] == [*range(start)]
    kept_whole = {item: group for group in groups for item in group}
    for flushed in flushes:
        assert len(flushed) <= most or len({id(kept_whole[item]) for item in flushed}) == 1
        assert {item for each in flushed for item in kept_whole[each]} == {*flushed}


async def test_nothing_to_store_is_no_flush() -> None:
    store = Slow()
    await Gatherer(store).put([])
    assert store.flushes == []


async def test_a_fault_of_the_store_is_handed_on_as_it_is() -> None:
    async def flush(items: Sequence[int]) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await Gatherer(flush).put([1])
