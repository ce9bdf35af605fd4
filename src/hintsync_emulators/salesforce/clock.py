"""Time in the emulated org: whole seconds of UTC, from a clock that tests may hold still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

#: Anything that says what time it is, as an aware datetime.
Clock = Callable[[], datetime]


def system_clock() -> datetime:
    """Return the time of this machine."""
    return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)) -> None:
        self._now = start

    def __call__(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        """Move the clock forward."""
        self._now += timedelta(seconds=seconds)

    def set(self, moment: datetime) -> None:
        """Move the clock to a moment, which may lie in the past."""
        self._now = moment


@lru_cache(maxsize=65_536)
def format_datetime(seconds: int) -> str:
    """Write an epoch second as the API does, e.g. ``2026-03-02T09:00:00.000+0000``."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def format_http_date(seconds: int) -> str:
    """Write an epoch second as an HTTP header does."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
