"""What is asked of a connection's org: who it is, what it lets us do, what is left of its calls. Nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime

import httpx

from hintsync.bootstrap import Service
from hintsync.core.errors import NotConnected
from hintsync.core.limits import DayBudget
from hintsync.core.values import Side
from hintsync.doctor.calls import Calls, calls_of
from hintsync.doctor.clocks import TimeTold
from hintsync.doctor.known import Known, Unknown, Why, learn
from hintsync.engine.detect.way import Way, load_way
from hintsync.engine.options import Options
from hintsync.logins import CANVAS_APP, SALESFORCE_LOGIN, SalesforceLogin, unpack_canvas_app, unpack_login
from hintsync.ports import Identity
from hintsync.replicas.retrying import Backoff, Retrying
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.describe import ContactFields, read_contact_fields
from hintsync.replicas.salesforce.metadata_soap import UnknownType, list_components
from hintsync.replicas.salesforce.org_setup import Api, api, rights
from hintsync.replicas.salesforce.other_sync import OtherSync
from hintsync.replicas.salesforce.own_grants import OwnGrants, holders_by_set, own_grants
from hintsync.replicas.salesforce.page_names import ADMIN_SET, USER_SET
from hintsync.replicas.salesforce.replica import SalesforceReplica
from hintsync.replicas.wire import transport_without_proxy
from hintsync.setup.installation import PAGES_FACT
from hintsync.setup.signing_keys import KeyState, key_state
from hintsync.setup.taking_over import find_other
from hintsync.state.port import Connection, Json

#: Objects that our user must have rights on.
OBJECTS = ("Contact", "Account")
#: Without it Salesforce does not say who holds a permission set, so that nobody gets onto our pages.
VIEW_SETUP = "ViewSetup"
_MEMBER = "PlatformEventChannelMember"


@dataclass(frozen=True, slots=True)
class OrgAnswers:
    """What an org answered."""

    identity: Known[Identity]
    api: Known[Api]
    fields: Known[ContactFields]
    #: None: our user may not see the setup, so the org does not say.
    grants: Known[OwnGrants | None]
    #: Names of the members of channels of change events.
    members: Known[Sequence[str]]
    #: Permission set -> people who have it; one that is not in the org is missing.
    holders: Known[Mapping[str, int]]
    #: Another integration with Hint; None: there is none.
    other: Known[OtherSync | None]


@dataclass(frozen=True, slots=True)
class OrgFacts:
    """What is known of a connection's org."""

    connection: Connection
    #: Of the settings; empty: none.
    public_url: str
    #: How changes are found at present.
    way: Way
    #: When an event last came; ISO 8601, UTC; None: never.
    heard: str | None
    #: The stored key of our app opens; false: none is stored.
    canvas_key: Known[bool]
    #: Keys of ours that sign in.
    keys: Known[KeyState]
    #: Seconds that the org's clock is before ours.
    ahead: Known[float]
    now: datetime
    #: Of the rolling day, with the reserve that was chosen.
    calls: Known[Calls]
    answers: OrgAnswers

    @property
    def options(self) -> Options:
        """The connection's choices."""
        return Options.from_json(self.connection.settings)

    @property
    def pages(self) -> Mapping[str, Json] | None:
        """What was remembered when our pages were installed; None: they were not."""
        fact = self.connection.facts.get(PAGES_FACT)
        return fact if isinstance(fact, dict) else None


async def look_at_org(service: Service, connection: Connection, heard: str | None) -> OrgFacts:
    """Ask a connection's org; about fifteen calls.

    Args:
        service: The installation.
        connection: Whose org.
        heard: When an event last came.
    """
    time = TimeTold(service.clock)
    answers = await _answers(service, connection, time)
    return OrgFacts(
        connection=connection,
        public_url=service.settings.public_url,
        way=await load_way(service.store, connection),
        heard=heard,
        canvas_key=await learn(_canvas_key(service, connection)),
        keys=await learn(key_state(service.store, connection.id)),
        ahead=time.known(answers.identity),
        now=service.clock.now(),
        calls=await calls_of(service, connection, Side.SALESFORCE, _budget(connection, answers.api)),
        answers=answers,
    )


def _budget(connection: Connection, api: Known[Api]) -> Known[DayBudget]:
    if isinstance(api, Unknown):
        return api
    return DayBudget(api.daily, api.daily - api.left, Options.from_json(connection.settings).salesforce_reserve)


async def _answers(service: Service, connection: Connection, time: TimeTold) -> OrgAnswers:
    login = await learn(_login(service, connection))
    if isinstance(login, Unknown):
        return _none(login)
    async with aclosing(_client(service, login, time)) as client:
        # the first alone: a credential that is refused is tried once, and the others find the session that it opens
        identity = await learn(SalesforceReplica(client, clock=service.clock).identify())
        if isinstance(identity, Unknown) and identity.why is not Why.REFUSED:
            return _none(identity)
        found = await asyncio.gather(
            learn(api(client)),
            learn(read_contact_fields(client)),
            learn(_grants(client)),
            learn(_members(client)),
            learn(holders_by_set(client, (USER_SET, ADMIN_SET))),
            learn(find_other(service, connection)),
        )
    return OrgAnswers(identity, *found)


def _none(why: Unknown) -> OrgAnswers:
    return OrgAnswers(why, why, why, why, why, why, why)


async def _login(service: Service, connection: Connection) -> SalesforceLogin:
    stored = await service.store.secret(connection.id, SALESFORCE_LOGIN)
    if stored is None or not connection.org_id:
        raise NotConnected("Salesforce is not connected yet")
    return unpack_login(stored)


async def _canvas_key(service: Service, connection: Connection) -> bool:
    stored = await service.store.secret(connection.id, CANVAS_APP)
    return bool(stored and unpack_canvas_app(stored).consumer_key)


def _client(service: Service, login: SalesforceLogin, time: TimeTold) -> SalesforceClient:
    """Return a client that asks once: what does not answer now is a finding."""
    http = httpx.AsyncClient(
        transport=service.transports.salesforce or transport_without_proxy(service.settings.salesforce_concurrency),
        timeout=service.settings.http_timeout,
        event_hooks={"response": [time.hear]},
    )
    once = Retrying(service.clock, Backoff(attempts=1))
    return SalesforceClient(http, login.grant(service.clock), service.clock, retrying=once)


async def _grants(client: SalesforceClient) -> OwnGrants | None:
    sees_setup = (await rights(client, (VIEW_SETUP,)))[VIEW_SETUP]
    return await own_grants(client, OBJECTS) if sees_setup else None


async def _members(client: SalesforceClient) -> Sequence[str]:
    try:
        return [each.full_name for each in await list_components(client, _MEMBER)]
    except UnknownType:
        return ()
