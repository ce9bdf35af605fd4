"""What a person asks for by hand: link these two, or create the missing one; rows L1 to L7 and L10 to L14, manual column.

A person may do more than the machine, after being told. What is told comes back as warnings; what has been told and
confirmed goes in as `confirmed`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from hintsync.core.link import OwnLink
from hintsync.core.plan import Match, Outcome
from hintsync.core.records import LinkStatus, RecordId, RecordState


class Step(StrEnum):
    """What is done about a pair that a person chose."""

    LINK = "link"
    #: The pair is linked already: it gets an ordinary sync.
    SYNC = "sync"
    #: The contact is linked to another patient: row U3.
    RELINK = "re-link"
    #: The patient is linked to another contact: row U5.
    MOVE = "move"
    #: Something must be confirmed first; nothing is done.
    ASK = "ask"
    REFUSE = "refuse"


class Warned(StrEnum):
    """What a person is told before it is done."""

    #: The patient is archived (row L11).
    ARCHIVED = "archived"
    #: This pair was parted or declined before (row U4).
    DECLINED = "declined"
    #: The contact's link to another patient ends (row U3).
    RELINK = "re-link"
    #: The patient's link to another contact ends (row U5).
    MOVE = "move"


@dataclass(frozen=True, slots=True)
class ChosenPair:
    """A contact and a patient that a person wants linked."""

    contact_id: RecordId
    patient_id: RecordId
    contact_link: OwnLink | None = None
    patient_link: OwnLink | None = None
    patient_state: RecordState = RecordState.LIVE
    person_account: bool = False
    declined: bool = False


@dataclass(frozen=True, slots=True)
class ManualDecision:
    """What is done about a chosen pair, by which row, and what the person must be told."""

    step: Step
    row: str
    warnings: frozenset[Warned] = frozenset()
    #: Who stands in the way: the contact that the patient, or the patient that the contact, is linked with now.
    linked_to: RecordId | None = None
    reason: str | None = None


def decide_by_hand(pair: ChosenPair, confirmed: Collection[Warned] = ()) -> ManualDecision:
    """Decide what is done about a pair that a person chose.

    Args:
        pair: The two records and what is known of them.
        confirmed: What the person was told and agreed to.

    Returns:
        A step; ASK as long as a warning is not confirmed.
    """
    refused = _refusal(pair)
    if refused is not None:
        return refused
    step, row, linked_to = _step(pair)
    if step is Step.SYNC:
        return ManualDecision(step, row, linked_to=linked_to)
    warnings = _warnings(pair, step)
    if warnings - frozenset(confirmed):
        return ManualDecision(Step.ASK, row, warnings, linked_to)
    return ManualDecision(step, row, warnings, linked_to)


def _refusal(pair: ChosenPair) -> ManualDecision | None:
    """Rows L14 and L10, and records that are no longer there."""
    if pair.person_account:
        return ManualDecision(Step.REFUSE, "L14", reason="person-account")
    if pair.patient_state in (RecordState.DELETED, RecordState.MERGED):
        return ManualDecision(Step.REFUSE, "L11", reason=pair.patient_state.value)
    for link in (pair.contact_link, pair.patient_link):
        if link is not None and link.status is not LinkStatus.ACTIVE:
            return ManualDecision(Step.REFUSE, "L10", linked_to=link.peer_id, reason=link.status.value)
    return None


def _step(pair: ChosenPair) -> tuple[Step, str, RecordId | None]:
    """Rows L1, L4 (with U3) and L5 (with U5)."""
    if pair.contact_link is not None and pair.contact_link.peer_id == pair.patient_id:
        return Step.SYNC, "L4", pair.patient_id
    if pair.patient_link is not None:
        return Step.MOVE, "L5", pair.patient_link.peer_id
    if pair.contact_link is not None:
        return Step.RELINK, "L4", pair.contact_link.peer_id
    return Step.LINK, "L1", None


def _warnings(pair: ChosenPair, step: Step) -> frozenset[Warned]:
    told = set()
    if pair.patient_state is RecordState.ARCHIVED:
        told.add(Warned.ARCHIVED)
    if pair.declined:
        told.add(Warned.DECLINED)
    if pair.contact_link is not None:
        told.add(Warned.RELINK)
    if step is Step.MOVE:
        told.add(Warned.MOVE)
    return frozenset(told)


def decide_create_by_hand(
    contact_link: OwnLink | None, *, first_name: str | None, last_name: str | None, person_account: bool = False
) -> Match:
    """Decide whether a person may create a patient from a contact (Create New Patient).

    Returns:
        CREATED by row L2, or why not: Hint wants both names (row L13), the contact is linked (L4, L10) or is half of a
        person account (L14).
    """
    if person_account:
        return Match(Outcome.PERSON_ACCOUNT, "L14")
    if contact_link is not None and contact_link.status in (LinkStatus.SUSPENDED, LinkStatus.FROZEN):
        outcome = Outcome.SUSPENDED if contact_link.status is LinkStatus.SUSPENDED else Outcome.FROZEN
        return Match(outcome, "L10", reason=contact_link.reason)
    if contact_link is not None and contact_link.peer_id is not None:
        return Match(Outcome.ALREADY_LINKED, "L4", (contact_link.peer_id,))
    if not (first_name or "").strip():
        return Match(Outcome.FIRST_NAME_NEEDED, "L13")
    if not (last_name or "").strip():
        return Match(Outcome.INCOMPLETE, "L7", reason="last-name-needed")
    return Match(Outcome.CREATED, "L2")
