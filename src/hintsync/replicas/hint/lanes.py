"""An httpx transport that keeps one connection to a lane, so that many requests at a time stay cheap.

httpcore's pool walks over all its connections and waiting requests whenever one begins or ends; at sixteen requests at a
time that doubled what a request costs (docs/decisions/0061). Here a request takes a free lane, or waits for one.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import httpx


class LaneTransport(httpx.AsyncBaseTransport):
    """Sends each request over a free lane, the one used last first, so that idle connections are few."""

    def __init__(self, lanes: int = 16, *, proxy: str | None = None, verify: ssl.SSLContext | bool = True) -> None:
        """Prepare the lanes; nothing is opened before the first request.

        Args:
            lanes: most requests at a time.
            proxy: URL of an HTTP proxy, if all traffic must take one.
            verify: certificates to trust; the system's by default.
        """
        context = ssl.create_default_context() if verify is True else verify
        single = httpx.Limits(max_connections=1, keepalive_expiry=30.0)
        self._lanes = [httpx.AsyncHTTPTransport(verify=context, limits=single, proxy=proxy) for _ in range(lanes)]
        self._free = list(self._lanes)
        self._turns = asyncio.Semaphore(lanes)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; its lane is free again once the answer is closed."""
        await self._turns.acquire()
        lane = self._free.pop()
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            self._give_back(lane)
            raise
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _LaneStream(response.stream, self, lane)
        return response

    def _give_back(self, lane: httpx.AsyncHTTPTransport) -> None:
        self._free.append(lane)
        self._turns.release()

    async def aclose(self) -> None:
        """Close all connections."""
        for lane in self._lanes:
            await lane.aclose()


class _LaneStream(httpx.AsyncByteStream):
    """The body of an answer, which frees its lane when it is closed."""

    def __init__(self, inner: httpx.AsyncByteStream, transport: LaneTransport, lane: httpx.AsyncHTTPTransport) -> None:
        self._inner = inner
        self._transport = transport
        self._lane: httpx.AsyncHTTPTransport | None = lane

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._inner:
            yield part

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            lane, self._lane = self._lane, None
            if lane is not None:
                self._transport._give_back(lane)
