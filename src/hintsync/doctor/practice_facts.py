"""What is asked of a connection's practice, and of Hint about its webhooks. Nothing is written."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace

import httpx

from hintsync.bootstrap import Service, hint_client, hint_facts, open_partner, pace_of
from hintsync.core.codec import Codec
from hintsync.core.conventions import Conventions
from hintsync.core.errors import NotConnected
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.values import Side
from hintsync.doctor.calls import Calls, calls_of
from hintsync.doctor.clocks import Listening, TimeTold
from hintsync.doctor.known import Known, Unknown, Why, learn
from hintsync.logins import HINT_TOKEN
from hintsync.ports import Identity
from hintsync.replicas.hint.partner import Integration
from hintsync.replicas.hint.replica import HintReplica
from hintsync.replicas.wire import open_transport
from hintsync.state.port import Connection

_NO_KEY = Unknown(Why.ABSENT, "not asked: no partner key is set")
_NO_PRACTICE = Unknown(Why.ABSENT, "Hint is not connected yet")


@dataclass(frozen=True, slots=True)
class PracticeFacts:
    """What is known of a connection's practice."""

    connection: Connection
    #: Seconds that Hint's clock is before ours.
    ahead: Known[float]
    identity: Known[Identity]
    #: Of the partner account, today (UTC).
    calls: Known[Calls]
    #: None: Hint knows none of this practice with our partner account.
    integration: Known[Integration | None]


async def look_at_practice(service: Service, connection: Connection) -> PracticeFacts:
    """Ask Hint about a connection's practice; two calls.

    Args:
        service: The installation; its pace should not repeat what fails, or this takes its time.
        connection: Whose practice.
    """
    time = TimeTold(service.clock)
    heard = replace(service, transports=replace(service.transports, hint=_listening(service, time)))
    identity, integration = await asyncio.gather(learn(_identify(heard, connection)), _integration(heard, connection))
    # what is left of the day is known once a request was made
    left = identity if isinstance(identity, Unknown) else pace_of(service).budget.today
    calls = await calls_of(service, connection, Side.HINT, left)
    return PracticeFacts(connection, time.known(identity), identity, calls, integration)


def _listening(service: Service, time: TimeTold) -> httpx.AsyncBaseTransport:
    return Listening(service.transports.hint or open_transport(), time)


async def _identify(service: Service, connection: Connection) -> Identity:
    token = await service.store.secret(connection.id, HINT_TOKEN)
    if token is None or not connection.practice_id:
        raise NotConnected(_NO_PRACTICE.words)
    facts = hint_facts(connection)
    client = hint_client(service, token.decode())
    async with aclosing(HintReplica(client, Codec(facts.adapt(DEFAULT_MAPPING), Conventions()), facts)) as replica:
        return await replica.identify()


async def _integration(service: Service, connection: Connection) -> Known[Integration | None]:
    if not connection.practice_id:
        return _NO_PRACTICE
    if not service.settings.hint_partner_key.get_secret_value():
        return _NO_KEY
    return await learn(open_partner(service).integration_of(connection.practice_id))
