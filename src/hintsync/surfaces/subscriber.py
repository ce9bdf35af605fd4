"""The subscriber: makes sure that one process, and only one, notices what a connection's contacts go through.

Change events where the org has them, polling where it has not or while they are out of order; see `stream_keeper` and
`poll_keeper`. A lease says whose turn it is, so that every host may run a subscriber and the next one takes over.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.detect.catch_up import catch_up
from hintsync.engine.detect.intake import TakenIn, take_in
from hintsync.engine.detect.notices import Notice
from hintsync.engine.detect.poll import Poll, TakeIn, poll_once
from hintsync.engine.health.alarms import Pulse
from hintsync.engine.waiting import first_of
from hintsync.engine.workers import worker_name
from hintsync.metrics import count
from hintsync.state.port import Run, RunStatus
from hintsync.surfaces.poll_keeper import PollKeeper
from hintsync.surfaces.stream_keeper import PACE, Hands, Pace, Situation, StreamKeeper

_log = logging.getLogger(__name__)

#: Reads what may have been missed on a side (`engine.detect.catch_up.catch_up`).
CatchUp = Callable[[Engine, Side], Awaitable[Run]]
#: Rings the bell of a connection's workers.
Wake = Callable[[], Awaitable[None]]


async def run_subscriber(
    engine: Engine,
    stop: asyncio.Event,
    *,
    take: TakeIn = take_in,
    catch: CatchUp = catch_up,
    poll: Poll = poll_once,
    wake: Wake | None = None,
    pace: Pace = PACE,
) -> None:
    """Notice what happens to a connection's contacts until told to stop.

    Trouble with Salesforce never ends it; trouble with the store does.

    Args:
        engine: The connection.
        stop: Set when it is time to stop; what has begun to be stored is stored.
        take: The way into the dirty set.
        catch: Reads what may have been missed.
        poll: Polls a side once.
        wake: Told when there is work to do; without it, workers find it when they look the next time.
        pace: How patiently.
    """
    worker = f"{worker_name()}#subscriber:{engine.connection.id}:{engine.new_id('turn')}"
    while not stop.is_set():
        if await _lease(engine, worker, pace):
            try:
                await _work(engine, worker, stop, _hands(engine, take, catch, poll, wake), pace)
            finally:
                await engine.store.release_links(engine.connection.id, [_turn(engine)], worker)
        else:
            await first_of(stop.wait(), engine.clock.sleep(pace.renew))


def _turn(engine: Engine) -> str:
    """Return the id under which the lease lies among those of links: no link is ever called so."""
    return f"subscriber:{engine.connection.id}"


async def _lease(engine: Engine, worker: str, pace: Pace) -> bool:
    now = engine.clock.now().timestamp()
    held = await engine.store.lease_links(engine.connection.id, [_turn(engine)], worker, now, now + pace.lease)
    return bool(held)


async def _keep_lease(engine: Engine, worker: str, pace: Pace) -> None:
    """Renew the lease; returns once it is another's."""
    while await _lease(engine, worker, pace):
        await engine.clock.sleep(pace.renew)
    _log.warning("another process subscribes for this connection now")


async def _work(engine: Engine, worker: str, stop: asyncio.Event, hands: Hands, pace: Pace) -> None:
    """Follow and poll until told to stop, or until the lease is lost."""
    situation = Situation()
    stream = StreamKeeper(engine, hands, situation, pace)
    polls = PollKeeper(engine.clock, hands, situation, engine.options.poll_seconds, pace)
    await first_of(stop.wait(), _keep_lease(engine, worker, pace), stream.keep(), polls.keep())


def _hands(engine: Engine, take: TakeIn, catch: CatchUp, poll: Poll, wake: Wake | None) -> Hands:
    """Put together what is done about changes; whoever finds work rings the workers' bell."""

    async def ring(found: int) -> None:
        if found and wake is not None:
            await wake()

    async def take_and_ring(
        engine: Engine, notices: Sequence[Notice], *, cursors: Mapping[str, str] | None = None
    ) -> TakenIn:
        taken = await take(engine, notices, cursors=cursors)
        for word, number in (("marked", taken.marked), ("echo", taken.echoes), ("ignored", taken.ignored)):
            count(word, engine.connection.id, Side.SALESFORCE, number)
        await ring(taken.marked)
        return taken

    async def poll_and_ring() -> int:
        found = await poll(engine, Side.SALESFORCE)
        await ring(found)
        return found

    async def catch_up_whole() -> None:
        run = await catch(engine, Side.SALESFORCE)
        if run.status is not RunStatus.DONE:
            raise RetryLater(Side.SALESFORCE, f"run {run.id} did not come to its end: {run.status}")
        await ring(run.done)

    return Hands(take_and_ring, poll_and_ring, catch_up_whole, Pulse(engine).beat)
