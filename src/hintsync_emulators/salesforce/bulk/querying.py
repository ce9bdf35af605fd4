"""Query jobs: a result that is read in parts, as CSV."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from hintsync_emulators.bounds import whole
from hintsync_emulators.salesforce.bulk import csvs
from hintsync_emulators.salesforce.clock import format_datetime
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


def results(org: Org, job: QueryJob, start: int, most: int) -> Iterator[bytes]:
    """Yield rows of a result as CSV, in pieces."""
    rows = job.rows[start : start + most]
    header = [one.name for one in job.plan.outputs]
    return csvs.write_parts(header, _slices(org, job, rows), job.delimiter, job.line_ending)


def _slices(org: Org, job: QueryJob, rows: Sequence[int]) -> Iterator[Iterator[Sequence[object]]]:
    picks = [(column, _cell(one.field)) for one, column in zip(job.plan.outputs, _columns(job.plan), strict=True)]
    take = itemgetter(*(column for column, _ in picks), 0)
    changes = [(place, convert) for place, (_, convert) in enumerate(picks) if convert is not None]

    def shown(line: Sequence[object]) -> Sequence[object]:
        cells = list(take(line))
        # The column at the end only makes a tuple even of a single pick.
        cells.pop()
        for place, convert in changes:
            cells[place] = convert(cells[place])
        return cells

    for start in range(0, len(rows), _SLICE):
        yield map(shown, org.queries.lines_at(job.plan, rows[start : start + _SLICE]))


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
    return None if value is None else f"{format_datetime(int(str(value)))[:-5]}Z"


def locator(place: int) -> str:
    """Return the name of a place in a result."""
    return base64.urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def place_of(text: str) -> int:
    """Return the place that a locator names.

    Raises:
        ApiError: 400 INVALID_QUERY_LOCATOR.
    """
    try:
        place = whole(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii"))
    except ValueError:
        place = None
    if place is None:
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return place
