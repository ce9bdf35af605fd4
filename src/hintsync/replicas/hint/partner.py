"""What only the partner may ask of Hint: which practices are connected, where their webhooks go, what was not delivered.

Both documented forms of the routes are spoken, as in `connect`; the list of deliveries has the newer form only
(https://developers.hint.com/reference, WebhookEndpoint, GlobalWebhookEndpoint; partner endpoints of version 2026-07-01).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import httpx
import orjson

from hintsync.core.errors import BadInput, FixConfiguration, ReconnectNeeded, RetryLater
from hintsync.core.values import Side
from hintsync.replicas.hint.client import LIVE_URL, Answer, HintClient, Pace, Query, expect, record_path
from hintsync.replicas.hint.connect import VERSION, Routes
from hintsync.replicas.hint.errors import Rejection
from hintsync.replicas.hint.webhook import BadWebhook, open_envelope

_PAGE_SIZE = 100
#: Pages of one list; more than any partner has.
_MOST_PAGES = 1000
#: Deliveries that Hint will try again, and those that it gave up.
_NOT_THROUGH = ("retrying", "failed")


@dataclass(frozen=True, slots=True)
class Integration:
    """A practice's connection to the partner."""

    #: `int-…` or `inst-…`, by the routes it was asked on.
    id: str
    practice_id: str
    #: Hint's word, open-ended; webhooks flow while it is active.
    status: str


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address that webhooks are sent to."""

    id: str
    url: str
    #: ISO 8601; None: nothing was delivered yet.
    last_delivered_at: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """A webhook that did not get through."""

    endpoint_id: str
    #: Type of the event.
    type: str
    #: Shown only if Hint shows what it would have sent, which its documents leave open.
    practice_id: str | None = None
    record_id: str | None = None


#: Where the connections of practices are listed, in either form of the routes.
_INTEGRATIONS = {Routes.LEGACY: "/api/integrations", Routes.INSTALLATIONS: "/api/partner/installations"}


class PartnerApi:
    """Hint, as the partner account sees it."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        partner_key: str,
        pace: Pace,
        *,
        base_url: str = LIVE_URL,
        routes: Routes = Routes.LEGACY,
    ) -> None:
        """Prepare; nothing is sent.

        Args:
            transport: sends the requests; closed by its owner.
            partner_key: the partner API key.
            pace: shared with everybody who speaks for the partner.
            base_url: Hint's address.
            routes: the form of the routes.
        """
        self._newer = HintClient(transport, partner_key, pace, base_url=base_url, extra_headers=VERSION)
        older = HintClient(transport, partner_key, pace, base_url=base_url)
        self._by_routes = {Routes.LEGACY: older, Routes.INSTALLATIONS: self._newer}
        self._client = self._by_routes[routes]
        self._integrations = _INTEGRATIONS[routes]

    async def answering_routes(self) -> frozenset[Routes]:
        """Return the forms of the partner routes that Hint answers to this partner account; nothing is changed.

        Raises:
            FixConfiguration: both are refused, as with a wrong partner key.
            RetryLater: Hint does not answer now.
        """
        found, refused = set[Routes](), list[FixConfiguration]()
        for form, client in self._by_routes.items():
            try:
                answer = await _said(client.get(_INTEGRATIONS[form], (("limit", "1"),)))
            except FixConfiguration as error:
                refused.append(error)
            else:
                found |= set() if isinstance(answer, Rejection) and answer.status == 404 else {form}
        if len(refused) == len(self._by_routes):
            raise refused[0]
        return frozenset(found)

    async def integration_of(self, practice_id: str) -> Integration | None:
        """Find the connection of a practice; one that is active goes before those that were ended.

        Raises:
            FixConfiguration: the partner key was refused, or the routes are not there.
        """
        found = [each async for row in self._rows(self._client, self._integrations) if (each := _integration(row))]
        ours = [each for each in found if each.practice_id == practice_id]
        return next((each for each in ours if each.status in ("active", "connected")), ours[0] if ours else None)

    async def endpoints(self, integration_id: str) -> Sequence[Endpoint]:
        """Return the addresses of one practice's webhooks; those of the whole partner account are not among them."""
        return [_endpoint(row) async for row in self._rows(self._client, self._place(integration_id))]

    async def create_endpoint(self, integration_id: str, url: str) -> Endpoint:
        """Add an address.

        Raises:
            BadInput: Hint does not take it.
            UnknownOutcome: the reply was lost; look among the endpoints.
        """
        answer = await _said(self._client.post(self._place(integration_id), {"webhook_url": url}))
        return _endpoint(_taken(answer).record())

    async def move_endpoint(self, integration_id: str, endpoint_id: str, url: str) -> Endpoint | None:
        """Change an address; None if there is no such endpoint any more.

        Raises:
            BadInput: Hint does not take the address.
        """
        path = record_path(self._place(integration_id), endpoint_id)
        answer = await _said(self._client.patch(path, {"webhook_url": url}))
        if isinstance(answer, Rejection) and answer.status == 404:
            return None
        return _endpoint(_taken(answer).record())

    async def delete_endpoint(self, integration_id: str, endpoint_id: str) -> None:
        """Remove an address with all that waits for it; one that is gone already is no error."""
        answer = await _said(self._client.delete(record_path(self._place(integration_id), endpoint_id)))
        if isinstance(answer, Rejection) and answer.status != 404:
            raise FixConfiguration(f"hint: removing a webhook address was rejected with {answer.status}")

    async def undelivered(self, since: datetime) -> Sequence[Delivery]:
        """Return the deliveries created since a moment that failed, or are to be tried again.

        Args:
            since: zone-aware. How long Hint lists them is not documented.
        """
        path, found = "/api/partner/webhook_requests", list[Delivery]()
        for status in _NOT_THROUGH:
            query = (("status", status), ("created_at[gte]", since.isoformat(timespec="seconds")))
            found += [_delivery(row) async for row in self._rows(self._newer, path, query)]
        return found

    def _place(self, integration_id: str) -> str:
        return f"{record_path(self._integrations, integration_id)}/webhook_endpoints"

    async def _rows(self, client: HintClient, path: str, query: Query = ()) -> AsyncIterator[Mapping[str, object]]:
        """Yield the rows of a list; the older lists may ignore `offset` and send everything at once, again and again."""
        first_ids: set[object] = set()
        for number in range(_MOST_PAGES):
            paging = (("limit", str(_PAGE_SIZE)), ("offset", str(number * _PAGE_SIZE)))
            rows = expect(await _said(client.get(path, (*query, *paging))), "a list of the partner").rows()
            if not rows or _mark(rows[0]) in first_ids:
                return
            first_ids.add(_mark(rows[0]))
            for row in rows:
                yield row
            if len(rows) != _PAGE_SIZE:
                return
        raise RetryLater(Side.HINT, "a list of the partner does not end")


