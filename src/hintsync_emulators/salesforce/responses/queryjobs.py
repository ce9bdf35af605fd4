"""Bulk API 2.0 query over REST."""

from __future__ import annotations

from collections.abc import Iterator

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.bulk import csvs, querying
from hintsync_emulators.salesforce.bulk.querying import QueryJob
from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.errors import ApiError, not_found
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Result pages that one answer names, and the first version that has the resource.
PAGES_AT_ONCE, PAGES_SINCE = 5, 58


def create(call: Call) -> Answer:
    """Take a statement."""
    body = call.object()
    operation, statement = body.get("operation"), body.get("query")
    if operation not in ("query", "queryAll") or not isinstance(statement, str) or not statement:
        raise ApiError(
            400, "INVALIDJOB", "InvalidJob : operation must be query or queryAll, and query a SOQL statement"
        )
    plan = call.org.queries.plan(statement, all_rows=operation == "queryAll")
    querying.check(plan)
    assert call.session is not None
    job = QueryJob(
        id=call.org.ids.next("750"),
        operation=str(operation),
        statement=statement,
        plan=plan,
        delimiter=_known(body, "columnDelimiter", csvs.DELIMITERS, "COMMA"),
        line_ending=_known(body, "lineEnding", csvs.LINE_ENDINGS, "LF"),
        version=call.version,
        user_id=call.session.user_id,
        created=call.org.writer.now(),
        polls_left=call.org.pace.bulk_polls,
    )
    call.org.query_jobs[job.id] = job
    return Answer(value=_shown(job))


def listing(call: Call) -> Answer:
    """List all jobs."""
    jobs = [_shown(job) | {"jobType": "V2Query"} for job in call.org.query_jobs.values()]
    return Answer(value={"done": True, "nextRecordsUrl": None, "records": jobs})


def read(call: Call) -> Answer:
    """Say how far a job is; each look brings it forward."""
    job = _find(call)
    querying.advance(call.org, job)
    counters = {
        "jobType": "V2Query",
        "numberRecordsProcessed": len(job.rows),
        "retries": 0,
        "totalProcessingTime": len(job.rows) // 100,
        "isPkChunkingSupported": True,
    }
    return Answer(value=_shown(job) | counters)


def change(call: Call) -> Answer:
    """Give a job up."""
    job = _find(call)
    if call.object().get("state") != "Aborted":
        raise ApiError(400, "INVALIDJOB", "InvalidJob : state must be Aborted")
    if job.ended:
        raise ApiError(400, "INVALIDJOBSTATE", f"Aborting already Completed Job not allowed: {job.id}")
    job.state = "Aborted"
    return Answer(value=_shown(job))


def delete(call: Call) -> Answer:
    """Remove a job with its result."""
    job = _find(call)
    if not job.ended:
        raise ApiError(400, "INVALIDJOBSTATE", f"Job {job.id} is not in a completed state")
    del call.org.query_jobs[job.id]
    return Answer(204)


def results(call: Call) -> Answer:
    """Return a part of the result."""
    job = _finished(call)
    start = querying.place_of(call.params["locator"]) if call.params.get("locator") else 0
    most = _most(call)
    count = max(0, min(most, len(job.rows) - start))
    more = start + count < len(job.rows)
    headers = {
        "Sforce-Locator": querying.locator(start + count) if more else "null",
        "Sforce-NumberOfRecords": str(count),
    }
    answer = Answer(content_type="text/csv", headers=headers)
    answer.steps = _collect(answer, querying.results(call.org, job, start, most))
    return answer


def _collect(answer: Answer, parts: Iterator[bytes]) -> Iterator[None]:
    found = []
    for part in parts:
        found.append(part)
        yield
    answer.raw = b"".join(found)


def pages(call: Call) -> Answer:
    """Name parts of the result that can be read at the same time."""
    job = _finished(call)
    if int(call.version.partition(".")[0]) < PAGES_SINCE:
        raise not_found()
    start = querying.place_of(call.params["locator"]) if call.params.get("locator") else 0
    size = call.org.pace.bulk_page
    starts = list(range(start, max(len(job.rows), 1), size))
    url = f"{call.root}/jobs/query/{job.id}"
    found: dict[str, object] = {
        "resultPages": [
            {"resultUrl": f"{url}/results?locator={querying.locator(one)}&maxRecords={size}"}
            for one in starts[:PAGES_AT_ONCE]
        ],
        "done": len(starts) <= PAGES_AT_ONCE,
    }
    if len(starts) > PAGES_AT_ONCE:
        found["nextRecordsUrl"] = f"{url}/resultPages?locator={querying.locator(starts[PAGES_AT_ONCE])}"
    return Answer(value=found)


def _most(call: Call) -> int:
    text = call.params.get("maxRecords")
    if text is None:
        return call.org.pace.bulk_page
    most = whole(text)
    if not most:
        raise ApiError(400, "INVALID_INPUT", "maxRecords must be a number above 0")
    return most


def _known(body: dict[str, object], name: str, allowed: dict[str, str], default: str) -> str:
    found = body.get(name) or default
    if found not in allowed:
        raise ApiError(400, "INVALIDJOB", f"InvalidJob : {name} must be one of {', '.join(allowed)}")
    return str(found)


def _find(call: Call) -> QueryJob:
    job = call.org.query_jobs.get(ids.normalise(call.names["job"]) or "")
    if job is None:
        raise not_found()
    return job


def _finished(call: Call) -> QueryJob:
    job = _find(call)
    if job.version != call.version:
        text = f"The job was made with API version {job.version}, so its results must be read with that version"
        raise ApiError(409, "API_VERSION_MISMATCH", text)
    if job.state != "JobComplete":
        raise ApiError(400, "INVALIDJOBSTATE", f"Job {job.id} is not in a completed state")
    return job


def _shown(job: QueryJob) -> dict[str, object]:
    return {
        "id": job.id,
        "operation": job.operation,
        "object": job.plan.shape.owner.name,
        "createdById": job.user_id,
        "createdDate": format_datetime(job.created),
        "systemModstamp": format_datetime(job.created),
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
        "lineEnding": job.line_ending,
        "columnDelimiter": job.delimiter,
    }
