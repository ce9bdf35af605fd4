"""Bulk API 2.0 ingest over REST."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.bulk import csvs
from hintsync_emulators.salesforce.bulk.ingest import OPERATIONS, IngestJob, advance
from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.errors import ApiError, not_found
from hintsync_emulators.salesforce.responses.deploy import read_parts
from hintsync_emulators.salesforce.schema.model import Field, SObject
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Bytes of an upload, and of one that comes together with its job ("Bulk API 2.0 Limits").
MOST_BYTES, MOST_BYTES_TOGETHER = 150_000_000, 100_000
CSV = "text/csv"


def create(call: Call) -> Answer:
    """Open a job; a multipart request brings its rows along."""
    content: bytes | None = None
    if call.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        content = _take_parts(call)
    body = call.object()
    one, key = _target(call, body)
    _choice(body, "contentType", ("CSV",), "CSV")
    job = IngestJob(
        id=call.org.ids.next("750"),
        object=one,
        operation=_choice(body, "operation", OPERATIONS),
        key=key,
        delimiter=_choice(body, "columnDelimiter", tuple(csvs.DELIMITERS), "COMMA"),
        line_ending=_choice(body, "lineEnding", tuple(csvs.LINE_ENDINGS), "LF"),
        version=call.version,
        caller=call.caller(loose=True),
        created=call.org.writer.now(),
    )
    call.org.ingest_jobs[job.id] = job
    if content is not None:
        _take(call, job, content)
        job.state = "UploadComplete"
    return Answer(value=_shown(job))


def listing(call: Call) -> Answer:
    """List all jobs."""
    jobs = [_shown(job) | {"jobType": "V2Ingest"} for job in call.org.ingest_jobs.values()]
    return Answer(value={"done": True, "nextRecordsUrl": None, "records": jobs})


def read(call: Call) -> Answer:
    """Say how far a job is; each look brings it forward."""
    job, answer = _find(call), Answer()
    answer.steps = _look(call, job, answer)
    return answer


def _look(call: Call, job: IngestJob, answer: Answer) -> Iterator[None]:
    yield from advance(call.org, job)
    answer.value = _shown(job) | _counters(job)


def change(call: Call) -> Answer:
    """Close a job's upload, or give the job up."""
    job = _find(call)
    wanted = call.object().get("state")
    if wanted == "UploadComplete":
        if job.state != "Open":
            raise _wrong_state(f"Job {job.id} is {job.state} and cannot be closed")
        job.state, job.content = "UploadComplete", job.content or b""
        job.polls_left = call.org.pace.bulk_polls
    elif wanted == "Aborted":
        if job.ended:
            raise _wrong_state(f"Aborting already Completed Job not allowed: {job.id}")
        job.state = "Aborted"
    else:
        raise ApiError(400, "INVALIDJOB", "InvalidJob : state must be UploadComplete or Aborted")
    return Answer(value=_shown(job))


def upload(call: Call) -> Answer:
    """Take the rows of a job."""
    job = _find(call)
    kind = call.headers.get("content-type", CSV).partition(";")[0].strip().lower()
    if kind != CSV:
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", f"Content type '{kind}' is not supported by this resource")
    _take(call, job, call.body)
    return Answer(201)


def delete(call: Call) -> Answer:
    """Remove a job."""
    job = _find(call)
    if job.state == "InProgress":
        raise _wrong_state(f"Job {job.id} is in progress and cannot be deleted")
    del call.org.ingest_jobs[job.id]
    return Answer(204)


def results(call: Call) -> Answer:
    """Return the rows that passed, that failed, or that were never tried; clients spell the last in two ways."""
    job = _find(call)
    which = call.names["which"].lower()
    if which not in ("successfulresults", "failedresults", "unprocessedrecords"):
        raise not_found()
    if not job.ended:
        raise _wrong_state(f"Job {job.id} is not in a completed state")
    if which == "unprocessedrecords":
        raw = csvs.write(job.header, job.unprocessed(), job.delimiter, job.line_ending)
    elif which == "successfulresults":
        lines = ((record_id, created, *cells) for record_id, created, cells in job.passed)
        raw = csvs.write(["sf__Id", "sf__Created", *job.header], lines, job.delimiter, job.line_ending)
    else:
        lines = ((record_id, error, *cells) for record_id, error, cells in job.failed)
        raw = csvs.write(["sf__Id", "sf__Error", *job.header], lines, job.delimiter, job.line_ending)
    return Answer(raw=raw, content_type=CSV)


