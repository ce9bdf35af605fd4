"""Lets other tasks run while many records are computed: answers are taken and requests go out meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

Item = TypeVar("Item")


#: Rows that are read from a database or from JSON between two turns: some five milliseconds.
ROWS = 50


async def in_turns(items: Iterable[Item], size: int = 10) -> AsyncIterator[Item]:
    """Yield items; after every `size` of them, whoever else is ready has a turn."""
    for number, item in enumerate(items, start=1):
        yield item
        if number % size == 0:
            await asyncio.sleep(0)
