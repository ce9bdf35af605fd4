"""Works the chunks of a run, several at once, and ends in order: what is started is finished, nothing new is begun."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from hintsync.core.errors import HintsyncError, RetryLater
from hintsync.engine.context import Engine
from hintsync.engine.runs.life import RunKeeper
from hintsync.state.port import LinkTaken, StaleLink

Chunk = TypeVar("Chunk")

#: Times that a chunk is worked whose links live work, or a person, moved under it.
TRIES = 5
#: Chunks under way at once: enough to plan one while others wait for answers.
AT_ONCE = 3
#: The same where no patient is written for the link alone, so that a chunk is two calls: an abort waits for them only.
AT_ONCE_WITHOUT_WRITE_BACK = 6


def at_once(engine: Engine) -> int:
    """Return how many chunks a batch works at once; what is under way is finished after an abort."""
    return AT_ONCE if engine.options.write_back else AT_ONCE_WITHOUT_WRITE_BACK


async def work_chunks(
    keeper: RunKeeper,
    chunks: AsyncIterator[Chunk],
    work: Callable[[Chunk], Awaitable[None]],
    *,
    at_once: int = AT_ONCE,
) -> None:
    """Work every chunk; on an abort or an error let those under way finish, then raise it.

    Raises:
        HintsyncError: what stopped the run; the chunks that finished are committed.
    """
    under_way: set[asyncio.Task[None]] = set()
    try:
        async for chunk in chunks:
            await keeper.breathe()
            under_way.add(asyncio.ensure_future(_task(work, chunk)))
            if len(under_way) >= at_once:
                done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                _raise_first(done)
    except HintsyncError:
        if under_way:
            done, _ = await asyncio.wait(under_way)
            _raise_unforeseen(done)
        raise
    except BaseException:
        await _cancel(under_way)
        raise
    if under_way:
        done, _ = await asyncio.wait(under_way)
        _raise_first(done)


async def _task(work: Callable[[Chunk], Awaitable[None]], chunk: Chunk) -> None:
    """Work a chunk; where somebody else moved one of its links meanwhile, nothing was committed: it is worked anew.

    Raises:
        RetryLater: links of the chunk kept moving; the run stops in order and may be resumed.
    """
    for _ in range(TRIES):
        try:
            return await work(chunk)
        except (StaleLink, LinkTaken):
            continue
    raise RetryLater(None, f"links of one chunk kept moving, {TRIES} times")


def _raise_first(done: set[asyncio.Task[None]]) -> None:
    _raise_unforeseen(done)
    for task in done:
        task.result()


def _raise_unforeseen(done: set[asyncio.Task[None]]) -> None:
    """Raise what is no error of ours before anything that is: a bug must not hide behind a run that stops in order."""
    errors = [error for task in done if (error := task.exception()) is not None]
    for error in errors:
        if not isinstance(error, HintsyncError):
            raise error


async def _cancel(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
