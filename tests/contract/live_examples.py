"""Marks, claims and intents for the tests of what live sync remembers."""

from __future__ import annotations

from collections.abc import Sequence

from hintsync.core.values import Side
from hintsync.state.live import Dirty, Intent, Lane, LiveStore, Mark, Stop
from tests.contract.state_examples import NOW, prints

#: Any moment; seconds since the epoch.
T = 1_772_000_000.0

#: Seconds of a lease.
LEASE = 15.0


def a_mark(record_id: str = "pat-1", at: float = T, *, lane: Lane = Lane.LIVE, event_id: str | None = None) -> Mark:
    """A webhook that named a patient."""
    return Mark(Side.HINT, record_id, "webhook", at, lane, event_id)


def a_poll(record_id: str = "003-1", at: float = T, *, lane: Lane = Lane.LIVE) -> Mark:
    """A poll that found a contact changed."""
    return Mark(Side.SALESFORCE, record_id, "poll", at, lane)


def an_intent(link_id: str = "link-1", at: float = T, *names: str, side: Side = Side.SALESFORCE) -> Intent:
    """What is about to be written of some fields."""
    return Intent(link_id, side, at, prints(*names))


def a_stop(guard: str = "G3", side: Side | None = Side.HINT, *, at: str = NOW, connection_id: str = "con-1") -> Stop:
    """A guard that tripped."""
    return Stop(connection_id, guard, side, "23 of 400 links would change", at, "run-1")


async def claimed(
    store: LiveStore, now: float = T, *, worker: str = "worker-1", limit: int = 100, lanes: Sequence[Lane] = tuple(Lane)
) -> list[Dirty]:
    """Claim for the length of a lease."""
    return list(await store.claim("con-1", worker, now, now + LEASE, limit=limit, lanes=lanes))


async def claimed_ids(store: LiveStore, now: float = T, **how: object) -> list[str]:
    """Claim; return the ids."""
    return [dirty.record_id for dirty in await claimed(store, now, **how)]  # type: ignore[arg-type]


async def only(store: LiveStore) -> Dirty:
    """Return the one dirty record."""
    (dirty,) = await store.dirty("con-1")
    return dirty
