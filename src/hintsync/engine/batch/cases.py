"""What the batches work on: one record with its decision (Case), and what all records of a run share (Work)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hintsync.core.link import RECOVERED, Trigger, first_mode
from hintsync.core.plan import Match, Mode, Outcome
from hintsync.core.policy import NO_CHOICES, Choices
from hintsync.core.quick import quick
from hintsync.core.records import Link, LinkState, LinkStatus, RecordId, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.foreseen import Foreseen
from hintsync.engine.context import Engine
from hintsync.engine.pairs.creating import new_link
from hintsync.engine.pairs.outcomes import Scribe
from hintsync.engine.runs.life import RunKeeper
from hintsync.ports import NO_BOOKKEEPING, Bookkeeping
from hintsync.state.port import RunKind, RunRow

_MODES = frozenset(Mode)


@quick
@dataclass(frozen=True, slots=True)
class Case:
    """One record of a run after matching."""

    position: int
    #: Side of the record that the run is about.
    side: Side
    record_id: RecordId
    match: Match
    #: What was read of it; None where there is no such record.
    subject: Snapshot | None = None
    #: The record it is, or is to be, linked with.
    peer: Snapshot | None = None
    #: Its live link, if it has one.
    state: LinkState | None = None
    #: What was planned for the two before it was their turn.
    foreseen: Foreseen | None = None

    def seen(self, side: Side) -> Snapshot | None:
        """Return the snapshot of one side."""
        return self.subject if side is self.side else self.peer


@dataclass(frozen=True, slots=True)
class Work:
    """What the cases of one run have in common."""

    engine: Engine
    keeper: RunKeeper
    scribe: Scribe
    #: What set off the matches: it decides who wins a first sync, and is the origin of new links.
    trigger: Trigger
    #: Rows of the approved dry run by record id; None when the run needs no approval.
    approved: Mapping[RecordId, RunRow] | None = None


def stamps_of(work: Work, outcome: Outcome, reason: str = "") -> Bookkeeping:
    """Return the batch stamps for a contact; an ordinary sync stamps nothing."""
    if work.keeper.run.kind is RunKind.SYNC:
        return NO_BOOKKEEPING
    return Bookkeeping(batch_id=work.keeper.run.id, batch_outcome=str(outcome), batch_reason=reason)


def first_state(work: Work, case: Case) -> LinkState:
    """Return the link that a case without one would get, without a memory yet."""
    return LinkState(first_link(work, case), {}, {})


def first_link(work: Work, case: Case) -> Link:
    """Return the link that a case without one would get: reserved, with the first sync's mode as its reason."""
    contact = case.seen(Side.SALESFORCE)
    patient = case.seen(Side.HINT)
    mode = first_mode(work.trigger, case.match)
    return new_link(
        work.engine,
        RECOVERED if mode is Mode.RECOVERED else str(work.trigger),
        contact_id=contact.id if contact else None,
        patient_id=patient.id if patient else None,
        reason=str(mode),
    )


def mode_of(link: Link) -> Mode:
    """Return how a link is to be synced: as its reservation says, or three-way."""
    word = (link.reason or "").partition("|")[0]
    if link.status is LinkStatus.RESERVED and word in _MODES:
        return Mode(word)
    return Mode.ORDINARY


def choices_of(link: Link) -> Choices:
    """Return the fields that a re-link, still unfinished, takes from the new patient (row U3), as its reservation says."""
    inherited = (link.reason or "").partition("|")[2] if link.status is LinkStatus.RESERVED else ""
    if not inherited:
        return NO_CHOICES
    prints = {name: bytes.fromhex(print_) for name, _, print_ in (each.partition("=") for each in inherited.split(","))}
    return Choices(inherited=frozenset(prints), inherited_as=prints)
