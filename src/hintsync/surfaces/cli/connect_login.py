"""How `hintsync connect` signs in to the org, told from its options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput, FixConfiguration, ReconnectNeeded
from hintsync.core.values import Side
from hintsync.logins import SalesforceLogin, WithClientCredentials, WithJwt, WithToken
from hintsync.setup.signing_keys import login_with_own_key
from hintsync.surfaces.cli.secrets import read_secret


@dataclass(frozen=True, slots=True)
class LoginOptions:
    """What was named."""

    #: My Domain address of the org.
    url: str
    client_id: str | None = None
    client_secret_file: Path | None = None
    username: str | None = None
    private_key_file: Path | None = None
    access_token_file: Path | None = None

    @property
    def by_own_key(self) -> bool:
        """Whether the key is one that we made."""
        return self.username is not None and self.private_key_file is None and self.access_token_file is None


async def login_of(service: Service, name: str, given: LoginOptions) -> SalesforceLogin:
    """Return the login that options name; asks for the secret if none is named.

    Raises:
        BadInput: they do not hang together.
    """
    url = given.url.rstrip("/")
    if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise BadInput("--salesforce-url: expected an https:// address")
    if given.access_token_file is not None:
        return WithToken(url, read_secret(given.access_token_file, "access token"))
    if given.client_id is None:
        raise BadInput("--client-id: expected the consumer key of the external client app")
    if given.private_key_file is not None and given.username is None:
        raise BadInput("--private-key-file needs --username: the user to act as")
    if given.username is None:
        return WithClientCredentials(url, given.client_id, read_secret(given.client_secret_file, "client secret"))
    if given.private_key_file is not None:
        key = read_secret(given.private_key_file, "private key")
        return WithJwt(url, given.client_id, given.username, key)
    return await login_with_own_key(service, name, url, given.client_id, given.username)


@contextmanager
def own_key_explained(given: LoginOptions) -> Iterator[None]:
    """Say what may be missing where the org does not take a key that we made.

    Raises:
        FixConfiguration: it does not.
    """
    try:
        yield
    except ReconnectNeeded as error:
        if not given.by_own_key or error.side is not Side.SALESFORCE:
            raise
        raise FixConfiguration(
            f"salesforce: {error.reason}; our key is kept. Was its certificate uploaded to the app of this client id, and may"
            " the user named with --username use the app? Salesforce may take ten minutes to notice; then run this again"
        ) from None
