"""Reads whole lists of patients in pages, several at a time, and makes sure that nobody was passed over.

Hint's lists are cut by `limit` and `offset` with nothing to hold them still (https://developers.hint.com/reference,
"making requests"): a patient who leaves the list while it is read moves all later ones forward by one, and somebody slips
through between two pages. So each pass counts what it saw against X-Total-Count, and a pass that does not add up is made
again.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from hintsync.core.errors import FixConfiguration, RetryLater
from hintsync.core.values import Side
from hintsync.ports import PageRef
from hintsync.replicas.hint.client import HintClient, Query, expect
from hintsync.replicas.hint.names import PATIENTS

#: Most rows that Hint gives in one answer.
PAGE_SIZE = 100
#: How often a list that does not add up is read before giving up.
_PASSES = 3
#: Pages of one list without X-Total-Count; a million patients.
_ENDLESS = 10_000


@dataclass(frozen=True, slots=True)
class HintPageRef(PageRef):
    """A page's place, with the parameters of the list it was cut from."""

    query: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RawPage:
    """One page as Hint sent it."""

    ref: HintPageRef
    rows: list[dict[str, object]]
    #: X-Total-Count of this answer.
    total: int | None
    #: Monotonic seconds when it was asked for.
    sent_at: float


@dataclass(slots=True)
class _Tally:
    """What one pass over one list saw."""

    ids: set[object] = field(default_factory=set)
    #: X-Total-Count of each page, in list order.
    totals: list[int] = field(default_factory=list)

    def note(self, page: RawPage) -> None:
        self.ids.update(row.get("id") for row in page.rows)
        if page.total is not None:
            self.totals.append(page.total)

    def adds_up(self, *, growing: bool) -> bool:
        """Say whether nobody can have been passed over.

        Args:
            growing: the list is of changes: records enter it anywhere while it is read, and those are for the next time.
        """
        if not self.totals:
            return True
        if min(self.totals) < self.totals[0]:
            return False
        return len(self.ids) >= self.totals[0] if growing else len(self.ids) == max(self.totals)


class PatientLists:
    """The lists of one practice's patients."""

    def __init__(self, client: HintClient, *, at_a_time: int) -> None:
        self._client = client
        self._at_a_time = at_a_time

    async def pages(self, lists: Sequence[Query], *, growing: bool = False) -> AsyncGenerator[RawPage, None]:
        """Yield the pages of one or more lists, in order; no row twice, each row that was there all the time once.

        Args:
            lists: parameters of each list; together they hold everybody that is asked for.
            growing: see `_Tally.adds_up`.

        Raises:
            RetryLater: the lists kept moving while they were read.
        """
        seen: set[object] = set()
        for _ in range(_PASSES):
            tallies = [_Tally() for _ in lists]
            for query, tally in zip(lists, tallies, strict=True):
                async with aclosing(self._one_pass(query)) as pass_:
                    async for page in pass_:
                        tally.note(page)
                        fresh = [row for row in page.rows if row.get("id") not in seen]
                        seen.update(row.get("id") for row in fresh)
                        if fresh:
                            yield replace(page, rows=fresh)
            if all(each.adds_up(growing=growing) for each in tallies) and await self._stood_still(lists, tallies):
                return
        raise RetryLater(Side.HINT, "the list of patients kept moving while it was read")

    async def fetch(self, ref: HintPageRef, limit: int = PAGE_SIZE) -> RawPage:
        """Read one page."""
        query = (*ref.query, ("limit", str(limit)), ("offset", str(ref.offset)))
        answer = expect(await self._client.get(PATIENTS, query), "the list of patients")
        return RawPage(ref, answer.rows(), answer.total, answer.sent_at)

    async def _one_pass(self, query: Query) -> AsyncGenerator[RawPage, None]:
        start = HintPageRef(0, 0, tuple(query))
        first = await self.fetch(start)
        yield first
        rest = self._until_short(first) if first.total is None else self._until_total(first, first.total)
        async with aclosing(rest) as pages:
            async for page in pages:
                yield page

    async def _until_total(self, first: RawPage, total: int) -> AsyncGenerator[RawPage, None]:
        """Read on to the end that X-Total-Count tells, several pages at a time, in order."""
        step = len(first.rows) if len(first.rows) < min(PAGE_SIZE, total) else PAGE_SIZE
        under_way: deque[asyncio.Task[RawPage]] = deque()
        number = 1
        try:
            while True:
                while first.rows and len(under_way) < self._at_a_time and number * step < total:
                    ref = HintPageRef(number, number * step, first.ref.query)
                    under_way.append(asyncio.create_task(self.fetch(ref)))
                    number += 1
                if not under_way:
                    return
                page = await under_way.popleft()
                total = max(total, page.total or 0)
                yield page
        finally:
            for task in under_way:
                task.cancel()
            await asyncio.gather(*under_way, return_exceptions=True)

    async def _until_short(self, first: RawPage) -> AsyncGenerator[RawPage, None]:
        """Read on page by page where no total is told: to the first short page, never round in circles."""
        page, heads = first, {_head(first)}
        while len(page.rows) >= PAGE_SIZE:
            number = page.ref.number + 1
            page = await self.fetch(HintPageRef(number, number * PAGE_SIZE, first.ref.query))
            if page.rows and (_head(page) in heads or number > _ENDLESS):
                raise FixConfiguration("hint: the list of patients ignores `offset`, so it cannot be read to its end")
            heads.add(_head(page))
            yield page

    async def _stood_still(self, lists: Sequence[Query], tallies: Sequence[_Tally]) -> bool:
        """With several lists, ask for the earlier ones' totals again: a record may have moved from a later to an earlier."""
        for query, tally in zip(lists[:-1], tallies[:-1], strict=True):
            again = await self.fetch(HintPageRef(0, 0, tuple(query)), limit=1)
            if again.total is not None and again.total != max(tally.totals):
                return False
        return True


def _head(page: RawPage) -> object:
    return page.rows[0].get("id") if page.rows else None
