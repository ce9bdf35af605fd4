"""Requests side by side: all of them, or the earliest first; none is left running.

A task group would not do: within a generator it would cancel whoever is working on what was yielded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

Result = TypeVar("Result")


async def all_of(asked: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """Do all at once and return the results in order; the first failure ends the others and is raised."""
    tasks = [asyncio.create_task(each) for each in asked]
    try:
        return await asyncio.gather(*tasks)
    finally:
        await end_all(tasks)


async def take_earliest(tasks: dict[asyncio.Task[Result], None]) -> Result:
    """Wait until a task has ended, take it out and return its result; of several that which was begun first."""
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    ended = next(task for task in tasks if task.done())
    del tasks[ended]
    return ended.result()


async def end_all(tasks: Iterable[asyncio.Task[Result]]) -> None:
    """Cancel what still runs and wait until it has ended; a failure that nobody took is dropped."""
    running = list(tasks)
    for task in running:
        task.cancel()
    await asyncio.gather(*running, return_exceptions=True)
