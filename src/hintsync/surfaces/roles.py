"""What one process of the service does: answer requests, follow events, work records; until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum
from functools import partial

from hintsync.alerts import AppriseAlerts
from hintsync.backup.scheduled import backup_jobs
from hintsync.bootstrap import Service
from hintsync.core.errors import HintsyncError
from hintsync.core.places import load_places
from hintsync.core.values import Side
from hintsync.dispatchers.local import LocalDispatcher
from hintsync.dispatchers.procrastinate import open_dispatcher
from hintsync.engine.audit.anchors import anchor_job
from hintsync.engine.context import Engine
from hintsync.engine.due import Every
from hintsync.engine.health.alarms import Limits, Pulse
from hintsync.engine.hint_log.copying import hint_log_job
from hintsync.engine.live.crew import Crew, Pacing
from hintsync.engine.live.known_patients import take_known_patients
from hintsync.engine.live.work import Worked, work_once
from hintsync.engine.schedule import Job, ask_catch_up, jobs_of, poll_job, run_due, watch_job
from hintsync.engine.search.patients import keep_index
from hintsync.engine.waiting import rest
from hintsync.metrics import count, observe_lag, succeeded
from hintsync.ports import Alerts, Dispatcher
from hintsync.setup.taking_over import keep_apart, reason_of
from hintsync.surfaces.log_keeper import LogKeeper
from hintsync.surfaces.order_keeper import OrderKeeper
from hintsync.surfaces.subscriber import run_subscriber
from hintsync.surfaces.supervised import Supervisor
from hintsync.surfaces.vital_signs import VitalSigns
from hintsync.surfaces.web.app import create_app
from hintsync.surfaces.web.engines import Engines
from hintsync.surfaces.web.serving import listen, serve

_log = logging.getLogger(__name__)

#: Seconds between two looks at what the schedule has due.
TICK = 5.0
#: Seconds after a start in which a process hears whether it came into a burst of webhooks.
_HARK = 1.0
#: Seconds between two overlapping reads of Hint: what its webhooks missed is found by them. The subscriber does so for Salesforce.
SAFETY_POLL = 60.0
#: Seconds between two looks whether another integration was installed in the org, and after one that failed.
KEEP_APART, KEEP_APART_AGAIN = 3600.0, 300.0
#: Seconds that regular work has to come to its end when the process is told to stop.
_GRACE = 3.0
#: Seconds that the bell is listened for before the process looks whether it should stop.
_LISTEN = 3600.0


class Role(StrEnum):
    """A part of the service that may run in a process of its own."""

    #: Webhooks, health, metrics, pages.
    WEB = "web"
    #: Works dirty records, and the runs that people order; keeps the schedule; tells people.
    WORKER = "worker"
    #: Follows Salesforce's change events, or polls.
    SUBSCRIBER = "subscriber"


ALL_ROLES = frozenset(Role)


class Process:
    """The roles of one process over all connections of the service."""

    def __init__(self, service: Service, roles: Collection[Role], dispatcher: Dispatcher, alerts: Alerts) -> None:
        """Put a process together; `run` starts it."""
        self._service = service
        self._roles = frozenset(roles)
        self._dispatcher = dispatcher
        self._alerts = alerts
        self._crews: dict[str, Crew] = {}
        self.engines = Engines(service, attendant=self._attend)
        self._log_keeper = LogKeeper(service.store, service.clock)
        self._supervisor = Supervisor(service.settings.alive_file)
        self._signs = VitalSigns(service, self.engines, self._roles, supervisor=self._supervisor)

    async def run(self, stop: asyncio.Event, *, on_listening: Callable[[int], None] = lambda port: None) -> None:
        """Run until `stop` is set; then finish what is begun, take no more, and return.

        Args:
            stop: set by whoever runs the process.
            on_listening: told the port, once requests are answered (web only).

        Raises:
            FixConfiguration: the address to listen on is not ours, or taken.
        """
        bell, ended = asyncio.create_task(self._listen()), asyncio.Event()
        notes = [asyncio.create_task(keep(ended)) for keep in (self._log_keeper.run, self._signs.run)]
        try:
            async with self.engines.kept():
                if Role.WEB in self._roles:
                    await self._serve(stop, on_listening)
                else:
                    self._supervisor.ready()
                await stop.wait()
        finally:
            self._supervisor.stopping()
            bell.cancel()
            ended.set()
            await asyncio.gather(bell, *notes, return_exceptions=True)

    async def _serve(self, stop: asyncio.Event, on_listening: Callable[[int], None]) -> None:
        settings = self._service.settings
        app = create_app(self._service, engines=self.engines, wake=self._dispatcher.wake, leaving=stop)
        listener = listen(settings.listen_host, settings.listen_port)
        on_listening(listener.getsockname()[1])
        self._supervisor.ready()
        await serve(app, listener, stop)

    async def _attend(self, engine: Engine, leaving: asyncio.Event) -> None:
        """Do this process's work on one connection; one part that fails ends the others, and all begin again."""
        if self._roles & {Role.WORKER, Role.SUBSCRIBER}:
            await self._keep_apart(engine)
            await take_known_patients(engine)  # done at connect, unless that was cut off
        async with asyncio.TaskGroup() as group:
            if Role.WEB in self._roles:
                group.create_task(keep_index(engine, leaving))
            if Role.WORKER in self._roles:
                group.create_task(self._work(engine, leaving))
                group.create_task(self._keep_schedule(engine, leaving))
                group.create_task(_keep_due(engine, leaving, lambda: _jobs_in_the_hint_log(engine)))
                group.create_task(OrderKeeper(self._service, engine).keep(leaving))
            if Role.SUBSCRIBER in self._roles:
                wake = partial(self._dispatcher.wake, engine.connection.id)
                group.create_task(run_subscriber(engine, leaving, wake=wake))

    async def _keep_apart(self, engine: Engine) -> bool:
        """Stand still beside another integration of the same org; false if the org does not say whether there is one."""
        try:
            other = await keep_apart(self._service, engine.connection)
        except HintsyncError as error:
            _log.warning(
                "connection %s: whether another integration is there is not known (%s)",
                engine.connection.id,
                error.code,
            )
            return False
        if other is not None:
            _log.error("connection %s stands still: %s; see hintsync take-over", engine.connection.id, reason_of(other))
        return True

    async def _work(self, engine: Engine, leaving: asyncio.Event) -> None:
        pulse = Pulse(engine)
        connection_id = engine.connection.id
        crew = Crew(
            engine,
            partial(_work_group, pulse),
            wake_others=partial(self._dispatcher.wake, connection_id),
            pacing=Pacing(loops=self._service.settings.worker_loops),
        )
        self._crews[connection_id] = crew
        try:
            await crew.work_until(leaving)
        finally:
            self._crews.pop(connection_id, None)

    async def _keep_schedule(self, engine: Engine, leaving: asyncio.Event) -> None:
        """Do what has come due, again and again; first of all, look what happened while nobody looked."""
        for side in Side:
            await ask_catch_up(engine, side)
        await _keep_due(engine, leaving, lambda: self._jobs(engine))

    def _jobs(self, engine: Engine) -> list[Job]:
        settings = self._service.settings
        limits = Limits(settings.alert_queue_minutes * 60, settings.alert_silence_hours * 3600)
        polls = [poll_job(Side.HINT, SAFETY_POLL)] if engine.hint.capabilities.changed_since else []
        apart = Job("keep-apart", Every(KEEP_APART), self._keep_apart, retry=KEEP_APART_AGAIN)
        return [*jobs_of(engine), *polls, watch_job(self._alerts, limits), apart, *backup_jobs(settings)]

    async def _listen(self) -> None:
        """Ring the crews that somebody wakes."""
        while True:
            for connection_id in await self._dispatcher.wait(_LISTEN):
                if crew := self._crews.get(connection_id):
                    crew.ring()


