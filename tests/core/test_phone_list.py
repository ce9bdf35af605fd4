"""Hint's phone list: the mapped entry, the write that keeps all others, and clears that stay clears."""

from __future__ import annotations

import pytest

from hintsync.core.canonical import Unreadable
from hintsync.core.codec import Codec
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.fingerprints import Fingerprinter
from hintsync.core.first_sync import stale_name
from hintsync.core.phone_list import APPEND, mapped_phone, read_entries, replaced_phone, rest_after, rest_field
from hintsync.core.records import Base, PhoneEntry, Snapshot, Values
from hintsync.core.values import ABSENT

CODEC = Codec(DEFAULT_MAPPING)
PRINTER = Fingerprinter(b"k" * 32, b"salt")
MOBILE = DEFAULT_MAPPING["mobile_phone"]
FIRST, SECOND, THIRD = "+14155550101", "+14155550102", "+14155550103"

ONE: dict[str, object] = {"id": "ph-1", "number": "4155550101", "type": "mobile", "us_formattable": True}
TWO: dict[str, object] = {"id": "ph-2", "number": "(415) 555-0102", "type": "Cell", "note": "evenings"}
NIGHT: dict[str, object] = {"number": "whistle", "type": "call at night"}
HOME: dict[str, object] = {"number": "4155550199", "type": "home"}


def patient(*entries: dict[str, object]) -> Snapshot:
    return CODEC.snapshot_from_hint({"id": "pat-abc", "phones": list(entries)})


def base_of(values: Values) -> Base:
    return {name: PRINTER.of(name, value) for name, value in values.items()}


def written(snapshot: Snapshot, value: str | None, replaced: str | None = None) -> list[dict[str, object]]:
    body = CODEC.hint_body(
        {"mobile_phone": value}, snapshot.phones, {} if replaced is None else {"mobile_phone": replaced}
    )
    phones = body["phones"]
    assert isinstance(phones, list)
    return phones


def test_s1_without_a_base_the_first_entry_of_the_type_is_mapped() -> None:
    assert mapped_phone(MOBILE, patient(HOME, ONE, TWO), {}, PRINTER) == FIRST
    assert patient(HOME, ONE, TWO).values["mobile_phone"] == FIRST


def test_s1_the_entry_that_a_backup_had_agreed_on_is_mapped_while_there_is_no_base() -> None:
    stale = {stale_name("mobile_phone"): PRINTER.of("mobile_phone", SECOND)}
    assert mapped_phone(MOBILE, patient(ONE, TWO), stale, PRINTER) == SECOND
    assert mapped_phone(MOBILE, patient(ONE, TWO), {**stale, **base_of({"mobile_phone": FIRST})}, PRINTER) == FIRST


def test_s1_the_entry_that_is_the_base_is_mapped_wherever_it_stands() -> None:
    assert mapped_phone(MOBILE, patient(ONE, TWO), base_of({"mobile_phone": SECOND}), PRINTER) == SECOND


def test_s1_an_entry_put_before_the_mapped_one_is_no_edit_of_the_field() -> None:
    base = base_of({"mobile_phone": FIRST})
    assert mapped_phone(MOBILE, patient(ONE), base, PRINTER) == FIRST
    assert mapped_phone(MOBILE, patient(TWO, ONE), base, PRINTER) == FIRST


def test_s1_with_the_mapped_entry_gone_the_first_that_is_left_is_mapped() -> None:
    assert mapped_phone(MOBILE, patient(TWO), base_of({"mobile_phone": FIRST}), PRINTER) == SECOND


def test_f6_a_list_that_the_answer_did_not_carry_is_absent() -> None:
    snapshot = CODEC.snapshot_from_hint({"id": "pat-abc"})
    assert mapped_phone(MOBILE, snapshot, base_of({"mobile_phone": FIRST}), PRINTER) is ABSENT
    assert snapshot.values["mobile_phone"] is snapshot.values["home_phone"] is ABSENT


@pytest.mark.parametrize("empty", [None, []])
def test_s1_an_empty_list_is_blank(empty: object) -> None:
    snapshot = CODEC.snapshot_from_hint({"id": "pat-abc", "phones": empty})
    assert mapped_phone(MOBILE, snapshot, {}, PRINTER) is None


@pytest.mark.parametrize("odd", ["4155550101", {"number": "4155550101"}, ["4155550101"]])
def test_a_list_in_another_shape_is_unreadable_and_never_rewritten(odd: object) -> None:
    snapshot = CODEC.snapshot_from_hint({"id": "pat-abc", "phones": odd})
    assert snapshot.values["mobile_phone"] is ABSENT
    assert snapshot.unreadable == {"mobile_phone", "home_phone", "office_phone"}


def test_an_entry_whose_number_is_no_number_blocks_its_own_type_only() -> None:
    snapshot = patient({"number": ["4155550101"], "type": "mobile"}, ONE, HOME)
    assert snapshot.values["mobile_phone"] is ABSENT
    assert snapshot.unreadable == {"mobile_phone"}
    assert snapshot.values["home_phone"] == "+14155550199"


def test_f3_a_write_changes_the_mapped_entry_and_sends_all_others_as_they_came() -> None:
    snapshot = patient(NIGHT, ONE, TWO, HOME)
    changed = {**ONE, "number": "4155550103", "us_formattable": True}
    assert written(snapshot, THIRD) == [NIGHT, changed, TWO, HOME]


