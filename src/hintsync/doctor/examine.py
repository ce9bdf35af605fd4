"""Looks an installation over: gathers what is known, area by area and at the same time, and judges it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from hintsync.bootstrap import Service, Transports, open_service, pace_of
from hintsync.clock import SystemClock
from hintsync.core.errors import BadInput, HintsyncError
from hintsync.core.values import Side
from hintsync.doctor.checks import CHECKS, Area
from hintsync.doctor.findings import Finding, not_known, wrong
from hintsync.doctor.known import Known, Unknown, Why, learn
from hintsync.doctor.org_facts import look_at_org
from hintsync.doctor.org_judging import judge_org
from hintsync.doctor.practice_facts import look_at_practice
from hintsync.doctor.practice_judging import judge_practice
from hintsync.doctor.service_facts import ServiceFacts, look_at_service
from hintsync.doctor.service_judging import judge_service
from hintsync.doctor.webhook_facts import look_at_webhooks
from hintsync.doctor.webhook_judging import judge_webhooks
from hintsync.doctor.work_judging import WorkFacts, judge_work
from hintsync.engine.detect.heard import last_heard
from hintsync.engine.guards.facts import guard_facts
from hintsync.engine.health.facts import health_facts
from hintsync.engine.hint_log.copying import standing_of
from hintsync.engine.options import Options
from hintsync.logins import has_ended
from hintsync.ports import Clock
from hintsync.redact import safe_text
from hintsync.replicas.retrying import Backoff, Retrying
from hintsync.settings import load_settings
from hintsync.state.port import Connection

#: Seconds after which an area is given up; each of its questions has a limit of its own before that.
_PATIENCE: Final = 40.0
#: Connections that are looked at the same time: all of them wait for one another's turns at Hint.
_AT_ONCE: Final = 4


@dataclass(frozen=True, slots=True)
class Examined:
    """One connection, looked over."""

    id: str
    name: str
    #: It was uninstalled: there is nothing to look at.
    ended: bool
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """An installation, looked over."""

    #: ISO 8601, UTC.
    at: str
    service: tuple[Finding, ...]
    connections: tuple[Examined, ...] = ()
    #: Why no connection could be looked at; empty if they were.
    not_looked_at: str = ""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was found."""
        return (*self.service, *(finding for each in self.connections for finding in each.findings))


async def examine(
    state: Path | None, connection: str | None = None, transports: Transports | None = None, clock: Clock | None = None
) -> Report:
    """Look an installation and its connections over; nothing is made, upgraded or written.

    Args:
        state: State folder; None: as the settings say.
        connection: Name or id of the only connection to look at; None: all of them.
        transports: How requests travel; over the network if not given.
        clock: Tells the time.

    Raises:
        BadInput: there is no connection of that name.
    """
    clock = clock or SystemClock()
    at, now = clock.now().isoformat(timespec="seconds"), clock.now().timestamp()
    try:
        settings = load_settings(state=state)
    except BadInput as error:
        return Report(at, _unreadable(error), not_looked_at="the settings cannot be read")
    facts = await look_at_service(settings, now)
    if not facts.may_be_opened:
        return Report(at, _judged(facts), not_looked_at="the store cannot be opened as it is")
    try:
        async with open_service(settings, transports, clock) as service:
            seen = await facts.with_store(service.store)
            chosen = await _chosen(service, connection)
            turns = asyncio.Semaphore(_AT_ONCE)
            examined = await asyncio.gather(*(_examined(service, each, turns) for each in chosen))
            return Report(at, _judged(seen), tuple(examined))
    except BadInput:
        raise
    except HintsyncError as error:
        return Report(at, _judged(facts), not_looked_at=safe_text(error))


async def look_over(service: Service, connection: Connection) -> AsyncGenerator[tuple[Area, tuple[Finding, ...]], None]:
    """Yield what is found of a running service and of one connection, each area as soon as it is known.

    Args:
        service: Open.
        connection: Which.
    """
    calm = _asking_once(service)
    works = {Area.SERVICE: _of_service(calm), **_works(calm, connection)}
    pending = {asyncio.create_task(_area(area, work)) for area, work in works.items()}
    try:
        while pending:
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


async def _chosen(service: Service, name: str | None) -> Sequence[Connection]:
    return [await service.connection(name)] if name else await service.store.connections()


async def _examined(service: Service, connection: Connection, turns: asyncio.Semaphore) -> Examined:
    if has_ended(connection.facts):
        return Examined(connection.id, connection.name, True, ())
    async with turns:
        works = _works(_asking_once(service), connection)
        found = await asyncio.gather(*(_area(area, work) for area, work in works.items()))
    return Examined(connection.id, connection.name, False, tuple(each for _, findings in found for each in findings))


def _works(service: Service, connection: Connection) -> dict[Area, Coroutine[Any, Any, list[Finding]]]:
    return {
        Area.SALESFORCE: _of_org(service, connection),
        Area.HINT: _of_practice(service, connection),
        Area.WEBHOOKS: _of_webhooks(service, connection),
        Area.WORK: _of_work(service, connection),
    }


async def _area(area: Area, work: Coroutine[Any, Any, list[Finding]]) -> tuple[Area, tuple[Finding, ...]]:
    """Look at an area; if it fails as a whole, each of its checks says so."""
    found: Known[list[Finding]] = await learn(work, _PATIENCE)
    return area, _all_unknown(area, found) if isinstance(found, Unknown) else tuple(found)


def _all_unknown(area: Area, why: Unknown) -> tuple[Finding, ...]:
    return tuple(not_known(check.code, why) for check in CHECKS if check.area is area)


def _unreadable(error: BadInput) -> tuple[Finding, ...]:
    unread = _all_unknown(Area.SERVICE, Unknown(Why.ABSENT, "not looked at: the settings cannot be read"))
    return (wrong("settings", "unreadable", str(error)), *unread[1:])


def _asking_once(service: Service) -> Service:
    """Return the service with questions to Hint that are not repeated: what does not answer now is a finding."""
    once = Retrying(service.clock, Backoff(attempts=1))
    return replace(service, hint_pace=replace(pace_of(service), retrying=once))


def _judged(facts: ServiceFacts) -> tuple[Finding, ...]:
    return tuple(judge_service(facts, version("hintsync")))


async def _of_service(service: Service) -> list[Finding]:
    facts = await look_at_service(service.settings, service.clock.now().timestamp())
    return list(_judged(await facts.with_store(service.store)))


async def _of_org(service: Service, connection: Connection) -> list[Finding]:
    heard = await last_heard(service.store, connection.id, Side.SALESFORCE)
    return judge_org(await look_at_org(service, connection, heard))


async def _of_practice(service: Service, connection: Connection) -> list[Finding]:
    return judge_practice(await look_at_practice(service, connection))


async def _of_webhooks(service: Service, connection: Connection) -> list[Finding]:
    heard = await last_heard(service.store, connection.id, Side.HINT)
    return judge_webhooks(await look_at_webhooks(service, connection, heard))


async def _of_work(service: Service, connection: Connection) -> list[Finding]:
    store, settings = service.store, service.settings
    health = await health_facts(store, connection, None, service.clock.now().timestamp())
    guards = await guard_facts(store, connection, None)
    copying = await standing_of(store, connection.id)
    return judge_work(WorkFacts(health, guards, copying, Options.from_json(connection.settings), settings))
