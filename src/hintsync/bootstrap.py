"""Puts hintsync together: the only module that knows the store, the replicas and the engine at once."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from hintsync.change_feed import CHANGES_FACT, look_for_feed
from hintsync.clock import SystemClock
from hintsync.core.codec import Codec
from hintsync.core.conventions import Conventions
from hintsync.core.errors import BadInput, FixConfiguration, HintsyncError, NotConnected
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.known_patients import take_known_patients
from hintsync.engine.options import Options
from hintsync.ledger import Ledger
from hintsync.logins import (
    CREDENTIALS_FACT,
    HINT_TOKEN,
    SALESFORCE_LOGIN,
    SalesforceLogin,
    has_ended,
    pack_login,
    unpack_login,
)
from hintsync.ports import Clock, Described, Identity
from hintsync.replicas.hint.client import HintClient, Pace
from hintsync.replicas.hint.connect import Connector, Routes
from hintsync.replicas.hint.facts import HintFacts
from hintsync.replicas.hint.partner import PartnerApi
from hintsync.replicas.hint.probe import probe
from hintsync.replicas.hint.replica import Concurrency, HintReplica
from hintsync.replicas.salesforce.accounts import Accounts
from hintsync.replicas.salesforce.budget import Budget
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.events_address import EventsAddress
from hintsync.replicas.salesforce.grants import grant_permissions
from hintsync.replicas.salesforce.metadata import Deployed, deploy_all
from hintsync.replicas.salesforce.people import OrgPeople
from hintsync.replicas.salesforce.replica import SalesforceReplica
from hintsync.replicas.throttled import Throttle
from hintsync.replicas.wire import open_transport, transport_without_proxy
from hintsync.settings import Settings
from hintsync.state.keys import MasterKeys
from hintsync.state.open import open_store
from hintsync.state.port import Connection, Json, StateStore

_log = logging.getLogger(__name__)

#: Most requests to Hint that run at a time, over all connections.
HINT_CONNECTIONS = 40
#: Calls a second that an org gives at its usual latency; it has no rate limit of its own. Prices plans.
SALESFORCE_PACE = 10.0
#: Facts of a connection: what the org and the practice call themselves, as they said at connect.
ORG_NAME, PRACTICE_NAME = "org_name", "practice_name"


@dataclass(slots=True)
class Transports:
    """How requests travel; real sockets unless a test puts an application in their place."""

    hint: httpx.AsyncBaseTransport | None = None
    salesforce: httpx.AsyncBaseTransport | None = None


@dataclass(slots=True)
class Service:
    """An installation that is open for work."""

    settings: Settings
    store: StateStore
    clock: Clock
    transports: Transports = field(default_factory=Transports)
    #: Shared by all connections: Hint counts the requests of a partner together.
    hint_pace: Pace | None = None

    async def connection(self, name: str | None = None) -> Connection:
        """Return the connection of that name or id, or the only one there is.

        Raises:
            BadInput: there is none of that name, or several and none was named.
        """
        known = await self.store.connections()
        if name is not None:
            found = [c for c in known if name in (c.id, c.name)]
            if not found:
                raise BadInput(f"no connection {name}; there are: {', '.join(c.name for c in known) or 'none'}")
            return found[0]
        if len(known) != 1:
            names = ", ".join(c.name for c in known) or "none yet"
            raise BadInput(f"which connection? --connection takes one of: {names}")
        return known[0]


@asynccontextmanager
async def open_service(
    settings: Settings, transports: Transports | None = None, clock: Clock | None = None
) -> AsyncIterator[Service]:
    """Open the store; make the state folder and the master key on first use."""
    keys = load_master_keys(settings)
    store = await open_store(settings.database(), keys)
    ways, own = transports or Transports(), open_transport(HINT_CONNECTIONS)
    service = Service(settings, store, clock or SystemClock(), Transports(ways.hint or own, ways.salesforce))
    try:
        yield service
    finally:
        await own.aclose()
        await _close_book(service)
        await store.aclose()


async def _close_book(service: Service) -> None:
    """Give back what was drawn of Hint's daily requests and not sent; a store that does not answer keeps it for the day."""
    if service.hint_pace is not None:
        try:
            await service.hint_pace.budget.give_back()
        except HintsyncError as error:
            _log.warning("requests drawn for today could not be given back (%s)", error.code)


