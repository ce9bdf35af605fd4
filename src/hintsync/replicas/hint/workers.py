"""Works through items a few at a time and keeps what was done when the whole side fails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from hintsync.core.errors import HintsyncError

Item = TypeVar("Item")
Result = TypeVar("Result")


async def work(
    items: Sequence[Item],
    do: Callable[[Item], Awaitable[Result]],
    *,
    at_a_time: int,
    left_over: Callable[[Item, HintsyncError], Result] | None = None,
) -> list[Result]:
    """Do something for each item and return the results in order.

    Args:
        items: what to work on.
        do: does it for one item; a `HintsyncError` from it concerns the whole side, so no further item is begun.
        at_a_time: most items in work at once.
        left_over: what to answer for items without a result once at least one has one; `None`: an error always wins.

    Raises:
        HintsyncError: the first one, if no item has a result or there is no answer for the rest.
    """
    results: dict[int, Result] = {}
    failures: list[HintsyncError] = []
    waiting = iter(enumerate(items))

    async def worker() -> None:
        for place, item in waiting:
            try:
                results[place] = await do(item)
            except HintsyncError as error:
                failures.append(error)
            if failures:
                return

    if min(at_a_time, len(items)) <= 1:
        await worker()
    else:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_a_time, len(items))):
                group.create_task(worker())
    if failures and (left_over is None or not results):
        raise failures[0]
    return [
        results[place] if place in results or left_over is None else left_over(item, failures[0])
        for place, item in enumerate(items)
    ]
