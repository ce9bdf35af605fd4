"""Rows L1 to L14, automatic columns: what becomes of a patient and of a contact in the batches, and of a new patient."""

from dataclasses import replace

import pytest

from hintsync.core.link import (
    Candidate,
    ContactFacts,
    MatchSettings,
    Nearness,
    OwnLink,
    PatientFacts,
    Trigger,
    UnlinkedChange,
    decide_contact,
    decide_patient,
    decide_unlinked_change,
    first_mode,
)
from hintsync.core.plan import Mode, Outcome
from hintsync.core.records import LinkStatus, RecordState
from hintsync.core.values import Side

BATCH, NEW = Trigger.BATCH_PATIENTS, Trigger.NEW_PATIENT
CREATING, NOT_CREATING = MatchSettings(create_contacts=True), MatchSettings(create_contacts=False)
NO_LINKING = MatchSettings(create_contacts=False, link_new_automatically=False)

CONTACT = Candidate("003A")
OTHER_CONTACT = Candidate("003B")
PATIENT = PatientFacts("pat-1", has_key=True)
AUTOMATIC = [BATCH, NEW]


def outcome(facts: PatientFacts, trigger: Trigger = BATCH, settings: MatchSettings = CREATING) -> tuple[Outcome, str]:
    match = decide_patient(facts, trigger, settings)
    return match.outcome, match.row


def with_contact(contact: Candidate = CONTACT, **more) -> PatientFacts:
    return replace(PATIENT, candidates=(contact,), **more)


@pytest.mark.parametrize("trigger", AUTOMATIC)
@pytest.mark.parametrize("settings", [CREATING, NOT_CREATING])
def test_l1_one_match_with_both_free_is_linked(trigger, settings) -> None:
    match = decide_patient(with_contact(), trigger, settings)
    assert (match.outcome, match.row, match.peers) == (Outcome.LINKED, "L1", ("003A",))


def test_l1_a_new_patient_is_not_linked_if_both_settings_are_off_but_a_batch_links_it() -> None:
    assert outcome(with_contact(), NEW, NO_LINKING) == (Outcome.TO_REVIEW, "L1")
    assert outcome(with_contact(), BATCH, NO_LINKING) == (Outcome.LINKED, "L1")


@pytest.mark.parametrize("trigger", AUTOMATIC)
def test_l2_without_a_match_the_setting_decides_whether_a_contact_is_created(trigger) -> None:
    assert outcome(PATIENT, trigger, CREATING) == (Outcome.CREATED, "L2")
    assert outcome(PATIENT, trigger, NOT_CREATING) == (Outcome.NO_MATCH, "L2")


@pytest.mark.parametrize("trigger", AUTOMATIC)
def test_l3_several_contacts_are_ambiguous_and_nothing_is_created(trigger) -> None:
    match = decide_patient(replace(PATIENT, candidates=(CONTACT, OTHER_CONTACT)), trigger, CREATING)
    assert (match.outcome, match.row, match.peers) == (Outcome.AMBIGUOUS, "L3", ("003A", "003B"))


def test_l3_a_candidate_that_is_linked_elsewhere_still_counts_for_ambiguity() -> None:
    candidates = (CONTACT, replace(OTHER_CONTACT, linked_to="pat-9"))
    assert outcome(replace(PATIENT, candidates=candidates)) == (Outcome.AMBIGUOUS, "L3")


def test_l3_patients_that_share_a_key_are_ambiguous_with_a_contact_and_without() -> None:
    assert outcome(with_contact(rivals=1)) == (Outcome.AMBIGUOUS, "L3")
    assert outcome(replace(PATIENT, rivals=1)) == (Outcome.AMBIGUOUS, "L3"), "two contacts of one person may be made"


@pytest.mark.parametrize("trigger", AUTOMATIC)
def test_l4_a_linked_patient_gets_an_ordinary_sync(trigger) -> None:
    match = decide_patient(replace(PATIENT, link=OwnLink(LinkStatus.ACTIVE, "003A")), trigger, CREATING)
    assert (match.outcome, match.row, match.peers) == (Outcome.SYNCED, "L4", ("003A",))


def test_l4_a_create_that_was_begun_is_carried_on_and_not_begun_again() -> None:
    match = decide_patient(replace(PATIENT, link=OwnLink(LinkStatus.RESERVED, None)), BATCH, NOT_CREATING)
    assert (match.outcome, match.reason) == (Outcome.CREATED, "unfinished-create")


@pytest.mark.parametrize("trigger", AUTOMATIC)
@pytest.mark.parametrize(
    "contact",
    [
        pytest.param(replace(CONTACT, linked_to="pat-2"), id="linked to another patient"),
        pytest.param(replace(CONTACT, marked=True), id="marked, and we know of no link"),
        pytest.param(replace(CONTACT, marked=True, peer_id="pat-2"), id="marked for another patient"),
        pytest.param(replace(CONTACT, peer_id="pat-2"), id="shows another patient"),
    ],
)
def test_l5_a_contact_that_is_synced_already_is_left_and_nothing_is_created(contact, trigger) -> None:
    assert outcome(with_contact(contact), trigger) == (Outcome.CONTACT_ALREADY_SYNCED, "L5")


