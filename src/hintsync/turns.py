"""Lets other tasks run while many records are computed: answers are taken and requests go out meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

Item = TypeVar("Item")


#: Rows that are read from a database or from JSON between two turns: some three milliseconds, as with `in_turns` as it is.
#: Who stores a webhook waits for several turns, and each may cost as much as every computation under way takes for one. They
#: are counted, not timed, so that a history of the tests goes the same way each time.
ROWS = 25


async def in_turns(items: Iterable[Item], size: int = 4) -> AsyncIterator[Item]:
    """Yield items; after every `size` of them, whoever else is ready has a turn."""
    for number, item in enumerate(items, start=1):
        yield item
        if number % size == 0:
            await asyncio.sleep(0)
