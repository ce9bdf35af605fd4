"""Long random histories on the databases, held to the store in memory step by step."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from random import Random
from typing import Any, TypeAlias

import pytest

from hintsync.core.values import Side
from hintsync.state.live import Dirty, Intent, Lane, LiveStore, Mark
from hintsync.state.memory import MemoryStore
from hintsync.state.sql.store import SqlStore
from tests.contract.live_examples import LEASE, T

STEPS = 120
WORKERS = ("worker-1", "worker-2", "worker-3")
LINKS = tuple(f"link-{number}" for number in range(5))

#: Names of the steps; the frequent ones several times.
KINDS = (
    *("mark", "mark", "mark", "claim", "claim", "finish", "put_off", "renew", "drop", "replay"),
    *("lease", "release", "intend", "withdraw", "prune"),
)

#: What is done to each store.
Act: TypeAlias = Callable[[LiveStore], Coroutine[Any, Any, object]]


class Histories:
    """Draws steps; each is carried out on two stores, whose answers must be the same."""

    def __init__(self, seed: int, stores: Sequence[LiveStore]) -> None:
        """Take a seed and the stores, both empty."""
        self.random = Random(seed)
        self.stores = stores
        self.now = T
        #: What was claimed, whether or not it is still held.
        self.claimed: list[Dirty] = []
        self.intents: list[Intent] = []

    async def step(self) -> None:
        """Carry out a step on both stores and compare."""
        # No two moments are equal: order among equals is not promised.
        self.now += self.random.uniform(0.001, 8)
        kind = self.random.choice(KINDS)
        act = getattr(self, kind)()
        answers = [await act(store) for store in self.stores]
        assert answers[0] == answers[1], kind
        if kind == "claim":
            self.claimed += answers[0]
        assert await self.seen(self.stores[0]) == await self.seen(self.stores[1]), kind

    async def seen(self, store: LiveStore) -> tuple[object, ...]:
        """Return all that a store tells."""
        return (
            await store.dirty("con-1", limit=10_000),
            await store.dirty("con-1", parked=True),
            await store.backlog("con-1"),
            await store.next_due("con-1"),
            await store.pending("con-1", LINKS),
            await store.intents("con-1", since=T),
        )

    def mark(self) -> Act:
        """Mark up to six records, some twice."""
        marks = [self.a_mark() for _ in range(self.random.randint(0, 6))]
        return lambda store: store.mark("con-1", marks)

    def a_mark(self) -> Mark:
        """Draw a mark; events repeat now and then."""
        side, lane = self.random.choice(list(Side)), self.random.choice(list(Lane))
        event_id = f"evt-{self.random.randint(0, 60)}" if self.random.random() < 0.5 else None
        moment = self.now - self.random.uniform(0, 20)
        return Mark(side, f"rec-{self.random.randint(0, 9)}", f"cause-{lane.value}", moment, lane, event_id)

    def claim(self) -> Act:
        """Claim a few records of some lanes."""
        lanes = self.random.sample(list(Lane), self.random.randint(1, len(Lane)))
        worker, limit = self.random.choice(WORKERS), self.random.randint(1, 6)
        return lambda store: store.claim("con-1", worker, self.now, self.now + LEASE, limit=limit, lanes=lanes)

    def given_up(self) -> list[Dirty]:
        """Draw claims to be ended, old ones too."""
        several = self.random.sample(self.claimed[-12:], min(len(self.claimed[-12:]), self.random.randint(0, 5)))
        return list({(dirty.side, dirty.record_id): dirty for dirty in several}.values())

    def finish(self) -> Act:
        """Finish some claims."""
        done = self.given_up()
        return lambda store: store.finish_marks(done)

    def put_off(self) -> Act:
        """Put off or park some claims."""
        dirty, due, failed = self.given_up(), self.now + self.random.uniform(-5, 60), self.random.random() < 0.7
        parked = "refused" if self.random.random() < 0.3 else None
        return lambda store: store.put_off(dirty, due, failed=failed, parked=parked)

    def renew(self) -> Act:
        """Extend a worker's leases."""
        worker, until = self.random.choice(WORKERS), self.now + self.random.uniform(0, 2 * LEASE)
        return lambda store: store.renew_leases("con-1", worker, until)

    def drop(self) -> Act:
        """Drop a worker's leases."""
        worker = self.random.choice(WORKERS)
        return lambda store: store.drop_leases("con-1", worker)

    def replay(self) -> Act:
        """Replay all parked records, or some that may be parked."""
        some = [(self.random.choice(list(Side)), f"rec-{self.random.randint(0, 9)}") for _ in range(4)]
        records = some if self.random.random() < 0.7 else None
        return lambda store: store.replay("con-1", self.now, records)

    def lease(self) -> Act:
        """Lease some links."""
        ids, worker = self.random.sample(LINKS, 3), self.random.choice(WORKERS)
        return lambda store: store.lease_links("con-1", ids, worker, self.now, self.now + LEASE)

    def release(self) -> Act:
        """Release some links."""
        ids, worker = self.random.sample(LINKS, 2), self.random.choice(WORKERS)
        return lambda store: store.release_links("con-1", ids, worker)

    def intend(self) -> Act:
        """Intend to write some links; few prints, so that they meet again."""
        new = [
            Intent(self.random.choice(LINKS), self.random.choice(list(Side)), self.now + number, self.prints())
            for number in range(self.random.randint(0, 3))
        ]
        self.intents += new
        return lambda store: store.intend("con-1", new)

    def prints(self) -> dict[str, bytes]:
        """Draw fingerprints of some fields."""
        names = self.random.sample(["email", "city", "zip"], self.random.randint(0, 3))
        return {name: bytes([self.random.randint(0, 1)]) * 16 for name in names}

    def withdraw(self) -> Act:
        """Withdraw some intents, a few of which never were."""
        known = self.random.sample(self.intents, min(2, len(self.intents)))
        gone = [*known, *(replace(intent, at=intent.at + 1e6) for intent in known[:1])]
        return lambda store: store.withdraw("con-1", gone)

    def prune(self) -> Act:
        """Forget old intents."""
        side, before = self.random.choice([None, *Side]), self.now - 200
        return lambda store: store.forget_intents("con-1", before=before, side=side)


@pytest.mark.parametrize("seed", range(3))
async def test_a_database_does_as_memory_does_through_any_history(
    sql_store: SqlStore, memory_store: MemoryStore, seed: int
) -> None:
    histories = Histories(seed, [memory_store, sql_store])
    for _ in range(STEPS):
        await histories.step()
    assert histories.claimed
    assert histories.intents
