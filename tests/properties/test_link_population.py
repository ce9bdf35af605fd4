"""Matching over whole small populations: nobody is linked twice, both directions link the same pairs, no doubt is linked."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from hintsync.core.link import (
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
from hintsync.core.plan import Match, Outcome
from hintsync.core.records import LinkStatus, RecordState

LINKING = MatchSettings(create_contacts=False)
CREATING = MatchSettings(create_contacts=True)


@dataclass(frozen=True)
class Contact:
    id: str
    key: str | None
    marked: bool = False
    peer_id: str | None = None
    person_account: bool = False


@dataclass(frozen=True)
class Patient:
    id: str
    key: str | None
    archived: bool = False


@dataclass(frozen=True)
class Population:
    """An org and a practice, with our links and the pairs that people declined, both as (contact, patient)."""

    contacts: tuple[Contact, ...]
    patients: tuple[Patient, ...]
    links: frozenset[tuple[str, str]]
    declined: frozenset[tuple[str, str]]

    def patient_of(self, contact_id: str) -> str | None:
        return next((patient for contact, patient in self.links if contact == contact_id), None)

    def contact_of(self, patient_id: str) -> str | None:
        return next((contact for contact, patient in self.links if patient == patient_id), None)

    def claims(self, patient_id: str) -> list[Contact]:
        """Contacts without a link of ours that show this patient."""
        return [c for c in self.contacts if c.peer_id == patient_id and self.patient_of(c.id) is None]


KEYS = st.none() | st.sampled_from(["ann", "bob", "cy"])


@st.composite
def populations(draw: st.DrawFn) -> Population:
    """Draw a few people, some of them the same person twice, some linked, marked, claimed or declined."""
    patients = tuple(
        Patient(f"pat-{n}", draw(KEYS), archived=draw(st.integers(0, 5)) == 0) for n in range(draw(st.integers(1, 4)))
    )
    ids = [patient.id for patient in patients]
    contacts = tuple(
        Contact(
            f"003-{n}",
            draw(KEYS),
            marked=draw(st.integers(0, 5)) == 0,
            peer_id=draw(st.sampled_from([None, None, None, None, *ids, "pat-gone"])),
            person_account=draw(st.integers(0, 9)) == 0,
        )
        for n in range(draw(st.integers(1, 4)))
    )
    pairs = st.tuples(st.sampled_from([c.id for c in contacts]), st.sampled_from(ids))
    links: set[tuple[str, str]] = set()
    for contact, patient in draw(st.lists(pairs, max_size=2)):
        if all(contact != c and patient != p for c, p in links):
            links.add((contact, patient))
    return Population(contacts, patients, frozenset(links), draw(st.frozensets(pairs, max_size=2)))


def link_of(peer_id: str | None) -> OwnLink | None:
    return None if peer_id is None else OwnLink(LinkStatus.ACTIVE, peer_id)


def contact_candidate(world: Population, contact: Contact, patient_id: str) -> Candidate:
    return Candidate(
        contact.id,
        linked_to=world.patient_of(contact.id),
        marked=contact.marked,
        peer_id=contact.peer_id,
        person_account=contact.person_account,
        declined=(contact.id, patient_id) in world.declined,
    )


def patient_candidate(world: Population, patient: Patient, contact_id: str) -> Candidate:
    claims = [c for c in world.claims(patient.id) if c.id != contact_id and (c.id, patient.id) not in world.declined]
    return Candidate(
        patient.id,
        state=RecordState.ARCHIVED if patient.archived else RecordState.LIVE,
        linked_to=world.contact_of(patient.id),
        declined=(contact_id, patient.id) in world.declined,
        claimed_by=claims[0].id if claims else None,
    )


def patient_match(world: Population, patient: Patient, options: MatchSettings = LINKING) -> Match:
    same_key = [c for c in world.contacts if patient.key is not None and c.key == patient.key]
    facts = PatientFacts(
        patient.id,
        has_key=patient.key is not None,
        state=RecordState.ARCHIVED if patient.archived else RecordState.LIVE,
        link=link_of(world.contact_of(patient.id)),
        candidates=tuple(contact_candidate(world, c, patient.id) for c in same_key),
        rivals=sum(1 for p in world.patients if p.id != patient.id and p.key == patient.key and p.key is not None),
        claims=tuple(contact_candidate(world, c, patient.id) for c in world.contacts if c.peer_id == patient.id),
    )
    return decide_patient(facts, Trigger.BATCH_PATIENTS, options)


def contact_match(world: Population, contact: Contact) -> Match:
    same_key = [p for p in world.patients if contact.key is not None and p.key == contact.key]
    claimed = next((p for p in world.patients if p.id == contact.peer_id), None)
    rival_claims = [
        c
        for c in world.claims(contact.peer_id or "")
        if c.id != contact.id and (c.id, contact.peer_id) not in world.declined
    ]
    facts = ContactFacts(
        contact.id,
        has_key=contact.key is not None,
        link=link_of(world.patient_of(contact.id)),
        candidates=tuple(patient_candidate(world, p, contact.id) for p in same_key),
        rivals=sum(1 for c in world.contacts if c.id != contact.id and c.key == contact.key and c.key is not None),
        marked=contact.marked,
        peer_id=contact.peer_id,
        claimed=patient_candidate(world, claimed, contact.id) if claimed else None,
        rival_claims=len(rival_claims),
        person_account=contact.person_account,
    )
    return decide_contact(facts)


def pairs_from_patients(world: Population) -> list[tuple[str, str]]:
    matches = [(patient.id, patient_match(world, patient)) for patient in world.patients]
    return [(match.peers[0], patient_id) for patient_id, match in matches if match.outcome is Outcome.LINKED]


def pairs_from_contacts(world: Population) -> list[tuple[str, str]]:
    matches = [(contact.id, contact_match(world, contact)) for contact in world.contacts]
    return [(contact_id, match.peers[0]) for contact_id, match in matches if match.outcome is Outcome.LINKED]


@settings(max_examples=300)
@given(populations())
def test_nobody_is_linked_twice(world) -> None:
    for linked in (pairs_from_patients(world), pairs_from_contacts(world)):
        both = [*linked, *world.links]
        assert max(Counter(contact for contact, _ in both).values(), default=0) <= 1
        assert max(Counter(patient for _, patient in both).values(), default=0) <= 1


@settings(max_examples=300)
@given(populations())
def test_both_batches_link_the_same_pairs(world) -> None:
    assert sorted(pairs_from_patients(world)) == sorted(pairs_from_contacts(world))


@settings(max_examples=300)
@given(populations())
def test_a_pair_is_linked_by_its_key_or_by_the_id_it_shows_and_never_against_a_person(world) -> None:
    contacts = {contact.id: contact for contact in world.contacts}
    patients = {patient.id: patient for patient in world.patients}
    for contact_id, patient_id in pairs_from_patients(world):
        contact, patient = contacts[contact_id], patients[patient_id]
        found_again = contact.peer_id == patient_id
        assert found_again or (contact.key == patient.key and contact.key is not None)
        if not found_again:
            assert not contact.marked
            assert sum(1 for other in world.contacts if other.key == contact.key) == 1
            assert sum(1 for other in world.patients if other.key == patient.key) == 1
        assert not contact.person_account
        assert (contact_id, patient_id) not in world.declined


@settings(max_examples=300)
@given(populations())
def test_a_contact_is_created_only_for_a_patient_that_nobody_else_could_be(world) -> None:
    for patient in world.patients:
        if patient_match(world, patient, CREATING).outcome is Outcome.CREATED:
            assert patient.key is not None
            assert not patient.archived
            assert world.contact_of(patient.id) is None
            assert all(contact.key != patient.key for contact in world.contacts)
            assert sum(1 for other in world.patients if other.key == patient.key) == 1


@given(st.sampled_from(Nearness), st.booleans())
def test_l6_more_doubt_never_creates_what_less_doubt_would_not(near, creating) -> None:
    options = MatchSettings(create_contacts=creating)
    facts = PatientFacts("pat-1", has_key=True, near=near, near_ids=() if near is Nearness.NONE else ("003-9",))
    created = decide_patient(facts, Trigger.BATCH_PATIENTS, options).outcome is Outcome.CREATED
    assert created == (creating and near is not Nearness.PROBABLE)
