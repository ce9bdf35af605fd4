"""Places at which a process may die: before and after every remote call and every write of the store.

Nothing in the product knows of this. The replicas' calls are met through their faults, the store through a wrapper. Once
the process is dead it stays dead: every later call of its tasks fails too, as if there were nobody to make it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, TypeAlias

from hintsync.core.values import Side
from hintsync.replicas.memory_faults import Crash, Faults
from hintsync.state.port import StateStore

Meanwhile: TypeAlias = Callable[[], None]

#: The store's methods that write.
WRITES = frozenset(
    {"put_connection", "put_cursor", "put_secret", "reserve", "decline", "commit", "start_run", "save_run", "lease_run"}
)

#: Those of live sync besides.
LIVE_WRITES = frozenset(
    {
        *("mark", "finish_marks", "put_off", "claim", "renew_leases", "drop_leases", "replay"),
        *(
            "lease_links",
            "release_links",
            "intend",
            "withdraw",
            "forget_intents",
            "put_stop",
            "clear_stop",
            "take_known",
        ),
    }
)


class Points:
    """Counts the points of one attempt, and lets something happen at one of them."""

    def __init__(
        self,
        crash_at: int | None = None,
        abort_at: int | None = None,
        *,
        meanwhile: Mapping[int, Meanwhile] | None = None,
    ) -> None:
        """Choose the point at which the process dies, or the write of the store before which a person aborts the run.

        `meanwhile` is what others do at a point, by its number.
        """
        self.crash_at = crash_at
        self.abort_at = abort_at
        self.meanwhile = meanwhile or {}
        self.names: list[str] = []
        self.writes = 0
        self.dead = False

    def alive(self) -> None:
        """Fail if the process is dead."""
        if self.dead:
            raise Crash

    def reach(self, name: str) -> None:
        """Come to a point."""
        self.alive()
        self.names.append(name)
        if len(self.names) in self.meanwhile:
            self.meanwhile[len(self.names)]()
        if len(self.names) == self.crash_at:
            self.dead = True
            raise Crash


class WatchedFaults(Faults):
    """A replica's faults, with a point on both sides of every remote call."""

    def __init__(self, side: Side) -> None:
        """Start with everything off."""
        super().__init__(side)
        self.points = Points()

    def begin(self) -> None:
        """Count a call and let happen what is due before it is carried out."""
        self.points.reach(f"before a call to {self.side}")
        super().begin()

    def end(self) -> bool:
        """Let happen what is due after a call was carried out."""
        lost = super().end()
        self.points.reach(f"after a call to {self.side}")
        return lost


class WatchedStore:
    """A store as one process sees it, with a point on both sides of every write."""

    def __init__(self, inner: StateStore, points: Points, writes: Collection[str] = WRITES) -> None:
        """Wrap a store for one attempt, with points around these of its methods."""
        self._inner = inner
        self._writes = writes
        self._points = points
        self._run_id: str | None = None

    def __getattr__(self, name: str) -> Any:
        self._points.alive()
        method = getattr(self._inner, name)
        return self._around(name, method) if name in self._writes else method

    def _around(self, name: str, method: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        async def watched(*args: Any, **kwargs: Any) -> Any:
            if name == "start_run":
                self._run_id = args[0].id
            elif name == "lease_run":
                self._run_id = args[0]
            await self._perhaps_abort()
            self._points.reach(f"before {name}")
            result = await method(*args, **kwargs)
            self._points.reach(f"after {name}")
            return result

        return watched

    async def _perhaps_abort(self) -> None:
        self._points.writes += 1
        if self._points.writes == self._points.abort_at and self._run_id is not None:
            await self._inner.ask_abort(self._run_id)


async def bury() -> int:
    """Wait until the tasks of a dead process have ended; return how many it had left behind."""
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left)
    for task in left:
        if not task.cancelled():
            task.exception()
    return len(left)
