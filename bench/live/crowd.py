"""Two, four and eight workers on one PostgreSQL database: how much they work, and what becomes of a dead one's work."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import psycopg

from bench.live.office import Call
from bench.live.service import Site, until, worker
from hintsync.bootstrap import open_service
from hintsync.core.values import Side
from hintsync.state.live import Mark

#: Seconds in which workers start and catch up.
_START = 15.0
#: Bar: seconds until another worker has taken over what a dead one held.
TAKEOVER = 30.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """What so many workers did."""

    workers: int
    links: int
    seconds: float
    #: Contacts that were written with the same value more than once: their link was in two hands.
    doubled: int
    #: Contacts that do not show the change in the end.
    forgotten: int
    #: Seconds until nothing was left of what the killed one held; None if it held nothing or nobody was killed.
    takeover: float | None = None

    def told(self) -> str:
        """Say it in words."""
        taken = "" if self.takeover is None else f", the killed one's work taken over in {self.takeover:.1f} s"
        return (
            f"{self.workers} workers: {self.links / self.seconds:,.0f} links a second, {self.doubled} in two hands, "
            f"{self.forgotten} forgotten{taken}"
        )

    @property
    def reaches_bars(self) -> bool:
        """Whether nothing went wrong."""
        return not self.doubled and not self.forgotten and (self.takeover is None or self.takeover < TAKEOVER)


def crowd(site: Site, pairs: Sequence[tuple[str, str]], workers: int, *, kill: bool = False) -> Crowd:
    """Start workers, change some patients, mark them dirty, and wait until nothing is left.

    Each pair may be used once: somebody who is changed again and again goes in circles to guard G7.
    """
    site.limit(None)
    site.configure(hint_requests_per_second=1000)
    mark = f"C{workers}{'k' if kill else 'n'}{time.monotonic_ns() % 10**6:06}-"
    with ExitStack() as stack:
        crew = [stack.enter_context(worker(site)) for _ in range(workers)]
        time.sleep(_START)
        until(lambda: _left(site) == 0, look=0.5, seconds=1800)
        before = site.org.count()
        for number, (_, patient) in enumerate(pairs):
            site.hint.control("PATCH", f"/patients/{patient}", {"address_city": f"{mark}{number:06}"})
        asyncio.run(_mark(site, [patient for _, patient in pairs]))
        takeover = None
        if kill:
            until(lambda: bool(_held(site, crew[0].process.pid)), look=0.02, seconds=120)
            crew[0].kill()
            died, pid = time.monotonic(), crew[0].process.pid
            until(lambda: not _held(site, pid), look=0.1, seconds=120)
            takeover = time.monotonic() - died
        until(lambda: _left(site) == 0, look=0.1, seconds=1800)
        writes = [call for call in site.org.calls(before) if call.is_write and call.status < 300 and mark in call.body]
    # From the first write to the last: a poll may have found some of the changes before they were marked.
    seconds = max(call.ended for call in writes) - min(call.began for call in writes)
    doubled, shown = _doubled(writes, mark)
    return Crowd(workers, len(pairs), seconds, doubled, len(pairs) - shown, takeover)


async def _mark(site: Site, patients: Sequence[str]) -> None:
    async with open_service(site.settings()) as service:
        connection = await service.connection("bench")
        now = service.clock.now().timestamp()
        await service.store.mark(connection.id, [Mark(Side.HINT, each, "bench", now) for each in patients])


def _rows(site: Site, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(site.database_url) as connection:
        return connection.execute(query).fetchall()


def _left(site: Site) -> int:
    return int(str(_rows(site, "SELECT count(*) FROM dirty WHERE parked IS NULL")[0][0]))


def _held(site: Site, pid: int) -> list[tuple[object, ...]]:
    """Return the dirty records that a process holds."""
    return [
        row for row in _rows(site, "SELECT worker, record_id FROM dirty WHERE worker IS NOT NULL") if _is(row[0], pid)
    ]


def _is(name: object, pid: int) -> bool:
    return str(pid) in str(name).replace("#", "/").replace(":", "/").replace("-", "/").replace(".", "/").split("/")


def _doubled(calls: Sequence[Call], mark: str) -> tuple[int, int]:
    """Return how many contacts were written with the same value more than once, and how many were written at all."""
    times = Counter[str]()
    for call in calls:
        for word in call.body.split(mark)[1:]:
            times[word[:6]] += 1
    return sum(each > 1 for each in times.values()), len(times)
