"""What is asked of a connection's org: who it is, what it lets us do, what is left of its calls. Nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import httpx

from hintsync.bootstrap import Service
from hintsync.core.errors import NotConnected
from hintsync.core.limits import DayBudget
from hintsync.core.values import Side
from hintsync.doctor.clocks import Greeting, greet
from hintsync.doctor.known import Known, Unknown, Why, learn, unknown_by
from hintsync.engine.options import Options
from hintsync.engine.way import Way, load_way
from hintsync.installation import PAGES_FACT
from hintsync.logins import CANVAS_APP, SALESFORCE_LOGIN, SalesforceLogin, WithToken, unpack_canvas_app, unpack_login
from hintsync.ports import Identity
from hintsync.replicas.retrying import Backoff, Retrying
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.describe import ContactFields, read_contact_fields
from hintsync.replicas.salesforce.metadata_soap import UnknownType, list_components
from hintsync.replicas.salesforce.org_setup import Api, api
from hintsync.replicas.salesforce.own_grants import OwnGrants, holders_by_set, own_grants
from hintsync.replicas.salesforce.page_names import ADMIN_SET, USER_SET
from hintsync.replicas.salesforce.replica import SalesforceReplica
from hintsync.state.port import Connection, Json

#: Objects that our user must have rights on.
OBJECTS = ("Contact", "Account")
_MEMBER = "PlatformEventChannelMember"


@dataclass(frozen=True, slots=True)
class OrgFacts:
    """What is known of a connection's org."""

    connection: Connection
    public_url: str
    #: From the store.
    way: Way
    #: When an event last came; ISO 8601, UTC; None: never.
    heard: str | None
    #: The stored key of our app opens; false: none is stored.
    canvas_key: Known[bool]
    greeting: Known[Greeting]
    identity: Known[Identity]
    api: Known[Api]
    fields: Known[ContactFields]
    grants: Known[OwnGrants]
    #: Names of the members of channels of change events.
    members: Known[Sequence[str]]
    #: Permission set -> people who have it; one that is not in the org is missing.
    holders: Known[Mapping[str, int]]

    @property
    def options(self) -> Options:
        """The connection's choices."""
        return Options.from_json(self.connection.settings)

    @property
    def calls(self) -> Known[DayBudget]:
        """The org's calls of the rolling day, with the reserve that was chosen."""
        if isinstance(self.api, Unknown):
            return self.api
        return DayBudget(self.api.daily, self.api.daily - self.api.left, self.options.salesforce_reserve)

    @property
    def pages(self) -> Mapping[str, Json] | None:
        """What was remembered when our pages were installed; None: they were not."""
        fact = self.connection.facts.get(PAGES_FACT)
        return fact if isinstance(fact, dict) else None


@dataclass(frozen=True, slots=True)
class _Answers:
    identity: Known[Identity]
    api: Known[Api]
    fields: Known[ContactFields]
    grants: Known[OwnGrants]
    members: Known[Sequence[str]]
    holders: Known[Mapping[str, int]]


async def look_at_org(service: Service, connection: Connection, heard: str | None) -> OrgFacts:
    """Ask a connection's org; about ten calls.

    Args:
        service: The installation.
        connection: Whose org.
        heard: When an event last came.
    """
    login = await learn(_login(service, connection))
    greeting, answers, key = await asyncio.gather(
        _greeting(service, login), _asked(service, connection, login), learn(_key(service, connection))
    )
    return OrgFacts(
        connection,
        service.settings.public_url,
        await load_way(service.store, connection),
        heard,
        key,
        greeting,
        answers.identity,
        answers.api,
        answers.fields,
        answers.grants,
        answers.members,
        answers.holders,
    )


async def _login(service: Service, connection: Connection) -> SalesforceLogin:
    stored = await service.store.secret(connection.id, SALESFORCE_LOGIN)
    if stored is None or not connection.org_id:
        raise NotConnected("Salesforce is not connected yet")
    return unpack_login(stored)


async def _key(service: Service, connection: Connection) -> bool:
    stored = await service.store.secret(connection.id, CANVAS_APP)
    return stored is not None and bool(unpack_canvas_app(stored).consumer_key)


async def _greeting(service: Service, login: Known[SalesforceLogin]) -> Known[Greeting]:
    """Ask for the time at the address that we sign in at: a clock that is wrong keeps us out."""
    if isinstance(login, Unknown):
        return login
    url = login.instance_url if isinstance(login, WithToken) else login.login_url
    timeout = service.settings.http_timeout
    question = greet(
        service.transports.salesforce,
        f"{url.rstrip('/')}/services/data",
        Side.SALESFORCE,
        service.clock,
        timeout=timeout,
    )
    return await learn(question)


async def _asked(service: Service, connection: Connection, login: Known[SalesforceLogin]) -> _Answers:
    if isinstance(login, Unknown):
        return _none(login)
    try:
        client = _client(service, login)
    except Exception as error:  # a stored key that is none is found when it is used
        return _none(unknown_by(error))
    async with aclosing(client):
        replica = SalesforceReplica(client, clock=service.clock)
        # the first alone: a credential that is refused is tried once, and the others find the session that it opens
        identity = await learn(replica.identify())
        if isinstance(identity, Unknown) and identity.why is not Why.REFUSED:
            return _none(identity)
        found = await asyncio.gather(
            learn(api(client)),
            learn(read_contact_fields(client)),
            learn(own_grants(client, OBJECTS)),
            learn(_members(client)),
            learn(holders_by_set(client, (USER_SET, ADMIN_SET))),
        )
    return _Answers(identity, *found)


def _none(why: Unknown) -> _Answers:
    return _Answers(why, why, why, why, why, why)


def _client(service: Service, login: SalesforceLogin) -> SalesforceClient:
    """Return a client that asks once: what does not answer now is a finding."""
    http = httpx.AsyncClient(transport=service.transports.salesforce, timeout=service.settings.http_timeout)
    return SalesforceClient(
        http, login.grant(service.clock), service.clock, retrying=Retrying(service.clock, Backoff(attempts=1))
    )


async def _members(client: SalesforceClient) -> Sequence[str]:
    try:
        return [each.full_name for each in await list_components(client, _MEMBER)]
    except UnknownType:
        return ()