def test_l5_tells_more_than_l3_if_the_only_contact_is_linked_to_one_of_the_rivals() -> None:
    assert outcome(with_contact(replace(CONTACT, linked_to="pat-2"), rivals=1))[1] == "L5"


@pytest.mark.parametrize("contact", [replace(CONTACT, marked=True, peer_id="pat-1"), replace(CONTACT, peer_id="pat-1")])
def test_a_contact_that_shows_this_very_patient_is_a_link_found_again(contact) -> None:
    facts = replace(PATIENT, claims=(contact,), has_key=False)
    match = decide_patient(facts, BATCH, NOT_CREATING)
    assert (match.outcome, match.row, match.peers) == (Outcome.LINKED, "R", ("003A",))
    assert first_mode(BATCH, match) is Mode.RECOVERED


def test_two_contacts_that_show_one_patient_are_ambiguous() -> None:
    claims = (replace(CONTACT, peer_id="pat-1"), replace(OTHER_CONTACT, peer_id="pat-1"))
    assert outcome(replace(PATIENT, claims=claims)) == (Outcome.AMBIGUOUS, "L3")


def test_a_contact_linked_to_someone_else_claims_nothing() -> None:
    claim = replace(CONTACT, peer_id="pat-1", linked_to="pat-2")
    assert outcome(replace(PATIENT, claims=(claim,)), settings=NOT_CREATING) == (Outcome.NO_MATCH, "L2")


def test_l6_a_near_match_goes_to_review_and_a_probable_one_forbids_the_create() -> None:
    possible = replace(PATIENT, near=Nearness.POSSIBLE, near_ids=("003C",))
    probable = replace(PATIENT, near=Nearness.PROBABLE, near_ids=("003C",))
    assert outcome(possible, settings=NOT_CREATING) == (Outcome.TO_REVIEW, "L6")
    assert outcome(possible, settings=CREATING) == (Outcome.CREATED, "L6")
    assert outcome(probable, settings=NOT_CREATING) == (Outcome.TO_REVIEW, "L6")
    assert outcome(probable, settings=CREATING) == (Outcome.TO_REVIEW, "L6")
    assert decide_patient(probable, NEW, CREATING).peers == ("003C",)


@pytest.mark.parametrize("trigger", AUTOMATIC)
def test_l7_a_patient_without_a_key_is_incomplete_and_nothing_is_created(trigger) -> None:
    assert outcome(replace(PATIENT, has_key=False), trigger) == (Outcome.INCOMPLETE, "L7")


def test_l8_an_unlinked_patient_that_changes_is_new_unless_it_was_there_at_connect() -> None:
    assert decide_unlinked_change(Side.HINT, "pat-1", {"pat-2"}) is UnlinkedChange.TREATED_AS_NEW
    assert decide_unlinked_change(Side.HINT, "pat-2", {"pat-2"}) is UnlinkedChange.LEFT_FOR_BATCH


def test_l9_an_unlinked_contact_that_changes_leads_to_nothing() -> None:
    assert decide_unlinked_change(Side.SALESFORCE, "003A", set()) is UnlinkedChange.NOTHING


@pytest.mark.parametrize(
    ("status", "expected"),
    [(LinkStatus.SUSPENDED, Outcome.SUSPENDED), (LinkStatus.FROZEN, Outcome.FROZEN)],
)
def test_l10_a_suspended_or_frozen_link_is_skipped_with_its_reason(status, expected) -> None:
    link = OwnLink(status, "pat-1", "contact deleted")
    for match in (
        decide_patient(replace(PATIENT, link=link), BATCH, CREATING),
        decide_contact(replace(A_CONTACT, link=link)),
    ):
        assert (match.outcome, match.row, match.reason) == (expected, "L10", "contact deleted")


@pytest.mark.parametrize("candidates", [(), (CONTACT,)])
def test_l11_an_archived_patient_is_neither_created_nor_linked_by_itself(candidates) -> None:
    facts = replace(PATIENT, state=RecordState.ARCHIVED, candidates=candidates)
    assert outcome(facts) == (Outcome.ARCHIVED, "L11")


@pytest.mark.parametrize("trigger", AUTOMATIC)
def test_l14_the_contact_of_a_person_account_is_skipped(trigger) -> None:
    assert outcome(with_contact(replace(CONTACT, person_account=True)), trigger) == (Outcome.PERSON_ACCOUNT, "L14")


