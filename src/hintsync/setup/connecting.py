"""Joins an org and a practice: looks at them, pins them, keeps their credentials; both at once, or one after the other."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from hintsync.bootstrap import Service, hint_client, hint_facts, open_engine, salesforce_replica
from hintsync.change_feed import CHANGES_FACT, look_for_feed
from hintsync.core.codec import Codec
from hintsync.core.conventions import Conventions
from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.core.values import Side
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.options import Options
from hintsync.logins import (
    CREDENTIALS_FACT,
    HINT_TOKEN,
    SALESFORCE_LOGIN,
    SalesforceLogin,
    WithJwt,
    has_ended,
    pack_login,
    unpack_login,
)
from hintsync.ports import Identity
from hintsync.replicas.hint.probe import probe
from hintsync.replicas.hint.replica import HintReplica
from hintsync.state.port import Connection, Json, StateStore

#: Facts of a connection: what the org and the practice call themselves, as they said at connect.
ORG_NAME, PRACTICE_NAME = "org_name", "practice_name"


async def connect(
    service: Service, name: str, *, hint_token: str, login: SalesforceLogin, options: Options | None = None
) -> Connection:
    """Join an org and a practice: look at both, probe what Hint leaves open, pin them, keep the credentials encrypted.

    Connecting again under the same name renews the credentials and keeps the links.

    Raises:
        BadInput: the name belongs to a connection with another org or practice.
    """
    base = await _begun(service, name, options)
    practice = await _look_at_practice(service, base, hint_token)
    org = await _look_at_org(service, base, login)
    base = await _begun(service, name, options)  # looking took a while, and others set and learn things, too
    _ensure_org(base, org.identity)
    if not _fits(base.practice_id, practice.identity):
        raise BadInput(f"connection {name} joins another practice; choose another name")
    connection = _joined(_joined(base, org), practice)
    await _keep(
        service, connection, {HINT_TOKEN: hint_token.encode(), SALESFORCE_LOGIN: await _packed(service, name, login)}
    )
    async with open_engine(service, connection) as engine:
        await take_known_patients(engine)  # whoever is there now is not new (row L8)
        return engine.connection


async def connect_salesforce(
    service: Service, name: str, *, login: SalesforceLogin, options: Options | None = None
) -> Connection:
    """Connect the org alone, or renew its credential; the practice is connected later (`connect_hint`).

    Raises:
        BadInput: the name belongs to a connection with another org.
    """
    base = await _begun(service, name, options)
    org = await _look_at_org(service, base, login)
    base = await _begun(service, name, options)  # as above
    _ensure_org(base, org.identity)
    connection = _joined(base, org)
    await _keep(service, connection, {SALESFORCE_LOGIN: await _packed(service, name, login)})
    return connection


async def ensure_pinned_org(service: Service, name: str, login: SalesforceLogin) -> None:
    """Ask which org a login opens, before anything is put into it; a connection without an org takes any.

    Raises:
        BadInput: the name belongs to a connection with another org (guard G1).
    """
    known = await service.store.connection(name)
    if known is None or not known.org_id:
        return
    salesforce = salesforce_replica(service, known, login, hint_facts(known))
    try:
        _ensure_org(known, await salesforce.identify())
    finally:
        await salesforce.aclose()


async def has_login(store: StateStore, name: str) -> bool:
    """Say whether a connection signed in to its org before, and was not uninstalled since: what is done then renews it."""
    known = await store.connection(name)
    if known is None or has_ended(known.facts):
        return False
    return bool(await store.secret(name, SALESFORCE_LOGIN))


async def stored_login(store: StateStore, name: str) -> SalesforceLogin | None:
    """Return how a connection signs in to its org; None: it does not yet.

    Raises:
        FixConfiguration: it cannot be read.
    """
    stored = await store.secret(name, SALESFORCE_LOGIN)
    return unpack_login(stored) if stored else None


async def _packed(service: Service, name: str, login: SalesforceLogin) -> bytes:
    """Return a login to be stored; a key that waits beside the one it follows goes on waiting, unless it is the one used now."""
    try:
        before = await stored_login(service.store, name)
    except FixConfiguration:  # connecting again is the remedy
        before = None
    if isinstance(before, WithJwt) and isinstance(login, WithJwt) and before.client_id == login.client_id:
        waits = before.waiting
        if waits is not None and login.waiting is None and waits.private_key.strip() != login.private_key.strip():
            login = replace(login, waiting=waits)  # its certificate may be on the way to that very app
    return pack_login(login)


async def connect_hint(
    service: Service, connection_id: str, token: str, facts: Mapping[str, Json] | None = None
) -> Connection:
    """Connect the practice to a connection that has its org, or renew its token; workers list its patients then.

    Args:
        service: The installation.
        connection_id: Whose practice it becomes.
        token: The practice's token.
        facts: What else was learned on the way, kept with the connection's facts.

    Raises:
        BadInput: no such connection, or the token opens another practice than the pinned one (guard G1): nothing is kept.
    """
    base = await service.store.connection(connection_id)
    if base is None:
        raise BadInput("there is no such connection")
    practice = await _look_at_practice(service, base, token)
    if not _fits(base.practice_id, practice.identity):
        raise BadInput(another_practice(practice.identity.id, base.practice_id))
    base = await service.store.connection(connection_id) or base  # looking took a while, and others learn, too
    connection = _joined(base, practice, facts)
    await _keep(service, connection, {HINT_TOKEN: token.encode()})
    return connection


def another_practice(seen: str, pinned: str) -> str:
    """Say that a practice is not the one that a connection is pinned to (guard G1)."""
    return (
        f"G1: this is practice {seen}, pinned is {pinned}; nothing was changed. "
        "A connection stays with its practice: its links are of that practice's patients"
    )


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a look at one system told."""

    identity: Identity
    facts: Mapping[str, Json]


