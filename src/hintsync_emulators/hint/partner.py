"""The partner account: who we are to Hint, and how practices are connected to us."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.hint.ids import Ids
from hintsync_emulators.hint.webhooks import Endpoint


@dataclass(slots=True)
class ApiKey:
    """A practice access token."""

    id: str
    token: str
    created_at: datetime
    label: str
    last_used_at: datetime | None = None
    deactivated_at: datetime | None = None


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
    webhook_url_override: str | None = None

    @property
    def live_key(self) -> ApiKey | None:
        """The newest token that was not revoked."""
        return next((key for key in reversed(self.keys) if key.deactivated_at is None), None)

    def accepts(self, token: str) -> bool:
        """Tells whether a token opens the practice: not revoked, connection not deactivated."""
        return self.status != "deactivated" and any(
            key.token == token and key.deactivated_at is None for key in self.keys
        )


class Partner:
    """The partner account that all practices of one emulator share.

    Attributes:
        key: the partner API key.
        signing_key: signs webhooks; the partner API key unless another is chosen, as Hint's backends allow.
        endpoints: webhook endpoints for all practices.
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        key: str | None = None,
        signing_key: str | None = None,
        name: str = "Example Sync",
        sandbox: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.ids = Ids(seed, sandbox=sandbox)
        self.clock = clock
        self.id = self.ids.new("ptr")
        self.name = name
        self.key = key or self.ids.secret()
        self.signing_key = signing_key or self.key
        self.product_id = self.ids.new("ppro")
        self.backend_id = self.ids.new("pbnd")
        self.endpoints: list[Endpoint] = []
        self.webhook_url: str | None = None

    def install(self, status: str, token: str | None = None) -> Installation:
        """Connects one practice and gives it a token (the given one, or a fresh one)."""
        installation = Installation(self.ids.new("inst"), self.ids.new("int"), status, self.clock())
        self.add_key(installation, token)
        return installation

    def add_key(self, installation: Installation, token: str | None = None) -> ApiKey:
        key = ApiKey(self.ids.new("key"), token or self.ids.secret(), self.clock(), self.name)
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
        installation.status = "active" if activate else "pending"
        return installation.live_key or self.add_key(installation)

    def add_endpoint(self, endpoints: list[Endpoint], url: object) -> Endpoint:
        """Registers an address for webhooks.

        Raises:
            HintError: 422 for anything that is no web address.
        """
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise HintError(422, "Validation failed: Webhook url is invalid")
        now = self.clock()
        endpoint = Endpoint(self.ids.new("whep"), url, now, now)
        endpoints.append(endpoint)
        return endpoint
