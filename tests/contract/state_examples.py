"""Records for the tests of the store, with just enough in them."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hintsync.core.plan import Outcome
from hintsync.core.records import FieldName, Fingerprint, Hold, HoldKind, Link, LinkState, LinkStatus
from hintsync.core.values import Side
from hintsync.state.port import (
    AuditEvent,
    Commit,
    LinkChange,
    LogEntry,
    LogLevel,
    Review,
    ReviewKind,
    Run,
    RunKind,
    RunRow,
    RunStatus,
    StateStore,
    StoredAudit,
)

NOW = "2026-03-01T09:00:00Z"


def a_link(
    number: int = 1, *, contact: str | None = "", patient: str | None = "", connection_id: str = "con-1"
) -> Link:
    """An active link of a contact and a patient of the same number, unless others (or None) are given."""
    return Link(
        id=f"link-{number}",
        connection_id=connection_id,
        contact_id=f"003-{number}" if contact == "" else contact,
        patient_id=f"pat-{number}" if patient == "" else patient,
        status=LinkStatus.ACTIVE,
        origin="batch-patients",
        decided_by="hintsync",
        salt=b"salt-of-" + str(number).encode(),
        created_at=NOW,
    )


def a_run(run_id: str = "run-1", *, connection_id: str = "con-1", dry: bool = False) -> Run:
    """A run that has just started."""
    return Run(run_id, connection_id, RunKind.BATCH_PATIENTS, RunStatus.RUNNING, dry, NOW, "user-7")


def a_row(position: int = 0, outcome: Outcome = Outcome.LINKED, *, run_id: str = "run-1") -> RunRow:
    """The result of a patient."""
    return RunRow(run_id, position, Side.HINT, f"pat-{position}", outcome, "L1")


def a_review(review_id: str = "review-1", *, record_id: str = "pat-1", opened_at: str = NOW) -> Review:
    """An open review of an ambiguous patient."""
    return Review(review_id, "con-1", ReviewKind.AMBIGUOUS, Side.HINT, record_id, "", opened_at)


def an_event(chain: str = "link:link-1", action: str = "linked", *, connection_id: str = "con-1") -> AuditEvent:
    """An audit event."""
    return AuditEvent(connection_id, chain, NOW, "user-7", action)


def a_log_entry(
    event: str = "linked", *, level: LogLevel = LogLevel.DEBUG, at: str = NOW, run_id: str | None = None
) -> LogEntry:
    """A line of the log."""
    return LogEntry("con-1", at, level, event, "linked by exact demographics", run_id=run_id)


def a_hold() -> Hold:
    """A field that waits because both sides changed it."""
    return Hold(HoldKind.CONFLICT, "F5", "changed on both sides", {Side.HINT: os.urandom(16), Side.SALESFORCE: None})


def prints(*names: FieldName) -> Mapping[FieldName, Fingerprint]:
    """A random fingerprint for each field."""
    return {name: os.urandom(16) for name in names}


async def put_links(store: StateStore, *links: Link) -> Sequence[Link]:
    """Store new links; return them as stored."""
    await store.commit(Commit(links=[LinkChange(link) for link in links]))
    return [replace(link, revision=1) for link in links]


@dataclass(frozen=True)
class Remembered:
    """All that a store tells of the connection con-1, for before-and-after comparisons."""

    links: tuple[LinkState, ...]
    runs: tuple[Run, ...]
    rows: tuple[RunRow, ...]
    reviews: tuple[Review, ...]
    audits: tuple[StoredAudit, ...]
    log: tuple[LogEntry, ...]


async def remembered(store: StateStore) -> Remembered:
    """Read all that a store tells of the connection con-1."""
    runs = await store.runs("con-1")
    return Remembered(
        links=tuple(await store.links("con-1")),
        runs=tuple(runs),
        rows=tuple([row for run in runs async for row in store.rows(run.id)]),
        reviews=tuple(await store.reviews("con-1")),
        audits=tuple(await store.audit("con-1")),
        log=tuple(await store.log("con-1")),
    )


def everything(number: int = 1) -> Commit:
    """A commit with something of every kind; run-1 must be known."""
    link = a_link(number)
    return Commit(
        links=[LinkChange(link, base=prints("email", "city"), holds={"zip": a_hold()})],
        rows=[a_row(number)],
        reviews=[a_review(f"review-{number}", record_id=f"pat-{number}")],
        audits=[an_event(f"link:{link.id}"), an_event("run:run-1", "held")],
        logs=[a_log_entry()],
        run=replace(a_run(), done=number),
    )
