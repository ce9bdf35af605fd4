"""When work that did not go well is tried again, and when it waits for a person instead.

What one record meets counts against that record alone: its pauses double, and after enough failures it is parked. Trouble
with a whole side counts against nobody: an outage must park nothing, however long it lasts.
"""

from __future__ import annotations

import random
from collections.abc import Mapping

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.state.port import StateStore

#: Failed passes after which a record is parked.
PARK_AFTER = 8
#: Seconds of the first and of the longest pause.
SHORTEST, LONGEST = 2.0, 300.0
#: Pauses are spread over so many moments, so that records that failed together do not come back together.
_SPREAD = 8


def pause_after(failures: int) -> float:
    """Return the seconds until the next try of a record that failed so many times before: doubling, spread out."""
    return spread(_pause(failures))


def _pause(doubled: int) -> float:
    return min(SHORTEST * float(2 ** min(doubled, 10)), LONGEST)


def spread(seconds: float) -> float:
    """Return between half and the whole of some seconds."""
    return seconds * (0.5 + random.randrange(_SPREAD) / (2 * _SPREAD))


async def pause_of_outage(engine: Engine, error: RetryLater) -> float:
    """Return the seconds for which a side that is in trouble as a whole is left alone; longer while it goes on.

    What is known of the trouble lies in a cursor, so that all workers count as one: how often the pause was doubled, and
    when the last failure was.
    """
    now = engine.clock.now().timestamp()
    name = _cursor(error.side)
    doubled, last = _parsed(await engine.store.get_cursor(engine.connection.id, name))
    pause = _pause(doubled)
    if _is_over(doubled, last, now):
        doubled = 0  # it went well for a while
    elif now - last >= pause / 2:
        doubled += 1
    else:
        return max(pause, error.after or 0.0)  # told by several workers at once
    await engine.store.put_cursor(engine.connection.id, name, f"{doubled};{now}")
    return max(_pause(doubled), error.after or 0.0)


async def sides_in_trouble(store: StateStore, connection_id: str, now: float) -> Mapping[Side, float]:
    """Return the sides that live work cannot reach, with the seconds since it last tried."""
    found = {}
    for side in Side:
        doubled, last = _parsed(await store.get_cursor(connection_id, _cursor(side)))
        if last and not _is_over(doubled, last, now):
            found[side] = now - last
    return found


def _cursor(side: Side | None) -> str:
    return f"outage:{side or 'hintsync'}"


def _is_over(doubled: int, last: float, now: float) -> bool:
    return now - last > 2 * _pause(doubled) + SHORTEST


def _parsed(stored: str | None) -> tuple[int, float]:
    doubled, _, last = (stored or "0;0").partition(";")
    return int(doubled), float(last)
