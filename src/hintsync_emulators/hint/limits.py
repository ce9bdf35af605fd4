"""Hint's limits: so many requests in any second and so many in a UTC day, for the partner as a whole."""

from collections import deque
from collections.abc import Callable
from datetime import datetime

from hintsync_emulators.control import Faults
from hintsync_emulators.hint.errors import HintError

#: Source: https://docs.hint.com/docs/rate-limits, read August 2026.
DEFAULT_LIMITS: dict[str, float | None] = {"per_second": 20, "per_day": 500_000}


class RateLimit:
    """Refuses what goes over the limits that `Faults.limits` names at that moment."""

    def __init__(self, faults: Faults, monotonic: Callable[[], float], now: Callable[[], datetime]) -> None:
        faults.declare_limits(DEFAULT_LIMITS)
        self._faults = faults
        self._monotonic = monotonic
        self._now = now
        self._recent: deque[float] = deque()
        self._day = ""
        self._today = 0

    def admit(self) -> None:
        """Counts one request.

        Raises:
            HintError: 429, with neither a Retry-After nor any other hint of when to come back.
        """
        self._admit_second(self._faults.limits["per_second"])
        self._admit_day(self._faults.limits["per_day"])

    def _admit_second(self, limit: float | None) -> None:
        if limit is None:
            return
        moment = self._monotonic()
        recent = self._recent
        while recent and recent[0] <= moment - 1:
            recent.popleft()
        if len(recent) >= limit:
            raise HintError(429, "Enhance your calm")
        recent.append(moment)

    def _admit_day(self, limit: float | None) -> None:
        day = self._now().date().isoformat()
        if day != self._day:
            self._day, self._today = day, 0
        if limit is not None and self._today >= limit:
            raise HintError(429, "Enhance your calm")
        self._today += 1
