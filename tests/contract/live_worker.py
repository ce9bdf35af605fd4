"""A process that marks, claims or takes turns at a store for ever and says what was acknowledged; tests kill it.

python -m tests.contract.live_worker mark|work|pace URL KEY WORKER
"""

from __future__ import annotations

import asyncio
import sys
import time

from hintsync.core.values import Side
from hintsync.state.keys import MasterKeys
from hintsync.state.live import LiveStore, Mark
from hintsync.state.open import open_store

#: Marks of one call.
SIZE = 7

#: Records claimed at once.
GROUP = 5

#: Seconds between two places of the schedule, and how many may come at once.
INTERVAL, BURST = 0.02, 3


def marks(number: int, worker: str) -> list[Mark]:
    """Return the marks of one call: records that only this worker marks, and one that all do."""
    own = [f"{worker}-{n}" for n in range(number * SIZE, (number + 1) * SIZE - 1)]
    return [
        Mark(Side.HINT, record_id, "webhook", time.time(), event_id=f"{worker}-{number}-{record_id}")
        for record_id in (*own, "shared")
    ]


async def mark(store: LiveStore, worker: str) -> None:
    """Mark until killed; print the number of each call once it is acknowledged."""
    number = 0
    while True:
        await store.mark("con-1", marks(number, worker), cursors={f"{worker}:replay": str(number)})
        say(number)
        number += 1


async def work(store: LiveStore, worker: str) -> None:
    """Claim and finish until nothing is dirty; print each record before it is finished."""
    while (due := await store.next_due("con-1")) is not None:
        now = time.time()
        group = await store.claim("con-1", worker, now, now + 60, limit=GROUP)
        say(*(dirty.record_id for dirty in group))
        await store.finish_marks(group)
        if not group:
            await asyncio.sleep(min(0.01, max(0.0, due - now)))


async def pace(store: LiveStore, worker: str) -> None:
    """Take forty turns; print the moment at which each may begin."""
    for _ in range(40):
        wait = await store.take_turn("hint", time.time(), interval=INTERVAL, burst=BURST)
        say(time.time() + wait)


def say(*words: object) -> None:
    """Print a line at once."""
    print(*words, flush=True)  # noqa: T201


async def main(what: str, url: str, key: str, worker: str) -> None:
    """Do one of the above."""
    store = await open_store(url, MasterKeys.parse(key))
    await {"mark": mark, "work": work, "pace": pace}[what](store, worker)
    await store.aclose()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
