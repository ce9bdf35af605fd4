"""Runs the web application on a socket, until it is told to stop; requests under way are finished first."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from hintsync.core.errors import FixConfiguration

#: Connections that wait to be accepted.
_BACKLOG = 2048
#: Seconds that requests under way have when the service stops.
_GRACE = 15


class _Server(uvicorn.Server):
    """uvicorn, without signal handlers of its own: who runs the process decides when it stops."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Bind a listening socket; port 0 takes any free one. Connections queue from here on.

    Raises:
        FixConfiguration: the address is not ours, or taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise FixConfiguration(
            f"cannot listen on {host} port {port}: {error.strerror}; another: --host, --port"
        ) from None
    return listener


async def serve(app: ASGIApp, listener: socket.socket, stop: asyncio.Event) -> None:
    """Serve until `stop` is set, then finish what is under way and take no more.

    Raises:
        FixConfiguration: the application could not start.
    """
    server = _Server(_config(app))
    watching = asyncio.create_task(_stopping(server, stop))
    try:
        await server.serve(sockets=[listener])
    finally:
        watching.cancel()
        listener.close()
    if not server.started:
        raise FixConfiguration("the web application did not start; the lines before say why")


async def _stopping(server: uvicorn.Server, stop: asyncio.Event) -> None:
    await stop.wait()
    server.should_exit = True


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,  # ours stays: a library's line is cut down to who spoke
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
    )
