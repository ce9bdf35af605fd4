"""One pass of a worker: what it holds, and what keeps it from writing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from hintsync.engine.context import Engine
from hintsync.engine.guards.stops import Stops

#: Seconds that a lease of records and links lasts; whoever runs workers renews it every third of that.
LEASE = 15.0


@dataclass(slots=True)
class Pass:
    """A worker's pass over one group."""

    engine: Engine
    worker: str
    stops: Stops
    #: Links that the pass holds, or held.
    leased: set[str] = field(default_factory=set)

    @property
    def now(self) -> float:
        """Seconds since the epoch."""
        return self.engine.clock.now().timestamp()

    async def lease(self, link_ids: Collection[str]) -> frozenset[str]:
        """Hold links until the pass ends; return those that are this worker's now."""
        if not link_ids:
            return frozenset()
        store, now = self.engine.store, self.now
        ours = await store.lease_links(self.engine.connection.id, link_ids, self.worker, now, now + LEASE)
        self.leased |= ours
        return ours

    async def release(self) -> None:
        """Let go of every link of the pass."""
        if self.leased:
            await self.engine.store.release_links(self.engine.connection.id, self.leased, self.worker)
            self.leased.clear()