async def _work_group(pulse: Pulse, engine: Engine, worker: str, limit: int) -> int:
    worked = await work_once(engine, worker, limit=limit)
    _count(engine.connection.id, worked)
    if worked.done:
        succeeded(engine.connection.id, "live", engine.clock.now().timestamp())
        await pulse.beat()
    return worked.claimed


def _count(connection_id: str, worked: Worked) -> None:
    for side, records in worked.written.items():
        count("written", connection_id, side, records)
    for side, seconds in worked.lags:
        observe_lag(connection_id, side, seconds)
    for word, records in (
        ("worked", worked.done),
        ("put-off", worked.put_off),
        ("parked", worked.parked),
        ("held", worked.held),
    ):
        count(word, connection_id, None, records)


def _jobs_in_the_hint_log(engine: Engine) -> list[Job]:
    """Return what is due beside the schedule, so that a slow org holds up no catch-up."""
    return [hint_log_job(), anchor_job(engine.options.parity_hour)]


async def _keep_due(engine: Engine, leaving: asyncio.Event, jobs: Callable[[], Sequence[Job]]) -> None:
    """Do the work that has come due, one after the other, again and again until it is time to leave."""
    await rest(engine.clock, _HARK, leaving)
    while not leaving.is_set():
        due = asyncio.create_task(run_due(engine, jobs()))
        await _leave_after(due, leaving, _GRACE)
        if due.cancelled():
            return
        if isinstance(error := due.exception(), HintsyncError):
            _log.warning("the schedule of connection %s: %s", engine.connection.id, error.code)
        elif error is not None:
            raise error
        await rest(engine.clock, TICK, leaving)


async def _leave_after(work: asyncio.Task[list[str]], leaving: asyncio.Event, grace: float) -> None:
    """Wait for some work; once it is time to leave, only for so long: a run that is cut off is gone on with by the next process."""
    gone = asyncio.ensure_future(leaving.wait())
    await asyncio.wait([work, gone], return_when=asyncio.FIRST_COMPLETED)
    gone.cancel()
    if not work.done():
        await asyncio.wait([work], timeout=grace)
        work.cancel()
        await asyncio.wait([work])


@asynccontextmanager
async def open_process(service: Service, roles: Collection[Role]) -> AsyncIterator[Process]:
    """Open a process of the service: its bell and its alerts.

    Raises:
        BadInput: an alert address that Apprise does not know.
        FixConfiguration: the bell's tables cannot be made.
    """
    load_places()  # before anybody waits for an answer: it takes the time of a hundred
    alerts = AppriseAlerts(service.settings.alerts.get_secret_value().split())
    async with AsyncExitStack() as stack:
        dispatcher = await _open_bell(service, listens=Role.WORKER in roles)
        stack.push_async_callback(dispatcher.aclose)
        yield Process(service, roles, dispatcher, alerts)


async def _open_bell(service: Service, *, listens: bool) -> Dispatcher:
    url = service.settings.database()
    if url.startswith("postgres"):
        return await open_dispatcher(url, listens=listens)
    return LocalDispatcher()
