"""Reads what the store knows of a connection's health: what waits and since when, stops, reviews, what last went well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from hintsync.core.values import Side
from hintsync.state.live import Backlog, Stop
from hintsync.state.port import ReviewKind, Run, RunStatus, StateStore

#: Reviews that are listed at most.
MOST_REVIEWS = 10_000
#: Latest runs that are looked at for successes.
_RUNS = 50


@dataclass(frozen=True, slots=True)
class Figures:
    """How a connection stands at a moment."""

    connection_id: str
    backlog: Backlog
    #: Seconds that the oldest record of a side waits that is not parked; a side without any is missing.
    queue_age: Mapping[Side, float]
    #: Stops in force, oldest first.
    stops: Sequence[Stop]
    #: Open reviews by kind; conflicts are one of them.
    reviews: Mapping[ReviewKind, int]
    #: Seconds since the epoch at which a kind of run last ended well.
    successes: Mapping[str, float]


async def read_figures(store: StateStore, connection_id: str, now: float) -> Figures:
    """Read a connection's figures; a few small reads, no remote call.

    Args:
        store: the store.
        connection_id: of which connection.
        now: seconds since the epoch.
    """
    backlog = await store.backlog(connection_id)
    return Figures(
        connection_id=connection_id,
        backlog=backlog,
        queue_age={side: max(now - since, 0.0) for side, since in backlog.oldest.items()},
        stops=await store.stops(connection_id),
        reviews=await store.count_reviews(connection_id),
        successes=_successes(await store.runs(connection_id, limit=_RUNS)),
    )


def _successes(runs: Sequence[Run]) -> Mapping[str, float]:
    found: dict[str, float] = {}
    for run in runs:
        if run.status is RunStatus.DONE and not run.dry and run.finished_at:
            ended = datetime.fromisoformat(run.finished_at).timestamp()
            found[run.kind] = max(ended, found.get(run.kind, 0.0))
    return found
