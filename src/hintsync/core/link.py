"""Which pairs are linked without anybody choosing: rows L1 to L11 and L14, for patients and for contacts.

Facts go in, counted over the whole org and practice (archived records included), and a match decision comes out. What a
person chooses by hand is judged in `core.link_by_hand`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hintsync.core.plan import Match, Mode, Outcome
from hintsync.core.quick import quick
from hintsync.core.records import LinkStatus, RecordId, RecordState
from hintsync.core.values import Side


class Trigger(StrEnum):
    """What set off a match; it decides who wins the first sync, and becomes the link's origin."""

    MANUAL = "manual"
    BATCH_PATIENTS = "batch-patients"
    BATCH_CONTACTS = "batch-contacts"
    NEW_PATIENT = "new-patient"


class Nearness(StrEnum):
    """The best open near match of a record that has no exact one."""

    NONE = "none"
    POSSIBLE = "possible"
    PROBABLE = "probable"


@dataclass(frozen=True, slots=True)
class OwnLink:
    """The live link that a record is in already."""

    status: LinkStatus
    #: The record on the other side; None only while that one is being created.
    peer_id: RecordId | None
    reason: str | None = None


@quick
@dataclass(frozen=True, slots=True)
class Candidate:
    """A record of the other side that holds the same exact key, or that names the record as its peer."""

    id: RecordId
    state: RecordState = RecordState.LIVE
    #: The record it is linked with in our store, if it is.
    linked_to: RecordId | None = None
    #: Contact only: the Synced to Hint box.
    marked: bool = False
    #: Contact only: the Hint Patient ID it shows.
    peer_id: RecordId | None = None
    #: Contact only: the contact half of a person account.
    person_account: bool = False
    #: A person parted or declined this very pair (row U4).
    declined: bool = False
    #: Patient only: a contact that shows this patient's id, without a link of ours.
    claimed_by: RecordId | None = None


@quick
@dataclass(frozen=True, slots=True)
class PatientFacts:
    """What must be known of a patient to match it."""

    id: RecordId
    #: It has an exact key: both names, and a birth date that is no placeholder.
    has_key: bool
    state: RecordState = RecordState.LIVE
    link: OwnLink | None = None
    #: Contacts of the whole org with the same key, deleted ones left out.
    candidates: tuple[Candidate, ...] = ()
    #: Other patients of the practice with the same key, archived ones counted.
    rivals: int = 0
    #: Contacts that show this patient's id as their Hint Patient ID, whatever their key.
    claims: tuple[Candidate, ...] = ()
    near: Nearness = Nearness.NONE
    near_ids: tuple[RecordId, ...] = ()


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """What must be known of a contact to match it."""

    id: RecordId
    has_key: bool
    state: RecordState = RecordState.LIVE
    link: OwnLink | None = None
    #: Patients of the whole practice with the same key, archived ones included.
    candidates: tuple[Candidate, ...] = ()
    #: Other contacts of the org with the same key.
    rivals: int = 0
    marked: bool = False
    #: The Hint Patient ID it shows.
    peer_id: RecordId | None = None
    #: The patient of that id, if there is one.
    claimed: Candidate | None = None
    #: Other contacts that show the same Hint Patient ID, without a link of ours.
    rival_claims: int = 0
    person_account: bool = False
    near: Nearness = Nearness.NONE
    near_ids: tuple[RecordId, ...] = ()


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """The administrator's settings that matching obeys (M13)."""

    #: Create new Contact for Patients without Demographics Matches During Sync of Patients to Contacts.
    create_contacts: bool = False
    #: Link new patients automatically.
    link_new_automatically: bool = True


#: Row of a link that is found again by what both systems show (section 10, number 5).
RECOVERED_ROW: Final = "R"

#: Reasons beside an outcome, where the row alone does not say enough.
RECOVERED: Final = "recovered"
UNFINISHED: Final = "unfinished-create"
PATIENTS_SHARE_KEY: Final = "patients-share-key"
CONTACTS_SHARE_KEY: Final = "contacts-share-key"
SEVERAL_CANDIDATES: Final = "several-candidates"
SEVERAL_CLAIMS: Final = "several-contacts-show-this-patient"
MARKED: Final = "marked-without-our-link"
LINKED_ELSEWHERE: Final = "linked-to-another"
CLAIMED: Final = "another-contact-shows-this-patient"
SHOWS_ANOTHER: Final = "shows-another-patient"
AUTOMATIC_LINKS_OFF: Final = "automatic-links-are-off"

_WAITING: Final[Mapping[LinkStatus, Outcome]] = {
    LinkStatus.SUSPENDED: Outcome.SUSPENDED,
    LinkStatus.FROZEN: Outcome.FROZEN,
}