def load_master_keys(settings: Settings) -> MasterKeys:
    """Return the master keys: from the settings, or from `master.key` in the state folder, made on first use.

    Raises:
        FixConfiguration: a key that is none, or a state folder that cannot be written.
    """
    given = settings.master_keys.get_secret_value()
    if given:
        return MasterKeys.parse(given)
    path = settings.state / "master.key"
    try:
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _write_private(path, MasterKeys.generate())
        return MasterKeys.parse(path.read_text(encoding="ascii"))
    except OSError as error:
        raise FixConfiguration(f"{settings.state}: the state folder cannot be used: {error.strerror}") from None


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")


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
    if not (_fits(base.org_id, org.identity) and _fits(base.practice_id, practice.identity)):
        raise BadInput(f"connection {name} joins another org or practice; choose another name")
    connection = _joined(_joined(base, org), practice)
    await _keep(service, connection, {HINT_TOKEN: hint_token.encode(), SALESFORCE_LOGIN: pack_login(login)})
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
    if not _fits(base.org_id, org.identity):
        raise BadInput(f"connection {name} joins another org; choose another name")
    connection = _joined(base, org)
    await _keep(service, connection, {SALESFORCE_LOGIN: pack_login(login)})
    return connection


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
    client = _hint_client(service, token)
    facts = await probe(client, _hint_facts(connection))
    hint = HintReplica(client, Codec(facts.adapt(Options().table()), Conventions()), facts)
    try:
        seen = await hint.identify()
    finally:
        await hint.aclose()
    return _Looked(seen, {"hint": facts.to_json(), PRACTICE_NAME: seen.name})  # type: ignore[dict-item]  # plain values


async def _look_at_org(service: Service, connection: Connection, login: SalesforceLogin) -> _Looked:
    salesforce = _salesforce(service, connection, login, _hint_facts(connection))
    try:
        seen = await salesforce.identify()
        topic = Options.from_json(connection.settings).topic
        changes: dict[str, Json] = {**await look_for_feed(salesforce, seen.id, topic)}
    finally:
        await salesforce.aclose()
    return _Looked(seen, {CHANGES_FACT: changes, ORG_NAME: seen.name})


def _hint_facts(connection: Connection) -> HintFacts:
    stored = connection.facts.get("hint")
    return HintFacts.from_json(stored) if isinstance(stored, dict) else HintFacts()


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


async def prepare_org(service: Service, login: SalesforceLogin, *, check_only: bool = False) -> Deployed:
    """Deploy our fields into an org and let the user we sign in as see them; doing so again changes nothing.

    Raises:
        FixConfiguration: the org refuses a component; the message names it.
    """
    http = httpx.AsyncClient(transport=service.transports.salesforce, timeout=service.settings.http_timeout)
    client = SalesforceClient(http, login.grant(service.clock), service.clock)
    try:
        deployed = await deploy_all(client, service.clock, check_only=check_only)
        if not check_only:
            await grant_permissions(client)
    finally:
        await client.aclose()
    return deployed


