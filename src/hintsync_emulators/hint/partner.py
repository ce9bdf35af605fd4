"""The partner account: who we are to Hint, and how practices are connected to us."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from hintsync_emulators.clock import Clock
from hintsync_emulators.hint.backends import ApiKey, Backend, Endpoint, is_web_address
from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.hint.ids import Ids
from hintsync_emulators.hint.requests import Requests
from hintsync_emulators.hint.times import as_shown

if TYPE_CHECKING:  # a practice without webhooks starts without waiting for it
    import httpx


@dataclass(slots=True)
class Installation:
    """A practice's connection to the partner; older routes call it an integration and give it another id."""

    id: str
    integration_id: str
    #: ``onboarding``, ``pending``, ``active`` or ``deactivated``.
    status: str
    created_at: datetime
    keys: list[ApiKey] = field(default_factory=list)
    #: Authorization codes not yet exchanged.
    codes: set[str] = field(default_factory=set)
    endpoints: list[Endpoint] = field(default_factory=list)
    webhook_url_default: str | None = None
    #: The deprecated address of this practice alone; it goes before the partner's own.
    override: Endpoint | None = None
    #: The practice has done its part of the activation.
    practice_activated: bool = True

    @property
    def live_key(self) -> ApiKey | None:
        """The newest token that was not revoked."""
        return next((key for key in reversed(self.keys) if key.deactivated_at is None), None)

    def use(self, token: str, now: datetime) -> bool:
        """Tells whether a token opens the practice, and notes on it that it was used."""
        if not self.accepts(token):
            return False
        next(key for key in self.keys if key.token == token).last_used_at = now
        return True

    def accepts(self, token: str) -> bool:
        """Tells whether a token opens the practice: not revoked, connection not deactivated."""
        return self.status != "deactivated" and any(
            key.token == token and key.deactivated_at is None for key in self.keys
        )


class Partner:
    """The partner account that all practices of one emulator share.

    Attributes:
        key: the partner API key.
        keys: all API keys of the partner, the first one `key`.
        backends: where practices are connected and webhooks are signed; the first is ``Default``.
        endpoints: webhook endpoints for all practices.
        requests: the deliveries of webhooks.
        transport: what webhooks go through, for instance ``httpx.ASGITransport(receiver)``; None: over sockets.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        key: str | None = None,
        signing_key: str | None = None,
        name: str = "Example Sync",
        sandbox: bool = False,
        clock: Callable[[], datetime] | None = None,
        transport: "httpx.AsyncBaseTransport | None" = None,
    ) -> None:
        self.ids = Ids(seed, sandbox=sandbox)
        self.clock = clock or Clock()
        self.transport = transport
        self.id = self.ids.new("ptr")
        self.name = name
        self.key = key or self.ids.secret()
        self.keys = [ApiKey(self.ids.new("key"), self.key, self.now(), name)]
        self.product_id = self.ids.new("ppro")
        self.backends: list[Backend] = []
        self.add_backend("Default")
        if signing_key is not None:
            self.backend.signature_key = self.add_partner_key("Webhooks Signature Key", signing_key)
        self.endpoints: list[Endpoint] = []
        #: The oldest way to register an address, ``PATCH /api/partner``.
        self.oldest_endpoint: Endpoint | None = None
        self.requests = Requests()

    def now(self) -> datetime:
        """Returns the time as Hint writes it."""
        return as_shown(self.clock())

    @property
    def backend(self) -> Backend:
        """The default backend, which practices are connected to."""
        return self.backends[0]

    @property
    def signing_key(self) -> str:
        """What the default backend's webhooks are signed with: the partner API key until another is chosen."""
        return self.backend.signature_key.token

    def accepts(self, credential: str | None) -> bool:
        """Tells whether a credential is one of the partner's keys."""
        return any(key.token == credential and key.deactivated_at is None for key in self.keys)

    def add_backend(self, name: str) -> Backend:
        """Adds a backend, as the Partner Portal does."""
        now = self.now()
        backend = Backend(self.ids.new("pbnd"), name, now, now, self.keys[0])
        self.backends.append(backend)
        return backend

    def add_partner_key(self, label: str | None, token: str | None = None) -> ApiKey:
        """Adds an API key of the partner, for instance to sign webhooks with it from now on."""
        key = ApiKey(self.ids.new("key"), token or self.ids.secret(), self.now(), label)
        self.keys.append(key)
        return key

    def install(self, status: str, token: str | None = None) -> Installation:
        """Connects one practice and gives it a token (the given one, or a fresh one)."""
        installation = Installation(self.ids.new("inst"), self.ids.new("int"), status, self.now())
        self.add_key(installation, token)
        return installation

    def add_key(self, installation: Installation, token: str | None = None, label: str | None = None) -> ApiKey:
        """Adds a token of a practice."""
        key = ApiKey(self.ids.new("key"), token or self.ids.secret(), self.now(), label or self.name)
        installation.keys.append(key)
        return key

    def new_code(self, installation: Installation) -> str:
        """Makes an authorization code, as Hint shows it to the practice's administrator; good for one exchange."""
        code = self.ids.secret()
        installation.codes.add(code)
        return code

    def exchange(self, installation: Installation, code: str, *, activate: bool) -> ApiKey:
        """Uses up a code and returns the practice's token.

        The same token comes back for every exchange until it is revoked, because Hint calls for a connect more than
        once. A deactivated connection becomes alive again.
        """
        installation.codes.remove(code)
        ready = activate and (self.backend.activation_type != "practice_activate" or installation.practice_activated)
        installation.status = "active" if ready else "pending"
        return installation.live_key or self.add_key(installation)

    def new_endpoint(self, url: object, backend: Backend | None = None) -> Endpoint:
        """Makes an address for webhooks.

        Raises:
            HintError: 422 for anything that is no web address.
        """
        if not is_web_address(url):
            raise HintError(422, "Validation failed: Webhook url is invalid")
        now = self.now()
        return Endpoint(self.ids.new("whep"), str(url), now, now, backend or self.backend)

    def remove_endpoint(self, endpoint: Endpoint) -> None:
        """Deletes an address: at once, with all that waits for it."""
        endpoint.removed = True
        self.requests.cancel(lambda request: request.endpoint is endpoint)

    def replaced(self, old: Endpoint | None, url: object) -> Endpoint | None:
        """Sets one of the deprecated single addresses; None takes it away.

        Raises:
            HintError: 422 for anything that is no web address.
        """
        new = None if url is None else self.new_endpoint(url)
        if old is not None:
            self.remove_endpoint(old)
        return new
