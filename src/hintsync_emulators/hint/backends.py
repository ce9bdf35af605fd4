"""What the partner has set up at Hint: API keys, backends, and addresses for webhooks.

Source: the partner endpoints of version 2026-07-01, Backend, ApiKey and WebhookEndpoint.
"""

import fnmatch
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hintsync_emulators.hint.errors import HintError, validation_failed

AUTH_TYPES = ("manual", "automatic_redirect", "automatic_headless")
ACTIVATION_TYPES = ("instant", "practice_activate", "partner_activate")
_MINUTE = timedelta(minutes=1)
_FLAGS = ("webhooks_disabled", "webhooks_paused", "unmute_self_webhooks")
_ADDRESSES = ("redirect_url", "localhost_redirect_url", "localhost_webhook_url")
_CHOICES = {"auth_type": AUTH_TYPES, "activation_type": ACTIVATION_TYPES}


@dataclass(slots=True, eq=False)
class ApiKey:
    """A key of the partner, or a practice's access token."""

    id: str
    token: str
    created_at: datetime
    label: str | None
    last_used_at: datetime | None = None
    deactivated_at: datetime | None = None

    def to_json(self, *, with_token: bool) -> dict[str, object]:
        """Returns the key; its token is shown whole only when the key is made or connected."""
        shown: dict[str, object] = {
            "created_at": self.created_at,
            "deactivated_at": self.deactivated_at,
            "label": self.label,
            "last_used_at": self.last_used_at,
        }
        if with_token:
            return {"id": self.id, **shown, "token": self.token}
        return {**shown, "token_last_4": self.token[-4:]}


@dataclass(slots=True, eq=False)
class Backend:
    """One backend of the partner: how practices are connected to it and how it gets its webhooks."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    #: Signs the webhooks.
    signature_key: ApiKey
    auth_type: str = "manual"
    activation_type: str = "instant"
    redirect_url: str | None = None
    localhost_redirect_url: str | None = None
    localhost_webhook_url: str | None = None
    #: Exact types, or patterns such as ``patient.*``.
    listened_events: list[str] = field(default_factory=lambda: ["*"])
    max_requests_per_minute: int | None = None
    unmute_self_webhooks: bool = False
    #: Events are not recorded for this backend's endpoints.
    webhooks_disabled: bool = False
    #: Events are recorded and wait.
    webhooks_paused: bool = False
    #: Where an app embedded in Hint begins a session; set in the Partner Portal, so by the control API here.
    handshake_url: str | None = None
    _attempts: deque[datetime] = field(default_factory=deque)

    def listens_to(self, kind: str) -> bool:
        return any(fnmatch.fnmatchcase(kind, pattern) for pattern in self.listened_events)

    def may_send(self, now: datetime) -> bool:
        """Tells whether another delivery fits into the minute that ends now, and counts it if so."""
        while self._attempts and self._attempts[0] <= now - _MINUTE:
            self._attempts.popleft()
        if self.max_requests_per_minute is not None and len(self._attempts) >= self.max_requests_per_minute:
            return False
        self._attempts.append(now)
        return True

    def update(self, body: dict[str, object], keys: list[ApiKey], now: datetime) -> None:
        """Takes over what an update names; on an error nothing changes.

        Raises:
            HintError: 422 for a value that cannot be, 404 for an API key that is not the partner's.
        """
        changes = {name: _read(name, value) for name, value in body.items() if name in _READABLE}
        if "webhooks_signature_api_key" in body:
            changes["signature_key"] = _chosen_key(body["webhooks_signature_api_key"], keys)
        for name, value in changes.items():
            setattr(self, name, value)
        self.updated_at = now


_READABLE = (*_FLAGS, *_ADDRESSES, *_CHOICES, "name", "listened_events", "max_requests_per_minute")


def _read(name: str, value: object) -> object:
    problem = validation_failed([f"{name.replace('_', ' ').capitalize()} is invalid"])
    if name in _CHOICES:
        fits = value in _CHOICES[name]
    elif name in _FLAGS:
        fits = isinstance(value, bool)
    elif name == "listened_events":
        fits = isinstance(value, list) and all(isinstance(each, str) for each in value)
    elif name == "max_requests_per_minute":
        fits = value is None or (type(value) is int and value > 0)
    elif name == "name":
        fits = isinstance(value, str) and bool(value)
    else:
        fits = value is None or is_web_address(value)
    if not fits:
        raise problem
    return value


def _chosen_key(value: object, keys: list[ApiKey]) -> ApiKey:
    wanted = value.get("id") if isinstance(value, dict) else None
    for key in keys:
        if key.id == wanted and key.deactivated_at is None:
            return key
    raise HintError(404, "Couldn't find ApiKey")


def is_web_address(value: object) -> bool:
    """Tells whether a value is an http or https address with a host."""
    if not isinstance(value, str) or not value.startswith(("https://", "http://")):
        return False
    return bool(value.partition("://")[2].strip("/"))


@dataclass(slots=True, eq=False)
class Endpoint:
    """A registered address for webhooks."""

    id: str
    webhook_url: str
    created_at: datetime
    updated_at: datetime
    backend: Backend
    last_delivered_at: datetime | None = None
    #: Deliveries that failed since the last that did not.
    failures: int = 0
    #: Nothing is sent before this moment.
    muted_until: datetime | None = None
    #: Deleted: what was due is never sent.
    removed: bool = False

    def open_at(self, now: datetime) -> bool:
        """Tells whether deliveries may be tried."""
        muted = self.muted_until is not None and now < self.muted_until
        return not (self.removed or muted or self.backend.webhooks_paused or self.backend.webhooks_disabled)

    def to_json(self) -> dict[str, object]:
        return {
            "id": self.id,
            "webhook_url": self.webhook_url,
            "created_at": self.created_at,
            "updated_at": self.updated_at,
            "last_delivered_at": self.last_delivered_at,
            "partner_backend": {"id": self.backend.id, "name": self.backend.name},
        }
