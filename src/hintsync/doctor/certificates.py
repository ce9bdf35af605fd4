"""The certificate that a public address shows, read whether or not it can be trusted."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509

from hintsync.core.errors import RetryLater

_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of itself."""

    #: Zone-aware, UTC.
    ends: datetime


async def shown_certificate(url: str) -> Certificate | None:
    """Return the certificate that an address shows; None for one of plain http, which shows none.

    Raises:
        RetryLater: nothing answers there, or it speaks no TLS.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        return None
    try:
        raw = await _peer(parts.hostname, parts.port or _HTTPS)
        return Certificate(x509.load_der_x509_certificate(raw).not_valid_after_utc)
    except (OSError, ValueError) as error:
        raise RetryLater(None, f"no certificate is shown there ({type(error).__name__})") from None


async def _peer(host: str, port: int) -> bytes:
    """Return the certificate of a server, DER.

    Raises:
        OSError: no TLS connection comes about.
        ValueError: it shows none.
    """
    # nothing is sent over this connection: an expired or foreign certificate is to be read, too
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname=host)
    try:
        raw = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
        with suppress(OSError):  # the other end may go first
            await writer.wait_closed()
    if not raw:
        raise ValueError("no certificate")
    return bytes(raw)
