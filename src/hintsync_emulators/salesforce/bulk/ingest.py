"""Ingest jobs: rows of an upload into the org, some at each look at the job."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce import ids, values
from hintsync_emulators.salesforce.bulk import csvs
from hintsync_emulators.salesforce.dml.writer import Caller
from hintsync_emulators.salesforce.errors import Fault, Refused
from hintsync_emulators.salesforce.schema.model import Field, SObject
from hintsync_emulators.salesforce.storage import Row

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

OPERATIONS = ("insert", "update", "upsert", "delete", "hardDelete")
#: A cell that says "empty the field"; an empty cell says "leave it".
NULL = "#N/A"
#: Rows that the service saves together.
CHUNK = 200
#: Lines of an upload that are read between two pauses.
_READ_TOGETHER = 5_000
_ENDED = ("JobComplete", "Failed", "Aborted")


@dataclass
class IngestJob:
    """One job and its rows."""

    id: str
    object: SObject
    operation: str
    #: External id field of an upsert.
    key: Field | None
    delimiter: str
    line_ending: str
    version: str
    caller: Caller
    #: Epoch second.
    created: int
    state: str = "Open"
    content: bytes | None = None
    #: Looks at the job that still find nothing done.
    polls_left: int = 0
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    #: How many rows are done with.
    place: int = 0
    #: (id, created, cells)
    passed: list[tuple[str, str, list[str]]] = field(default_factory=list)
    #: (id, error, cells)
    failed: list[tuple[str, str, list[str]]] = field(default_factory=list)
    error: str | None = None
    #: A look at the job is bringing it forward at this moment.
    working: bool = False

    @property
    def ended(self) -> bool:
        """Say whether nothing more will happen."""
        return self.state in _ENDED

    def unprocessed(self) -> list[list[str]]:
        """Return the rows that were never tried."""
        return self.rows[self.place :] if self.ended else []


def advance(org: Org, job: IngestJob) -> Iterator[None]:
    """Do as much of a job as one look at it brings about, in pieces; the job may be aborted between two of them."""
    if job.working or job.state not in ("UploadComplete", "InProgress"):
        return
    job.state = "InProgress"
    if job.polls_left > 0:
        job.polls_left -= 1
        return
    job.working = True
    try:
        if job.content is not None:
            yield from _open(org, job)
        yield from _do_rows(org, job, org.pace.bulk_rows)
    except csvs.Unreadable as problem:
        job.state, job.error = "Failed", str(problem)
    finally:
        job.working = False


def _open(org: Org, job: IngestJob) -> Iterator[None]:
    """Read the upload once, and hold its header against the object."""
    content, job.content = job.content or b"", None
    if not content:
        return  # Nothing was uploaded, so there is nothing to do: clients send an empty list that way.
    rows = list[list[str]]()
    for line in csvs.read(content, job.delimiter, job.line_ending):
        rows.append(line)
        if len(rows) % _READ_TOGETHER == 0:
            yield
    job.header, job.rows = rows[0], rows[1:]
    _check_header(org, job)


def _check_header(org: Org, job: IngestJob) -> None:
    seen: set[str] = set()
    for name in job.header:
        if name.lower() in seen:
            raise csvs.Unreadable(f"InvalidBatch : Duplicate field name : {name}")
        seen.add(name.lower())
        if not _known(org, job.object, name):
            raise csvs.Unreadable(f"InvalidBatch : Field name not found : {name}")
    needed = {"upsert": job.key.name if job.key else "Id", "insert": None}.get(job.operation, "Id")
    if needed is not None and needed.lower() not in seen:
        raise csvs.Unreadable(f"InvalidBatch : Field name not found : {needed}")


def _known(org: Org, one: SObject, name: str) -> bool:
    relationship, dot, inner = name.partition(".")
    if not dot:
        return one.get(name) is not None
    ref = one.relationships.get(relationship.lower())
    parent = org.schema.get(ref.reference_to[0]) if ref else None
    return parent is not None and parent.get(inner) is not None


def _do_rows(org: Org, job: IngestJob, most: int) -> Iterator[None]:
    end = min(len(job.rows), job.place + most)
    while job.place < end and job.state == "InProgress":
        chunk = job.rows[job.place : min(end, job.place + CHUNK)]
        with org.storage.transaction():
            for cells, outcome in zip(chunk, _do_chunk(org, job, chunk), strict=True):
                _note(job, cells, outcome)
        job.place += len(chunk)
        yield
    if job.place >= len(job.rows) and job.state == "InProgress":
        job.state = "JobComplete"


def _note(job: IngestJob, cells: list[str], outcome: tuple[str, bool] | Fault) -> None:
    if isinstance(outcome, Fault):
        job.failed.append(("", outcome.as_csv(), cells))
    else:
        job.passed.append((outcome[0], "true" if outcome[1] else "false", cells))


def _do_chunk(org: Org, job: IngestJob, chunk: Sequence[Sequence[str]]) -> Iterator[tuple[str, bool] | Fault]:
    records = [dict(zip(job.header, cells, strict=True)) for cells in chunk]
    rows = _rows_of(org, job, records)
    repeated = _repeated(job, records)
    for record in records:
        try:
            yield _do_record(org, job, record, rows, repeated)
        except Refused as refusal:
            yield refusal.fault


def _rows_of(org: Org, job: IngestJob, records: Sequence[Mapping[str, str]]) -> dict[str, Row]:
    found = (ids.normalise(_cell(record, "Id")) for record in records)
    wanted = [one for one in found if one is not None]
    return org.storage.fetch(job.object.name, wanted) if wanted else {}


def _repeated(job: IngestJob, records: Sequence[Mapping[str, str]]) -> set[str]:
    if job.key is None:
        return set()
    counts = Counter(_cell(record, job.key.name).casefold() for record in records)
    return {key for key, times in counts.items() if times > 1 and key}


def _cell(record: Mapping[str, str], name: str) -> str:
    if name in record:
        return record[name].strip()
    return next((value.strip() for key, value in record.items() if key.lower() == name.lower()), "")


def _do_record(
    org: Org, job: IngestJob, record: Mapping[str, str], rows: Mapping[str, Row], repeated: set[str]
) -> tuple[str, bool]:
    if job.operation == "insert":
        if _cell(record, "Id"):
            raise Refused("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", "Id")
        return org.writer.insert(job.object, _given(record, ()), job.caller), True
    if job.operation == "upsert" and job.key is not None:
        return _upsert(org, job, job.key, record, repeated)
    row = _row(record, rows)
    if job.operation == "update" or job.operation == "upsert":
        org.writer.update(job.object, row, _given(record, ("id",)), job.caller)
    else:
        org.writer.delete(job.object, row, job.caller)
        if job.operation == "hardDelete":
            org.storage.erase(job.object.name, str(row["Id"]))
    return str(row["Id"]), False


def _row(record: Mapping[str, str], rows: Mapping[str, Row]) -> Row:
    text = _cell(record, "Id")
    if not text:
        raise Refused("MISSING_ARGUMENT", "Id not specified in an update call")
    record_id = ids.normalise(text)
    if record_id is None:
        raise Refused("MALFORMED_ID", f"malformed id {text}", "Id")
    if record_id not in rows:
        raise Refused("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
    return rows[record_id]


def _upsert(org: Org, job: IngestJob, key: Field, record: Mapping[str, str], repeated: set[str]) -> tuple[str, bool]:
    text = _cell(record, key.name)
    if not text or text == NULL:
        raise Refused("MISSING_ARGUMENT", f"{key.name} not specified")
    if text.casefold() in repeated:
        raise Refused("DUPLICATE_VALUE", f"Duplicate external id specified: {text}", key.name)
    value = values.parse(key, text, loose=True)
    found = org.storage.ids_where(job.object.name, key.name, value, live_only="isdeleted" in job.object.fields)
    if len(found) > 1:
        shown = f"{key.label}: more than one record found for external id field: [{', '.join(found)}]"
        raise Refused("DUPLICATE_EXTERNAL_ID", shown, key.name)
    if not found:
        return org.writer.insert(job.object, _given(record, ("id",)), job.caller), True
    row = org.storage.fetch(job.object.name, found)[found[0]]
    org.writer.update(job.object, row, _given(record, ("id", key.name.lower())), job.caller)
    return found[0], False


def _given(record: Mapping[str, str], without: Sequence[str]) -> dict[str, object]:
    """Return what a row sets: empty cells are left out, ``#N/A`` empties, dotted headers name parents."""
    given: dict[str, object] = {}
    for name, cell in record.items():
        if cell == "" or name.lower() in without:
            continue
        value = None if cell == NULL else cell
        parent, dot, inner = name.partition(".")
        given[parent] = {inner: value} if dot else value
    return given
