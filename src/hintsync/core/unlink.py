"""Ending a link as a plan (row U1): an unlink, and the first half of a re-link or a move (rows U3, U5).

A plan names what is to be released on each side; the engine writes it, reads Hint back, ends the link and remembers the
pair as parted by a person (row U4) in one commit. Releasing what is released already changes nothing, so a plan may be
carried out again after a crash. No record is ever deleted.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from hintsync.core.fields import Kind
from hintsync.core.fields import Mapping as FieldTable
from hintsync.core.records import FieldName, Link, RecordId, RecordState, Snapshot, Values
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
        releases.append(Release(Side.HINT, patient.id, empty_peer_id=_carries(patient, link.contact_id)))
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
    return patient.id == plan.patient_id and _carries(patient, plan.contact_id)


def _carries(patient: Snapshot, contact_id: RecordId | None) -> bool:
    """Say whether a patient carries the id of this contact, perhaps with a reservation behind it; any other id is not ours."""
    return (patient.peer_id or "").partition(".")[0] == contact_id