async def ask_side(service: Service, connection: Connection, side: Side) -> tuple[Identity, Described]:
    """Ask one system of a connection who it is and what our fields are there, whether the other one answers or not.

    Raises:
        FixConfiguration: it was not connected, or a credential is missing or not taken.
        RetryLater: it does not answer.
    """
    of_org = side is Side.SALESFORCE
    secret = await service.store.secret(connection.id, SALESFORCE_LOGIN if of_org else HINT_TOKEN)
    if secret is None or not (connection.org_id if of_org else connection.practice_id):
        raise NotConnected(f"connection {connection.name}: {side} is not connected yet")
    facts, table = _hint_facts(connection), Options.from_json(connection.settings).table()
    replica: SalesforceReplica | HintReplica
    if of_org:
        replica = _salesforce(service, connection, unpack_login(secret), facts)
    else:
        replica = _hint(service, secret.decode(), Codec(facts.adapt(table), Conventions()), facts)
    try:
        return await replica.identify(), await replica.describe()
    finally:
        await replica.aclose()


@asynccontextmanager
async def open_engine(service: Service, connection: Connection, *, actor: str = "hintsync") -> AsyncIterator[Engine]:
    """Open both replicas of a connection and hand out the engine.

    Raises:
        NotConnected: one of the systems was not connected yet, or the connection was uninstalled.
        FixConfiguration: a credential is missing.
    """
    if has_ended(connection.facts):
        raise NotConnected(f"connection {connection.name}: it was uninstalled; connect it again to go on")
    for side, pinned in ((Side.SALESFORCE, connection.org_id), (Side.HINT, connection.practice_id)):
        if not pinned:
            raise NotConnected(f"connection {connection.name}: {side} is not connected yet")
    token = await service.store.secret(connection.id, HINT_TOKEN)
    login = await service.store.secret(connection.id, SALESFORCE_LOGIN)
    if token is None or login is None:
        raise FixConfiguration(f"connection {connection.name}: not connected; run the connect step again")
    options, facts = Options.from_json(connection.settings), _hint_facts(connection)
    salesforce = _salesforce(service, connection, unpack_login(login), facts)
    hint: HintReplica | None = None
    engine: Engine | None = None
    try:
        org = await salesforce.describe()
        # the org's own picklist entries belong to the canonical forms of both sides
        conventions = (await salesforce.prepare()).codec.conventions
        hint = _hint(service, token.decode(), Codec(facts.adapt(options.table()), conventions), facts)
        described = {Side.SALESFORCE: org, Side.HINT: await hint.describe()}
        engine = Engine(
            connection=connection,
            options=options,
            store=service.store,
            replicas={Side.SALESFORCE: salesforce, Side.HINT: hint},
            described=described,
            table=facts.adapt(options.table()),
            fingerprint_key=service.store.fingerprint_key(connection.id),
            clock=service.clock,
            actor=actor,
            calls_per_second={Side.HINT: service.settings.hint_requests_per_second, Side.SALESFORCE: SALESFORCE_PACE},
        )
        yield engine
    finally:
        await salesforce.aclose()
        if hint is not None:
            await hint.aclose()
        if hint is not None and engine is not None and hint.facts != facts:
            await _keep_facts(service, engine.connection, hint.facts)


async def _keep_facts(service: Service, connection: Connection, facts: HintFacts) -> None:
    """Remember what was learned of Hint on the way, such as that a PATCH must carry the names."""
    stored = await service.store.connection(connection.id) or connection  # others may have learned something, too
    learned = {**stored.facts, "hint": facts.to_json()}
    await service.store.put_connection(replace(stored, facts=learned))  # type: ignore[arg-type]  # plain values


async def open_people(service: Service, connection: Connection) -> OrgPeople:
    """Return the org as it knows the people who work in it; nothing is sent yet. To be closed by `aclose`.

    Raises:
        FixConfiguration: the org is not connected.
    """
    client = await _signed_in(service, connection)
    transport = service.transports.salesforce or transport_without_proxy(1)
    return OrgPeople(client, httpx.AsyncClient(transport=transport, timeout=service.settings.http_timeout))


@asynccontextmanager
async def open_accounts(service: Service, connection: Connection) -> AsyncIterator[Accounts]:
    """Hand out the org's accounts, also while Hint is not connected yet.

    Raises:
        FixConfiguration: the org is not connected.
    """
    client = await _signed_in(service, connection)
    try:
        yield Accounts(client)
    finally:
        await client.aclose()


