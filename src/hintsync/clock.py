"""The clock of the machine; tests bring their own (`ports.Clock`)."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Time as the operating system tells it."""

    def now(self) -> datetime:
        """Return the current time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


def utc_text(moment: datetime) -> str:
    """Return a moment as the store, the log and the audit trail write it: ISO 8601, UTC, whole seconds, Z at the end."""
    return moment.astimezone(UTC).isoformat()[:19] + "Z"