async def _begun(service: Service, name: str, options: Options | None) -> Connection:
    """Return the connection of that id with the settings it is to have, or the beginning of a new one."""
    known = await service.store.connection(name)
    if known is None:
        return Connection(name, name, "", False, "", (options or Options()).to_json())
    return replace(known, settings=options.to_json()) if options else known


async def _look_at_practice(service: Service, connection: Connection, token: str) -> _Looked:
    client = hint_client(service, token)
    facts = await probe(client, hint_facts(connection))
    hint = HintReplica(client, Codec(facts.adapt(Options().table()), Conventions()), facts)
    try:
        seen = await hint.identify()
    finally:
        await hint.aclose()
    return _Looked(seen, {"hint": facts.to_json(), PRACTICE_NAME: seen.name})  # type: ignore[dict-item]  # plain values


async def _look_at_org(service: Service, connection: Connection, login: SalesforceLogin) -> _Looked:
    salesforce = salesforce_replica(service, connection, login, hint_facts(connection))
    try:
        seen = await salesforce.identify()
        topic = Options.from_json(connection.settings).topic
        changes: dict[str, Json] = {**await look_for_feed(salesforce, seen.id, topic)}
    finally:
        await salesforce.aclose()
    return _Looked(seen, {CHANGES_FACT: changes, ORG_NAME: seen.name})


def _ensure_org(connection: Connection, seen: Identity) -> None:
    if not _fits(connection.org_id, seen):
        raise BadInput(f"connection {connection.name} joins another org; choose another name")


def _fits(pinned: str, seen: Identity) -> bool:
    return pinned in ("", seen.id)


def _joined(connection: Connection, looked: _Looked, facts: Mapping[str, Json] | None = None) -> Connection:
    """Pin what was looked at."""
    told = {**connection.facts, **looked.facts, **(facts or {}), CREDENTIALS_FACT: secrets.token_hex(8)}
    seen = looked.identity
    if seen.side is Side.SALESFORCE:
        return replace(connection, org_id=seen.id, org_sandbox=seen.sandbox, facts=told)
    return replace(connection, practice_id=seen.id, facts=told)


async def _keep(service: Service, connection: Connection, credentials: Mapping[str, bytes]) -> None:
    """Store credentials, then what tells of them: whoever opens the engine by the one finds the other."""
    if await service.store.connection(connection.id) is None:
        await service.store.put_connection(replace(connection, org_id="", practice_id=""))
    for name, secret in credentials.items():
        await service.store.put_secret(connection.id, name, secret)
    await service.store.put_connection(connection)
