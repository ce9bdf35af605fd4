"""Both emulators with all their faults, the whole product between them in process, and the same oracle as in memory.

Webhooks are sent by the emulated practice through the real receiver; change events come from the org's own event log and are read
by the product's reader; calls go through the real replicas; the store is a SQLite file. The clock stands still until it is moved.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx
from pydantic import SecretStr
from starlette.applications import Starlette

from hintsync.bootstrap import Service, Transports, open_engine, open_service
from hintsync.core.errors import HintsyncError
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.records import FieldName, LinkStatus, RecordId
from hintsync.core.values import Seen, Side
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.context import Engine
from hintsync.engine.detect.catch_up import catch_up
from hintsync.engine.detect.intake import take_in
from hintsync.engine.detect.notices import Notice
from hintsync.engine.guards.approvals import acknowledge, approve
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.live.work import work_once
from hintsync.engine.options import Options
from hintsync.engine.pairs.by_hand import link_by_hand
from hintsync.engine.parity.check import check_parity
from hintsync.logins import WithToken
from hintsync.replicas.memory_faults import Crash
from hintsync.replicas.salesforce import pubsub_pb2 as wire
from hintsync.replicas.salesforce.change_events import ChangeReader
from hintsync.replicas.salesforce.replica import SalesforceReplica
from hintsync.settings import Settings
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync.state.port import RunStatus
from hintsync.surfaces.stream_keeper import REPLAY, _notice
from hintsync.surfaces.web.app import create_app
from hintsync.surfaces.web.engines import Engines
from hintsync_emulators.control import Controlled
from hintsync_emulators.hint import Practice
from hintsync_emulators.hint import create_app as hint_app
from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce import create_app as salesforce_app
from hintsync_emulators.salesforce.org import LateWrite
from tests.crash.points import LIVE_WRITES, WRITES, Points, WatchedStore
from tests.live.oracle import Oracle
from tests.live.wire_fields import NAMES, PHONES, contact_edit, contact_shows, named_in, patient_edit, patient_shows
from tests.live.wire_ways import AT_WORK, PointedTransport, TownClock

INSTANCE = "http://127.0.0.1:9"
TOKEN = "00D5g0000012345!canaryless.session"
KEY = "whsec-test"
HOOK = "https://sync.example.org/webhooks/hint"
NAME = "demo"
#: Longest number of passes until it must be quiet.
MOST_PASSES = 150


@dataclass(slots=True)
class WireTown:
    """An org, a practice, and one process after the other between them."""

    org: Org
    practice: Practice
    service: Service
    clock: TownClock
    hint: Controlled
    salesforce: Controlled
    web: Starlette
    ways: tuple[PointedTransport, PointedTransport]
    oracle: Oracle = field(default_factory=Oracle)
    #: Writes of other users that nobody sees yet, with what the oracle is to be told then.
    late: list[tuple[LateWrite, RecordId, FieldName, str | None]] = field(default_factory=list)
    deaths: int = 0
    set_back: float = 0.0
    #: Where the change events were read up to.
    position: int = 0
    #: What people do before the calls of a pass, by number.
    meanwhile: dict[int, Callable[[], Awaitable[None]]] = field(default_factory=dict)
    _calls: int = 0
    _pass: int = 0

    def __post_init__(self) -> None:
        """Let people act while a process works."""
        for way in self.ways:
            way.before, way.after = self._before_call, self._after_call

    async def _before_call(self) -> None:
        self._calls += 1
        if (act := self.meanwhile.pop(self._calls, None)) is not None:
            await act()

    def _after_call(self, request: httpx.Request) -> None:
        """Tell the oracle of a write to Hint that was carried out, answered or not."""
        patient_id = request.url.path.rpartition("/")[2]
        if request.method != "PATCH" or not patient_id.startswith("pat-"):
            return
        body, now = json.loads(request.content), self.practice.patient(patient_id)
        if all(now.get(key) == value for key, value in body.items() if key != "phones"):
            beside = PHONES if "phones" in body else ()
            self.oracle.overwrote(Side.HINT, patient_id, named_in(body), beside, self.show)

    # --- processes
    async def attempt(self, work: Callable[[Engine], Awaitable[object]], crash_at: int | None = None) -> bool:
        """Let a process of its own do something, and perhaps die at a point; false if it died or met trouble."""
        points = Points(crash_at)
        self._calls = 0
        self._pass += 1
        for way in self.ways:
            way.points = points
        token = AT_WORK.set(True)
        try:
            connection = await self.service.connection(NAME)
            async with open_engine(self.service, connection) as opened:
                store = WatchedStore(self.service.store, points, WRITES | LIVE_WRITES)
                engine = replace(opened, store=store)  # type: ignore[arg-type]  # it passes everything on
                await take_known_patients(engine)
                await work(engine)
        except Crash:
            self.deaths += 1
            return False
        except HintsyncError:
            return False
        except BaseExceptionGroup as group:  # one of several tasks at once met the end
            if not points.dead or group.split(Crash)[1] is not None:
                raise
            self.deaths += 1
            return False
        finally:
            AT_WORK.reset(token)
            points.dead = False
            self.meanwhile.clear()
            self.oracle.no_pass()
            for way in self.ways:
                way.points = Points()
            self.look()
        return True

    async def work(self, crash_at: int | None = None) -> bool:
        """Work one group."""
        return await self.attempt(lambda engine: work_once(engine, f"worker-{self._pass}", limit=7), crash_at)

    async def webhooks(self) -> None:
        """Let the practice send what is due, through the real receiver."""
        await self.practice.deliver(httpx.ASGITransport(app=self.web))

    async def follow(self, crash_at: int | None = None) -> bool:
        """Read what the org's event log holds since the stored position, as a subscriber does; catch up where it was lost."""
        return await self.attempt(self._follow, crash_at)

    async def _follow(self, engine: Engine) -> None:
        stored = await engine.store.get_cursor(NAME, REPLAY)
        at = int(stored, 16) if stored else self.position
        if at and not self.org.events.holds(at):
            await self._lost(engine)
            return
        salesforce = engine.replicas[Side.SALESFORCE]
        assert isinstance(salesforce, SalesforceReplica)
        placed = self.org.events.after(at, {"Contact"}, 50)
        if not placed:
            return
        reader = ChangeReader(self._schema, salesforce._codec)
        events = [
            wire.ConsumerEvent(
                event=wire.ProducerEvent(id=one.event.id, schema_id=one.event.schema_id, payload=one.event.payload),
                replay_id=one.position.to_bytes(8),
            )
            for one in placed
            for _ in range(one.event.times)
        ]
        arrived = await reader.read([wire.FetchResponse(events=events)])
        if arrived.lost:
            await self._lost(engine)
            return
        notices: list[Notice] = [_notice(change, engine.clock.now().timestamp()) for change in arrived.changes]
        await take_in(engine, notices, cursors={REPLAY: arrived.position})

    async def _lost(self, engine: Engine) -> None:
        tip = self.org.events.tip()
        run = await catch_up(engine, Side.SALESFORCE)
        if run.status is RunStatus.DONE:
            await engine.store.put_cursor(NAME, REPLAY, tip.to_bytes(8).hex())

    async def _schema(self, schema_id: str) -> str:
        found = self.org.events.schema_json(schema_id)
        assert found is not None
        return found if isinstance(found, str) else json.dumps(found)

    async def reconnect(self) -> None:
        """Let an administrator connect anew if a credential was refused."""
        if self.practice.installation.live_key is None:
            body = {"grant_type": "authorization_code", "code": self.practice.new_code(), "activate": True}
            headers = {"Authorization": f"Bearer {self.practice.partner.key}"}
            async with httpx.AsyncClient(transport=self.ways[0], base_url=INSTANCE) as http:
                (await http.post("/api/oauth/tokens", json=body, headers=headers)).raise_for_status()
        login = WithToken(INSTANCE, self.org.issue_token())
        at_work = AT_WORK.set(True)
        try:
            await connect(self.service, NAME, hint_token=self.practice.token, login=login, options=OPTIONS)
        finally:
            AT_WORK.reset(at_work)

    # --- what people see
    def contacts(self) -> list[RecordId]:
        """Return who is in the org."""
        return sorted(str(row["Id"]) for row in self.org.rows("Contact"))

    def patients(self) -> list[RecordId]:
        """Return who is in the practice and was not merged away."""
        return sorted(str(p["id"]) for p in self.practice.patients() if not p.get("merged_into"))

    def show(self, side: Side, record_id: RecordId, name: FieldName) -> Seen:
        """Return what a side shows of a field."""
        if side is Side.SALESFORCE:
            return contact_shows(self.org.get("Contact", record_id), name)
        values = patient_shows(self.practice.patient(record_id), name)
        if len(values) > 1 and (contact := self.peer_of(Side.HINT, record_id)):
            agreed = self.show(Side.SALESFORCE, contact, name)  # several of a type: the mapped one is what was agreed
            return agreed if agreed in values else values[0]
        return values[0] if values else None

    def peer_of(self, side: Side, record_id: RecordId) -> RecordId | None:
        """Return the other record of a pair, as the contact names it."""
        rows = [row for row in self.org.rows("Contact") if row["Synced_to_Hint__c"] and row["Hint_Patient_Id__c"]]
        there = {str(p["id"]) for p in self.practice.patients()}
        pairs = {str(row["Id"]): str(row["Hint_Patient_Id__c"]) for row in rows if row["Hint_Patient_Id__c"] in there}
        if side is Side.SALESFORCE:
            return pairs.get(record_id)
        return next((contact for contact, patient in pairs.items() if patient == record_id), None)

    def look(self) -> None:
        """Let the oracle see both sides."""
        here = {Side.SALESFORCE: set(self.contacts()), Side.HINT: {str(p["id"]) for p in self.practice.patients()}}
        for edit in list(self.oracle.open()):
            if edit.record_id not in here[edit.side]:
                edit.ended = "gone"
        self.oracle.look(self.show, self.peer_of)

    async def edit(
        self, side: Side, record_id: RecordId, name: FieldName, value: str | None, *, in_pass: bool = False
    ) -> None:
        """Edit a field as a person does, perhaps in the middle of a pass."""
        self.look()
        if self.show(side, record_id, name) == value:
            return
        no_edit = await self._no_edit(side, record_id, name, value)
        self.oracle.edited(side, record_id, name, value, no_edit, in_pass=in_pass)
        if side is Side.HINT:
            self.practice.edit(record_id, **patient_edit(self.practice.patient(record_id), name, value))
            self.clock.push(0.0 if in_pass else 1.0)
        else:
            self.org.update("Contact", record_id, contact_edit(name, value))
            self.clock.push(1.0)  # what is edited twice within a second has one stamp, and no condition can tell

    async def _no_edit(self, side: Side, record_id: RecordId, name: FieldName, value: str | None) -> str:
        store = self.service.store
        state = (await store.live_links(NAME, side, [record_id])).get(record_id)
        if state is None or state.link.status is LinkStatus.RESERVED:
            return "not linked yet"
        fp = Fingerprinter(store.fingerprint_key(NAME), state.link.salt)
        return "taken back" if state.base.get(name) == fp.of(name, value) else ""

    async def begin_late(self, record_id: RecordId, name: FieldName, value: str | None) -> None:
        """Let another user begin a write that nobody sees until it is committed (T8)."""
        write = self.org.begin_late("Contact", record_id, contact_edit(name, value))
        self.late.append((write, record_id, name, value))

    async def commit_late(self) -> None:
        """Let the writes of other users be seen, with the stamps of when they began."""
        waiting, self.late = self.late, []
        for write, record_id, name, value in waiting:
            if record_id not in self.contacts():
                self.org.late.remove(write)
                continue
            self.look()
            if self.show(Side.SALESFORCE, record_id, name) != value:
                no_edit = await self._no_edit(Side.SALESFORCE, record_id, name, value)
                self.oracle.edited(Side.SALESFORCE, record_id, name, value, no_edit)
            write.commit()

    # --- quiet
    async def calm(self) -> None:
        """End all trouble, find what events did not tell, and work until nothing waits."""
        await self.commit_late()
        for app in (self.hint, self.salesforce):
            app.faults.latency_ms = 0.0
            app.faults.fail_next.clear()
        self.practice.partner.requests.end_faults()
        self.org.events.clear_faults()
        self.org.events.release()
        await self.reconnect()
        self.clock.push(60.0 + self.set_back)
        for side in Side:
            await self._settled(lambda engine, side=side: catch_up(engine, side))  # type: ignore[misc]
        await self._settled(check_parity)

    async def _settled(self, work: Callable[[Engine], Awaitable[object]]) -> None:
        assert await self.attempt(work), "nothing is wrong any more, and yet it does not go through"
        await self.settle()

    async def settle(self) -> None:
        """Work until nothing waits any more."""
        for _ in range(MOST_PASSES):
            self.practice.partner.requests.release()
            await self.webhooks()
            await self.follow()
            await self.work()
            for stop in await self.service.store.stops(NAME):
                if stop.guard == "G3" and stop.run_id:
                    await self.attempt(lambda engine, run=stop.run_id: approve(engine, run))  # type: ignore[misc]
                else:
                    await self.attempt(lambda engine, s=stop: acknowledge(engine, s.guard, s.side))  # type: ignore[misc]
            due = await self.service.store.next_due(NAME)
            if due is None and not await self._unheard():
                return
            self.clock.push(max(self._next(due) - self.clock.now().timestamp(), 0.0) + 0.5)
        raise AssertionError("it never becomes quiet")

    def _next(self, due: float | None) -> float:
        """Return when there is something to do again, by the town's clock: work of ours, or a webhook that is tried anew.

        A receiver that cannot store what it was sent answers 503, and Hint tries again in an hour.
        """
        waiting = self.practice.partner.requests.waiting()
        refused = [each.due_at.timestamp() - self.clock.behind for each in waiting if each.attempts]
        return due if due is not None else min(refused, default=0.0)

    async def _unheard(self) -> bool:
        stored = await self.service.store.get_cursor(NAME, REPLAY)
        at = int(stored, 16) if stored else self.position
        return bool(self.org.events.after(at, {"Contact"}, 1)) or bool(self.practice.partner.requests.waiting())

    def versions(self) -> list[object]:
        """Return when each record was written last."""
        contacts: list[object] = [(row["Id"], row["SystemModstamp"]) for row in self.org.rows("Contact")]
        return contacts + [(p["id"], p.get("updated_at")) for p in self.practice.patients()]

    async def problems(self) -> list[str]:
        """Name everything that is wrong with a quiet town."""
        return [*await self._differences(), *await self._lost_edits(), *self._doubles(), *await self._restless()]

    async def _differences(self) -> list[str]:
        return [
            f"T1 {state.link.contact_id} {state.link.patient_id}: {name} differs and waits for nobody"
            for state in await self.service.store.links(NAME, statuses=[LinkStatus.ACTIVE])
            for name in NAMES
            if name not in state.holds
            and self.show(Side.SALESFORCE, state.link.contact_id or "", name)
            != self.show(Side.HINT, state.link.patient_id or "", name)
        ]

    async def _lost_edits(self) -> list[str]:
        self.look()
        links = {}
        for state in await self.service.store.links(NAME, statuses=[*LinkStatus]):
            if state.link.status is not LinkStatus.ENDED:
                links[Side.SALESFORCE, state.link.contact_id] = links[Side.HINT, state.link.patient_id] = state
        found = []
        for edit in self.oracle.open():
            state = links.get((edit.side, edit.record_id))
            if state is None or state.link.status in (LinkStatus.FROZEN, LinkStatus.SUSPENDED):
                continue
            intact = self.show(edit.side, edit.record_id, edit.field) == edit.value
            if not (intact and edit.field in state.holds):
                found.append(
                    f"T2 edit of {edit.side} {edit.record_id} {edit.field}: {'not held' if intact else 'gone'}"
                )
        return found

    def _doubles(self) -> list[str]:
        shown = [str(r["Hint_Patient_Id__c"]) for r in self.org.rows("Contact") if r["Hint_Patient_Id__c"]]
        return [f"T5 several contacts of {each}" for each in sorted(set(shown)) if shown.count(each) > 1]

    async def _restless(self) -> list[str]:
        before = self.versions()
        for side in Side:
            await self._settled(lambda engine, side=side: catch_up(engine, side))  # type: ignore[misc]
        await self._settled(sync_all)
        return [] if self.versions() == before else ["T3 a quiet town was written to"]