def test_f3_a_write_can_name_an_entry_that_is_not_the_first_of_its_type() -> None:
    snapshot = patient(ONE, TWO)
    replaced = replaced_phone(MOBILE, snapshot, base_of({"mobile_phone": SECOND}), PRINTER)
    assert written(snapshot, THIRD, replaced) == [ONE, {**TWO, "number": "4155550103", "us_formattable": True}]


def test_f3_a_number_that_is_not_ten_digits_loses_the_mark_of_one_that_is() -> None:
    assert written(patient(ONE), "+442079460958") == [{**ONE, "number": "+44 20 7946 0958", "us_formattable": False}]


def test_f3_a_number_of_a_type_the_list_lacks_goes_to_its_end() -> None:
    assert written(patient(HOME), FIRST) == [HOME, {"type": "mobile", "number": "4155550101", "us_formattable": True}]


def test_f3_an_entry_without_a_number_is_filled() -> None:
    blank: dict[str, object] = {"id": "ph-9", "number": "", "type": "mobile"}
    assert written(patient(blank), FIRST) == [{**blank, "number": "4155550101", "us_formattable": True}]


def test_f3_an_entry_that_a_person_changed_meanwhile_is_not_overwritten_nor_is_its_neighbour() -> None:
    assert written(patient(ONE), None, SECOND) == [ONE]
    assert written(patient(ONE), THIRD, SECOND)[0] == ONE


def test_f7_a_clear_removes_the_mapped_entry_and_maps_no_other_until_a_person_edits() -> None:
    before = patient(ONE, TWO, HOME)
    base = base_of({"mobile_phone": FIRST})
    moved = rest_after(MOBILE, before, None, base, PRINTER)
    assert moved == {"mobile_phone#rest": SECOND}
    after = patient(*written(before, None, replaced_phone(MOBILE, before, base, PRINTER)))
    assert [entry.raw for entry in after.phones] == [TWO, HOME]
    cleared = base_of({"mobile_phone": None, **moved})
    assert mapped_phone(MOBILE, after, cleared, PRINTER) is None
    edited = patient({**TWO, "number": "4155550103"}, HOME)
    assert mapped_phone(MOBILE, edited, cleared, PRINTER) == THIRD


def test_f7_a_crash_after_a_clear_reads_as_the_clear_if_the_rest_was_moved_before() -> None:
    before = patient(ONE, TWO)
    ahead = base_of(
        {"mobile_phone": FIRST, **rest_after(MOBILE, before, None, base_of({"mobile_phone": FIRST}), PRINTER)}
    )
    assert mapped_phone(MOBILE, before, ahead, PRINTER) == FIRST
    assert mapped_phone(MOBILE, patient(TWO), ahead, PRINTER) is None


def test_f7_a_number_written_after_a_clear_is_added_beside_what_the_clear_left() -> None:
    left = patient(TWO)
    base = base_of({"mobile_phone": None, "mobile_phone#rest": SECOND})
    replaced = replaced_phone(MOBILE, left, base, PRINTER)
    assert replaced == APPEND
    after = patient(*written(left, FIRST, replaced))
    assert after.phones[0] == PhoneEntry("mobile", SECOND, TWO)
    moved = rest_after(MOBILE, left, FIRST, base, PRINTER)
    assert moved == {"mobile_phone#rest": None}
    assert mapped_phone(MOBILE, after, base_of({"mobile_phone": FIRST, **moved}), PRINTER) == FIRST


@pytest.mark.parametrize("order", [(TWO, ONE), (ONE, TWO)])
def test_f7_a_number_that_comes_to_what_a_clear_left_is_the_new_value(order: tuple[dict[str, object], ...]) -> None:
    cleared = base_of({"mobile_phone": None, "mobile_phone#rest": SECOND})
    assert mapped_phone(MOBILE, patient(*order), cleared, PRINTER) == FIRST


def test_f7_a_rest_that_was_settled_never_hides_a_number_again() -> None:
    base = base_of({"mobile_phone": None, rest_field("mobile_phone"): None})
    assert mapped_phone(MOBILE, patient(TWO), base, PRINTER) == SECOND


def test_f7_a_clear_that_leaves_nothing_behind_needs_no_rest() -> None:
    assert rest_after(MOBILE, patient(ONE, HOME), None, base_of({"mobile_phone": FIRST}), PRINTER) == {}
    assert rest_after(MOBILE, patient(ONE, TWO), FIRST, base_of({"mobile_phone": FIRST}), PRINTER) == {}


def test_f7_a_blank_that_both_sides_confirm_keeps_the_rest() -> None:
    base = base_of({"mobile_phone": None, "mobile_phone#rest": SECOND})
    assert rest_after(MOBILE, patient(TWO), None, base, PRINTER) == {"mobile_phone#rest": SECOND}


def test_the_reader_of_lists_refuses_what_it_could_not_write_back() -> None:
    with pytest.raises(Unreadable):
        read_entries({"mobile": "4155550101"}, lambda raw: str(raw))


def test_f3_a_number_that_the_type_holds_already_is_not_added_again() -> None:
    assert written(patient(ONE, HOME), FIRST, APPEND) == [ONE, HOME]
    assert written(patient(ONE, HOME), FIRST, SECOND) == [ONE, HOME]  # the entry to be replaced is gone
    assert len(written(patient(HOME), FIRST, APPEND)) == 2
