"""Serving the Pub/Sub API over gRPC, always with TLS as the real one is.

    certificate = make_certificate()
    async with serving_pubsub(org, certificate) as address:
        channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(certificate.ca))

`pubsub_thread` does the same for programs that have no loop.

A topic's events are those of objects that were selected: ``org.events.channels.select("Contact")``.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import grpc
from grpc import aio

from hintsync_emulators.salesforce.pubsub.service import PubSub
from hintsync_emulators.tls import Certificate

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

_HOST = "127.0.0.1"
#: Two emulators on one port are a mistake, not a load balancer.
_OPTIONS = (("grpc.so_reuseport", 0),)


@asynccontextmanager
async def serving_pubsub(
    org: Org,
    certificate: Certificate,
    port: int = 0,
    count: Callable[[str], None] = lambda kind: None,
) -> AsyncIterator[str]:
    """Serve an org's events in the running loop for the length of a with block and yield the address.

    Args:
        org: the org, with its sessions and its event bus.
        certificate: what the server shows.
        port: port on 127.0.0.1; 0 takes a free one.
        count: told the kind of each call.

    Raises:
        OSError: the port is taken.
    """
    server = aio.server(options=_OPTIONS)
    server.add_generic_rpc_handlers([PubSub(org, count).handler()])
    credentials = grpc.ssl_server_credentials([(certificate.key, certificate.chain)])
    try:
        bound = server.add_secure_port(f"{_HOST}:{port}", credentials)
    except RuntimeError as error:
        raise OSError(f"the Pub/Sub API cannot listen on port {port}: {error}") from None
    await server.start()
    try:
        yield f"{_HOST}:{bound}"
    finally:
        await server.stop(grace=None)


@contextmanager
def pubsub_thread(
    org: Org, certificate: Certificate, port: int = 0, count: Callable[[str], None] = lambda kind: None
) -> Iterator[str]:
    """Serve an org's events from a thread for the length of a with block and yield the address.

    Raises:
        OSError: the port is taken.
    """
    address: Future[str] = Future()
    over: Future[None] = Future()

    async def run() -> None:
        async with serving_pubsub(org, certificate, port, count) as bound:
            address.set_result(bound)
            await asyncio.wrap_future(over)

    def main() -> None:
        try:
            asyncio.run(run())
        except OSError as error:
            address.set_exception(error)

    thread = threading.Thread(target=main, name="pubsub", daemon=True)
    thread.start()
    try:
        yield address.result()
    finally:
        over.set_result(None)
        thread.join(timeout=10)
