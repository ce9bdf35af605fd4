"""The StateStore port: everything hintsync remembers between two breaths, and never a person's data.

Rows name ids, field names, codes and fingerprints only. What belongs together is written by one `commit` in one
transaction, so that a crash leaves either all of it or none (semantics section 10.5).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from hintsync.core.plan import Outcome
from hintsync.core.quick import quick
from hintsync.core.records import FieldName, Fingerprint, Hold, Link, LinkState, LinkStatus, RecordId
from hintsync.core.values import Side
from hintsync.state.journal import (
    AuditEvent,
    JournalStore,
    Json,
    LogEntry,
    LogLevel,
    Review,
    ReviewKind,
    ReviewStatus,
    StoredAudit,
)
from hintsync.state.live import Dirty, LiveStore
from hintsync.state.traffic import TrafficStore


@dataclass(frozen=True, slots=True)
class Connection:
    """One Salesforce org joined to one Hint practice, pinned (guard G1). `settings` and `facts` are JSON of the engine."""

    id: str
    name: str
    org_id: str
    org_sandbox: bool
    practice_id: str
    settings: Mapping[str, Json] = field(default_factory=dict)
    #: What was probed or verified: capabilities, first clears, first phone write.
    facts: Mapping[str, Json] = field(default_factory=dict)


class RunKind(StrEnum):
    """What started a run and what it goes over."""

    BATCH_PATIENTS = "batch-patients"
    BATCH_CONTACTS = "batch-contacts"
    SYNC = "sync"
    MANUAL = "manual"
    #: Everything changed since a moment before an outage or a gap.
    CATCH_UP = "catch-up"
    #: The count, over the whole population, of what agrees; its seal signs the figures.
    PARITY = "parity"
    #: What a guard held back (G3): a dry run that waits for an approval.
    HELD = "held"


class RunStatus(StrEnum):
    """Where a run is in its life."""

    RUNNING = "running"
    #: A person asked it to stop; it stops at the next chunk.
    ABORTING = "aborting"
    ABORTED = "aborted"
    #: Ended by a safety stop, a spent budget or an error; may be resumed.
    STOPPED = "stopped"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Run:
    """One pass; its id is the Batch Sync ID."""

    id: str
    connection_id: str
    kind: RunKind
    status: RunStatus
    #: A dry run: its rows are the Plan.
    dry: bool
    #: ISO 8601, UTC.
    started_at: str
    started_by: str
    finished_at: str | None = None
    #: Records the run will go over, once known.
    total: int | None = None
    #: Never goes backwards.
    done: int = 0
    #: Why it stopped; ours, without patient data.
    reason: str | None = None
    #: Phase, forecast, calls by side, cost, input file digest, id of the approved plan, mapping and describe digests, …
    details: Mapping[str, Json] = field(default_factory=dict)
    #: Hash over all rows of a dry run, set when it is finished: what an approval names.
    seal: str | None = None
    #: Process that works it (lease holder) and until when (seconds since the epoch).
    worker: str | None = None
    leased_until: float = 0.0
    approved_by: str | None = None


@quick
@dataclass(frozen=True, slots=True)
class RunRow:
    """The result (or, in a dry run, the plan) of one record; one row a record (M16)."""

    run_id: str
    #: Position in the run's input, from 0; unique in the run.
    position: int
    side: Side
    record_id: RecordId
    outcome: Outcome
    #: Semantics row that decided.
    rule: str
    peers: tuple[RecordId, ...] = ()
    #: A code or short sentence of ours.
    reason: str | None = None
    #: Names of fields written (or to be written), by side.
    written: Mapping[Side, tuple[FieldName, ...]] = field(default_factory=dict)
    #: Names of fields held.
    held: tuple[FieldName, ...] = ()
    #: Dry run: fingerprints of what would be written, by side and field.
    prints: Mapping[Side, Mapping[FieldName, Fingerprint]] = field(default_factory=dict)
    #: Dry run: Versions of the records it was decided on, as text, by side.
    versions: Mapping[Side, str] = field(default_factory=dict)


@quick
@dataclass(frozen=True, slots=True)
class LinkChange:
    """What becomes of one link in a commit: its row (compare-and-set on `link.revision`), base fields, holds."""

    link: Link
    #: Fields whose base moves.
    base: Mapping[FieldName, Fingerprint] = field(default_factory=dict)
    #: Drop the whole base first (a re-link).
    clear_base: bool = False
    #: Holds set (a value) or released (None).
    holds: Mapping[FieldName, Hold | None] = field(default_factory=dict)
    #: The link with its memory as the caller read it at `link.revision`, if it did: a store then compares and sets without
    #: reading it again.
    before: LinkState | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """Everything that must become true together; carried out in one transaction, or not at all."""

    links: Sequence[LinkChange] = ()
    rows: Sequence[RunRow] = ()
    reviews: Sequence[Review] = ()
    audits: Sequence[AuditEvent] = ()
    logs: Sequence[LogEntry] = ()
    #: Run progress and details to be saved with it.
    run: Run | None = None
    #: Cursors of the run's connection, by name; only with a run.
    cursors: Mapping[str, str] = field(default_factory=dict)
    #: Dirty records whose passes it ends, as by `LiveStore.finish_marks`.
    done: Sequence[Dirty] = ()


class LinkTaken(Exception):
    """A live link of that contact or patient exists already; nothing was written."""

    def __init__(self, existing: Sequence[Link]) -> None:
        super().__init__("link taken: " + ", ".join(link.id for link in existing))
        self.existing = tuple(existing)


class StaleLink(Exception):
    """A link moved on since it was read (compare-and-set failed); nothing of the commit was written. Read and decide again."""

    def __init__(self, link_id: str) -> None:
        super().__init__(link_id)
        self.link_id = link_id


class RunHeld(Exception):
    """Another process works this run."""


class StateStore(JournalStore, LiveStore, TrafficStore, Protocol):
    """What the engine remembers. All methods are safe to call from many tasks and, on PostgreSQL, many processes.

    Besides what is named at a method, every one that writes raises `BadInput` for a connection or run that the store does
    not know, and every one raises for the store as a whole: `StopRun` (disk full, disk error), `FixConfiguration` (no
    permission, read-only, damaged file), `RetryLater` (the database does not answer).
    """

    # --- connections and secrets
    async def put_connection(self, connection: Connection) -> None:
        """Insert or replace a connection."""
        ...

    async def swap_settings(self, connection_id: str, was: Mapping[str, Json], settings: Mapping[str, Json]) -> bool:
        """Replace a connection's settings and nothing else of it; false if they are no longer as they were read, or it is gone."""
        ...

    async def connection(self, connection_id: str) -> Connection | None:
        """Return one connection."""
        ...

    async def connections(self) -> Sequence[Connection]:
        """Return all connections, by name."""
        ...

    async def put_secret(self, connection_id: str, name: str, secret: bytes) -> None:
        """Store a secret, encrypted under the master key."""
        ...

    async def secret(self, connection_id: str, name: str) -> bytes | None:
        """Return a secret, decrypted."""
        ...

    async def drop_secrets(self, connection_id: str) -> int:
        """Destroy every secret of a connection; return how many there were. What else is known of it stays."""
        ...

    def fingerprint_key(self, connection_id: str) -> bytes:
        """Return the 32 bytes that key a connection's fingerprints: stable for the life of the store, never stored in clear."""
        ...

    # --- links
    async def reserve(self, link: Link) -> Link:
        """Insert a live link (RESERVED or ACTIVE, revision 0) in its own transaction; return it as stored (revision 1).

        Raises:
            StaleLink: a link of this id is stored already.
            LinkTaken: a live link of the same contact or patient exists.
        """
        ...

    async def link(self, link_id: str) -> LinkState | None:
        """Return one link with its memory."""
        ...

    async def live_links(self, connection_id: str, side: Side, ids: Sequence[RecordId]) -> Mapping[RecordId, LinkState]:
        """Return the live links of these records of one side, by record id."""
        ...

    async def live_pairs(self, connection_id: str) -> Sequence[Link]:
        """Return every live link, without its memory: what a batch must know of all records."""
        ...

    async def links(
        self, connection_id: str, *, statuses: Sequence[LinkStatus] = (), after: str = "", limit: int = 1000
    ) -> Sequence[LinkState]:
        """Return links in id order, from behind `after`."""
        ...

    async def count_links(self, connection_id: str) -> Mapping[LinkStatus, int]:
        """Count links by status; a status that none has is missing."""
        ...

    async def decline(self, connection_id: str, contact_id: RecordId, patient_id: RecordId, by: str, at: str) -> None:
        """Remember that a person parted or declined this pair (row U4)."""
        ...

    async def declined(self, connection_id: str, contact_id: RecordId, patient_id: RecordId) -> bool:
        """Say whether a person parted or declined this pair."""
        ...

    async def declined_pairs(self, connection_id: str) -> frozenset[tuple[RecordId, RecordId]]:
        """Return all declined pairs as (contact, patient)."""
        ...

    # --- the one writer
    async def commit(self, commit: Commit) -> None:
        """Carry out a commit in one transaction; audit events are chained in the order given.

        A link change whose link is not in the store yet (revision 0) inserts it. On success every link's revision is one
        above the one given, a new link's too. Uniqueness is judged by the end state: one commit may end a link and give
        its record to another. Rows replace those of the same run and position; `run` is saved as by `save_run`.

        Raises:
            LinkTaken: a live link of the same contact or patient exists; names the stored links in the way.
            StaleLink: a link's stored revision is not the one given (0 for a link that is not stored).
            RunHeld: `run` names a worker, and the lease went to another one meanwhile.
        """
        ...

    # --- runs
    async def start_run(self, run: Run) -> None:
        """Insert a run, without a lease.

        Raises:
            BadInput: a run of this id exists already.
        """
        ...

    async def run(self, run_id: str) -> Run | None:
        """Return one run."""
        ...

    async def runs(
        self,
        connection_id: str,
        *,
        kinds: Sequence[RunKind] = (),
        statuses: Sequence[RunStatus] = (),
        before: str | None = None,
        limit: int = 50,
    ) -> Sequence[Run]:
        """Return the latest runs, newest first, of these kinds and statuses if any are given; only those started before one."""
        ...

    async def save_run(self, run: Run) -> None:
        """Store status, progress and details. `done` never goes backwards; an abort asked meanwhile is kept.

        What a run is (kind, dry, who started it) never changes, a seal and an approval are never unset, and the lease is
        left alone, except that a run that is neither RUNNING nor ABORTING lets go of it. A run found ABORTING after a
        crash is saved as ABORTED before it can be RUNNING again.

        Raises:
            RunHeld: `run` names a worker, and the lease went to another one meanwhile.
        """
        ...

    async def lease_run(self, run_id: str, worker: str, now: float, until: float) -> Run:
        """Take or extend the lease of a run by compare-and-set.

        Raises:
            RunHeld: another worker's lease has not run out.
        """
        ...

    async def ask_abort(self, run_id: str) -> bool:
        """Mark a running run to be aborted; false if it is not running. Asking again changes nothing and is true."""
        ...

    def rows(
        self,
        run_id: str,
        *,
        outcomes: Sequence[Outcome] = (),
        reason: str | None = None,
        after: int = -1,
        limit: int | None = None,
    ) -> AsyncIterator[RunRow]:
        """Yield the rows of a run by position, from behind `after`, only of these outcomes and of that reason if given."""
        ...

    async def row_positions(self, run_id: str) -> frozenset[int]:
        """Return the positions that have a row: what a resumed run need not do again."""
        ...

    async def outcome_counts(self, run_id: str) -> Mapping[Outcome, int]:
        """Count a run's rows by outcome."""
        ...

    async def reason_counts(self, run_id: str) -> Mapping[tuple[Outcome, str | None], int]:
        """Count a run's rows by outcome and reason."""
        ...

    async def prune_rows(self, run_id: str, *, limit: int) -> int:
        """Forget rows of a run, so many at most, from its beginning; return how many. The run stays."""
        ...

    # --- memory of the system
    async def get_cursor(self, connection_id: str, name: str) -> str | None:
        """Return a cursor."""
        ...

    async def put_cursor(self, connection_id: str, name: str, value: str) -> None:
        """Store a cursor."""
        ...

    async def drop_cursor(self, connection_id: str, name: str) -> bool:
        """Forget a cursor; false if there was none."""
        ...

    async def add_calls(self, connection_id: str, side: Side, day: str, calls: int) -> int:
        """Add to the calls sent to a side on a UTC day (YYYY-MM-DD); return the day's sum over all workers."""
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


__all__ = [
    "AuditEvent",
    "Commit",
    "Connection",
    "Json",
    "LinkChange",
    "LinkTaken",
    "LogEntry",
    "LogLevel",
    "Review",
    "ReviewKind",
    "ReviewStatus",
    "Run",
    "RunHeld",
    "RunKind",
    "RunRow",
    "RunStatus",
    "StaleLink",
    "StateStore",
    "StoredAudit",
]
