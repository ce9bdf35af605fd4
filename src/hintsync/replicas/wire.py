"""An httpx transport for many small requests to one service: HTTP/1.1 parsed by httptools, one request to a connection.

A run sends a PATCH per patient to Hint, and httpx's own transport spends most of the time of such a request in its parser
and its pool, which are written in Python (figures in docs/decisions/0061). This one does only what an API client needs:
keep-alive connections that are taken by one request at a time, TLS, time-outs, and errors in httpx's classes. Where there
is a proxy to follow, httpx's own takes its place.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable
from functools import cache
from typing import cast
from urllib.request import getproxies

import httptools
import httpx

#: Seconds after which an idle connection is not used again; load balancers commonly keep one for 60.
_IDLE_SECONDS = 15.0


def open_transport(connections: int = 16, *, proxy: str | None = None) -> httpx.AsyncBaseTransport:
    """Return a transport, to be closed by the caller; all practices share the one for Hint.

    Args:
        connections: most requests at a time.
        proxy: URL of an HTTP proxy, if all traffic must take one.
    """
    if proxy is None:
        return WireTransport(connections)
    return httpx.AsyncHTTPTransport(proxy=proxy, limits=httpx.Limits(max_connections=connections))


def transport_without_proxy(connections: int) -> httpx.AsyncBaseTransport | None:
    """Return a transport for an `httpx.AsyncClient`, or None, for httpx's own, where the environment names a proxy."""
    return None if getproxies() else WireTransport(connections)


@cache
def _usual_certificates() -> ssl.SSLContext:
    """Return the certificates that httpx trusts; reading them takes the time of twenty requests."""
    return httpx.create_ssl_context()


class WireTransport(httpx.AsyncBaseTransport):
    """Sends each request over a connection of its own that is free, the one used last first."""

    def __init__(self, connections: int = 16, *, verify: ssl.SSLContext | None = None) -> None:
        """Prepare; nothing is opened before the first request.

        Args:
            connections: most at a time; further requests wait.
            verify: certificates to trust; httpx's usual ones by default.
        """
        self._turns = asyncio.Semaphore(connections)
        self._idle: dict[tuple[bytes, bytes, int | None], list[_Connection]] = {}
        self._verify = verify

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read its answer to the end.

        Raises:
            httpx.ConnectError: or `ConnectTimeout`: nothing was sent.
            httpx.ReadError: or `RemoteProtocolError`, `ReadTimeout`: it may have arrived.
            httpx.LocalProtocolError: the request cannot be written as HTTP; nothing was sent.
        """
        message = _serialised(request)
        timeouts = request.extensions.get("timeout", {})
        async with self._turns:
            connection = await self._connection(request.url, timeouts.get("connect"))
            try:
                async with asyncio.timeout(timeouts.get("read")):
                    response = await connection.exchange(message)
            except TimeoutError:
                raise httpx.ReadTimeout("no answer in time", request=request) from None
            finally:
                self._put_back(request.url, connection)
        return response

    async def aclose(self) -> None:
        """Close all idle connections."""
        for connection in [each for kept in self._idle.values() for each in kept]:
            connection.close()
        self._idle.clear()

    async def _connection(self, url: httpx.URL, timeout: float | None) -> _Connection:
        kept = self._idle.setdefault(_origin(url), [])
        now = asyncio.get_running_loop().time()
        while kept:
            connection = kept.pop()
            if connection.usable(now):
                return connection
            connection.close()
        return await self._open(url, timeout)

    async def _open(self, url: httpx.URL, timeout: float | None) -> _Connection:
        secure = url.scheme == "https"
        if secure and self._verify is None:
            self._verify = _usual_certificates()
        port = url.port or (443 if secure else 80)
        try:
            async with asyncio.timeout(timeout):
                _, connection = await asyncio.get_running_loop().create_connection(
                    _Connection, url.host, port, ssl=self._verify if secure else None
                )
        except TimeoutError:
            raise httpx.ConnectTimeout("no connection in time") from None
        except OSError as error:
            raise httpx.ConnectError(type(error).__name__) from None
        return connection

    def _put_back(self, url: httpx.URL, connection: _Connection) -> None:
        if connection.usable(asyncio.get_running_loop().time()):
            self._idle.setdefault(_origin(url), []).append(connection)
        else:
            connection.close()


class _Connection(asyncio.Protocol):
    """One connection: a request goes out, its answer comes in, then the next."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        #: Set while an answer is awaited.
        self._answer: asyncio.Future[httpx.Response] | None = None
        self._headers: list[tuple[bytes, bytes]] = []
        self._body: list[bytes] = []
        #: Nothing is under way, and the other end neither closed nor asked to close.
        self._clean = True
        self._used_at = 0.0

    def usable(self, now: float) -> bool:
        """Say whether another request may go over it."""
        closing = self._transport is None or self._transport.is_closing()
        return self._clean and not closing and now - self._used_at < _IDLE_SECONDS

    async def exchange(self, message: bytes) -> httpx.Response:
        """Write a request and wait for the whole answer; given up half-way, the connection is not clean any more."""
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        self._clean = False
        self._answer = loop.create_future()
        self._transport.write(message)
        try:
            return await self._answer
        finally:
            self._answer = None
            self._used_at = loop.time()

    def close(self) -> None:
        """Close it at once; nothing is left to be sent."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not checked: uvloop's transports are no subclasses of asyncio's.
        self._transport = cast("asyncio.Transport", transport)
        self._used_at = asyncio.get_running_loop().time()

    def data_received(self, data: bytes) -> None:
        if self._answer is None:
            # Bytes that nobody asked for: whatever they are, they would be taken for the next answer.
            self._clean = False
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail(httpx.RemoteProtocolError("the answer is not HTTP"))

    def connection_lost(self, error: Exception | None) -> None:
        self._clean = False
        if error is not None:
            self._fail(httpx.ReadError(type(error).__name__))
        else:
            self._fail(httpx.RemoteProtocolError("Server disconnected without sending a response."))

    # httptools

    def on_message_begin(self) -> None:
        if self._answer is not None and self._answer.done():
            self._clean = False  # a second answer to one request

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_body(self, part: bytes) -> None:
        self._body.append(part)

    def on_message_complete(self) -> None:
        headers, body = self._headers, b"".join(self._body)
        self._headers, self._body = [], []
        status = self._parser.get_status_code()
        if status < 200:  # an interim answer; the real one follows
            return
        if self._answer is not None and not self._answer.done():
            self._clean = self._parser.should_keep_alive()
            self._answer.set_result(httpx.Response(status, headers=headers, content=body))

    def _fail(self, error: httpx.TransportError) -> None:
        self._clean = False
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
        if self._transport is not None:
            self._transport.abort()


def _origin(url: httpx.URL) -> tuple[bytes, bytes, int | None]:
    return url.raw_scheme, url.raw_host, url.port


def _serialised(request: httpx.Request) -> bytes:
    headers = request.headers.raw
    lines = [b"%b %b HTTP/1.1\r\n" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [b"%b: %b\r\n" % pair for pair in headers]
    head = b"".join(lines)
    if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
        raise httpx.LocalProtocolError("a header or the path holds a line break")
    assert isinstance(request.stream, Iterable)
    return head + b"\r\n" + b"".join(request.stream)