async def _signed_in(service: Service, connection: Connection) -> SalesforceClient:
    login = await service.store.secret(connection.id, SALESFORCE_LOGIN)
    if login is None:
        raise FixConfiguration(f"connection {connection.name}: Salesforce is not connected; run the connect step again")
    return _salesforce_client(service, unpack_login(login), Options.from_json(connection.settings))


def open_partner(service: Service) -> PartnerApi:
    """Return Hint as the partner account sees it; nothing is sent.

    Raises:
        FixConfiguration: no partner key is set.
    """
    transport, key, routes = _partner(service)
    return PartnerApi(transport, key, _pace(service), base_url=service.settings.hint_url, routes=routes)


def open_connector(service: Service) -> Connector:
    """Return what exchanges authorization codes, as the partner account; nothing is sent.

    Raises:
        FixConfiguration: no partner key is set.
    """
    transport, key, routes = _partner(service)
    return Connector(transport, key, _pace(service), base_url=service.settings.hint_url, routes=routes)


def _partner(service: Service) -> tuple[httpx.AsyncBaseTransport, str, Routes]:
    key = service.settings.hint_partner_key.get_secret_value()
    if not key:
        raise FixConfiguration("hint_partner_key is not set; Hint's Partner Portal shows it")
    transport = service.transports.hint or open_transport(HINT_CONNECTIONS)
    return transport, key, Routes(service.settings.hint_routes)


def _pace(service: Service) -> Pace:
    settings = service.settings
    if service.hint_pace is None:
        service.hint_pace = Pace.of(
            service.clock,
            per_second=settings.hint_requests_per_second,
            reserve_share=settings.hint_daily_reserve,
            book=Ledger(service.store, service.clock),
            # one process works a file, but many may work a PostgreSQL database
            turns=service.store if settings.database().startswith("postgres") else None,
        )
    return service.hint_pace


def _hint_client(service: Service, token: str) -> HintClient:
    settings = service.settings
    transport = service.transports.hint or open_transport(HINT_CONNECTIONS)
    return HintClient(transport, token, _pace(service), base_url=settings.hint_url, timeout=settings.http_timeout)


def _hint(service: Service, token: str, codec: Codec, facts: HintFacts) -> HintReplica:
    at_once = service.settings.hint_concurrency
    return HintReplica(_hint_client(service, token), codec, facts, concurrency=Concurrency(at_once, at_once))


def _salesforce(
    service: Service, connection: Connection, login: SalesforceLogin, facts: HintFacts
) -> SalesforceReplica:
    options = Options.from_json(connection.settings)
    client = _salesforce_client(service, login, options)
    conventions = Conventions(phone_region=options.phone_region)
    return SalesforceReplica(
        client,
        facts.adapt(options.table()),
        clock=service.clock,
        conventions=conventions,
        events=_events_address(service.settings),
    )


def _salesforce_client(service: Service, login: SalesforceLogin, options: Options) -> SalesforceClient:
    settings = service.settings
    transport = service.transports.salesforce or transport_without_proxy(settings.salesforce_concurrency)
    limits = httpx.Limits(max_connections=settings.salesforce_concurrency)
    http = httpx.AsyncClient(transport=transport, timeout=settings.http_timeout, limits=limits)
    return SalesforceClient(
        http,
        login.grant(service.clock),
        service.clock,
        throttle=Throttle(service.clock, concurrency=settings.salesforce_concurrency),
        budget=Budget(service.clock, reserve_share=options.salesforce_reserve),
    )


def _events_address(settings: Settings) -> EventsAddress:
    try:
        file = settings.salesforce_events_ca
        return EventsAddress(settings.salesforce_events, file.read_bytes() if file else None)
    except OSError as error:
        raise FixConfiguration(f"{settings.salesforce_events_ca} cannot be read: {error.strerror}") from None
