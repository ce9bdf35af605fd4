"""What an event says: which record to look at, and what it shows of it. Events say where, reads say what (rule 7)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Canonical, Side

#: Cause of the mark of an event that said the record is deleted: the event's own, with this behind it.
TOLD_GONE = "/deleted"


def plain_cause(cause: str) -> str:
    """Return the cause of a mark without what stands behind it."""
    return cause.partition("/")[0]


class NoticeKind(StrEnum):
    """What happened to the record, as the event says."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    UNDELETED = "undeleted"


@dataclass(frozen=True, slots=True)
class Notice:
    """One event about one record, after its signature or stream was checked; lives only in memory."""

    side: Side
    record_id: RecordId
    kind: NoticeKind
    #: "webhook", "change-event" or "poll".
    cause: str
    #: Seconds since the epoch when it arrived.
    at: float
    #: Unique to the event (and to the record, where one event names several); None: never deduplicated.
    event_id: str | None = None
    #: Canonical values that the event shows of mapped fields. Only compared by fingerprint, to tell our own echo.
    values: Mapping[FieldName, Canonical] = field(default_factory=dict, repr=False)
    #: The event shows every mapped field that changed: what it does not show, it does not concern. False for a gap.
    complete: bool = False
    #: It shows the link's own marks: Hint Patient ID and Synced to Hint, or integration_record_id; None: it shows neither.
    peer_id: str | None = None
    #: The marks are among what changed, so that an edit by hand (row U2) must be looked at unless they fit the link.
    marks_changed: bool = False
    #: Contact only: the Synced to Hint box, where the event shows it.
    marked: bool | None = None
