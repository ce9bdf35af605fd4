"""Two clinics at one service: two orgs, two practices, two connections, each with people, runs, questions and stops."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from hintsync.bootstrap import Service, Transports, open_service
from hintsync.core.values import Side
from hintsync.engine.batch.contact_list import keep_draft
from hintsync.engine.batch.csv_check import check_csv
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.batch.patients import batch_patients
from hintsync.engine.context import Engine
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.logins import WithToken
from hintsync.settings import Settings
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync.state.live import Mark
from hintsync.state.port import Commit, LogEntry, LogLevel
from hintsync.surfaces.web.access.roles import ADMINISTRATOR_SET
from hintsync.surfaces.web.access.tokens import Entry, Purpose, Tokens, Visitor
from hintsync.surfaces.web.app import create_app
from hintsync.surfaces.web.engines import Engines
from hintsync_emulators.hint import Practice
from hintsync_emulators.hint import create_app as hint_app
from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce import create_app as salesforce_app
from tests.surfaces.web.pages.desk import new_user

BORN = "1980-05-06"


@dataclass(slots=True)
class Clinic:
    """One of them."""

    name: str
    url: str
    org: Org
    practice: Practice
    #: Begins every value of its people, so that one that shows up elsewhere is seen.
    mark: str
    #: Its administrator's page.
    token: str = ""
    #: Ids of what it has, by what they are of.
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def secrets(self) -> list[str]:
        """What nobody of another clinic may see."""
        return [self.mark, self.org.org_id, self.practice.id, *self.ids.values()]


class _ByPort:
    """Passes requests on to the org whose port they name."""

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = dict(scope["headers"])[b"host"].decode()
        await self._apps[f"http://{host}"](scope, receive, send)


@dataclass(slots=True)
class Town:
    """Both, and the service."""

    here: Clinic
    there: Clinic
    http: httpx.AsyncClient
    engines: Engines
    service: Service


@asynccontextmanager
async def two_clinics(folder: Path) -> AsyncIterator[Town]:
    """Serve two connections, both full."""
    first = Practice(seed=1)
    second = Practice(seed=70, partner=first.partner, token="second-practice-token")
    here = Clinic("here", "http://127.0.0.1:9", _org(1), first, "Qxhere")
    there = Clinic("there", "http://127.0.0.1:8", _org(70), second, "Qxthere")
    hint = hint_app(first, second)
    hint.faults.limits["per_second"] = None
    orgs = _ByPort({each.url: salesforce_app(each.org) for each in (here, there)})
    transports = Transports(httpx.ASGITransport(app=hint), httpx.ASGITransport(app=orgs))
    settings = Settings(
        state=folder,
        database_url="memory:",
        hint_url="http://127.0.0.1:7",
        hint_requests_per_second=1000,
        public_url="https://sync.example.org",
    )
    async with open_service(settings, transports) as service:
        for each in (here, there):
            login = WithToken(each.url, f"token-of-{each.name}")
            await prepare_org(service, login)
            await connect(service, each.name, hint_token=each.practice.token, login=login)
        engines = Engines(service)
        app = create_app(service, engines=engines)
        async with (
            engines.kept(),
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="https://sync.example.org") as http,
        ):
            for each in (here, there):
                user = new_user(each.org, "Ada", "Marlow", ADMINISTRATOR_SET)
                now = int(service.clock.now().timestamp())
                visitor = Visitor(each.name, user, "Ada Marlow", Entry.FRAME, now, each.url)
                each.token = Tokens(service.store, service.clock).make(visitor, Purpose.PAGE)
                engine = engines.engine(each.name)
                assert engine is not None
                each.ids = await _filled(each, replace(engine, actor=f"user:{user}"))
            yield Town(here, there, http, engines, service)


def _org(seed: int) -> Org:
    name = "here" if seed == 1 else "there"
    return Org(seed=seed, token=f"token-of-{name}", features=("MiddleName",), username=f"{name}@example.org")


async def _filled(clinic: Clinic, engine: Engine) -> dict[str, str]:
    """Give a clinic a linked pair in conflict, a question, a run, a stopped run, a log, a parked record, and a draft."""
    pair = _contact(clinic, "Ann", MailingCity=f"{clinic.mark}ton"), _patient(clinic, "Ann")
    await link_by_hand(engine, *pair)
    moved = [_patient(clinic, f"Dee{number}") for number in range(3)]
    for number, each in enumerate(moved):
        await link_by_hand(engine, _contact(clinic, f"Dee{number}"), each)
    for _ in range(2):
        _contact(clinic, "Bea")
    _patient(clinic, "Bea")
    batch = await batch_patients(engine)
    clinic.org.update("Contact", pair[0], {"MailingCity": f"{clinic.mark}bury"})
    clinic.practice.edit(pair[1], address_city=f"{clinic.mark}field")
    await sync_all(engine)
    for each in moved:
        clinic.practice.edit(each, address_city=f"{clinic.mark}ville")
    strict = replace(engine, options=replace(engine.options, guard_share=0.0, guard_at_least=1))
    await sync_all(strict)
    store, name = engine.store, engine.connection.id
    line = LogEntry(name, engine.now(), LogLevel.ERROR, "parked", f"{clinic.mark} line", contact_id=pair[0])
    await store.commit(Commit(logs=[line]))
    await store.mark(name, [Mark(Side.SALESFORCE, pair[0], "poll", engine.clock.now().timestamp())])
    draft = await keep_draft(engine, check_csv(f"Contact ID\n{pair[0]}\n".encode()).listed)
    reviews = {f"review-{each.kind}": each.id for each in await store.reviews(name)}
    runs = [each.id for each in await store.runs(name)]
    stops = {f"stop-{number}": each.run_id for number, each in enumerate(await store.stops(name)) if each.run_id}
    assert reviews.keys() == {"review-ambiguous", "review-conflict"}
    assert stops
    assert batch.id in runs
    return {
        "contact": pair[0],
        "patient": pair[1],
        "draft": draft,
        **{f"run-{number}": run for number, run in enumerate(runs)},
        **reviews,
        **stops,
    }


def _contact(clinic: Clinic, first: str, **values: object) -> str:
    person = {"FirstName": f"{clinic.mark}{first}", "LastName": f"{clinic.mark}Moor", "Birthdate": BORN, **values}
    return clinic.org.insert("Contact", person)


def _patient(clinic: Clinic, first: str) -> str:
    return clinic.practice.create_patient(
        first_name=f"{clinic.mark}{first}", last_name=f"{clinic.mark}Moor", dob=BORN, address_city=f"{clinic.mark}ton"
    )
