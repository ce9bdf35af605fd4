"""The routes of API keys and backends: what the partner may set up for himself.

Source: the partner endpoints of version 2026-07-01, ApiKey, InstallationApiKeys and Backend.
"""

from hintsync_emulators.hint.backends import ApiKey, Backend
from hintsync_emulators.hint.errors import not_found, validation_failed
from hintsync_emulators.hint.http import NO_CONTENT, Answer, Call, answer
from hintsync_emulators.hint.listing import Listing
from hintsync_emulators.hint.partner_routes import Account, product_json

_KEYS: Listing[ApiKey] = Listing(
    lambda key: key.to_json(with_token=False),
    {
        "label": lambda key: key.label,
        "created_at": lambda key: key.created_at,
        "last_used_at": lambda key: key.last_used_at,
        "deactivated_at": lambda key: key.deactivated_at,
    },
)


def list_partner_keys(account: Account, call: Call) -> Answer:
    return _KEYS.answer(call, account.partner.keys, account.switches)


def create_partner_key(account: Account, call: Call) -> Answer:
    return answer(account.partner.add_partner_key(_label(call)).to_json(with_token=True))


def list_keys(account: Account, call: Call) -> Answer:
    return _KEYS.answer(call, account.find(call.ids[0]).installation.keys, account.switches)


def create_key(account: Account, call: Call) -> Answer:
    installation = account.find(call.ids[0]).installation
    return answer(account.partner.add_key(installation, label=_label(call)).to_json(with_token=True))


def update_key(account: Account, call: Call) -> Answer:
    key = _find_key(account, call)
    if "label" in call.body():
        key.label = _label(call)
    return answer(key.to_json(with_token=True))


def delete_key(account: Account, call: Call) -> Answer:
    key = _find_key(account, call)
    key.deactivated_at = key.deactivated_at or account.partner.now()
    return NO_CONTENT


def _find_key(account: Account, call: Call) -> ApiKey:
    for key in account.find(call.ids[0]).installation.keys:
        if key.id == call.ids[1]:
            return key
    raise not_found("ApiKey")


def _label(call: Call) -> str | None:
    label = call.body().get("label")
    if label is not None and not isinstance(label, str):
        raise validation_failed(["Label is invalid"])
    return label


def list_backends(account: Account, call: Call) -> Answer:
    listing: Listing[Backend] = Listing(
        lambda backend: _backend(account, backend), {"created_at": lambda backend: backend.created_at}
    )
    return listing.answer(call, account.partner.backends, account.switches)


def show_backend(account: Account, call: Call) -> Answer:
    return answer(_backend(account, _find_backend(account, call.ids[0])))


def update_backend(account: Account, call: Call) -> Answer:
    backend = _find_backend(account, call.ids[0])
    backend.update(call.body(), account.partner.keys, account.partner.now())
    return answer(_backend(account, backend))


def _find_backend(account: Account, backend_id: str) -> Backend:
    for backend in account.partner.backends:
        if backend.id == backend_id:
            return backend
    raise not_found("Backend")


def _backend(account: Account, backend: Backend) -> dict[str, object]:
    key = backend.signature_key
    return {
        "id": backend.id,
        "activation_type": backend.activation_type,
        "auth_type": backend.auth_type,
        "created_at": backend.created_at,
        "listened_events": backend.listened_events,
        "localhost_redirect_url": backend.localhost_redirect_url,
        "localhost_webhook_url": backend.localhost_webhook_url,
        "max_requests_per_minute": backend.max_requests_per_minute,
        "name": backend.name,
        "redirect_url": backend.redirect_url,
        "unmute_self_webhooks": backend.unmute_self_webhooks,
        "updated_at": backend.updated_at,
        "webhooks_disabled": backend.webhooks_disabled,
        "webhooks_paused": backend.webhooks_paused,
        "api_credentials_configuration": None,
        "products": [product_json(account.partner)] if backend is account.partner.backend else [],
        "webhooks_signature_api_key": {
            "id": key.id,
            "label": key.label,
            "created_at": key.created_at,
            "last_used_at": key.last_used_at,
            "deactivated_at": key.deactivated_at,
        },
    }
