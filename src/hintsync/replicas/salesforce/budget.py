"""The org's daily API requests, as every answer tells them (`Sforce-Limit-Info`), and the reserve kept for live work."""

from __future__ import annotations

import re

from hintsync.core.errors import BudgetSpent
from hintsync.core.limits import DayBudget, Purpose
from hintsync.core.values import Side
from hintsync.ports import Clock

_USAGE = re.compile(r"(?:^|[;,\s])api-usage=(\d+)/(\d+)")

#: After this many seconds the figures are old: one more call is let through to learn new ones.
FRESH_SECONDS = 300.0


class Budget:
    """How many of the org's requests of the last 24 hours are used, by anybody, and what batches must leave over."""

    def __init__(self, clock: Clock, *, reserve_share: float = 0.2) -> None:
        """Start without figures; the first answer brings them.

        Args:
            clock: tells how old the figures are.
            reserve_share: part of the daily limit that batches leave for live work (guard G6), 0 to 1.
        """
        if not 0 <= reserve_share < 1:
            raise ValueError("the reserve is a share of the day's calls, from 0 to below 1")
        self._clock = clock
        self._reserve_share = reserve_share
        self._noted_at = 0.0
        #: Requests used in the rolling day, by all clients of the org; `None` before the first answer.
        self.used: int | None = None
        #: Requests the org may make in a day; `None` before the first answer.
        self.limit: int | None = None

    @property
    def today(self) -> DayBudget | None:
        """The org's allowance as last heard; None before the first answer, and once the figures are old."""
        if self.used is None or self.limit is None or self._clock.monotonic() - self._noted_at > FRESH_SECONDS:
            return None
        return DayBudget(self.limit, self.used, self._reserve_share)

    def note(self, limit_info: str | None) -> None:
        """Take the figures of one answer's `Sforce-Limit-Info`, such as `api-usage=18/5000; per-app-api-usage=…`."""
        found = _USAGE.search(limit_info) if limit_info else None
        if found is None:
            return
        self.used, self.limit = int(found[1]), int(found[2])
        self._noted_at = self._clock.monotonic()

    def spare_for_batch(self, calls: int = 1) -> None:
        """Let a scan of everything go on only while its next calls leave the reserve untouched.

        Raises:
            BudgetSpent: they would not; live work may go on.
        """
        today = self.today
        if today is None or today.allows(calls, Purpose.BATCH):
            return
        reason = f"batch would go below the reserve of {today.reserve} of {today.limit} daily requests"
        raise BudgetSpent(Side.SALESFORCE, reason, after=FRESH_SECONDS)