def first_mode(trigger: Trigger, match: Match | None = None) -> Mode:
    """Return how the first sync of a pair is done: who decided the link decides whose values win (section 3)."""
    if match is not None and match.row == RECOVERED_ROW:
        return Mode.RECOVERED
    if trigger in (Trigger.MANUAL, Trigger.BATCH_CONTACTS):
        return Mode.FIRST_SALESFORCE_WINS
    return Mode.FIRST_HINT_WINS


def decide_patient(facts: PatientFacts, trigger: Trigger, settings: MatchSettings) -> Match:
    """Decide what becomes of one patient, in a batch of patients to contacts or as a new patient.

    Returns:
        LINKED (with the one contact; reason `RECOVERED` if the pair was linked before), CREATED (a contact is to be
        created; reason `UNFINISHED` if an earlier attempt reserved it), SYNCED (linked already), or why nothing is done.
    """
    if facts.link is not None:
        return _linked_patient(facts.link)
    if facts.state in (RecordState.DELETED, RecordState.MERGED):
        return Match(Outcome.NOT_FOUND, "L11", reason=facts.state.value)
    if facts.claims:
        found_again = _recovered(facts)
        if found_again is not None:
            return found_again
    if facts.state is RecordState.ARCHIVED:
        return Match(Outcome.ARCHIVED, "L11", _ids(facts.candidates))
    if not facts.has_key:
        return Match(Outcome.INCOMPLETE, "L7")
    if facts.candidates:
        return _matched_patient(facts, trigger, settings)
    return _unmatched_patient(facts, settings)


def _linked_patient(link: OwnLink) -> Match:
    """Rows L4 and L10 for a patient."""
    peers = () if link.peer_id is None else (link.peer_id,)
    if link.status in _WAITING:
        return Match(_WAITING[link.status], "L10", peers, link.reason)
    if link.peer_id is None:
        return Match(Outcome.CREATED, "L2", reason=UNFINISHED)
    return Match(Outcome.SYNCED, "L4", peers)


def _recovered(facts: PatientFacts) -> Match | None:
    """Find a link again that only our store has lost: a contact shows this very patient (section 10, number 5)."""
    free = tuple(c for c in facts.claims if c.linked_to is None and not c.declined and c.state is RecordState.LIVE)
    if len(free) > 1:
        return Match(Outcome.AMBIGUOUS, "L3", _ids(free), SEVERAL_CLAIMS)
    if not free:
        return None
    if free[0].person_account:
        return Match(Outcome.PERSON_ACCOUNT, "L14", _ids(free))
    return Match(Outcome.LINKED, RECOVERED_ROW, _ids(free), RECOVERED)


def _matched_patient(facts: PatientFacts, trigger: Trigger, settings: MatchSettings) -> Match:
    """Rows L1, L3, L5, L14 and U4: at least one contact has the patient's key."""
    peers = _ids(facts.candidates)
    if len(peers) > 1:
        return Match(Outcome.AMBIGUOUS, "L3", peers, SEVERAL_CANDIDATES)
    contact = facts.candidates[0]
    taken = _taken_contact(contact, facts.id)
    if taken is not None:
        return taken
    if facts.rivals:
        return Match(Outcome.AMBIGUOUS, "L3", peers, PATIENTS_SHARE_KEY)
    if contact.person_account:
        return Match(Outcome.PERSON_ACCOUNT, "L14", peers)
    if contact.declined:
        return Match(Outcome.DECLINED, "U4", peers)
    if trigger is Trigger.NEW_PATIENT and not (settings.create_contacts or settings.link_new_automatically):
        return Match(Outcome.TO_REVIEW, "L1", peers, AUTOMATIC_LINKS_OFF)
    return Match(Outcome.LINKED, "L1", peers)


def _taken_contact(contact: Candidate, patient_id: RecordId) -> Match | None:
    """Row L5 for a contact: linked by us, or marked or naming a patient without a link of ours."""
    if contact.linked_to is not None:
        return Match(Outcome.CONTACT_ALREADY_SYNCED, "L5", (contact.id,), LINKED_ELSEWHERE)
    if contact.peer_id is not None and contact.peer_id != patient_id:
        return Match(Outcome.CONTACT_ALREADY_SYNCED, "L5", (contact.id,), SHOWS_ANOTHER)
    if contact.marked and contact.peer_id is None:
        return Match(Outcome.CONTACT_ALREADY_SYNCED, "L5", (contact.id,), MARKED)
    return None


