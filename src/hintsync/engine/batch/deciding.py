"""Puts what a census knows of one record to the decision tables of `core.link`."""

from __future__ import annotations

from dataclasses import replace

from hintsync.core.link import (
    RECOVERED,
    RECOVERED_ROW,
    Candidate,
    ContactFacts,
    MatchSettings,
    Nearness,
    OwnLink,
    PatientFacts,
    Trigger,
    decide_contact,
    decide_patient,
)
from hintsync.core.match import MatchKey
from hintsync.core.near import Grade
from hintsync.core.plan import Match, Outcome
from hintsync.core.records import KeyRow, LinkState, LinkStatus, RecordId, RecordState, Snapshot
from hintsync.core.values import Side
from hintsync.engine.batch.census import Census
from hintsync.engine.context import Engine

_NEARNESS = {Grade.CERTAIN: Nearness.PROBABLE, Grade.PROBABLE: Nearness.PROBABLE, Grade.POSSIBLE: Nearness.POSSIBLE}

#: Stands for the peer of a link whose other record is still being created.
RESERVED = "reserved"


def match_patient(
    engine: Engine,
    census: Census,
    patient: Snapshot,
    state: LinkState | None,
    trigger: Trigger = Trigger.BATCH_PATIENTS,
) -> Match:
    """Decide what becomes of a patient in a batch, or of a new one."""
    unfinished = _unfinished(state, Side.HINT)
    if unfinished is not None:
        return unfinished
    key = engine.key_of(patient)
    near = census.near.get(patient.id)
    claims = census.claims.get(patient.id, ())
    facts = PatientFacts(
        patient.id,
        has_key=key is not None,
        state=patient.state,
        link=_own_link(state, Side.HINT),
        candidates=_contacts(census, key, patient.id),
        rivals=_rivals(census.patients.index.candidates(key), patient.id) if key else 0,
        claims=tuple(_contact(census, contact_id, patient.id) for contact_id in claims),
        near=_NEARNESS[near.grade] if near else Nearness.NONE,
        near_ids=near.candidates if near else (),
    )
    options = engine.options
    settings = MatchSettings(options.create_contacts, options.link_new_automatically)
    return decide_patient(facts, trigger, settings)


def match_contact(engine: Engine, census: Census, row: KeyRow, key: MatchKey | None, state: LinkState | None) -> Match:
    """Decide what becomes of a contact in a batch."""
    unfinished = _unfinished(state, Side.SALESFORCE)
    if unfinished is not None:
        return unfinished
    if state is None and not row.marked and not row.person_account and not (row.first_name or "").strip():
        return Match(Outcome.FIRST_NAME_NEEDED, "L13")
    near = census.near.get(row.id)
    found = census.patients.index.candidates(key) if key else ()
    claimed = _patient(census, row.peer_id, row.id) if row.peer_id in census.patients.seen and row.peer_id else None
    facts = ContactFacts(
        row.id,
        has_key=key is not None,
        state=row.state,
        link=_own_link(state, Side.SALESFORCE),
        candidates=tuple(_patient(census, patient_id, row.id) for patient_id in found),
        rivals=_rivals(census.contacts.index.candidates(key), row.id) if key else 0,
        marked=row.marked,
        peer_id=row.peer_id,
        claimed=claimed,
        rival_claims=sum(1 for other in census.claims.get(row.peer_id or "", ()) if other != row.id),
        person_account=row.person_account,
        near=_NEARNESS[near.grade] if near else Nearness.NONE,
        near_ids=near.candidates if near else (),
    )
    return decide_contact(facts)


def still_fits(engine: Engine, match: Match, patient: Snapshot, contact: Snapshot) -> Match:
    """Check a match against both records as they are now; a scan's hash, or its age, may have lied.

    A link found again by its Hint Patient ID needs no equal demographics; any other does.
    """
    if contact.state is not RecordState.LIVE:
        return replace(match, outcome=Outcome.NOT_FOUND, row="D9", reason="contact deleted")
    if match.reason == "recovered":
        return match
    if contact.peer_id not in (None, patient.id) or (contact.marked and contact.peer_id is None):
        return replace(match, outcome=Outcome.CONTACT_ALREADY_SYNCED, row="L5", reason="linked meanwhile")
    key = engine.key_of(patient)
    if key is None or engine.key_of(contact) != key:
        return replace(match, outcome=Outcome.CHANGED_SINCE, row="L1", reason="demographics changed since the scan")
    return match


def gone_match(match: Match, record: Snapshot | None) -> Match | None:
    """Return what becomes of a pair whose other record is not there any more (rows D1, D9); None if it is there."""
    if record is None:
        return replace(match, outcome=Outcome.NOT_FOUND, row="D9", reason="record not found")
    if record.state in (RecordState.DELETED, RecordState.MERGED):
        return replace(match, outcome=Outcome.NOT_FOUND, row="D1", reason=f"record {record.state}")
    return None


def _unfinished(state: LinkState | None, side: Side) -> Match | None:
    """A reservation of both records whose first sync was cut off is carried on (invariant 6)."""
    if state is None or state.link.status is not LinkStatus.RESERVED:
        return None
    link = state.link
    if link.contact_id is None or link.patient_id is None:
        return None
    peer = link.contact_id if side is Side.HINT else link.patient_id
    if link.origin == RECOVERED:
        return Match(Outcome.LINKED, RECOVERED_ROW, (peer,), RECOVERED)
    return Match(Outcome.LINKED, "L1", (peer,))


def _own_link(state: LinkState | None, side: Side) -> OwnLink | None:
    if state is None:
        return None
    peer = state.link.contact_id if side is Side.HINT else state.link.patient_id
    return OwnLink(state.link.status, peer, state.link.reason)


def _rivals(holders: tuple[RecordId, ...], record_id: RecordId) -> int:
    return sum(1 for holder in holders if holder != record_id)


def _contacts(census: Census, key: MatchKey | None, patient_id: RecordId) -> tuple[Candidate, ...]:
    found = census.contacts.index.candidates(key) if key else ()
    return tuple(_contact(census, contact_id, patient_id) for contact_id in found)


def _contact(census: Census, contact_id: RecordId, patient_id: RecordId) -> Candidate:
    link = census.by_contact.get(contact_id)
    marked = census.contacts.marked.get(contact_id)
    return Candidate(
        contact_id,
        linked_to=(link.patient_id or RESERVED) if link else None,
        marked=marked is not None,
        peer_id=marked or None,
        person_account=contact_id in census.contacts.person_accounts,
        declined=(contact_id, patient_id) in census.declined,
    )


def _patient(census: Census, patient_id: RecordId, contact_id: RecordId) -> Candidate:
    link = census.by_patient.get(patient_id)
    return Candidate(
        patient_id,
        state=RecordState.ARCHIVED if patient_id in census.patients.archived else RecordState.LIVE,
        linked_to=(link.contact_id or RESERVED) if link else None,
        claimed_by=next((other for other in census.claims.get(patient_id, ()) if other not in census.by_contact), None),
        declined=(contact_id, patient_id) in census.declined,
    )
