"""The time that another system tells in its answers, against our own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx

from hintsync.core.errors import RetryLater
from hintsync.core.values import Side
from hintsync.ports import Clock

#: Servers tell whole seconds: the moment lies half a second later on average.
_HALF = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class Greeting:
    """An answer to a question that needs no credential."""

    #: Seconds that the system's clock is before ours; negative: behind. None: it told no time.
    ahead: float | None


async def greet(
    transport: httpx.AsyncBaseTransport | None, url: str, side: Side, clock: Clock, *, timeout: float
) -> Greeting:
    """Ask an address for anything at all, without a credential, and compare the time that it tells.

    Args:
        transport: how requests travel; None: over the network.
        url: any of the system's own; what it answers is no matter.
        side: whose.
        clock: ours.
        timeout: seconds.

    Raises:
        RetryLater: nothing answers there.
    """
    try:
        async with httpx.AsyncClient(timeout=timeout) if transport is None else _borrowed(transport, timeout) as http:
            before = clock.now()
            answer = await http.get(url, headers={"user-agent": "hintsync"})
            after = clock.now()
    except httpx.HTTPError as error:
        raise RetryLater(side, f"no answer to a question without a credential ({type(error).__name__})") from None
    told = _moment(answer.headers.get("date", ""))
    return Greeting(None if told is None else (told + _HALF - (before + (after - before) / 2)).total_seconds())


class _Lent(httpx.AsyncBaseTransport):
    """A transport that its owner goes on using: closing the client leaves it open."""

    def __init__(self, transport: httpx.AsyncBaseTransport) -> None:
        self._transport = transport

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._transport.handle_async_request(request)


def _borrowed(transport: httpx.AsyncBaseTransport, timeout: float) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=_Lent(transport), timeout=timeout)


def _moment(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text).replace(tzinfo=UTC)
    except ValueError:
        return None