def _unmatched_patient(facts: PatientFacts, settings: MatchSettings) -> Match:
    """Rows L2 and L6, and L3 for patients that share a key: no contact has it."""
    if facts.rivals:
        return Match(Outcome.AMBIGUOUS, "L3", reason=PATIENTS_SHARE_KEY)
    rule = "L2" if facts.near is Nearness.NONE else "L6"
    if settings.create_contacts and facts.near is not Nearness.PROBABLE:
        return Match(Outcome.CREATED, rule, facts.near_ids)
    if facts.near is Nearness.NONE:
        return Match(Outcome.NO_MATCH, rule)
    return Match(Outcome.TO_REVIEW, rule, facts.near_ids, f"near-match-{facts.near}")


def decide_contact(facts: ContactFacts) -> Match:
    """Decide what becomes of one contact in a batch of contacts to patients; nothing is ever created there.

    Returns:
        LINKED (with the one patient; reason `RECOVERED` if the pair was linked before), or why the contact is skipped.
    """
    if facts.state is not RecordState.LIVE:
        return Match(Outcome.NOT_FOUND, "L9", reason=facts.state.value)
    if facts.person_account:
        return Match(Outcome.PERSON_ACCOUNT, "L14")
    if facts.link is not None:
        return _linked_contact(facts.link)
    if facts.marked or facts.peer_id is not None:
        return _marked_contact(facts)
    if not facts.has_key:
        return Match(Outcome.INCOMPLETE, "L7")
    if facts.candidates:
        return _matched_contact(facts)
    if facts.near is Nearness.NONE:
        return Match(Outcome.NO_MATCH, "L2")
    return Match(Outcome.TO_REVIEW, "L6", facts.near_ids, f"near-match-{facts.near}")


def _linked_contact(link: OwnLink) -> Match:
    """Rows L4 and L10 for a contact."""
    peers = () if link.peer_id is None else (link.peer_id,)
    if link.status in _WAITING:
        return Match(_WAITING[link.status], "L10", peers, link.reason)
    return Match(Outcome.ALREADY_LINKED, "L4", peers, UNFINISHED if link.peer_id is None else None)


def _marked_contact(facts: ContactFacts) -> Match:
    """Decide a contact that looks linked although we know of no link: it is linked again if its patient says nothing else."""
    patient = facts.claimed
    if patient is None or patient.state in (RecordState.DELETED, RecordState.MERGED):
        return Match(Outcome.CONTACT_ALREADY_SYNCED, "L4", reason=MARKED)
    if patient.linked_to is not None:
        return Match(Outcome.PATIENT_ALREADY_LINKED, "L5", (patient.id,), LINKED_ELSEWHERE)
    if patient.declined:
        return Match(Outcome.DECLINED, "U4", (patient.id,))
    if facts.rival_claims:
        return Match(Outcome.AMBIGUOUS, "L3", (patient.id,), SEVERAL_CLAIMS)
    return Match(Outcome.LINKED, RECOVERED_ROW, (patient.id,), RECOVERED)


def _matched_contact(facts: ContactFacts) -> Match:
    """Rows L1, L3, L5, L11 and U4: at least one patient has the contact's key."""
    peers = _ids(facts.candidates)
    if len(peers) > 1:
        return Match(Outcome.AMBIGUOUS, "L3", peers, SEVERAL_CANDIDATES)
    patient = facts.candidates[0]
    if patient.linked_to is not None:
        return Match(Outcome.PATIENT_ALREADY_LINKED, "L5", peers, LINKED_ELSEWHERE)
    if patient.claimed_by not in (None, facts.id):
        return Match(Outcome.PATIENT_ALREADY_LINKED, "L5", peers, CLAIMED)
    if facts.rivals:
        return Match(Outcome.AMBIGUOUS, "L3", peers, CONTACTS_SHARE_KEY)
    if patient.state is not RecordState.LIVE:
        return Match(Outcome.ARCHIVED, "L11", peers)
    if patient.declined:
        return Match(Outcome.DECLINED, "U4", peers)
    return Match(Outcome.LINKED, "L1", peers)


def _ids(candidates: Collection[Candidate]) -> tuple[RecordId, ...]:
    return tuple(candidate.id for candidate in candidates)


class UnlinkedChange(StrEnum):
    """What a change of a record without a link leads to."""

    TREATED_AS_NEW = "treated-as-new"
    LEFT_FOR_BATCH = "left-for-batch"
    NOTHING = "nothing"


def decide_unlinked_change(side: Side, record_id: RecordId, taken_at_connect: Collection[RecordId]) -> UnlinkedChange:
    """Decide what a change of an unlinked record leads to: rows L8 (patients) and L9 (contacts).

    Args:
        side: Where it changed.
        record_id: The record.
        taken_at_connect: Ids of the patients that existed when the connection was made.
    """
    if side is Side.SALESFORCE:
        return UnlinkedChange.NOTHING
    return UnlinkedChange.LEFT_FOR_BATCH if record_id in taken_at_connect else UnlinkedChange.TREATED_AS_NEW
