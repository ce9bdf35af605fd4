"""Puts hintsync together: the only module that knows the store, the replicas and the engine at once."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx

from hintsync.clock import SystemClock
from hintsync.core.codec import Codec
from hintsync.core.conventions import Conventions
from hintsync.core.errors import BadInput, FixConfiguration, HintsyncError, NotConnected
from hintsync.core.values import Side
from hintsync.engine.context import Engine
from hintsync.engine.options import Options
from hintsync.ledger import Ledger
from hintsync.logins import (
    HINT_TOKEN,
    SALESFORCE_LOGIN,
    SalesforceLogin,
    has_ended,
    unpack_login,
)
from hintsync.master_key_file import MasterKeyFile
from hintsync.ports import Clock, Described, Identity
from hintsync.replicas.hint.client import HintClient, Pace
from hintsync.replicas.hint.connect import Connector, Routes
from hintsync.replicas.hint.facts import HintFacts
from hintsync.replicas.hint.partner import PartnerApi
from hintsync.replicas.hint.replica import Concurrency, HintReplica
from hintsync.replicas.salesforce.accounts import Accounts
from hintsync.replicas.salesforce.budget import Budget
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.events_address import EventsAddress
from hintsync.replicas.salesforce.people import OrgPeople
from hintsync.replicas.salesforce.replica import SalesforceReplica
from hintsync.replicas.throttled import Throttle
from hintsync.replicas.wire import open_transport, transport_without_proxy
from hintsync.settings import Settings
from hintsync.state.keys import MasterKeys
from hintsync.state.open import open_store
from hintsync.state.port import Connection, StateStore

_log = logging.getLogger(__name__)

#: Most requests to Hint that run at a time, over all connections.
HINT_CONNECTIONS = 40
#: Calls a second that an org gives at its usual latency; it has no rate limit of its own. Prices plans.
SALESFORCE_PACE = 10.0


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
    return MasterKeyFile(settings).load()


def hint_facts(connection: Connection) -> HintFacts:
    """Return what is known of how a connection's Hint behaves."""
    stored = connection.facts.get("hint")
    return HintFacts.from_json(stored) if isinstance(stored, dict) else HintFacts()


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
    facts, table = hint_facts(connection), Options.from_json(connection.settings).table()
    replica: SalesforceReplica | HintReplica
    if of_org:
        replica = salesforce_replica(service, connection, unpack_login(secret), facts)
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
    options, facts = Options.from_json(connection.settings), hint_facts(connection)
    salesforce = salesforce_replica(service, connection, unpack_login(login), facts)
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
    return PartnerApi(transport, key, pace_of(service), base_url=service.settings.hint_url, routes=routes)


def open_connector(service: Service) -> Connector:
    """Return what exchanges authorization codes, as the partner account; nothing is sent.

    Raises:
        FixConfiguration: no partner key is set.
    """
    transport, key, routes = _partner(service)
    return Connector(transport, key, pace_of(service), base_url=service.settings.hint_url, routes=routes)


def _partner(service: Service) -> tuple[httpx.AsyncBaseTransport, str, Routes]:
    key = service.settings.hint_partner_key.get_secret_value()
    if not key:
        raise FixConfiguration("hint_partner_key is not set; Hint's Partner Portal shows it")
    transport = service.transports.hint or open_transport(HINT_CONNECTIONS)
    return transport, key, Routes(service.settings.hint_routes)


def pace_of(service: Service) -> Pace:
    """Return the pace that all requests to Hint share, made when it is first asked for."""
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


def hint_client(service: Service, token: str) -> HintClient:
    """Return a client of a practice; nothing is sent."""
    settings = service.settings
    transport = service.transports.hint or open_transport(HINT_CONNECTIONS)
    return HintClient(transport, token, pace_of(service), base_url=settings.hint_url, timeout=settings.http_timeout)


def _hint(service: Service, token: str, codec: Codec, facts: HintFacts) -> HintReplica:
    at_once = service.settings.hint_concurrency
    return HintReplica(hint_client(service, token), codec, facts, concurrency=Concurrency(at_once, at_once))


def salesforce_replica(
    service: Service, connection: Connection, login: SalesforceLogin, facts: HintFacts
) -> SalesforceReplica:
    """Return an org as the engine knows it; nothing is sent."""
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
