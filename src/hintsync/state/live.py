"""What live sync remembers: dirty records, leases, what is about to be written, stops, known patients, shared pace.

The rows are what makes work durable; whoever wakes a worker is only an alarm clock. `StateStore` contains this Protocol.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Protocol

from hintsync.core.records import FieldName, Fingerprint, RecordId
from hintsync.core.values import Side

#: In the cause of a mark: behind it stand edits that its event showed, as `field=fingerprint`, with commas between.
CROSSED: Final = "/crossed:"


class Lane(IntEnum):
    """Which work goes first; the lowest number wins."""

    #: A person waits for it.
    INTERACTIVE = 0
    #: A record changed just now.
    LIVE = 1
    #: What an outage or a gap may have hidden.
    CATCH_UP = 2
    #: What the nightly parity check found.
    PARITY = 3


@dataclass(frozen=True, slots=True)
class Mark:
    """Says that a record must be read again."""

    side: Side
    record_id: RecordId
    #: "webhook", "change-event", "poll", "catch-up", "parity", "person".
    cause: str
    #: Seconds since the epoch when we learned of it.
    at: float
    lane: Lane = Lane.LIVE
    #: Id of the event that said so; an id that was taken in before marks nothing.
    event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Dirty:
    """A record that must be read again; one row a record, however often it was marked."""

    connection_id: str
    side: Side
    record_id: RecordId
    lane: Lane
    #: Cause of the latest mark, and behind it the edits (`CROSSED`) that it and earlier ones showed, the latest first.
    cause: str
    #: Seconds since the epoch of the first mark that no finished pass has covered.
    since: float
    #: Not before this moment (seconds since the epoch).
    due: float
    #: Passes that failed since the latest mark; one whose worker let the lease run out did.
    attempts: int = 0
    #: Moves with every mark: a pass finishes only what it had read (compare-and-set).
    revision: int = 1
    worker: str | None = None
    leased_until: float = 0.0
    #: Why it waits for a person; code and field names only.
    parked: str | None = None
    #: Seconds since the epoch of the first mark since it was claimed; None: not marked since, or not leased.
    again: float | None = None


@dataclass(frozen=True, slots=True)
class Backlog:
    """How much work waits, for health and metrics."""

    #: Records that wait or are being worked, by lane; parked ones left out.
    waiting: Mapping[Lane, int]
    #: Seconds since the epoch of the oldest unparked mark, by side; a side without any is missing.
    oldest: Mapping[Side, float]
    #: Records that a worker holds, perhaps by a lease that ran out and was not taken over yet.
    leased: int
    parked: int


#: Fingerprints by side and field.
SidePrints = Mapping[Side, Mapping[FieldName, Fingerprint]]


@dataclass(frozen=True, slots=True)
class Intent:
    """What a worker is about to write to one side of a link, because the other side changed; fingerprints, no values."""

    link_id: str
    #: The side that is written.
    side: Side
    #: Seconds since the epoch.
    at: float
    #: Field to fingerprint of what is written. Empty: the link is suspended because of the other side.
    prints: Mapping[FieldName, Fingerprint] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stop:
    """A guard that tripped, or a pause by a person: automatic work waits until someone acknowledges it."""

    connection_id: str
    #: "G1" to "G8", or "pause".
    guard: str
    #: The side whose changes are held back; None: all automatic writes.
    side: Side | None
    #: Ours; ids, counts and field names only.
    reason: str
    #: ISO 8601, UTC.
    at: str
    #: The dry run that keeps what was held back, to be approved (guard G3).
    run_id: str | None = None


class LiveStore(Protocol):
    """The part of the store that live sync works on. Safe for many tasks and, on PostgreSQL, many processes."""

    # --- the dirty set
    async def mark(self, connection_id: str, marks: Sequence[Mark], *, cursors: Mapping[str, str] | None = None) -> int:
        """Mark records dirty and store cursors (a replay id), in one transaction; return how many marks told of a new event.

        Marks of one record coalesce: `since` stays the earliest, the lane becomes the more urgent, the revision moves,
        `due` becomes the mark's moment, attempts go to 0, and a parked record is parked no more. A mark whose `event_id` was
        taken in within the last seven days does nothing. A mark on a leased record waits for the lease. The records of a call
        that returned stay marked though the process be killed at once.
        """
        ...

    async def claim(
        self,
        connection_id: str,
        worker: str,
        now: float,
        until: float,
        *,
        limit: int,
        lanes: Collection[Lane] = tuple(Lane),
    ) -> Sequence[Dirty]:
        """Lease the most urgent records that are due, unparked and free (any lease has run out), by lane, then `since`.

        A record that another process is changing at this moment may be passed over; the next claim finds it.
        """
        ...

    async def finish_marks(self, done: Sequence[Dirty]) -> int:
        """Drop records that were worked; one marked again meanwhile (another revision) is released instead, due at once.

        What was marked before the claim is then covered: `since` becomes the first mark after it. One whose lease went to
        another worker is left alone. Returns how many were dropped.
        """
        ...

    async def put_off(
        self, dirty: Sequence[Dirty], due: float, *, failed: bool = True, parked: str | None = None
    ) -> None:
        """Release records to be tried again not before `due`; `failed` counts an attempt; with `parked`, they wait for a person.

        One marked again meanwhile is released, due at once, and not parked. One whose lease went to another worker is left alone.
        """
        ...

    async def renew_leases(self, connection_id: str, worker: str, until: float) -> None:
        """Extend every lease that a worker holds, of records and of links; none is shortened."""
        ...

    async def drop_leases(self, connection_id: str, worker: str) -> None:
        """Let go of everything that a worker holds: it stops in order, or is known to be dead."""
        ...

    async def dirty(self, connection_id: str, *, parked: bool | None = None, limit: int = 1000) -> Sequence[Dirty]:
        """Return dirty records in the order of `claim`; only parked ones, or only others, if asked."""
        ...

    async def replay(
        self, connection_id: str, now: float, records: Collection[tuple[Side, RecordId]] | None = None
    ) -> int:
        """Let parked records (all, or these) be worked again at once; return how many."""
        ...

    async def backlog(self, connection_id: str) -> Backlog:
        """Count what waits."""
        ...

    async def next_due(self, connection_id: str) -> float | None:
        """Return the earliest moment at which a record can be claimed (due, and any lease run out); None if none waits."""
        ...

    async def prune_inbox(self, connection_id: str, before: float) -> int:
        """Forget event ids that were taken in before a moment; return how many."""
        ...

    # --- leases of links
    async def lease_links(
        self, connection_id: str, link_ids: Collection[str], worker: str, now: float, until: float
    ) -> frozenset[str]:
        """Lease links by compare-and-set; return those that are now this worker's (held before, free, or run out).

        What the worker before was about to write is not pending any more: a late write of its is no echo but an edit.
        """
        ...

    async def release_links(self, connection_id: str, link_ids: Collection[str], worker: str) -> None:
        """Let go of links; what they were about to write is forgotten with the lease."""
        ...

    async def intend(self, connection_id: str, intents: Sequence[Intent]) -> None:
        """Store what is about to be written: beside the links' leases (for `pending`), and for the guards' window.

        Raises:
            ValueError: something given as a fingerprint is none; nothing is stored.
        """
        ...

    async def withdraw(self, connection_id: str, intents: Sequence[Intent]) -> None:
        """Take back intents that were not carried out, each the latest one like it; ones never stored are no matter."""
        ...

    async def pending(self, connection_id: str, link_ids: Collection[str]) -> Mapping[str, SidePrints]:
        """Return what leased links are about to write, by link; a leased link that announced nothing (yet) comes empty.

        A link that nobody holds is missing: so intake tells whether a worker may have read a record before an edit of it.
        """
        ...

    async def intents(
        self, connection_id: str, *, since: float, link_ids: Collection[str] | None = None
    ) -> Sequence[Intent]:
        """Return the intents from a moment on, oldest first: of all links, or of these."""
        ...

    async def forget_intents(self, connection_id: str, *, before: float, side: Side | None = None) -> int:
        """Forget intents older than a moment, of one written side if it is named; return how many."""
        ...

    # --- stops
    async def put_stop(self, stop: Stop) -> bool:
        """Store a stop; one a guard and side: an earlier one stays as it is. Returns whether it is new."""
        ...

    async def stops(self, connection_id: str) -> Sequence[Stop]:
        """Return the stops in force, oldest first."""
        ...

    async def clear_stop(self, connection_id: str, guard: str, side: Side | None) -> bool:
        """End a stop; false if there was none."""
        ...

    # --- patients that were there when we connected (row L8)
    async def take_known(self, connection_id: str, patient_ids: Collection[RecordId]) -> None:
        """Remember patients as those taken at connect."""
        ...

    async def known(self, connection_id: str, patient_ids: Collection[RecordId]) -> frozenset[RecordId]:
        """Return those of these patients that were taken at connect."""
        ...

    # --- pace shared by all workers
    async def take_turn(self, name: str, now: float, *, interval: float, burst: int, turns: int = 1) -> float:
        """Take the next `turns` places in a schedule shared by all processes (generic cell rate algorithm, one row a name).

        Returns the seconds to wait before the first of them may start; the others follow an interval apart. On PostgreSQL the
        database's clock counts, not `now`: hosts' clocks differ. A clock that was set back makes nobody wait longer.
        """
        ...

    async def hold_turns(self, name: str, now: float, seconds: float) -> None:
        """Let no place that is still to be taken begin for some seconds: the service said that we are too fast."""
        ...