@pytest.mark.parametrize("trigger", AUTOMATIC)
def test_u4_a_pair_that_a_person_parted_is_not_linked_again_and_nothing_is_created(trigger) -> None:
    assert outcome(with_contact(replace(CONTACT, declined=True)), trigger) == (Outcome.DECLINED, "U4")


def test_u4_a_parted_pair_is_not_found_again_by_its_ids_either() -> None:
    claim = replace(CONTACT, peer_id="pat-1", declined=True)
    assert outcome(replace(PATIENT, claims=(claim,), candidates=(claim,))) == (Outcome.DECLINED, "U4")


A_CONTACT = ContactFacts("003A", has_key=True)
A_PATIENT = Candidate("pat-1")


def contact_outcome(**facts) -> tuple[Outcome, str]:
    match = decide_contact(replace(A_CONTACT, **facts))
    return match.outcome, match.row


def test_l1_a_contact_with_one_free_patient_is_linked() -> None:
    match = decide_contact(replace(A_CONTACT, candidates=(A_PATIENT,)))
    assert (match.outcome, match.row, match.peers) == (Outcome.LINKED, "L1", ("pat-1",))


def test_l2_a_contact_without_a_match_is_never_turned_into_a_patient() -> None:
    assert contact_outcome() == (Outcome.NO_MATCH, "L2")


@pytest.mark.parametrize(
    "facts",
    [
        {"candidates": (A_PATIENT, Candidate("pat-2"))},
        {"candidates": (A_PATIENT, Candidate("pat-2", state=RecordState.ARCHIVED))},
        {"candidates": (A_PATIENT,), "rivals": 1},
    ],
    ids=["two patients", "one of them archived", "two contacts"],
)
def test_l3_a_contact_is_skipped_if_either_side_holds_the_key_twice(facts) -> None:
    assert contact_outcome(**facts) == (Outcome.AMBIGUOUS, "L3")


def test_l4_a_linked_contact_is_skipped() -> None:
    match = decide_contact(replace(A_CONTACT, link=OwnLink(LinkStatus.ACTIVE, "pat-1")))
    assert (match.outcome, match.row, match.peers) == (Outcome.ALREADY_LINKED, "L4", ("pat-1",))


def test_l4_a_contact_marked_without_a_link_of_ours_counts_as_synced() -> None:
    assert contact_outcome(marked=True, candidates=(A_PATIENT,)) == (Outcome.CONTACT_ALREADY_SYNCED, "L4")
    assert contact_outcome(marked=True, peer_id="pat-gone") == (Outcome.CONTACT_ALREADY_SYNCED, "L4")


def test_a_contact_that_shows_a_free_patient_is_a_link_found_again() -> None:
    assert contact_outcome(marked=True, peer_id="pat-1", claimed=A_PATIENT) == (Outcome.LINKED, "R")


def test_l5_a_patient_that_is_linked_elsewhere_is_left() -> None:
    taken = replace(A_PATIENT, linked_to="003B")
    assert contact_outcome(candidates=(taken,)) == (Outcome.PATIENT_ALREADY_LINKED, "L5")
    assert contact_outcome(marked=True, peer_id="pat-1", claimed=taken) == (Outcome.PATIENT_ALREADY_LINKED, "L5")


@pytest.mark.parametrize("near", [Nearness.POSSIBLE, Nearness.PROBABLE])
def test_l6_a_contact_with_a_near_match_goes_to_review(near) -> None:
    assert contact_outcome(near=near, near_ids=("pat-3",)) == (Outcome.TO_REVIEW, "L6")


def test_l7_a_contact_without_a_key_is_skipped() -> None:
    assert contact_outcome(has_key=False) == (Outcome.INCOMPLETE, "L7")


def test_l11_an_archived_patient_is_linked_to_a_contact_only_by_a_person() -> None:
    archived = replace(A_PATIENT, state=RecordState.ARCHIVED)
    assert contact_outcome(candidates=(archived,)) == (Outcome.ARCHIVED, "L11")


def test_l14_a_contact_of_a_person_account_is_skipped_whatever_else_is_true() -> None:
    assert contact_outcome(person_account=True, candidates=(A_PATIENT,)) == (Outcome.PERSON_ACCOUNT, "L14")


def test_u4_a_contact_is_not_linked_with_a_patient_that_a_person_declined() -> None:
    assert contact_outcome(candidates=(replace(A_PATIENT, declined=True),)) == (Outcome.DECLINED, "U4")


def test_a_deleted_contact_is_not_found() -> None:
    assert contact_outcome(state=RecordState.DELETED)[0] is Outcome.NOT_FOUND


def test_who_decided_the_link_decides_who_wins_the_first_sync() -> None:
    assert first_mode(Trigger.MANUAL) is first_mode(Trigger.BATCH_CONTACTS) is Mode.FIRST_SALESFORCE_WINS
    assert first_mode(Trigger.BATCH_PATIENTS) is first_mode(Trigger.NEW_PATIENT) is Mode.FIRST_HINT_WINS
