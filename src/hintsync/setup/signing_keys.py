"""Keys of our own for signing in to an org: made here, sealed before anybody hears of them, changed without a gap.

A key is of use once its certificate was uploaded to the external client app, which a person does. Until then it waits: a
first one in a secret of its own, since there is no login yet; a later one in the login, beside the key in force, so that
every process tries it as soon as the app refuses the old one.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import asdict, dataclass, replace
from datetime import datetime

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput, FixConfiguration, ReconnectNeeded
from hintsync.engine.options import Options
from hintsync.logins import (
    CREDENTIALS_FACT,
    SALESFORCE_LOGIN,
    WithJwt,
    pack_login,
    read_signing_key,
)
from hintsync.replicas.salesforce.key_pair import RENEW_BEFORE, SigningKey, new_signing_key, valid_until
from hintsync.setup.connecting import stored_login
from hintsync.setup.installation import open_org
from hintsync.state.port import Connection, StateStore

#: Name of the secret that holds a first key, until the org is connected with it; empty afterwards.
SALESFORCE_KEY = "salesforce-key"


class _UnreadableKey(FixConfiguration):
    """The first key was stored by a newer version, or is broken: another one takes its place."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """The certificates of a connection's keys; empty where there is none of ours."""

    #: Of the key that signs in.
    in_use: str = ""
    #: Of the key whose certificate is still to be uploaded, or to be tried.
    waiting: str = ""

    @property
    def in_use_until(self) -> datetime | None:
        """The end of the certificate in use, UTC; None without one."""
        return valid_until(self.in_use) if self.in_use else None

    def is_due(self, now: datetime) -> bool:
        """Say whether it is time for a new key: the end is near, and none waits."""
        until = self.in_use_until
        return until is not None and not self.waiting and now >= until - RENEW_BEFORE


async def key_state(store: StateStore, connection_id: str) -> KeyState:
    """Return which keys of ours a connection has."""
    login = await stored_login(store, connection_id)
    if isinstance(login, WithJwt):
        return KeyState(login.certificate, login.waiting.certificate if login.waiting else "")
    pending = await _pending(store, connection_id)
    return KeyState(waiting=pending.certificate if pending else "")


async def make_key(service: Service, name: str) -> KeyState:
    """Make a key for a connection, unless one waits that can be read, and seal it; the connection may be a new one."""
    store = service.store
    connection = await store.connection(name)
    if connection is None:
        connection = Connection(name, name, "", False, "", Options().to_json())
        await store.put_connection(connection)
    if not await _waits(store, connection.id):
        key = await asyncio.to_thread(new_signing_key, f"hintsync {name}", service.clock.now())
        await _keep_waiting(service, connection, key)
    return await key_state(store, connection.id)  # as it is stored: what is shown then is what will sign in


async def try_waiting_key(service: Service, connection: Connection) -> bool:
    """Sign in with the key that waits beside the one in force, and go on with it alone if the org takes it.

    Returns:
        Whether there was one and it is in force now; the other one is forgotten then.

    Raises:
        RetryLater: the org does not answer.
    """
    login = await stored_login(service.store, connection.id)
    if not isinstance(login, WithJwt) or login.waiting is None:
        return False
    new = replace(login, private_key=login.waiting.private_key, certificate=login.waiting.certificate, waiting=None)
    try:
        async with open_org(service, new) as client:
            await client.sessions.session()
    except ReconnectNeeded:
        return False
    await _store_login(service, connection, new)
    return True


async def login_with_own_key(
    service: Service, connection_id: str, login_url: str, client_id: str, username: str
) -> WithJwt:
    """Return the login that signs in by the connection's own key.

    Raises:
        BadInput: it has none.
    """
    login = await stored_login(service.store, connection_id)
    if isinstance(login, WithJwt):
        return replace(login, login_url=login_url, client_id=client_id, username=username)
    key = await _pending(service.store, connection_id)
    if key is None:
        raise BadInput(
            f"--username needs a key: hintsync salesforce-key {connection_id} makes one; or name the file of yours"
            " with --private-key-file"
        )
    return WithJwt(login_url, client_id, username, key.private_key, key.certificate)


async def settle_first_key(service: Service, connection: Connection) -> None:
    """Take the first key out of its own secret, once the stored login is one by key: what counts then is the login.

    With any other login it goes on waiting there, and beside a key of the clinic's in the login, as a later key does: its
    certificate may be on the way to the app.
    """
    login = await stored_login(service.store, connection.id)
    if not isinstance(login, WithJwt):
        return
    try:
        key = await _pending(service.store, connection.id)
    except _UnreadableKey:
        key = None  # nothing signs in by it any more, and `--renew` makes the next one
    if key is not None and login.private_key != key.private_key and login.waiting is None:
        await _store_login(service, connection, replace(login, waiting=key))
    await service.store.put_secret(connection.id, SALESFORCE_KEY, b"")


async def _waits(store: StateStore, connection_id: str) -> bool:
    try:
        return bool((await key_state(store, connection_id)).waiting)
    except _UnreadableKey:
        return False


async def _pending(store: StateStore, connection_id: str) -> SigningKey | None:
    stored = await store.secret(connection_id, SALESFORCE_KEY)
    if not stored:
        return None
    try:
        return read_signing_key(json.loads(stored))
    except (ValueError, TypeError):
        raise _UnreadableKey(
            f"the key that was made for {connection_id} cannot be read;"
            f" make another: hintsync salesforce-key {connection_id} --renew"
        ) from None


async def _keep_waiting(service: Service, connection: Connection, key: SigningKey) -> None:
    login = await stored_login(service.store, connection.id)
    if isinstance(login, WithJwt):
        await _store_login(service, connection, replace(login, waiting=key))
    else:
        await service.store.put_secret(connection.id, SALESFORCE_KEY, json.dumps(asdict(key)).encode())


async def _store_login(service: Service, connection: Connection, login: WithJwt) -> None:
    """Store a login, then move the fact that lets every process open its engine anew."""
    await service.store.put_secret(connection.id, SALESFORCE_LOGIN, pack_login(login))
    stored = await service.store.connection(connection.id) or connection
    facts = {**stored.facts, CREDENTIALS_FACT: secrets.token_hex(8)}
    await service.store.put_connection(replace(stored, facts=facts))
