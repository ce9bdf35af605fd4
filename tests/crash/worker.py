"""A process that runs or resumes a batch and says at every request what it is about; tests kill it.

    python -m tests.crash.worker

reads jobs from standard input, one JSON object a line (see `Job`), and forks a process for each, which spares the time
that imports take and nothing else. It answers, line by line: the process's number, a line for each request begun and
each one answered and each step of progress, and how the process ended.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from hintsync.bootstrap import Service, Transports, open_engine, open_service
from hintsync.engine.batch import contacts as batch_contacts
from hintsync.engine.batch import patients as batch_patients
from hintsync.engine.batch.csv_ids import read_csv_ids
from hintsync.engine.context import Engine
from hintsync.settings import Settings
from hintsync.state.port import Run, RunKind, RunStatus

#: A request or a step; what is killed here is anywhere between this line and the next.
STEP = "."


@dataclass(frozen=True, slots=True)
class Job:
    """One batch to be run, or to be resumed if the latest run is one of its kind that is not done."""

    kind: str
    #: Folder with the master key (and the SQLite file).
    state: str
    #: Empty: SQLite in the folder.
    database_url: str
    hint_url: str
    #: CSV of contact ids, for the batch over contacts.
    csv: str
    #: Records of one chunk.
    chunk: int


def say(text: str) -> None:
    """Write one line in one piece: several processes share the pipe."""
    os.write(sys.stdout.fileno(), f"{text}\n".encode())


class Telling(httpx.AsyncBaseTransport):
    """Real sockets, with a line before and after each request."""

    def __init__(self) -> None:
        """Open the sockets when they are needed."""
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        say(STEP)
        response = await self._inner.handle_async_request(request)
        say(STEP)
        return response

    async def aclose(self) -> None:
        """Close the sockets."""
        await self._inner.aclose()


def settings_of(job: Job) -> Settings:
    """Return the settings that a job is worked with."""
    return Settings(
        state=Path(job.state),
        database_url=job.database_url,  # type: ignore[arg-type]  # made a secret by pydantic
        hint_url=job.hint_url,
        hint_requests_per_second=1000,
    )


async def work(job: Job) -> Run:
    """Open the service as any process would, and run or resume the batch."""
    batch_contacts.CHUNK = batch_patients.CHUNK = job.chunk
    async with open_service(settings_of(job), Transports(Telling(), Telling())) as service:
        return await work_on(service, job, telling=True)


async def work_on(service: Service, job: Job, *, telling: bool = False) -> Run:
    """Run or resume a batch on a service that is open."""
    connection = await service.connection()
    latest = await service.store.runs(connection.id, limit=1)
    resume = latest[0].id if latest and latest[0].kind == job.kind and latest[0].status is not RunStatus.DONE else None
    async with open_engine(service, connection) as engine:
        return await _batch(engine, job, resume, telling)


async def _batch(engine: Engine, job: Job, resume: str | None, telling: bool) -> Run:
    def tell(run: Run) -> None:
        if telling:
            say(STEP)

    if job.kind == RunKind.BATCH_PATIENTS:
        return await batch_patients.batch_patients(engine, resume=resume, on_progress=tell)
    listed = None if resume else read_csv_ids(Path(job.csv))
    return await batch_contacts.batch_contacts(engine, listed, resume=resume, on_progress=tell)


def main() -> None:
    """Fork a process for each job and say how it ended."""
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            run = asyncio.run(work(Job(**json.loads(line))))
            say(json.dumps({"status": run.status, "reason": run.reason}))
            os._exit(0)
        say(json.dumps({"pid": pid}))
        _, status = os.waitpid(pid, 0)
        say(json.dumps({"ended": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    main()
