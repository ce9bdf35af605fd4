"""Rows U1 to U5: what is released when a link ends, and what a re-link and a move write."""

from dataclasses import replace

import pytest

from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.records import Link, LinkState, LinkStatus, RecordState
from hintsync.core.unlink import hand_edit_of_marks, is_left_over, plan_relink, plan_unlink
from hintsync.core.values import Side
from tests.core.pairs import PRINTS, contact, patient, prints_of

LINK = Link("l1", "con", "003A", "pat-1", LinkStatus.ACTIVE, "manual", "u1", b"salt", "2026-01-01T00:00:00Z")
DEMOGRAPHICS = {"first_name": "Ada", "last_name": "Arden", "city": "Reno"}
CONTACT = replace(
    contact({**DEMOGRAPHICS, "insurance_payer": "P", "hipaa_authorization_accepted": True, "membership_status": None}),
    peer_id="pat-1",
    marked=True,
)
PATIENT = replace(patient(DEMOGRAPHICS), peer_id="003A")


def test_u1_an_unlink_releases_both_sides_and_keeps_the_demographics() -> None:
    plan = plan_unlink(LINK, CONTACT, PATIENT, DEFAULT_MAPPING)
    on_contact, on_patient = plan.releases
    assert (on_contact.side, on_contact.empty_peer_id, on_contact.untick) == (Side.SALESFORCE, True, True)
    assert on_contact.cleared == {"insurance_payer": None, "hipaa_authorization_accepted": False}
    assert (on_patient.side, on_patient.empty_peer_id, on_patient.cleared) == (Side.HINT, True, {})


def test_u1_the_mirrors_stay_if_the_box_was_not_ticked() -> None:
    assert plan_unlink(LINK, CONTACT, PATIENT, DEFAULT_MAPPING, clear_mirrors=False).cleared == ()


def test_u1_an_unlink_done_twice_writes_nothing_the_second_time() -> None:
    released = contact({**DEMOGRAPHICS, "insurance_payer": None, "hipaa_authorization_accepted": False})
    plan = plan_unlink(LINK, released, replace(PATIENT, peer_id=None), DEFAULT_MAPPING)
    assert all(release.writes_nothing for release in plan.releases)


@pytest.mark.parametrize("gone", [None, replace(CONTACT, state=RecordState.DELETED)])
def test_u1_a_record_that_is_gone_has_nothing_to_release(gone) -> None:
    assert [r.side for r in plan_unlink(LINK, gone, PATIENT, DEFAULT_MAPPING).releases] == [Side.HINT]


def test_u1_an_id_that_hint_keeps_is_left_over() -> None:
    plan = plan_unlink(LINK, CONTACT, PATIENT, DEFAULT_MAPPING)
    assert is_left_over(plan, PATIENT)
    assert not is_left_over(plan, replace(PATIENT, peer_id=None))


def test_u1_a_reservation_is_no_link_to_part() -> None:
    with pytest.raises(ValueError, match="only one record"):
        plan_unlink(replace(LINK, patient_id=None), CONTACT, None, DEFAULT_MAPPING)


@pytest.mark.parametrize(
    ("edited", "peer_id", "tick"),
    [
        (replace(CONTACT, peer_id=None), "pat-1", False),
        (replace(CONTACT, peer_id="pat-9"), "pat-1", False),
        (replace(CONTACT, marked=False), None, True),
        (replace(CONTACT, marked=False, peer_id=None), "pat-1", True),
    ],
)
def test_u2_marks_edited_by_hand_are_put_back(edited, peer_id, tick) -> None:
    repair = hand_edit_of_marks(LINK, edited)
    assert repair is not None
    assert (repair.peer_id, repair.tick) == (peer_id, tick)


def test_u2_marks_that_are_right_need_nothing() -> None:
    assert hand_edit_of_marks(LINK, CONTACT) is None


OLD_PRINTS = Fingerprinter(b"k" * 32, LINK.salt)
#: City came from the old patient, the zip is the contact's own since.
OLD = LinkState(
    LINK,
    {name: OLD_PRINTS.of(name, value) for name, value in {"city": "Reno", "zip": "1", "insurance_payer": "P"}.items()},
    {},
)


def relink(new_values):
    now = contact({"first_name": "Ada", "city": "Reno", "zip": "2", "email": None, "insurance_payer": "P"})
    new = replace(patient(new_values), id="pat-2")
    ends = (plan_unlink(LINK, now, PATIENT, DEFAULT_MAPPING),)
    return plan_relink(OLD, ends, now, new, DEFAULT_MAPPING, old_prints=OLD_PRINTS, new_prints=PRINTS)


def test_u3_a_re_link_takes_the_new_patient_s_value_where_the_contact_still_shows_the_old_one_s() -> None:
    plan = relink({"first_name": "Ada", "city": "Elko", "zip": "9", "email": "n@example.org", "insurance_payer": "Q"})
    assert plan.inherited == {"city"}
    assert plan.taken_from_patient == ("email", "city"), "the preview names them, in the table's order"
    assert plan.given_to_patient == ("zip",)
    assert plan.first_sync.writes[Side.SALESFORCE]["city"] == "Elko"
    assert plan.first_sync.writes[Side.SALESFORCE]["insurance_payer"] == "Q"


def test_u3_nothing_of_the_old_patient_reaches_the_new_one() -> None:
    plan = relink({"first_name": "Ada", "city": None, "zip": "9", "email": None, "insurance_payer": None})
    assert plan.first_sync.writes == {
        Side.HINT: {"zip": "2"},
        Side.SALESFORCE: {"city": None, "insurance_payer": None},
    }


def test_u4_an_unlink_names_the_pair_that_is_not_to_be_linked_again() -> None:
    assert plan_unlink(LINK, CONTACT, PATIENT, DEFAULT_MAPPING).parted == ("003A", "pat-1")


def test_u5_a_move_ends_the_other_contact_s_link_and_syncs_with_salesforce_winning() -> None:
    mine = replace(contact({"city": "Ely"}), id="003B")
    ends = (plan_unlink(LINK, CONTACT, PATIENT, DEFAULT_MAPPING),)
    plan = plan_relink(None, ends, mine, PATIENT, DEFAULT_MAPPING, old_prints=None, new_prints=PRINTS)
    assert plan.ends[0].contact_id == "003A"
    assert plan.first_sync.writes[Side.HINT] == {"city": "Ely"}
    assert plan.inherited == frozenset()


def test_prints_of_another_link_inherit_nothing() -> None:
    old = LinkState(LINK, prints_of({"city": "Reno"}), {})
    plan = plan_relink(
        old, (), contact({"city": "Reno"}), patient({"city": "Elko"}), DEFAULT_MAPPING,
        old_prints=OLD_PRINTS, new_prints=PRINTS,
    )  # fmt: skip
    assert plan.inherited == frozenset()
