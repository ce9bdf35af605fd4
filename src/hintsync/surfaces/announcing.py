"""Tells Hint where to send a practice's webhooks once it is connected, and tries the address; or says what is missing."""

from __future__ import annotations

from dataclasses import dataclass

from hintsync.bootstrap import Service, open_partner
from hintsync.core.errors import HintsyncError
from hintsync.engine.detect.webhooks import Registration, register_webhook, webhook_state
from hintsync.redact import safe_text
from hintsync.settings import Settings
from hintsync.state.port import Connection
from hintsync.surfaces.joining import ACTIVE
from hintsync.surfaces.web.reaching import WEBHOOKS, Reach, check_reachability


@dataclass(frozen=True, slots=True)
class Announced:
    """What came of it."""

    registration: Registration | None = None
    #: What came of asking the address from here.
    reach: Reach | None = None
    #: What is missing, or went wrong, with the remedy; empty: nothing.
    missing: str = ""

    @property
    def waits_for_hint(self) -> bool:
        """Whether Hint knows the address and sends nothing yet, because the integration is not active."""
        return self.registration is not None and self.registration.status not in ACTIVE


def webhook_address(settings: Settings) -> str:
    """Return the address below the public one; empty while that is not set."""
    return settings.public_url.rstrip("/") + WEBHOOKS if settings.public_url else ""


def missing_for_webhooks(settings: Settings) -> str:
    """Say which setting keeps Hint's webhooks from coming; empty: none."""
    if not settings.public_url:
        return "HINTSYNC_PUBLIC_URL is not set: the https:// address under which the internet reaches this service"
    if not settings.hint_partner_key.get_secret_value():
        return "HINTSYNC_HINT_PARTNER_KEY is not set; Hint's Partner Portal shows it"
    return ""


async def announce_webhook(service: Service, connection: Connection) -> Announced:
    """Register the usual address for a connection's practice, unless something is missing; trouble is told, not raised.

    Done again, it changes nothing, and an address that was registered by hand stays.
    """
    missing = missing_for_webhooks(service.settings)
    if missing:
        return Announced(missing=missing)
    before = (await webhook_state(service.store, connection.id)).registration
    url = before.url if before else webhook_address(service.settings)
    now = service.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")
    try:
        registration = await register_webhook(service.store, connection, open_partner(service), url, now)
    except HintsyncError as error:
        return Announced(missing=f"Hint was not told the address: {safe_text(error)}")
    return Announced(registration, await check_reachability(service.store, url))
