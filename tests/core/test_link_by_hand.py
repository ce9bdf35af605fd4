"""Rows L1 to L14, manual column: a person chooses a pair or asks for the missing record."""

from dataclasses import replace

import pytest

from hintsync.core.link import OwnLink
from hintsync.core.link_by_hand import (
    ChosenPair,
    Step,
    Warned,
    decide_by_hand,
    decide_create_by_hand,
)
from hintsync.core.plan import Outcome
from hintsync.core.records import LinkStatus, RecordState

PAIR = ChosenPair("003A", "pat-1")
TO_PATIENT_2 = OwnLink(LinkStatus.ACTIVE, "pat-2")
TO_CONTACT_B = OwnLink(LinkStatus.ACTIVE, "003B")


def test_l1_a_free_pair_that_a_person_chose_is_linked() -> None:
    decision = decide_by_hand(PAIR)
    assert (decision.step, decision.row) == (Step.LINK, "L1")


def test_l2_a_patient_is_created_from_a_contact_on_request() -> None:
    match = decide_create_by_hand(None, first_name="Ada", last_name="Arden")
    assert (match.outcome, match.row) == (Outcome.CREATED, "L2")


def test_l4_choosing_the_patient_it_is_linked_with_syncs_the_pair() -> None:
    pair = replace(
        PAIR, contact_link=OwnLink(LinkStatus.ACTIVE, "pat-1"), patient_link=OwnLink(LinkStatus.ACTIVE, "003A")
    )
    assert decide_by_hand(pair).step is Step.SYNC


def test_l4_and_u3_choosing_another_patient_is_a_re_link_once_confirmed() -> None:
    pair = replace(PAIR, contact_link=TO_PATIENT_2)
    asked = decide_by_hand(pair)
    assert (asked.step, asked.warnings, asked.linked_to) == (Step.ASK, {Warned.RELINK}, "pat-2")
    assert decide_by_hand(pair, {Warned.RELINK}).step is Step.RELINK


def test_l5_and_u5_a_patient_linked_to_another_contact_is_refused_until_the_move_is_confirmed() -> None:
    pair = replace(PAIR, patient_link=TO_CONTACT_B)
    asked = decide_by_hand(pair)
    assert (asked.step, asked.row, asked.linked_to) == (Step.ASK, "L5", "003B"), "says to whom"
    assert decide_by_hand(pair, {Warned.MOVE}).step is Step.MOVE


def test_u5_a_move_to_a_contact_that_is_linked_too_asks_for_both() -> None:
    pair = replace(PAIR, patient_link=TO_CONTACT_B, contact_link=TO_PATIENT_2)
    assert decide_by_hand(pair, {Warned.MOVE}).step is Step.ASK
    assert decide_by_hand(pair, {Warned.MOVE, Warned.RELINK}).step is Step.MOVE


@pytest.mark.parametrize("status", [LinkStatus.SUSPENDED, LinkStatus.FROZEN, LinkStatus.RESERVED])
@pytest.mark.parametrize("which", ["contact_link", "patient_link"])
def test_l10_a_link_that_waits_is_told_and_nothing_is_done(status, which) -> None:
    decision = decide_by_hand(replace(PAIR, **{which: OwnLink(status, "x")}), set(Warned))
    assert (decision.step, decision.row, decision.reason) == (Step.REFUSE, "L10", status)


def test_l11_an_archived_patient_may_be_linked_by_a_person_who_was_told() -> None:
    pair = replace(PAIR, patient_state=RecordState.ARCHIVED)
    assert decide_by_hand(pair).warnings == {Warned.ARCHIVED}
    assert decide_by_hand(pair, {Warned.ARCHIVED}).step is Step.LINK


@pytest.mark.parametrize("first_name", [None, "", "  "])
def test_l13_a_contact_without_a_first_name_makes_no_patient(first_name) -> None:
    match = decide_create_by_hand(None, first_name=first_name, last_name="Arden")
    assert (match.outcome, match.row) == (Outcome.FIRST_NAME_NEEDED, "L13")


def test_l14_a_person_account_is_neither_linked_nor_created_from() -> None:
    assert decide_by_hand(replace(PAIR, person_account=True), set(Warned)).step is Step.REFUSE
    match = decide_create_by_hand(None, first_name="Ada", last_name="Arden", person_account=True)
    assert match.outcome is Outcome.PERSON_ACCOUNT


def test_l4_and_l10_no_patient_is_created_for_a_contact_that_has_a_link() -> None:
    active = decide_create_by_hand(TO_PATIENT_2, first_name="Ada", last_name="Arden")
    frozen = decide_create_by_hand(OwnLink(LinkStatus.FROZEN, "pat-2", "overlay"), first_name="Ada", last_name="Arden")
    assert (active.outcome, active.row) == (Outcome.ALREADY_LINKED, "L4")
    assert (frozen.outcome, frozen.row, frozen.reason) == (Outcome.FROZEN, "L10", "overlay")


def test_u4_a_person_may_link_a_declined_pair_after_a_warning() -> None:
    pair = replace(PAIR, declined=True)
    assert decide_by_hand(pair).step is Step.ASK
    assert decide_by_hand(pair, {Warned.DECLINED}).step is Step.LINK


def test_a_patient_that_is_gone_is_refused() -> None:
    assert decide_by_hand(replace(PAIR, patient_state=RecordState.MERGED), set(Warned)).step is Step.REFUSE