def _mark(row: Mapping[str, object]) -> object:
    """Return what a row is told from others by; deliveries have no id."""
    return row.get("id") or orjson.dumps(row, option=orjson.OPT_SORT_KEYS)


def _taken(answer: Answer | Rejection) -> Answer:
    if isinstance(answer, Rejection):
        raise BadInput(f"webhook address: Hint does not take it ({answer.status}); expected an https:// address")
    return answer


async def _said(call: Awaitable[Answer | Rejection]) -> Answer | Rejection:
    """Return the answer to a call with the partner key.

    Raises:
        FixConfiguration: the key was refused; nothing of the practice has to be connected again.
    """
    try:
        return await call
    except ReconnectNeeded:
        raise FixConfiguration("hint: the partner key was refused; check the setting hint_partner_key") from None


def _integration(row: Mapping[str, object]) -> Integration | None:
    practice = row.get("practice")
    practice_id = practice.get("id") if isinstance(practice, dict) else None
    if not isinstance(practice_id, str) or not row.get("id"):
        return None
    return Integration(str(row["id"]), practice_id, str(row.get("status") or ""))


def _endpoint(row: Mapping[str, object]) -> Endpoint:
    if not row.get("id") or not isinstance(row.get("webhook_url"), str):
        raise RetryLater(Side.HINT, "a webhook address shows no id or no address")
    delivered = row.get("last_delivered_at")
    return Endpoint(str(row["id"]), str(row["webhook_url"]), str(delivered) if delivered else None)


def _delivery(row: Mapping[str, object]) -> Delivery:
    endpoint = row.get("webhook_endpoint")
    endpoint_id = endpoint.get("id") if isinstance(endpoint, dict) else endpoint
    practice_id, record_id = _payload(row.get("payload"))
    return Delivery(str(endpoint_id or ""), str(row.get("event_type") or ""), practice_id, record_id)


def _payload(payload: object) -> tuple[str | None, str | None]:
    """Return practice and object of what would have been sent, text or object; nothing where it is not shown."""
    body = payload.encode("utf-8", "replace") if isinstance(payload, str) else orjson.dumps(payload)
    try:
        envelope = open_envelope(body)
    except BadWebhook:
        return None, None
    shown = envelope.shown.get("id")
    return envelope.practice_id, shown if isinstance(shown, str) else None
