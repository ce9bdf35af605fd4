"""Rows D1 to D9: what becomes of a link when a record is deleted, destroyed, archived, merged, not found or back again."""

from dataclasses import replace

import pytest

from hintsync.core.lifecycle import (
    MOVED,
    Decision,
    Fate,
    PairFacts,
    RecordFacts,
    base_after_move,
    decide_fate,
    moved_link,
    needs_namesakes,
)
from hintsync.core.records import Link, LinkState, LinkStatus, RecordState
from hintsync.core.values import ABSENT, Side
from tests.core.pairs import contact, patient, prints_of

LIVE = RecordFacts(RecordState.LIVE)
DELETED = RecordFacts(RecordState.DELETED)
UNKNOWN = RecordFacts(None)
DESTROYED = RecordFacts(None, told_gone=True)
LINK = Link("l1", "con", "003A", "pat-1", LinkStatus.ACTIVE, "manual", "u1", b"salt", "2026-01-01T00:00:00Z")


def fate(
    contact: RecordFacts = LIVE,
    patient: RecordFacts = LIVE,
    status: LinkStatus = LinkStatus.ACTIVE,
    namesakes: tuple[str, ...] = (),
) -> Decision:
    return decide_fate(PairFacts(status, contact, patient, namesakes))


def merged(survivor: str | None, link: str | None = None) -> RecordFacts:
    return RecordFacts(RecordState.MERGED, survivor, link)


def test_d1_a_deleted_contact_suspends_the_link_without_a_review() -> None:
    assert fate(contact=DELETED) == Decision(Fate.SUSPEND, "D1", Side.SALESFORCE)


def test_d1_a_contact_said_to_be_deleted_and_not_found_needs_no_review_either() -> None:
    assert fate(contact=DESTROYED) == Decision(Fate.SUSPEND, "D1", Side.SALESFORCE)


def test_d1_an_undeleted_contact_resumes_the_link() -> None:
    assert fate(status=LinkStatus.SUSPENDED).fate is Fate.RESUME


def test_d1_a_suspended_link_waits_while_its_contact_stays_deleted() -> None:
    assert fate(contact=DELETED, status=LinkStatus.SUSPENDED).fate is Fate.WAIT


def test_d2_a_destroyed_patient_suspends_the_link_and_unticks_the_contact() -> None:
    decided = fate(patient=DESTROYED)
    assert (decided.fate, decided.row, decided.side, decided.untick) == (Fate.SUSPEND, "D2", Side.HINT, True)
    assert not decided.review


def test_d2_a_destroyed_patient_with_namesakes_may_have_been_merged_and_is_reviewed() -> None:
    decided = fate(patient=DESTROYED, namesakes=("pat-7", "pat-8"))
    assert (decided.row, decided.review, decided.candidates) == ("D2", True, ("pat-7", "pat-8"))


@pytest.mark.parametrize(
    ("contact_facts", "patient_facts", "asked"),
    [(LIVE, DESTROYED, True), (DELETED, DESTROYED, False), (LIVE, UNKNOWN, False), (LIVE, LIVE, False)],
)
def test_d2_namesakes_are_looked_for_only_where_a_patient_was_destroyed(contact_facts, patient_facts, asked) -> None:
    assert needs_namesakes(contact_facts, patient_facts) is asked


def test_d2_a_suspended_link_is_not_suspended_or_reviewed_again() -> None:
    decided = fate(patient=DESTROYED, status=LinkStatus.SUSPENDED, namesakes=("pat-7",))
    assert (decided.fate, decided.review, decided.untick) == (Fate.WAIT, False, False)


def test_d3_an_archived_patient_stays_linked_and_is_synced() -> None:
    decided = fate(patient=RecordFacts(RecordState.ARCHIVED))
    assert (decided.fate, decided.row) == (Fate.SYNC, "D3")


def test_d4_the_link_of_a_merged_contact_moves_to_an_unlinked_winner() -> None:
    assert fate(contact=merged("003W")) == Decision(Fate.MOVE, "D4", Side.SALESFORCE, "003W")


def test_d4_a_suspended_link_moves_too_once_the_merge_is_seen() -> None:
    assert fate(contact=merged("003W"), status=LinkStatus.SUSPENDED).fate is Fate.MOVE


def test_d5_a_linked_winner_of_a_merge_gets_the_ordinary_sync() -> None:
    assert fate() == Decision(Fate.SYNC, "D5")


def test_d6_contacts_merged_that_are_both_linked_freeze_both_links() -> None:
    decided = fate(contact=merged("003W", "link-2"))
    assert (decided.fate, decided.row, decided.other_link, decided.review) == (Fate.FREEZE, "D6", "link-2", True)


def test_d7_the_link_of_a_merged_patient_moves_to_an_unlinked_survivor() -> None:
    assert fate(patient=merged("pat-w")) == Decision(Fate.MOVE, "D7", Side.HINT, "pat-w")


def test_d8_a_survivor_that_is_linked_elsewhere_freezes_both_links() -> None:
    decided = fate(patient=merged("pat-w", "link-2"))
    assert (decided.fate, decided.row, decided.other_link, decided.review) == (Fate.FREEZE, "D8", "link-2", True)


@pytest.mark.parametrize(
    ("facts", "side"),
    [
        ({"contact": UNKNOWN}, Side.SALESFORCE),
        ({"patient": UNKNOWN}, Side.HINT),
        ({"contact": merged(None)}, Side.SALESFORCE),
        ({"patient": merged(None)}, Side.HINT),
    ],
)
def test_d9_a_record_gone_for_an_unknown_cause_suspends_the_link_and_is_reviewed(facts, side) -> None:
    assert fate(**facts) == Decision(Fate.SUSPEND, "D9", side, review=True)


def test_a_merge_is_looked_for_before_the_other_record_is_given_up() -> None:
    assert fate(contact=merged("003W"), patient=DESTROYED).row == "D4"


def test_a_moved_link_keeps_its_salt_and_says_that_its_first_pass_is_due() -> None:
    moved = moved_link(replace(LINK, status=LinkStatus.SUSPENDED), Side.HINT, "pat-w")
    assert (moved.patient_id, moved.contact_id, moved.salt) == ("pat-w", "003A", b"salt")
    assert (moved.status, moved.reason) == (LinkStatus.ACTIVE, MOVED)


def test_d4_only_blanks_of_the_survivor_that_the_other_side_can_fill_lose_their_base() -> None:
    base = prints_of({"first_name": "Ada", "city": "Reno", "email": "a@b.example", "street": "1 A St"})
    survivor = contact({"first_name": "Ada", "city": None, "email": None, "street": ABSENT})
    other = patient({"first_name": "Ada", "city": "Reno", "email": None, "street": "1 A St"})
    kept = base_after_move(LinkState(LINK, base, {}), survivor, other)
    assert set(kept) == {"first_name", "email", "street"}
    assert all(kept[name] == base[name] for name in kept)
