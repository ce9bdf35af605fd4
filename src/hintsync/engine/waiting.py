"""Waiting for whichever comes first, such as a pause that is over or the word to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from hintsync.ports import Clock


async def first_of(*works: Awaitable[object]) -> None:
    """Work until the first of these has ended; the others are called off. What any of them failed with is raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        done = await asyncio.gather(*tasks, return_exceptions=True)
    for result in done:
        if isinstance(result, Exception):
            raise result


async def rest(clock: Clock, seconds: float, stop: asyncio.Event) -> None:
    """Let some seconds pass, or fewer if it is time to stop."""
    await first_of(clock.sleep(seconds), stop.wait())
