"""Sending webhooks: one round at a time, or as a background task of the served emulator."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from hintsync_emulators.hint.requests import Outcome, WebhookRequest

if TYPE_CHECKING:
    import httpx

    from hintsync_emulators.hint.partner import Partner

#: Seconds between two looks of the background task.
_EVERY = 0.05
#: Characters of a receiver's answer that are kept.
_KEPT_TEXT = 500


async def deliver(
    partner: "Partner", client: "httpx.AsyncClient", practice_id: str | None = None
) -> list[WebhookRequest]:
    """Sends what is due now, each endpoint's in order, all endpoints at once.

    Args:
        practice_id: only the events of this practice; None sends everybody's.

    Returns:
        What was tried, whatever became of it.
    """
    due = partner.requests.claim(partner.clock(), lambda each: practice_id in (None, each.event.practice_id))
    lanes: dict[str, list[WebhookRequest]] = {}
    for request in due:
        lanes.setdefault(request.endpoint.id, []).append(request)
    await asyncio.gather(*(_deliver_lane(partner, client, lane) for lane in lanes.values()))
    return due


async def _deliver_lane(partner: "Partner", client: "httpx.AsyncClient", lane: list[WebhookRequest]) -> None:
    for request in lane:
        if not request.endpoint.open_at(partner.clock()):
            partner.requests.put_back(request)
            continue
        outcome = await post(
            client,
            request.endpoint.webhook_url,
            request.event.body,
            request.event.headers(request.endpoint.backend.signature_key.token),
            request.switches.webhook_timeout_seconds,
        )
        partner.requests.settle(request, outcome, partner.now())


async def post(client: "httpx.AsyncClient", url: str, body: bytes, headers: dict[str, str], seconds: float) -> Outcome:
    """Posts a body and returns what came back; redirects are not followed."""
    import httpx  # late: a practice that sends nothing starts without waiting for it

    try:
        async with asyncio.timeout(seconds):
            answer = await client.post(url, content=body, headers=headers, timeout=None)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as problem:
        return Outcome(None, type(problem).__name__)
    except TimeoutError:
        return Outcome(None, "no answer in time")
    return Outcome(answer.status_code, answer.text[:_KEPT_TEXT])


@contextlib.asynccontextmanager
async def client_of(
    partner: "Partner", transport: "httpx.AsyncBaseTransport | None" = None
) -> AsyncIterator["httpx.AsyncClient"]:
    """Yields a client that goes through a transport, through the one that the partner was given, or over sockets."""
    import httpx

    injected = transport or partner.transport
    if injected is not None:
        # The transport belongs to whoever injected it, so it is not closed here.
        yield httpx.AsyncClient(transport=injected)
        return
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def keep_delivering(partner: "Partner") -> None:
    """Sends events as they fall due, for as long as the emulator is served."""
    async with contextlib.AsyncExitStack() as opened:
        client = None
        while True:
            if client is None and partner.requests.waiting():
                client = await opened.enter_async_context(client_of(partner))
            if client is None or not await deliver(partner, client):
                await asyncio.sleep(_EVERY)
