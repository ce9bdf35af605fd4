"""One ingest job of Bulk API 2.0: made, filled, awaited, and its results fetched."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from hintsync.core.errors import FixConfiguration, RetryLater, UnknownOutcome
from hintsync.core.values import Side
from hintsync.ports import Clock
from hintsync.replicas.salesforce.bulk_csv import read_rows
from hintsync.replicas.salesforce.client import Request, SalesforceClient

#: Jobs that are made before an upload whose reply gets lost is given up on. Nothing is carried out before UploadComplete.
_ATTEMPTS = 3
_DONE = frozenset({"JobComplete", "Failed", "Aborted"})
_CSV = {"Content-Type": "text/csv; charset=UTF-8"}
_WRONG_HEADER = re.compile(r"Field name not found : (\w+)")


@dataclass(frozen=True, slots=True)
class JobPatience:
    """How a job is awaited, in seconds."""

    #: First pause; each further one is half as long again.
    first: float = 1.0
    ceiling: float = 20.0
    #: A job that is not done by then is told to stop; what it did is still fetched.
    deadline: float = 3 * 3600.0


@dataclass(frozen=True, slots=True)
class JobResults:
    """What became of the rows of a job: every list holds the original columns, the first two `sf__Id` too."""

    successful: list[dict[str, str]] = field(repr=False)
    #: With `sf__Error`.
    failed: list[dict[str, str]] = field(repr=False)
    unprocessed: list[dict[str, str]] = field(repr=False)


class BulkJobs:
    """Runs update jobs on contacts."""

    def __init__(self, client: SalesforceClient, clock: Clock, patience: JobPatience | None = None) -> None:
        self._client = client
        self._clock = clock
        self._patience = patience or JobPatience()

    async def update(self, upload: bytes) -> JobResults:
        """Update contacts with a CSV file (see `bulk_csv`) and wait for what became of its rows.

        Raises:
            UnknownOutcome: the job was started and its end cannot be learned.
            FixConfiguration: Salesforce does not know a column.
        """
        job = await self._filled(upload)
        try:
            await self._start(job)
            state = await self._finished(job)
            if state["state"] == "Failed":
                self._complain(state)
            return await self._results(job)
        except RetryLater:
            raise UnknownOutcome(Side.SALESFORCE, f"bulk job {job}") from None

    async def _filled(self, upload: bytes) -> str:
        """Make a job and give it its rows; a job whose upload is in doubt is dropped for a new one."""
        for attempt in range(1, _ATTEMPTS + 1):
            job = await self._make()
            put = Request("PUT", f"jobs/ingest/{job}/batches", "upload rows", upload, _CSV, once=True, plain=True)
            try:
                await self._client.send(put)
            except UnknownOutcome:
                await self._set_state(job, "Aborted")
                if attempt == _ATTEMPTS:
                    raise RetryLater(Side.SALESFORCE, "uploads of bulk rows keep breaking off") from None
            else:
                return job
        raise AssertionError("unreachable: the last attempt returns or raises")

    async def _make(self) -> str:
        content = {
            "object": "Contact",
            "operation": "update",
            "contentType": "CSV",
            "columnDelimiter": "COMMA",
            "lineEnding": "LF",
        }
        reply = await self._client.send_json("POST", "jobs/ingest", "make a bulk job", content)
        return str(reply.data["id"])

    async def _start(self, job: str) -> None:
        """Close the upload. Repeating it on a started job would be refused, so a lost reply is looked into first."""
        for _ in range(_ATTEMPTS):
            try:
                await self._client.send_json(
                    "PATCH", f"jobs/ingest/{job}", "start a bulk job", {"state": "UploadComplete"}, once=True
                )
            except UnknownOutcome:
                if (await self._state(job))["state"] == "Open":
                    continue
            return
        raise RetryLater(Side.SALESFORCE, "a bulk job could not be started")

    async def _finished(self, job: str) -> dict[str, Any]:
        deadline = self._clock.monotonic() + self._patience.deadline
        pause = self._patience.first
        aborted = False
        while (state := await self._state(job))["state"] not in _DONE:
            if self._clock.monotonic() > deadline:
                if aborted:
                    raise RetryLater(Side.SALESFORCE, "a bulk job does not end")
                await self._set_state(job, "Aborted")
                aborted, deadline = True, deadline + self._patience.ceiling
            await self._clock.sleep(pause)
            pause = min(pause * 1.5, self._patience.ceiling)
        return state

    async def _state(self, job: str) -> dict[str, Any]:
        state: dict[str, Any] = (await self._client.get(f"jobs/ingest/{job}", "look at a bulk job")).data
        return state

    async def _set_state(self, job: str, state: str) -> None:
        await self._client.send_json("PATCH", f"jobs/ingest/{job}", f"set a bulk job to {state}", {"state": state})

    def _complain(self, state: dict[str, Any]) -> None:
        """Stop on a wrong header, which fails every row; of any other failure the rows themselves tell."""
        column = _WRONG_HEADER.search(str(state.get("errorMessage") or ""))
        if column:
            raise FixConfiguration(
                f"salesforce: bulk update refused: no field {column[1]} that we may write on Contact"
            )

    async def _results(self, job: str) -> JobResults:
        """Fetch the three lists; a job that is complete may hold failed rows all the same."""
        successful = await self._list(job, "successfulResults")
        failed = await self._list(job, "failedResults")
        return JobResults(successful, failed, await self._list(job, "unprocessedrecords"))

    async def _list(self, job: str, name: str) -> list[dict[str, str]]:
        path = f"jobs/ingest/{job}/{name}/" if name != "unprocessedrecords" else f"jobs/ingest/{job}/{name}"
        request = Request("GET", path, "fetch bulk results", headers={"Accept": "text/csv"}, plain=True)
        return read_rows((await self._client.send(request)).body)
