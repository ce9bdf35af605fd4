"""Wakes workers on any host through Procrastinate, whose jobs travel by PostgreSQL's notifications.

A job says no more than "this connection has work"; at most one waits for each connection (its queueing lock). A job that is
lost, or that ends up with a worker that dies, costs nothing but the time until the next sweep: see `engine.live.crew`.
https://procrastinate.readthedocs.io/en/stable/
"""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import suppress

from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from sqlalchemy.engine import make_url

from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.dispatchers.local import LocalDispatcher

_log = logging.getLogger(__name__)

QUEUE = "hintsync"
TASK = "hintsync.wake"

#: Seconds between looks for jobs whose notification was lost.
POLL_SECONDS = 5.0
#: Seconds before a worker whose database went away tries again.
RESTART_SECONDS = 2.0
#: Seconds to wait for a connection, and for the listener's orderly end; a database that is gone must not keep anybody.
_PATIENCE = 5.0
#: Connections to the database: one listens, the others fetch and defer.
_POOL = 3


class ProcrastinateDispatcher:
    """A Dispatcher over PostgreSQL. Every process opens its own; `open_dispatcher` below does."""

    def __init__(self, url: str, *, listens: bool = True) -> None:
        """Prepare to use a database.

        Args:
            url: the store's database URL.
            listens: false for a process that only wakes others, such as a web server.

        Raises:
            BadInput: the URL is not PostgreSQL's.
        """
        parsed = make_url(url)
        if parsed.get_backend_name() not in ("postgresql", "postgres"):
            raise BadInput("Procrastinate needs PostgreSQL; SQLite has the dispatcher in the process")
        conninfo = parsed.set(drivername="postgresql").render_as_string(hide_password=False)
        self._app = App(connector=PsycopgConnector(conninfo=conninfo, min_size=1, max_size=_POOL, timeout=_PATIENCE))
        self._local = LocalDispatcher()
        self._listens = listens
        self._worker: asyncio.Task[None] | None = None
        self._task = self._app.task(name=TASK, queue=QUEUE)(self._local.wake)

    async def open(self) -> None:
        """Connect, make Procrastinate's tables if they are missing, and begin to listen.

        Raises:
            FixConfiguration: the tables are missing and cannot be made.
        """
        await self._app.open_async()
        try:
            await self._make_tables()
        except ConnectorException as error:
            await self._app.close_async()
            raise FixConfiguration(f"Procrastinate's tables cannot be made: {type(error).__name__}") from None
        if self._listens:
            self._worker = asyncio.create_task(self._listen())

    async def wake(self, connection_id: str) -> None:
        """Tell some worker, on whatever host; if one is to be told already, nothing is added."""
        with suppress(AlreadyEnqueued):
            try:
                waiting = self._task.configure(queueing_lock=f"{TASK}:{connection_id}")
                await waiting.defer_async(connection_id=connection_id)
            except ConnectorException as error:  # the next sweep finds the work
                _log.warning("a wake could not be sent (%s)", type(error).__name__)

    async def wait(self, seconds: float) -> frozenset[str]:
        """Wait until this process is woken, or until the seconds are over."""
        return await self._local.wait(seconds)

    async def aclose(self) -> None:
        """Stop listening and let go of the database."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait([self._worker], timeout=_PATIENCE)
            self._worker.cancel()
        await self._local.aclose()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._app.close_async(), _PATIENCE)

    async def _make_tables(self) -> None:
        if await self._app.check_connection_async():
            return
        try:
            await self._app.schema_manager.apply_schema_async()
        except ConnectorException:  # another process makes them at this moment, or nobody can
            if not await self._app.check_connection_async():
                raise

    async def _listen(self) -> None:
        """Keep Procrastinate's worker running; when the database goes away, begin again."""
        while True:
            try:
                await self._app.run_worker_async(
                    queues=[QUEUE],
                    name=f"hintsync-{os.getpid()}",
                    fetch_job_polling_interval=POLL_SECONDS,
                    install_signal_handlers=False,
                    delete_jobs="always",
                )
            except Exception as error:  # whatever the library or the driver raised: sweeps go on meanwhile
                _log.warning("the listener ended (%s); it begins again", type(error).__name__)
            await asyncio.sleep(RESTART_SECONDS)


async def open_dispatcher(url: str, *, listens: bool = True) -> ProcrastinateDispatcher:
    """Open a dispatcher over a PostgreSQL database.

    Raises:
        BadInput: the URL is not PostgreSQL's.
        FixConfiguration: Procrastinate's tables are missing and cannot be made.
    """
    dispatcher = ProcrastinateDispatcher(url, listens=listens)
    await dispatcher.open()
    return dispatcher
