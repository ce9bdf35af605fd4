"""Holds links for what a person does by hand, so that no worker is at the same link at the same time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from hintsync.core.errors import HintsyncError, RetryLater
from hintsync.engine.context import Engine
from hintsync.engine.workers import worker_name

_log = logging.getLogger(__name__)

#: Seconds that a lease lasts, and between renewals while something is done by hand.
LEASE, BEAT = 15.0, 5.0
#: Seconds that a person waits for a worker to let go of a link, and between two tries.
PATIENCE, BETWEEN = 8.0, 0.1


@asynccontextmanager
async def holding(engine: Engine, link_ids: Collection[str]) -> AsyncIterator[None]:
    """Hold links while something is done with them by hand; waits some seconds for a worker that is at one.

    Raises:
        RetryLater: a worker is still at it.
    """
    worker = _hand(engine)
    started = engine.clock.monotonic()
    while not await _take(engine, link_ids, worker):
        if engine.clock.monotonic() - started >= PATIENCE:
            raise RetryLater(None, "the pair is being synced just now; try again in a moment", after=PATIENCE)
        await engine.clock.sleep(BETWEEN)
    async with _kept(engine, link_ids, worker):
        yield


@asynccontextmanager
async def holding_if_free(engine: Engine, link_id: str) -> AsyncIterator[bool]:
    """Hold a link if nobody else does; say whether it is held."""
    worker = _hand(engine)
    if not await _take(engine, [link_id], worker):
        yield False
        return
    async with _kept(engine, [link_id], worker):
        yield True


def _hand(engine: Engine) -> str:
    """Return the name of one action: two actions of one process must not share a lease."""
    return f"{worker_name()}#{engine.new_id('hand')}"


async def _take(engine: Engine, link_ids: Collection[str], worker: str) -> bool:
    """Take all of the links, or none."""
    if not link_ids:
        return True
    now = engine.clock.now().timestamp()
    ours = await engine.store.lease_links(engine.connection.id, link_ids, worker, now, now + LEASE)
    if ours == frozenset(link_ids):
        return True
    if ours:
        await engine.store.release_links(engine.connection.id, ours, worker)
    return False


@asynccontextmanager
async def _kept(engine: Engine, link_ids: Collection[str], worker: str) -> AsyncIterator[None]:
    """Renew the leases while the work inside goes on, and let go of them at its end."""
    heart = asyncio.create_task(_beat(engine, worker))
    try:
        yield
    finally:
        heart.cancel()
        await asyncio.wait([heart])
        if link_ids:
            await engine.store.release_links(engine.connection.id, link_ids, worker)


async def _beat(engine: Engine, worker: str) -> None:
    """Renew the leases again and again; the wait is the machine's own, not the clock that tests hold."""
    while True:
        await asyncio.sleep(BEAT)
        try:
            until = engine.clock.now().timestamp() + LEASE
            await engine.store.renew_leases(engine.connection.id, worker, until)
        except HintsyncError as error:
            _log.warning("a lease held by hand could not be renewed (%s)", error.code)
