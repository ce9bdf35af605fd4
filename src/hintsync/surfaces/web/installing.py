"""Installs in the background of a web process; how far it is lies in the store, so that every process can show it.

A process that dies leaves an installation that is silent. Nothing is lost by that: installing again finds what is there and
goes on. So a person who looks is told, and presses the button once more.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeAlias

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput, HintsyncError
from hintsync.ports import Clock
from hintsync.redact import safe_text
from hintsync.setup.installation import Tell
from hintsync.state.port import StateStore
from hintsync.surfaces.log_keeper import logged_for

_log = logging.getLogger(__name__)

#: Name of the cursor that holds the latest installation of a connection.
_CURSOR = "installation"
#: Seconds between two signs of life, and after which one that gave none has ended.
_BEAT: Final = 3.0
_SILENCE: Final = 20.0
#: Seconds between tries to keep what came of it; together less than the silence, so that no other begins meanwhile.
_PAUSES: Final = (0.5, 1.0, 2.0, 4.0, 8.0)


class Phase(StrEnum):
    """Where an installation stands."""

    RUNNING = "running"
    DONE = "done"
    #: It was refused, or something stood in the way; what was done stays.
    FAILED = "failed"
    #: Its process ended in the middle of it.
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an installation is."""

    id: str
    #: Who installs: the id of a Salesforce user.
    by: str
    phase: Phase
    #: Steps begun, then what was done.
    lines: tuple[str, ...]
    #: Time of the latest sign of life, UTC, ISO 8601.
    at: str
    #: What is left to a person.
    remarks: tuple[str, ...] = ()
    #: What stood in the way.
    problem: str = ""

    @property
    def is_running(self) -> bool:
        """Whether it goes on."""
        return self.phase is Phase.RUNNING


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it, in words."""

    lines: Sequence[str]
    remarks: Sequence[str] = ()


#: Installs, telling each step.
Work: TypeAlias = Callable[[Tell], Awaitable[Outcome]]


async def progress_of(store: StateStore, clock: Clock, connection_id: str) -> Progress | None:
    """Return the latest installation of a connection, as it stands now; None if there was none."""
    kept = await store.get_cursor(connection_id, _CURSOR)
    if not kept:
        return None
    values = json.loads(kept)
    texts = {name: tuple(values[name]) for name in ("lines", "remarks")}
    progress = Progress(**{**values, **texts, "phase": Phase(values["phase"])})
    silent = clock.now() - datetime.fromisoformat(progress.at)
    return (
        replace(progress, phase=Phase.SILENT) if progress.is_running and silent.total_seconds() > _SILENCE else progress
    )


class Installer:
    """The installations that this process carries out."""

    def __init__(self, service: Service) -> None:
        """Install for this service's connections."""
        self._service = service
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, connection_id: str, by: str, work: Work) -> None:
        """Begin an installation.

        Args:
            connection_id: stored already.
            by: who, for showing.
            work: does it.

        Raises:
            BadInput: one is under way.
        """
        store, clock = self._service.store, self._service.clock
        known = await progress_of(store, clock, connection_id)
        now = clock.now().timestamp()
        wait = await store.take_turn(f"installation of {connection_id}", now, interval=_BEAT, burst=1)
        if wait > 0 or (known is not None and known.is_running):
            raise BadInput("an installation is under way; wait until it has ended")
        begun = Progress(secrets.token_hex(8), by, Phase.RUNNING, (), self._now())
        await self._keep(connection_id, begun)
        task = asyncio.create_task(self._run(connection_id, begun, work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def aclose(self) -> None:
        """Break off what is under way; it is gone on with by installing again."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self, connection_id: str, begun: Progress, work: Work) -> None:
        lines: list[str] = []
        told = asyncio.Event()

        def tell(line: str) -> None:
            lines.append(line)
            told.set()

        beat = asyncio.create_task(self._beat(connection_id, begun, lines, told))
        try:
            with logged_for(connection_id):
                ended = await self._ended(begun, work, tell, lines)
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
        await self._keep_ended(connection_id, ended)

    async def _ended(self, begun: Progress, work: Work, tell: Tell, lines: list[str]) -> Progress:
        """Do the work, and return the installation as it ended."""
        try:
            outcome = await work(tell)
        except HintsyncError as error:
            return replace(begun, phase=Phase.FAILED, lines=tuple(lines), problem=str(error))
        except Exception as error:  # whoever waits for it must not wait for ever
            incident = secrets.token_hex(4)
            _log.error(
                "an installation failed, incident %s: %s", incident, safe_text(error), extra={"incident": incident}
            )
            problem = f"something went wrong; it was noted as incident {incident}"
            return replace(begun, phase=Phase.FAILED, lines=tuple(lines), problem=problem)
        return replace(begun, phase=Phase.DONE, lines=tuple(outcome.lines), remarks=tuple(outcome.remarks))

    async def _beat(self, connection_id: str, begun: Progress, lines: list[str], told: asyncio.Event) -> None:
        """Keep what was told, and a sign of life now and then."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_BEAT):
                    await told.wait()
            told.clear()
            try:
                await self._keep(connection_id, replace(begun, lines=tuple(lines), at=self._now()))
            except HintsyncError as error:  # the next beat keeps what this one could not
                _log.warning("a sign of life of an installation was not kept: %s", safe_text(error))

    async def _keep_ended(self, connection_id: str, ended: Progress) -> None:
        """Keep what came of it, although the store may be away for a moment."""
        for pause in (*_PAUSES, 0.0):
            try:
                await self._keep(connection_id, replace(ended, at=self._now()))
            except HintsyncError as error:
                _log.warning("what came of an installation was not kept: %s", safe_text(error))
                await self._service.clock.sleep(pause)
            else:
                return
        _log.error("what came of an installation is lost, which was %s; install again", ended.phase)

    async def _keep(self, connection_id: str, progress: Progress) -> None:
        await self._service.store.put_cursor(connection_id, _CURSOR, json.dumps(asdict(progress)))

    def _now(self) -> str:
        return self._service.clock.now().astimezone(UTC).isoformat(timespec="seconds")
