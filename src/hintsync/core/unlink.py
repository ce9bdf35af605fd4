"""Ending a link: unlink, re-link and move as plans (rows U1, U3, U5), and hand edits of the link's marks (row U2).

A plan names what is to be released on each side; the engine writes it, reads Hint back, ends the link and remembers the
pair as parted by a person (row U4) in one commit. Releasing what is released already changes nothing, so a plan may be
carried out again after a crash. No record is ever deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hintsync.core.fields import Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.first_sync import inherited_fields
from hintsync.core.merge import NO_MEMORY, merge_pair
from hintsync.core.plan import Effect, Mode, PairPlan
from hintsync.core.policy import UNCONSTRAINED, Choices, Constraints
from hintsync.core.records import FieldName, Link, LinkState, RecordId, RecordState, Snapshot, Values
from hintsync.core.values import ABSENT, Canonical, Side


@dataclass(frozen=True, slots=True)
class Release:
    """What one record gives up when its link ends."""

    side: Side
    record_id: RecordId
    #: Empty the peer's id: Hint Patient ID on a contact, integration_record_id on a patient.
    empty_peer_id: bool
    #: Contact only: take the tick out of Synced to Hint.
    untick: bool = False
    #: Contact only: one-way fields to be cleared, since they mirror a patient who is no longer theirs.
    cleared: Values = field(default_factory=dict)

    @property
    def writes_nothing(self) -> bool:
        """Whether the record has given all of it up already."""
        return not (self.empty_peer_id or self.untick or self.cleared)


@dataclass(frozen=True, slots=True)
class UnlinkPlan:
    """Everything that ends one link (row U1). Demographics stay on both sides."""

    link_id: str
    contact_id: RecordId
    patient_id: RecordId
    #: At most one a side; a record that is gone has nothing to release.
    releases: tuple[Release, ...]

    @property
    def parted(self) -> tuple[RecordId, RecordId]:
        """The pair, contact first, that nothing automatic may link again (row U4)."""
        return self.contact_id, self.patient_id

    @property
    def cleared(self) -> tuple[FieldName, ...]:
        """The contact's fields that become empty, for the confirmation."""
        return tuple(name for release in self.releases for name in release.cleared)


def plan_unlink(
    link: Link, contact: Snapshot | None, patient: Snapshot | None, table: FieldTable, *, clear_mirrors: bool = True
) -> UnlinkPlan:
    """Plan the end of a link (row U1).

    Args:
        link: A live link with both ids.
        contact: The contact as just read; None if it is not found.
        patient: The patient as just read; None if it is not found.
        table: The mapping in force.
        clear_mirrors: Clear the one-way fields of the contact: the ticked box of the confirmation.

    Raises:
        ValueError: the link is still reserved for a record to be created, so there is nothing to part.
    """
    if link.contact_id is None or link.patient_id is None:
        raise ValueError(f"link {link.id} has only one record")
    releases = []
    if contact is not None and contact.state is RecordState.LIVE:
        mirrors = _mirrors(contact, table) if clear_mirrors else {}
        releases.append(
            Release(Side.SALESFORCE, contact.id, contact.peer_id is not None, untick=contact.marked, cleared=mirrors)
        )
    if patient is not None and patient.state in (RecordState.LIVE, RecordState.ARCHIVED):
        releases.append(Release(Side.HINT, patient.id, empty_peer_id=patient.peer_id is not None))
    return UnlinkPlan(link.id, link.contact_id, link.patient_id, tuple(releases))


def _mirrors(contact: Snapshot, table: FieldTable) -> Values:
    """Return the one-way fields that show something, each with its empty value; a checkbox is empty when it is off."""
    emptied: dict[FieldName, Canonical] = {}
    for row in table:
        empty = False if row.kind is Kind.CHECKBOX else None
        if row.one_way and contact.values.get(row.name, ABSENT) not in (ABSENT, empty):
            emptied[row.name] = empty
    return emptied


def is_left_over(plan: UnlinkPlan, patient: Snapshot) -> bool:
    """Say whether the patient, read back, still carries our id: it is listed as left over, and the link ends all the same."""
    return patient.id == plan.patient_id and patient.peer_id is not None


@dataclass(frozen=True, slots=True)
class RelinkPlan:
    """A re-link (row U3) or a move (row U5): the links that end first, then the first sync of the new pair."""

    ends: tuple[UnlinkPlan, ...]
    contact_id: RecordId
    patient_id: RecordId
    #: First sync of the new pair, as planned on what was read; made anew when the links have ended.
    first_sync: PairPlan
    #: Fields whose contact value came from the former patient.
    inherited: frozenset[FieldName]
    mode: Mode = Mode.FIRST_SALESFORCE_WINS

    @property
    def taken_from_patient(self) -> tuple[FieldName, ...]:
        """The contact's two-way fields that take the new patient's value, in table order: the preview names them."""
        return tuple(d.field for d in self.first_sync.decisions if d.row == "U3" or _fills_contact(d.row, d.effect))

    @property
    def given_to_patient(self) -> tuple[FieldName, ...]:
        """The fields that are written to the new patient, in table order."""
        return tuple(self.first_sync.writes.get(Side.HINT, {}))


def _fills_contact(row: str, effect: Effect) -> bool:
    return row == "I4" and effect is Effect.WRITE_SALESFORCE


def plan_relink(
    old: LinkState | None,
    ends: tuple[UnlinkPlan, ...],
    contact: Snapshot,
    patient: Snapshot,
    table: FieldTable,
    *,
    old_prints: Fingerprinter | None,
    new_prints: Fingerprinter,
    constraints: Constraints = UNCONSTRAINED,
) -> RelinkPlan:
    """Plan a re-link of a contact to another patient (row U3), or the move of a patient to this contact (row U5).

    Args:
        old: The contact's link that ends, with its base; None if the contact had none (a plain move).
        ends: The plans of all links that end: the contact's, the patient's, or both.
        contact: The contact as just read.
        patient: The new patient as just read.
        table: The mapping in force.
        old_prints: The fingerprinter of `old`; None if there is none.
        new_prints: The fingerprinter of the new link.
        constraints: What is true of the connection.
    """
    inherited: frozenset[FieldName] = frozenset()
    if old is not None and old_prints is not None:
        two_way = {row.name for row in table if not row.one_way}
        inherited = inherited_fields(contact, old.base, old_prints) & two_way
    first_sync = merge_pair(
        table,
        patient,
        contact,
        NO_MEMORY,
        Mode.FIRST_SALESFORCE_WINS,
        new_prints,
        constraints=constraints,
        choices=Choices(inherited=inherited),
    )
    return RelinkPlan(ends, contact.id, patient.id, first_sync, inherited)


@dataclass(frozen=True, slots=True)
class MarkRepair:
    """Hint Patient ID or Synced to Hint was edited by hand: what is written back (row U2), and logged."""

    contact_id: RecordId
    #: The id to be shown again; None if it was left alone.
    peer_id: RecordId | None
    #: Tick the box again.
    tick: bool


def hand_edit_of_marks(link: Link, contact: Snapshot) -> MarkRepair | None:
    """Return what must be written back to a linked contact whose marks were edited by hand; None if they are right.

    Such an edit is not a command: only unlink and re-link end a link.
    """
    wrong_id = contact.peer_id != link.patient_id
    if not wrong_id and contact.marked:
        return None
    return MarkRepair(contact.id, link.patient_id if wrong_id else None, tick=not contact.marked)
