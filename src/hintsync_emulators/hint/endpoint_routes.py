"""The routes of webhook endpoints, events and requests.

Each endpoint route exists for all practices of the partner and for one connection; the factories here make either,
in its older and its newer form. Sources: https://developers.hint.com/reference, GlobalWebhookEndpoint and
WebhookEndpoint; the newer partner endpoints of version 2026-07-01.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hintsync_emulators.hint.backends import Backend, Endpoint
from hintsync_emulators.hint.errors import not_found, validation_failed
from hintsync_emulators.hint.http import NO_CONTENT, Answer, Call, answer
from hintsync_emulators.hint.listing import Listing
from hintsync_emulators.hint.partner_routes import Account
from hintsync_emulators.hint.requests import STATUSES, WebhookRequest
from hintsync_emulators.hint.webhooks import EVENT_TYPES

Handler = Callable[[Account, Call], Answer]
_ENDPOINTS: Listing[Endpoint] = Listing(
    Endpoint.to_json,
    {
        "webhook_url": lambda endpoint: endpoint.webhook_url,
        "created_at": lambda endpoint: endpoint.created_at,
        "last_delivered_at": lambda endpoint: endpoint.last_delivered_at,
        "backend": lambda endpoint: endpoint.backend.id,
    },
    several=frozenset(["backend"]),
)
_REQUESTS: Listing[WebhookRequest] = Listing(
    WebhookRequest.to_json,
    {
        "status": lambda request: request.status,
        "event_type": lambda request: request.event.type,
        "attempts": lambda request: request.attempts,
        "created_at": lambda request: request.created_at,
        "delivered_at": lambda request: request.delivered_at,
        "webhook_endpoint": lambda request: request.endpoint.id,
    },
)


@dataclass(frozen=True, slots=True)
class EndpointRoutes:
    """The handlers of one of the four places where endpoints are registered."""

    of_connection: bool
    newer: bool

    def listing(self, account: Account, call: Call) -> Answer:
        endpoints = self._endpoints(account, call)
        if self.newer:
            return _ENDPOINTS.answer(call, endpoints, account.switches)
        legacy: Listing[Endpoint] = Listing(self._json, {})
        return legacy.legacy_answer(call, endpoints, account.switches)

    def create(self, account: Account, call: Call) -> Answer:
        endpoints = self._endpoints(account, call)
        body = call.body()
        backend = _backend(account, body.get("backend")) if self.newer and not self.of_connection else None
        endpoint = account.partner.new_endpoint(body.get("webhook_url"), backend)
        endpoints.append(endpoint)
        return answer(self._json(endpoint))

    def show(self, account: Account, call: Call) -> Answer:
        return answer(self._json(self._find(account, call)))

    def update(self, account: Account, call: Call) -> Answer:
        endpoint = self._find(account, call)
        body = call.body()
        if "webhook_url" in body:
            endpoint.webhook_url = account.partner.new_endpoint(body["webhook_url"]).webhook_url
            endpoint.updated_at = account.partner.now()
        return answer(self._json(endpoint))

    def delete(self, account: Account, call: Call) -> Answer:
        endpoint = self._find(account, call)
        self._endpoints(account, call).remove(endpoint)
        account.partner.remove_endpoint(endpoint)
        return NO_CONTENT

    def _endpoints(self, account: Account, call: Call) -> list[Endpoint]:
        return account.find(call.ids[0]).installation.endpoints if self.of_connection else account.partner.endpoints

    def _find(self, account: Account, call: Call) -> Endpoint:
        for endpoint in self._endpoints(account, call):
            if endpoint.id == call.ids[-1]:
                return endpoint
        raise not_found("WebhookEndpoint")

    def _json(self, endpoint: Endpoint) -> dict[str, object]:
        if self.newer:
            return endpoint.to_json()
        return {**endpoint.to_json(), "localhost_webhook_url": endpoint.backend.localhost_webhook_url}


def _backend(account: Account, wanted: object) -> Backend | None:
    """Finds the backend that a create names, by id alone or by an object with an id."""
    if wanted is None:
        return None
    backend_id = wanted.get("id") if isinstance(wanted, dict) else wanted
    for backend in account.partner.backends:
        if backend.id == backend_id:
            return backend
    raise not_found("Backend")


def webhook_events(account: Account, call: Call) -> Answer:
    return answer(EVENT_TYPES)


def webhook_requests(account: Account, call: Call) -> Answer:
    """Lists deliveries, a row for each event and endpoint, the oldest first."""
    if any(status not in STATUSES for name, status in call.pairs() if name == "status"):
        raise validation_failed(["Status is not included in the list"])
    return _REQUESTS.answer(call, account.partner.requests, account.switches)
