"""What is known of the way that Hint's webhooks take: where Hint sends them, whether that leads here, whether any came."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from hintsync.bootstrap import Service, open_partner
from hintsync.doctor.certificates import Certificate, shown_certificate
from hintsync.doctor.known import Known, Unknown, Why, learn
from hintsync.engine.detect.webhooks import WebhookState, webhook_state
from hintsync.replicas.hint.partner import Endpoint
from hintsync.state.port import Connection
from hintsync.surfaces.web.reaching import WEBHOOKS, Reach, check_reachability

#: Seconds that the way through DNS and TLS may take; the question has a limit of its own that says more.
_PATIENCE = 15.0
_NO_ADDRESS = Unknown(Why.ABSENT, "there is no address yet")
_NO_KEY = Unknown(Why.ABSENT, "not asked: no partner key is set")


@dataclass(frozen=True, slots=True)
class WebhookFacts:
    """What is known of a connection's webhooks."""

    #: Of the settings; empty: none.
    public_url: str
    stands: WebhookState
    #: Where Hint says that it sends them.
    endpoints: Known[Sequence[Endpoint]]
    reach: Known[Reach]
    #: None: plain http, on this machine only.
    certificate: Known[Certificate | None]
    #: When the latest signed one came; ISO 8601, UTC; None: never.
    heard: str | None
    now: datetime


async def look_at_webhooks(service: Service, connection: Connection, heard: str | None) -> WebhookFacts:
    """Look at a connection's webhooks, from our store, from Hint, and from outside.

    Args:
        service: The installation.
        connection: Whose.
        heard: When the latest signed webhook came.
    """
    stands = await webhook_state(service.store, connection.id)
    url = address(service.settings.public_url, stands)
    endpoints, reach, certificate = await asyncio.gather(
        _endpoints(service, stands),
        _reach(service, url),
        _certificate(url),
    )
    return WebhookFacts(service.settings.public_url, stands, endpoints, reach, certificate, heard, service.clock.now())


def address(public_url: str, stands: WebhookState) -> str:
    """Return the address that Hint was told, or would be; empty: nobody knows one."""
    if stands.registration is not None:
        return stands.registration.url
    return public_url.rstrip("/") + WEBHOOKS if public_url else ""


async def _endpoints(service: Service, stands: WebhookState) -> Known[Sequence[Endpoint]]:
    if stands.registration is None:
        return _NO_ADDRESS
    if not service.settings.hint_partner_key.get_secret_value():
        return _NO_KEY
    return await learn(open_partner(service).endpoints(stands.registration.integration_id))


async def _reach(service: Service, url: str) -> Known[Reach]:
    return await learn(check_reachability(service.store, url), _PATIENCE) if url else _NO_ADDRESS


async def _certificate(url: str) -> Known[Certificate | None]:
    return await learn(shown_certificate(url)) if url else _NO_ADDRESS