def _take_parts(call: Call) -> bytes:
    parts = {headers["name"]: content for headers, content in read_parts(call.headers["content-type"], call.body)}
    if "job" not in parts or "content" not in parts:
        raise ApiError(400, "INVALID_MULTIPART_REQUEST", "A part named job and a part named content are needed")
    if len(parts["content"]) > MOST_BYTES_TOGETHER:
        raise ApiError(400, "LIMIT_EXCEEDED", f"content is larger than {MOST_BYTES_TOGETHER} characters")
    try:
        call.parsed = orjson.loads(parts["job"])
    except ValueError:
        raise ApiError(400, "JSON_PARSER_ERROR", "The part named job is not JSON") from None
    return parts["content"]


def _target(call: Call, body: dict[str, object]) -> tuple[SObject, Field | None]:
    one = call.org.schema.get(str(body.get("object", "")))
    if one is None:
        raise ApiError(400, "INVALIDJOB", f"InvalidJob : Unknown object: {body.get('object')}")
    name = body.get("externalIdFieldName")
    if body.get("operation") != "upsert":
        return one, None
    if not isinstance(name, str) or not name:
        raise ApiError(400, "INVALIDJOB", "InvalidJob : External ID was blank for operation upsert")
    if name.lower() == "id":
        return one, None
    key = one.get(name)
    if key is None or not (key.external_id or key.id_lookup):
        text = (
            f"Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for {one.name}"
        )
        raise ApiError(400, "INVALIDJOB", f"InvalidJob : {text}")
    return one, key


def _choice(body: dict[str, object], name: str, allowed: tuple[str, ...], default: str | None = None) -> str:
    found = body.get(name) or default
    if found not in allowed:
        text = f"InvalidJob : {name} must be one of {', '.join(allowed)}"
        raise ApiError(400, "INVALIDJOB", text)
    return str(found)


def _take(call: Call, job: IngestJob, content: bytes) -> None:
    if job.state != "Open" or job.content is not None:
        text = f"Found multiple contents for job: <{job.id}>, please make sure you only do 'PUT' once on a given Job."
        raise _wrong_state(text)
    if len(content) > MOST_BYTES:
        raise ApiError(413, "LIMIT_EXCEEDED", f"The upload is larger than {MOST_BYTES} bytes")
    job.content = content
    job.polls_left = call.org.pace.bulk_polls


def _find(call: Call) -> IngestJob:
    job = call.org.ingest_jobs.get(ids.normalise(call.names["job"]) or "")
    if job is None:
        raise not_found()
    return job


def _wrong_state(text: str) -> ApiError:
    return ApiError(400, "INVALIDJOBSTATE", text)


def _shown(job: IngestJob) -> dict[str, object]:
    found: dict[str, object] = {
        "id": job.id,
        "operation": job.operation,
        "object": job.object.name,
        "createdById": job.caller.user_id,
        "createdDate": format_datetime(job.created),
        "systemModstamp": format_datetime(job.created),
        "state": job.state,
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(job.version),
        "lineEnding": job.line_ending,
        "columnDelimiter": job.delimiter,
    }
    if job.operation == "upsert":
        found["externalIdFieldName"] = job.key.name if job.key else "Id"
    if job.state == "Open":
        found["contentUrl"] = f"services/data/v{job.version}/jobs/ingest/{job.id}/batches"
    return found


def _counters(job: IngestJob) -> dict[str, object]:
    found: dict[str, object] = {
        "jobType": "V2Ingest",
        "numberRecordsProcessed": job.place,
        "numberRecordsFailed": len(job.failed),
        "retries": 0,
        "totalProcessingTime": job.place // 10,
        "apiActiveProcessingTime": job.place // 20,
        "apexProcessingTime": 0,
    }
    if job.error is not None:
        found["errorMessage"] = job.error
    return found
