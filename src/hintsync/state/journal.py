"""What people read and decide: reviews, the log, the audit trail; and the part of the store that keeps them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

from hintsync.core.quick import quick
from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Side

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None


class ReviewKind(StrEnum):
    """What a person must decide."""

    AMBIGUOUS = "ambiguous"
    NEAR_MATCH = "near-match"
    INCOMPLETE = "incomplete"
    CONFLICT = "conflict"
    DUPLICATE_RULE = "duplicate-rule"
    OVERLAY = "overlay"
    MERGE = "merge"
    REFUSED = "refused"
    CREATE_UNKNOWN = "create-unknown"
    OVERWRITTEN = "overwritten"


class ReviewStatus(StrEnum):
    """Whether a review still waits."""

    OPEN = "open"
    DECIDED = "decided"
    #: What it asked about no longer is the case.
    OBSOLETE = "obsolete"


@dataclass(frozen=True, slots=True)
class Review:
    """Something a person must decide. One open review a kind and subject; opening it again updates it."""

    id: str
    connection_id: str
    kind: ReviewKind
    side: Side
    record_id: RecordId
    #: Field, for a conflict; else "".
    field_name: FieldName
    opened_at: str
    status: ReviewStatus = ReviewStatus.OPEN
    candidates: tuple[RecordId, ...] = ()
    #: Codes, rows, evidence words; never values.
    details: Mapping[str, Json] = field(default_factory=dict)
    run_id: str | None = None
    decided_at: str | None = None
    decided_by: str | None = None
    decision: str | None = None


@quick
@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Append-only fact: who changed or decided what, and why; no values. Chained by hash, one chain a `chain` name."""

    connection_id: str
    #: "link:<id>" or "run:<id>" or "connection".
    chain: str
    #: ISO 8601, UTC.
    at: str
    actor: str
    #: "linked", "unlinked", "created", "wrote", "agreed", "held", "frozen", "suspended", "declined", "approved", …
    action: str
    link_id: str | None = None
    contact_id: RecordId | None = None
    patient_id: RecordId | None = None
    run_id: str | None = None
    #: Row of the semantics.
    rule: str | None = None
    side: Side | None = None
    fields: tuple[FieldName, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class StoredAudit:
    """An audit event as stored: its place in the chain and the hash that binds it to the one before."""

    sequence: int
    event: AuditEvent
    previous: str
    hash: str


class LogLevel(StrEnum):
    """The article's three levels (M18)."""

    DEBUG = "debug"
    ERROR = "error"
    EXCEPTION = "exception"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One line of the log that people read; ids and field names only."""

    connection_id: str
    at: str
    level: LogLevel
    #: Stable word, such as "contact-already-synced".
    event: str
    message: str
    contact_id: RecordId | None = None
    patient_id: RecordId | None = None
    run_id: str | None = None
    fields: tuple[FieldName, ...] = ()
    id: int | None = None
    #: Number of an unforeseen error, as a person was told it.
    incident: str | None = None


class JournalStore(Protocol):
    """The part of the store that people read. Connections that it does not know have nothing in it."""

    async def reviews(
        self,
        connection_id: str,
        *,
        status: ReviewStatus = ReviewStatus.OPEN,
        kind: ReviewKind | None = None,
        record_ids: Collection[RecordId] | None = None,
        limit: int = 1000,
    ) -> Sequence[Review]:
        """Return reviews, oldest first; only those about certain records if any are given."""
        ...

    async def count_reviews(self, connection_id: str) -> Mapping[ReviewKind, int]:
        """Count open reviews by kind; a kind that none has is missing."""
        ...

    async def review(self, review_id: str) -> Review | None:
        """Return one review."""
        ...

    async def log(
        self,
        connection_id: str,
        *,
        levels: Sequence[LogLevel] = (),
        run_id: str | None = None,
        naming: str | None = None,
        since: str | None = None,
        until: str | None = None,
        before: int | None = None,
        limit: int = 200,
    ) -> Sequence[LogEntry]:
        """Return the latest log entries, newest first.

        Args:
            connection_id: Whose log.
            levels: Only entries of these, if any are given.
            run_id: Only entries of this run.
            naming: Only entries that name this contact, patient, run or incident.
            since: Only entries from this moment on (ISO 8601, UTC, as they hold it).
            until: Only entries before this moment.
            before: Only entries of a lower id: where the page before ended.
            limit: How many at most.
        """
        ...

    async def log_after(
        self, connection_id: str, after: int, *, levels: Sequence[LogLevel] = (), limit: int = 200
    ) -> Sequence[LogEntry]:
        """Return log entries in order of id, from behind `after`; only of these levels, if any are given."""
        ...

    async def prune_log(
        self,
        connection_id: str,
        *,
        keep: int | None = None,
        before: str | None = None,
        levels: Sequence[LogLevel] = (),
        limit: int | None = None,
    ) -> int:
        """Drop log entries older than `before` (ISO 8601, UTC), of some levels, and all but the newest `keep`.

        Args:
            connection_id: Whose log.
            keep: Entries left at most; older ones go.
            before: Entries from before this moment go.
            levels: Entries of these levels go.
            limit: How many go in this call at most.

        Returns:
            How many went.
        """
        ...

    async def prune_reviews(self, connection_id: str, before: str, *, limit: int) -> int:
        """Forget reviews that were settled before a moment (ISO 8601, UTC), so many at most; return how many."""
        ...

    async def audit(
        self, connection_id: str, *, chain: str | None = None, after: int = 0, limit: int = 1000
    ) -> Sequence[StoredAudit]:
        """Return audit events in order of sequence, from behind `after`."""
        ...

    async def audit_latest(
        self,
        connection_id: str,
        *,
        naming: str | None = None,
        since: str | None = None,
        until: str | None = None,
        before: int | None = None,
        limit: int = 100,
    ) -> Sequence[StoredAudit]:
        """Return the latest audit events, newest first.

        Args:
            connection_id: Whose trail.
            naming: Only events that name this contact, patient, link or run; without an index, for people who look.
            since: Only events from this moment on (ISO 8601, UTC, as they hold it).
            until: Only events before this moment.
            before: Only events of a lower sequence: where the page before ended.
            limit: How many at most.
        """
        ...

    async def verify_audit(self, connection_id: str) -> Sequence[str]:
        """Check every chain; return what is wrong with each broken one (empty: all whole)."""
        ...
