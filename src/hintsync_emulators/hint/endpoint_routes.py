"""The routes of webhook endpoints, events and requests.

Each endpoint route exists for all practices of the partner and for one connection; the factories here make either.
Sources: https://developers.hint.com/reference, GlobalWebhookEndpoint and WebhookEndpoint; the newer partner endpoints
of version 2026-07-01.
"""

from collections.abc import Callable

from hintsync_emulators.hint.errors import not_found
from hintsync_emulators.hint.http import NO_CONTENT, Answer, Call, answer
from hintsync_emulators.hint.partner_routes import Account
from hintsync_emulators.hint.webhooks import EVENT_TYPES, Endpoint, WebhookEvent


def _endpoints(account: Account, call: Call, *, of_connection: bool) -> list[Endpoint]:
    return account.find(call.ids[0]).installation.endpoints if of_connection else account.partner.endpoints


def list_endpoints(*, of_connection: bool) -> Callable[[Account, Call], Answer]:
    def route(account: Account, call: Call) -> Answer:
        endpoints = _endpoints(account, call, of_connection=of_connection)
        return answer([_endpoint(account, endpoint) for endpoint in endpoints])

    return route


def create_endpoint(*, of_connection: bool) -> Callable[[Account, Call], Answer]:
    def route(account: Account, call: Call) -> Answer:
        endpoints = _endpoints(account, call, of_connection=of_connection)
        return answer(_endpoint(account, account.partner.add_endpoint(endpoints, call.body().get("webhook_url"))))

    return route


def show_endpoint(*, of_connection: bool) -> Callable[[Account, Call], Answer]:
    def route(account: Account, call: Call) -> Answer:
        endpoints = _endpoints(account, call, of_connection=of_connection)
        return answer(_endpoint(account, _find_endpoint(endpoints, call.ids[-1])))

    return route


def update_endpoint(*, of_connection: bool) -> Callable[[Account, Call], Answer]:
    def route(account: Account, call: Call) -> Answer:
        endpoint = _find_endpoint(_endpoints(account, call, of_connection=of_connection), call.ids[-1])
        replacement = account.partner.add_endpoint([], call.body().get("webhook_url"))
        endpoint.webhook_url, endpoint.updated_at = replacement.webhook_url, replacement.updated_at
        return answer(_endpoint(account, endpoint))

    return route


def delete_endpoint(*, of_connection: bool) -> Callable[[Account, Call], Answer]:
    def route(account: Account, call: Call) -> Answer:
        endpoints = _endpoints(account, call, of_connection=of_connection)
        endpoints.remove(_find_endpoint(endpoints, call.ids[-1]))
        return NO_CONTENT

    return route


def _find_endpoint(endpoints: list[Endpoint], endpoint_id: str) -> Endpoint:
    for endpoint in endpoints:
        if endpoint.id == endpoint_id:
            return endpoint
    raise not_found("WebhookEndpoint")


def _endpoint(account: Account, endpoint: Endpoint) -> dict[str, object]:
    return {
        "id": endpoint.id,
        "webhook_url": endpoint.webhook_url,
        "created_at": endpoint.created_at,
        "updated_at": endpoint.updated_at,
        "last_delivered_at": endpoint.last_delivered_at,
        "partner_backend": {"id": account.partner.backend_id, "name": "Default"},
    }


def webhook_events(account: Account, call: Call) -> Answer:
    return answer(EVENT_TYPES)


def webhook_requests(account: Account, call: Call) -> Answer:
    """Lists what is due and not yet delivered, a row for each event and endpoint."""
    return answer(
        [
            _request(event, endpoint_id)
            for practice in account.practices
            for event in practice.outbox
            for endpoint_id in event.endpoint_ids
        ]
    )


def _request(event: WebhookEvent, endpoint_id: str) -> dict[str, object]:
    return {
        "attempts": 0,
        "created_at": event.created_at,
        "delivered_at": None,
        "event_type": event.type,
        "last_attempted_at": None,
        "last_response": None,
        "last_status_code": None,
        "payload": None,
        "status": "pending",
        "webhook_endpoint": {"id": endpoint_id},
    }
