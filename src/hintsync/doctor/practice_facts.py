"""What is asked of a connection's practice, and of Hint about its webhooks. Nothing is written."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass

from hintsync.bootstrap import Service, hint_client, hint_facts, open_partner
from hintsync.core.codec import Codec
from hintsync.core.conventions import Conventions
from hintsync.core.errors import NotConnected
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.limits import DayBudget
from hintsync.core.values import Side
from hintsync.doctor.clocks import Greeting, greet
from hintsync.doctor.known import Known, Unknown, Why, learn
from hintsync.logins import HINT_TOKEN
from hintsync.ports import Identity
from hintsync.replicas.hint.partner import Integration
from hintsync.replicas.hint.replica import HintReplica
from hintsync.state.port import Connection

_NO_KEY = Unknown(Why.ABSENT, "not asked: no partner key is set")
_NO_PRACTICE = Unknown(Why.ABSENT, "Hint is not connected yet")


@dataclass(frozen=True, slots=True)
class PracticeFacts:
    """What is known of a connection's practice."""

    connection: Connection
    greeting: Known[Greeting]
    identity: Known[Identity]
    #: Of the partner account, today (UTC).
    calls: Known[DayBudget]
    #: None: Hint knows none of this practice with our partner account.
    integration: Known[Integration | None]


async def look_at_practice(service: Service, connection: Connection) -> PracticeFacts:
    """Ask Hint about a connection's practice; three calls.

    Args:
        service: The installation; its pace should not repeat what fails, or this takes its time.
        connection: Whose practice.
    """
    greeting, (identity, calls), integration = await asyncio.gather(
        _greeting(service, connection), _practice(service, connection), _integration(service, connection)
    )
    return PracticeFacts(connection, greeting, identity, calls, integration)


async def _greeting(service: Service, connection: Connection) -> Known[Greeting]:
    if not connection.practice_id:
        return _NO_PRACTICE
    settings = service.settings
    question = greet(
        service.transports.hint, settings.hint_url, Side.HINT, service.clock, timeout=settings.http_timeout
    )
    return await learn(question)


async def _practice(service: Service, connection: Connection) -> tuple[Known[Identity], Known[DayBudget]]:
    """Ask who answers; what is left of the day's calls is known once one was made."""
    identity = await learn(_identify(service, connection))
    if isinstance(identity, Unknown) or service.hint_pace is None:
        return identity, identity if isinstance(identity, Unknown) else _NO_PRACTICE
    return identity, service.hint_pace.budget.today


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
