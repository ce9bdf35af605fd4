"""Rows U1 to U5: what is released when a link ends, and what a re-link and a move write."""

from dataclasses import replace

import pytest

from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.records import Link, LinkStatus, RecordState
from hintsync.core.unlink import is_left_over, plan_unlink
from hintsync.core.values import Side
from tests.core.pairs import contact, patient

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


def test_u4_an_unlink_names_the_pair_that_is_not_to_be_linked_again() -> None:
    assert plan_unlink(LINK, CONTACT, PATIENT, DEFAULT_MAPPING).parted == ("003A", "pat-1")
