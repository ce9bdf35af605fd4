"""Versions, the list of resources, limits and describe."""

from __future__ import annotations

from email.utils import parsedate_to_datetime

from hintsync_emulators.salesforce.clock import format_http_date
from hintsync_emulators.salesforce.dml.rules import DATA_STORAGE
from hintsync_emulators.salesforce.errors import ApiError, not_found
from hintsync_emulators.salesforce.responses.recent import of_object
from hintsync_emulators.salesforce.schema import describe as shapes
from hintsync_emulators.salesforce.schema.model import SObject
from hintsync_emulators.salesforce.web.call import Answer, Call

_RELEASES = {0: "Winter", 1: "Spring", 2: "Summer"}
#: What an org has of things that the emulator does not use up.
_FIXED_LIMITS = {
    "DailyBulkApiBatches": 15_000,
    "DailyBulkV2QueryJobs": 10_000,
    "DailyBulkV2QueryFileStorageMB": 976_562,
    "FileStorageMB": 10_240,
}
_LISTED = (
    "composite", "jobs", "limits", "metadata", "parameterizedSearch", "query", "queryAll", "quickActions", "recent",
    "search", "sobjects", "tabs", "theme",
)  # fmt: skip


def versions(call: Call) -> Answer:
    """List the API versions served."""
    found = []
    for number in range(50, 69):
        label = f"{_RELEASES[(number - 50) % 3]} '{21 + (number - 50) // 3}"
        found.append({"label": label, "url": f"/services/data/v{number}.0", "version": f"{number}.0"})
    return Answer(value=found)


def listing(call: Call) -> Answer:
    """List the resources of a version; `identity` leads to the caller."""
    assert call.session is not None
    found: dict[str, object] = {name: f"{call.root}/{name}" for name in _LISTED}
    found["identity"] = f"{call.origin}/id/{call.org.org_id}/{call.session.user_id}"
    return Answer(value=found)


def limits(call: Call) -> Answer:
    """Say what is left of the day."""
    state = call.org.limits
    found = {name: {"Max": most, "Remaining": most} for name, most in _FIXED_LIMITS.items()}
    found["DataStorageMB"] = {"Max": DATA_STORAGE, "Remaining": call.org.rules.storage_left}
    found["DailyApiRequests"] = {"Max": state.daily, "Remaining": state.remaining}
    events = call.org.events
    found["DailyDeliveredPlatformEvents"] = {
        "Max": events.allocation.daily,
        "Remaining": events.allocation.left(events.now()),
    }
    return Answer(value=found)


def describe_global(call: Call) -> Answer:
    """List all objects."""
    return unless_unchanged(call) or Answer(
        value=shapes.describe_global(call.org.schema, call.root), headers=validators(call)
    )


def describe(call: Call) -> Answer:
    """Describe one object."""
    one = object_of(call)
    return unless_unchanged(call) or Answer(value=shapes.describe(one, call.root), headers=validators(call))


def validators(call: Call) -> dict[str, str]:
    """Return the headers by which a later call asks whether objects are still as they are."""
    return {
        "ETag": f'"{call.org.schema.version:08x}"',
        "Last-Modified": format_http_date(call.org.schema_modified()),
    }


def unless_unchanged(call: Call) -> Answer | None:
    """Answer 304 when nothing was deployed or switched since If-Modified-Since.

    Raises:
        ApiError: 412 when something was, since If-Unmodified-Since.
    """
    since = http_date(call, "if-modified-since")
    unmodified_since = http_date(call, "if-unmodified-since")
    if unmodified_since is not None and call.org.schema_modified() > unmodified_since:
        text = "The resource has been modified since the date given in If-Unmodified-Since"
        raise ApiError(412, "PRECONDITION_FAILED", text)
    return Answer(304) if since is not None and call.org.schema_modified() <= since else None


def http_date(call: Call, header: str) -> int | None:
    """Return a header's epoch second; these headers know no fraction of a second.

    Raises:
        ApiError: 400 for a text that is no date.
    """
    text = call.headers.get(header)
    if text is None:
        return None
    try:
        return int(parsedate_to_datetime(text).timestamp())
    except ValueError:
        raise ApiError(400, "INVALID_HEADER_VALUE", f"Invalid date in header {header}: {text}") from None


def basics(call: Call) -> Answer:
    """Describe one object in brief."""
    one = object_of(call)
    return Answer(value={"objectDescribe": shapes.brief(one, call.root), "recentItems": of_object(call, one)})


def source_tracking(call: Call) -> Answer:
    """Say as an org without source tracking does that it knows no SourceMember; the sf CLI asks before it retrieves.

    Raises:
        ApiError: 404 NOT_FOUND, always.
    """
    raise not_found()


def object_of(call: Call) -> SObject:
    """Return the object that the path names.

    Raises:
        ApiError: 404 NOT_FOUND.
    """
    found = call.org.schema.get(call.names["object"])
    if found is None:
        raise not_found()
    return found
