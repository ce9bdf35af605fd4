"""How `hintsync connect` signs in to the org, told from its options."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput, FixConfiguration, ReconnectNeeded
from hintsync.core.values import Side
from hintsync.logins import SalesforceLogin, WithClientCredentials, WithJwt, WithToken
from hintsync.setup.connecting import stored_login
from hintsync.setup.signing_keys import login_with_own_key
from hintsync.surfaces.cli.secrets import read_secret


@dataclass(frozen=True, slots=True)
class LoginOptions:
    """What was named."""

    #: My Domain address of the org; None: what is not named is taken from the stored login.
    url: str | None = None
    client_id: str | None = None
    client_secret_file: Path | None = None
    username: str | None = None
    private_key_file: Path | None = None
    access_token_file: Path | None = None


async def login_of(service: Service, name: str, given: LoginOptions, *, renews: bool = True) -> SalesforceLogin:
    """Return the login that options name; asks for the secret if none is named.

    Args:
        service: The installation.
        name: Of the connection.
        given: The options. Without an address, what they leave out is as the connection signs in now.
        renews: Whether a secret is asked for where nothing is named; False: the stored login stays.

    Raises:
        BadInput: they do not hang together.
    """
    if given.url is not None:
        return await _named(service, name, given, given.url.rstrip("/"))
    stored = await stored_login(service.store, name)
    if stored is None:
        raise BadInput(
            "--salesforce-url: expected the org's address; it may be left out only once the org is connected"
        )
    if given == LoginOptions() and not renews:
        return stored
    if isinstance(stored, WithToken):
        if given.client_id is None:
            return WithToken(stored.instance_url, read_secret(given.access_token_file, "access token"))
        return await _named(service, name, given, stored.instance_url)
    return await _named(service, name, _completed(given, stored), stored.login_url)


def _completed(given: LoginOptions, stored: WithClientCredentials | WithJwt) -> LoginOptions:
    """Add what the stored login knows; its user only where a key is to sign in."""
    known = replace(given, client_id=given.client_id or stored.client_id)
    if isinstance(stored, WithJwt) and given.client_secret_file is None:
        return replace(known, username=given.username or stored.username)
    return known


async def _named(service: Service, name: str, given: LoginOptions, url: str) -> SalesforceLogin:
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
def own_key_explained(login: SalesforceLogin) -> Iterator[None]:
    """Say what may be missing where the org does not take a key that we made.

    Raises:
        FixConfiguration: it does not.
    """
    try:
        yield
    except ReconnectNeeded as error:
        if not (isinstance(login, WithJwt) and login.certificate) or error.side is not Side.SALESFORCE:
            raise
        raise FixConfiguration(
            f"salesforce: {error.reason}; our key is kept. Was its certificate uploaded to the app of this client id, and may"
            f" {login.username} use the app? Salesforce may take ten minutes to notice; then run this again"
        ) from None
