"""What changed and what was deleted in a stretch of time."""

from __future__ import annotations

from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.errors import ApiError
from hintsync_emulators.salesforce.responses.resources import object_of
from hintsync_emulators.salesforce.storage import quote
from hintsync_emulators.salesforce.values import read_datetime
from hintsync_emulators.salesforce.web.call import Answer, Call

_DAY = 86_400
#: Days that updated/ and deleted/ look back, and most ids of an answer ("sObject Get Updated", "Get Deleted").
UPDATED_DAYS, DELETED_DAYS, MOST = 30, 15, 600_000


def updated(call: Call) -> Answer:
    """List ids of records written in a stretch, the latest state of each counting."""
    one = object_of(call)
    start, end = _stretch(call, UPDATED_DAYS)
    living = " AND IsDeleted = 0" if "isdeleted" in one.fields else ""
    rows = _rows(
        call, f"SELECT Id FROM {quote(one.name)} WHERE SystemModstamp >= ? AND SystemModstamp < ?{living}", start, end
    )
    return Answer(value={"ids": [row[0] for row in rows], "latestDateCovered": format_datetime(_covered(call, end))})


def deleted(call: Call) -> Answer:
    """List records put into the recycle bin in a stretch."""
    one = object_of(call)
    start, end = _stretch(call, DELETED_DAYS)
    if "isdeleted" not in one.fields:
        raise ApiError(400, "INVALID_TYPE_FOR_OPERATION", f"entity type {one.name} is not replicateable")
    where = "WHERE IsDeleted = 1 AND SystemModstamp >= ? AND SystemModstamp < ? ORDER BY SystemModstamp, Id"
    rows = _rows(call, f"SELECT Id, SystemModstamp FROM {quote(one.name)} {where}", start, end)
    oldest = call.org.storage.rows(f"SELECT min(SystemModstamp) FROM {quote(one.name)} WHERE IsDeleted = 1")[0][0]
    return Answer(
        value={
            "deletedRecords": [{"id": row[0], "deletedDate": format_datetime(int(str(row[1])))} for row in rows],
            "earliestDateAvailable": format_datetime(call.org.writer.now() if oldest is None else int(str(oldest))),
            "latestDateCovered": format_datetime(_covered(call, end)),
        }
    )


def _rows(call: Call, sql: str, start: int, end: int) -> list[tuple[object, ...]]:
    found = call.org.storage.rows(sql, (start, end))
    if len(found) > MOST:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"More than {MOST} ids; ask for a shorter stretch")
    return found


def _stretch(call: Call, days: int) -> tuple[int, int]:
    """Return start and end in whole minutes, since seconds are ignored."""
    start, end = (_moment(call, name) // 60 * 60 for name in ("start", "end"))
    if start >= end:
        text = "startDate must be before endDate, with at least one minute between them"
        raise ApiError(400, "INVALID_REPLICATION_DATE", text)
    if start < call.org.writer.now() - days * _DAY:
        text = f"startDate cannot be more than {days} days ago"
        raise ApiError(400, "INVALID_REPLICATION_DATE", text)
    return start, end


def _moment(call: Call, name: str) -> int:
    text = call.params.get(name)
    if not text:
        raise ApiError(400, "MISSING_ARGUMENT", f"missing required parameter: {name}")
    try:
        # A plus sign that was not encoded arrives as a space.
        return read_datetime(text.replace(" ", "+"))
    except ValueError:
        raise ApiError(400, "INVALID_REPLICATION_DATE", f"{name} is not a valid date and time") from None


def _covered(call: Call, end: int) -> int:
    """Return up to when the answer is complete: open transactions keep it back."""
    limits = [end, call.org.writer.now() // 60 * 60, *(late.stamp // 60 * 60 for late in call.org.late)]
    return min(limits)
