"""Hint's limits: so many requests in any second and so many in a UTC day, for the partner as a whole."""

from collections import deque
from collections.abc import Callable
from datetime import datetime

from hintsync_emulators.control import Faults
from hintsync_emulators.hint.errors import HintError

#: Source: https://docs.hint.com/docs/rate-limits, read August 2026. Single records are known to be limited more
#: strictly, and a burst may be answered by 403 for a while; neither is published, so both limits are off at first.
DEFAULT_LIMITS: dict[str, float | None] = {
    "per_second": 20,
    "per_day": 500_000,
    "details_per_second": None,
    "anomaly_per_second": None,
}


class RateLimit:
    """Refuses what goes over the limits that `Faults.limits` names at that moment."""

    def __init__(self, faults: Faults, monotonic: Callable[[], float], now: Callable[[], datetime]) -> None:
        faults.declare_limits(DEFAULT_LIMITS)
        self._faults = faults
        self._monotonic = monotonic
        self._now = now
        self._recent: deque[float] = deque()
        self._details: deque[float] = deque()
        self._calls: deque[float] = deque()
        self._day = ""
        self._today = 0

    def admit(self, *, detail: bool = False) -> None:
        """Counts one request.

        Args:
            detail: it reads a single record.

        Raises:
            HintError: 429, with neither a Retry-After nor any other hint of when to come back; or 403.
        """
        limits = self._faults.limits
        if not self._fits(self._calls, limits["anomaly_per_second"]):
            raise HintError(403, "Access forbidden.")
        if detail and not self._fits(self._details, limits["details_per_second"]):
            raise HintError(429, "Enhance your calm")
        if not self._fits(self._recent, limits["per_second"]):
            raise HintError(429, "Enhance your calm")
        self._admit_day(limits["per_day"])

    def _fits(self, recent: deque[float], limit: float | None) -> bool:
        """Tells whether another request fits into the second that ends now, and counts it if so."""
        if limit is None:
            return True
        moment = self._monotonic()
        while recent and recent[0] <= moment - 1:
            recent.popleft()
        if len(recent) >= limit:
            return False
        recent.append(moment)
        return True

    def _admit_day(self, limit: float | None) -> None:
        day = self._now().date().isoformat()
        if day != self._day:
            self._day, self._today = day, 0
        if limit is not None and self._today >= limit:
            raise HintError(429, "Enhance your calm")
        self._today += 1
