"""The time that another system tells in its answers, against our own; heard beside whatever it is asked anyway."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from hintsync.doctor.known import Known, Unknown, Why
from hintsync.ports import Clock

#: Servers tell whole seconds: the moment lies half a second later on average.
_HALF: Final = timedelta(seconds=0.5)
_NO_TIME: Final = Unknown(Why.ABSENT, "the answers tell no time")


class TimeTold:
    """Hears the time in a system's answers, good and bad ones: a refused login tells it too."""

    def __init__(self, clock: Clock) -> None:
        """Take our own clock; nothing was heard yet."""
        self._clock = clock
        #: Seconds that the system's clock is before ours, negative if behind; None: nothing was heard.
        self.ahead: float | None = None

    async def hear(self, answer: httpx.Response) -> None:
        """Hear one answer; a hook of httpx."""
        told = _moment(answer.headers.get("date", ""))
        if told is not None:
            self.ahead = (told + _HALF - self._clock.now()).total_seconds()

    def known(self, otherwise: object) -> Known[float]:
        """Return what was heard, or why nothing was: what kept the system from answering, if that is known."""
        if self.ahead is not None:
            return self.ahead
        return otherwise if isinstance(otherwise, Unknown) else _NO_TIME


class Listening(httpx.AsyncBaseTransport):
    """A transport that lets the time be heard, and that its owner goes on using: closing it closes nothing."""

    def __init__(self, transport: httpx.AsyncBaseTransport, time: TimeTold) -> None:
        """Stand in for a transport."""
        self._transport = transport
        self._time = time

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on."""
        answer = await self._transport.handle_async_request(request)
        await self._time.hear(answer)
        return answer


def _moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).replace(tzinfo=UTC)
    except ValueError:
        return None
