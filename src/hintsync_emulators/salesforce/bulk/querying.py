"""Query jobs: a result that is read in parts, as CSV."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hintsync_emulators.salesforce.bulk import csvs
from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.schema.model import Field
from hintsync_emulators.salesforce.soql.plan import Plan

if TYPE_CHECKING:
    from hintsync_emulators.salesforce.org import Org

#: Rows that are fetched together.
_SLICE = 2_000


@dataclass
class QueryJob:
    """One job and the rows that it found."""

    id: str
    operation: str
    statement: str
    plan: Plan
    delimiter: str
    line_ending: str
    version: str
    user_id: str
    #: Epoch second.
    created: int
    state: str = "UploadComplete"
    polls_left: int = 0
    rows: Sequence[int] = ()

    @property
    def ended(self) -> bool:
        """Say whether nothing more will happen."""
        return self.state in ("JobComplete", "Failed", "Aborted")


def check(plan: Plan) -> None:
    """Refuse statements that Bulk API 2.0 does not run.

    Raises:
        ApiError: 400 API_ERROR.
    """
    if plan.aggregate:
        raise _unsupported("aggregate functions or GROUP BY")
    if plan.offset:
        raise _unsupported("OFFSET")
    if plan.shape.children:
        raise _unsupported("nested queries")
    if any(not one.field.is_stored for one in plan.outputs):
        raise _unsupported("compound address fields")


def _unsupported(what: str) -> ApiError:
    return ApiError(400, "API_ERROR", f"Bulk API 2.0 queries do not support {what}")


def advance(org: Org, job: QueryJob) -> None:
    """Bring a job forward by one look at it."""
    if job.ended:
        return
    if job.polls_left > 0:
        job.polls_left -= 1
        job.state = "InProgress"
        return
    job.rows = org.queries.rowids(job.plan)
    job.state = "JobComplete"


def results(org: Org, job: QueryJob, start: int, most: int) -> tuple[bytes, int]:
    """Return rows of a result as CSV, and how many they are."""
    rows = job.rows[start : start + most]
    header = [one.name for one in job.plan.outputs]
    return csvs.write(header, _lines(org, job, rows), job.delimiter, job.line_ending), len(rows)


def _lines(org: Org, job: QueryJob, rows: Sequence[int]) -> Iterator[list[object]]:
    picks = [(column, _cell(one.field)) for one, column in zip(job.plan.outputs, _columns(job.plan), strict=True)]
    for start in range(0, len(rows), _SLICE):
        for line in org.queries.lines_at(job.plan, rows[start : start + _SLICE]):
            yield [line[column] if convert is None else convert(line[column]) for column, convert in picks]


def _columns(plan: Plan) -> Iterator[int]:
    for one in plan.outputs:
        shape = plan.shape
        *parents, last = one.name.split(".")
        for parent in parents:
            shape = shape.parents[parent]
        yield shape.values[last][0]


def _cell(one: Field) -> Callable[[object], object] | None:
    if one.type == "boolean":
        return lambda value: "true" if value else "false"
    if one.type == "datetime":
        return _moment
    return None


def _moment(value: object) -> object:
    """Write a datetime as Bulk results do, with a Z where REST writes +0000."""
    if value is None:
        return None
    return datetime.fromtimestamp(int(str(value)), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def locator(place: int) -> str:
    """Return the name of a place in a result."""
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def place_of(text: str) -> int:
    """Return the place that a locator names.

    Raises:
        ApiError: 400 INVALID_QUERY_LOCATOR.
    """
    try:
        return int(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator") from None
