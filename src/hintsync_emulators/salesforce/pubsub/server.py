"""Serving the Pub/Sub API over gRPC, always with TLS as the real one is.

    async with serving_pubsub(org, certificate) as address:
        channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(certificate.ca))

A topic's events are those of objects that were selected: ``org.events.channels.select("Contact")``.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