OPTIONS = Options(create_contacts=True)


@asynccontextmanager
async def wire_town(folder: Path, seed: int = 1) -> AsyncIterator[WireTown]:
    """Deploy, connect, link some pairs, hand out the town."""
    clock = TownClock()
    org = Org(token=TOKEN, seed=seed + 1, clock=clock.shared)
    org.pace.deploy_polls = 0
    practice = Practice(clock=clock.shared, seed=seed)
    hint, salesforce = hint_app(practice), salesforce_app(org)
    hint.faults.limits["per_second"] = None
    ways = PointedTransport(Side.HINT, hint), PointedTransport(Side.SALESFORCE, salesforce)
    settings = Settings(
        state=folder,
        hint_url=INSTANCE,
        hint_requests_per_second=1000,
        hint_webhook_keys=SecretStr(KEY),
        public_url="https://sync.example.org",
    )
    async with open_service(settings, Transports(*ways), clock=clock) as service:
        at_work = AT_WORK.set(True)
        login = WithToken(INSTANCE, TOKEN)
        await prepare_org(service, login)
        await connect(service, NAME, hint_token=practice.token, login=login, options=OPTIONS)
        practice.partner.endpoints.append(practice.partner.new_endpoint(HOOK))
        practice.partner.backend.signature_key = practice.partner.add_partner_key("Webhooks Signature Key", KEY)
        if "Contact" not in org.events.channels.selected:
            org.events.channels.select("Contact")
        AT_WORK.reset(at_work)
        engines = Engines(service)
        web = create_app(service, engines=engines)
        async with engines.kept(), web.router.lifespan_context(web):
            town = WireTown(org, practice, service, clock, hint, salesforce, web, ways)
            town.position = org.events.tip()
            await _populate(town)
            yield town
    org.close()


async def _populate(town: WireTown) -> None:
    for first in ("Ann", "Bea", "Cai"):
        born = f"19{60 + len(first + first[0])}-0{1 + ord(first[0]) % 9}-04"
        shared = {"MailingCity": "Lynn", "Email": "old@example.org"}
        contact = town.org.insert("Contact", {"FirstName": first, "LastName": "Moor", "Birthdate": born, **shared})
        patient = town.practice.create_patient(
            first_name=first, last_name="Moor", dob=born, address_city="Lynn", email="old@example.org"
        )
        assert await town.attempt(lambda engine, c=contact, p=patient: link_by_hand(engine, c, p))  # type: ignore[misc]
    await town.settle()
