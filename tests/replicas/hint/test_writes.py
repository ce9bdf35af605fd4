"""What only Hint's writes have: a phone list, names that may be required, our key as an id."""

from __future__ import annotations

import pytest

from hintsync.core.codec import Codec
from hintsync.core.errors import RetryLater
from hintsync.core.fields import DEFAULT_MAPPING, FieldMapping, Kind, Mapping
from hintsync.ports import (
    Bookkeeping,
    Created,
    CreateUnknown,
    Demographics,
    Draft,
    KeyTaken,
    Later,
    Moved,
    Refused,
    Unknown,
    Update,
    WriteMode,
    Written,
)
from hintsync.replicas.hint.patient_write import UNREADABLE_PHONES
from hintsync.replicas.hint.replica import HintReplica
from hintsync_emulators.control import Failure
from tests.contract.hint_world import HintWorld

ADA = {"first_name": "Ada", "last_name": "Moor", "birth_date": "1980-02-29", "mobile_phone": "+14155550132"}
NIGHT = {"type": "call at night", "number": "020 7946 0958", "us_formattable": False}
SECOND = {"type": "mobile", "number": "4155550177", "us_formattable": True}


async def update(hint: HintWorld, change: Update, mode: WriteMode = WriteMode.BATCH) -> object:
    (answer,) = await hint.replica.update([change], mode)
    return answer


async def seen(hint: HintWorld, record_id: str) -> object:
    return (await hint.replica.read([record_id]))[record_id]


def phones(hint: HintWorld, record_id: str) -> list[tuple[str, str]]:
    return [(phone["type"], phone["number"]) for phone in hint.practice.patient(record_id)["phones"]]  # type: ignore[attr-defined]


@pytest.fixture
def patient(hint: HintWorld) -> str:
    record_id = hint.seed(ADA)
    first = hint.practice.patient(record_id)["phones"]
    hint.practice.edit(record_id, phones=[NIGHT, *first, SECOND])  # type: ignore[misc]
    return record_id


# Phones


async def test_a_phone_write_leaves_all_other_entries_as_they_are(hint: HintWorld, patient: str) -> None:
    change = Update(patient, {"mobile_phone": "+14155550199", "home_phone": "+14155550111"}, await seen(hint, patient))
    assert isinstance(await update(hint, change), Written)
    assert phones(hint, patient) == [
        ("call at night", "020 7946 0958"),
        ("mobile", "4155550199"),
        ("mobile", "4155550177"),
        ("home", "4155550111"),
    ]


async def test_a_named_entry_is_replaced_where_it_stands(hint: HintWorld, patient: str) -> None:
    change = Update(
        patient,
        {"mobile_phone": "+14155550199"},
        await seen(hint, patient),
        replaced_phones={"mobile_phone": "+14155550177"},
    )
    await update(hint, change)
    assert phones(hint, patient)[1:] == [("mobile", "4155550132"), ("mobile", "4155550199")]


@pytest.mark.parametrize(
    ("mode", "age", "reads"), [("live", 1.9, 0), ("live", 2.0, 1), ("batch", 59, 0), ("batch", 60, 1)]
)
async def test_a_phone_list_is_read_again_only_when_it_is_no_longer_fresh(
    hint: HintWorld, patient: str, mode: str, age: float, reads: int
) -> None:
    change = Update(patient, {"mobile_phone": "+14155550199"}, await seen(hint, patient))
    hint.clock.elapsed += age
    before = hint.replica.calls
    assert isinstance(await update(hint, change, WriteMode(mode)), Written)
    assert hint.replica.calls - before == 1 + reads


async def test_an_entry_added_meanwhile_survives_a_phone_write(hint: HintWorld, patient: str) -> None:
    change = Update(patient, {"mobile_phone": "+14155550199"}, await seen(hint, patient))
    hint.clock.elapsed += 90
    now = hint.practice.patient(patient)["phones"]
    hint.practice.edit(patient, phones=[*now, {"type": "home", "number": "4155550122"}])  # type: ignore[misc]
    assert isinstance(await update(hint, change), Written)
    assert ("home", "4155550122") in phones(hint, patient)


async def test_a_number_edited_meanwhile_is_not_overwritten(hint: HintWorld, patient: str) -> None:
    change = Update(patient, {"mobile_phone": "+14155550199"}, await seen(hint, patient))
    hint.clock.elapsed += 90
    hint.practice.edit(patient, phones=[{"type": "mobile", "number": "4155550122"}])
    assert await update(hint, change) == Moved(patient)
    assert phones(hint, patient) == [("mobile", "4155550122")]


async def test_a_named_entry_that_is_gone_is_not_written_over_its_neighbour(hint: HintWorld, patient: str) -> None:
    change = Update(
        patient,
        {"mobile_phone": "+14155550199"},
        await seen(hint, patient),
        replaced_phones={"mobile_phone": "+14155550177"},
    )
    hint.clock.elapsed += 90
    hint.practice.edit(patient, phones=[{"type": "mobile", "number": "4155550132"}])
    assert await update(hint, change) == Moved(patient)


async def test_a_phone_write_without_anything_seen_reads_first(hint: HintWorld, patient: str) -> None:
    await update(hint, Update(patient, {"home_phone": "+14155550111"}, None))
    assert [kind for kind, _ in phones(hint, patient)] == ["call at night", "mobile", "mobile", "home"]


async def test_a_phone_list_nobody_can_read_is_not_rewritten(hint: HintWorld, patient: str) -> None:
    raw = {**hint.practice.patient(patient), "phones": "4155550132"}
    hint.fail(Failure(status=200, body=raw, match=f"^GET .*{patient}"))
    answer = await update(hint, Update(patient, {"mobile_phone": "+14155550199"}, None))
    assert answer == Refused(patient, UNREADABLE_PHONES, frozenset({"mobile_phone"}))
    assert ("mobile", "4155550132") in phones(hint, patient)


# Names


async def test_names_are_sent_only_once_hint_asks_for_them_and_from_then_on(hint: HintWorld) -> None:
    hint.practice.switches.names_required_on_patch = True
    record_id = hint.practice.create_patient(first_name="  Ada ", last_name="Moor")
    before = hint.practice.patient(record_id)["first_name"]
    assert hint.replica.facts.names_required is None
    assert isinstance(await update(hint, Update(record_id, {"city": "Shelbyville"}, None)), Written)
    assert hint.replica.facts.names_required is True
    calls = hint.replica.calls
    assert isinstance(await update(hint, Update(record_id, {"city": "Ogdenville"}, None)), Written)
    assert hint.replica.calls - calls == 2
    shown = hint.practice.patient(record_id)
    assert (shown["first_name"], shown["address_city"]) == (before, "Ogdenville")


async def test_names_are_left_out_for_good_once_hint_took_a_patch_without_them(hint: HintWorld, patient: str) -> None:
    assert isinstance(await update(hint, Update(patient, {"city": "Shelbyville"}, None)), Written)
    assert hint.replica.facts.names_required is False


async def test_f9_a_blank_last_name_that_we_sent_is_a_refusal_and_no_rule_about_names(
    hint: HintWorld, patient: str
) -> None:
    answer = await update(hint, Update(patient, {"last_name": None}, None))
    assert isinstance(answer, Refused)
    assert answer.fields == {"last_name"}
    assert hint.replica.facts.names_required is None


# Bodies


async def test_what_is_written_beside_fields_is_what_staff_see_in_hint(hint: HintWorld, patient: str) -> None:
    keeping = Bookkeeping(peer_id="003000000000001AAA", web_link="https://org.test/003", error_message="held: email")
    await update(hint, Update(patient, {}, None, keeping))
    shown = hint.practice.patient(patient)
    assert shown["integration_record_id"] == "003000000000001AAA"
    assert shown["integration_web_link"] == "https://org.test/003"
    assert shown["integration_error_message"] == "held: email"
    await update(hint, Update(patient, {}, None, Bookkeeping(web_link="", error_message="")))
    shown = hint.practice.patient(patient)
    assert (shown["integration_web_link"], shown["integration_error_message"]) == (None, None)


async def test_what_a_patient_has_no_place_for_costs_no_call(hint: HintWorld, patient: str) -> None:
    before = hint.replica.calls
    stamps = Bookkeeping(marked=True, batch_id="run-1", batch_outcome="linked", batch_reason="L1")
    assert await update(hint, Update(patient, {}, None, stamps)) == Written(patient)
    assert hint.replica.calls == before


async def test_a_name_that_hint_would_ignore_without_a_word_is_never_sent(hint: HintWorld, patient: str) -> None:
    wrong = FieldMapping("street2", "Street", Kind.TEXT, ("address_line_1",), "MailingStreet")
    replica = HintReplica(hint.client, Codec(Mapping((*DEFAULT_MAPPING.rows, wrong))))
    with pytest.raises(ValueError, match="address_line_1"):
        await replica.update([Update(patient, {"street2": "1 Main St"}, None)], WriteMode.BATCH)


async def test_a_field_that_only_travels_to_salesforce_is_never_sent(hint: HintWorld, patient: str) -> None:
    with pytest.raises(ValueError, match="practitioner_name"):
        await hint.replica.update([Update(patient, {"practitioner_name": "Dr. No"}, None)], WriteMode.BATCH)


async def test_a_record_that_appears_twice_in_one_call_is_a_fault_of_the_caller(hint: HintWorld, patient: str) -> None:
    twice = [Update(patient, {"city": city}, None) for city in ("Shelbyville", "Ogdenville")]
    with pytest.raises(ValueError, match="twice"):
        await hint.replica.update(twice, WriteMode.BATCH)


# Answers


async def test_once_something_was_written_trouble_with_the_side_puts_the_rest_off(hint: HintWorld) -> None:
    ids = [hint.seed(ADA) for _ in range(30)]
    hint.fail(Failure(status=401, match="^PATCH ", skip=8, times=99))
    answers = await hint.replica.update([Update(each, {"city": "Town"}, None) for each in ids], WriteMode.BATCH)
    kinds = [type(answer) for answer in answers]
    assert kinds.count(Written) == 8
    assert kinds.count(Later) == 22
    assert {answer.code for answer in answers if isinstance(answer, Later)} == {"reconnect-needed"}
    towns = [hint.look(each)["city"] for each in ids]
    assert [town == "Town" for town in towns] == [kind is Written for kind in kinds]
    assert hint.app.faults.counts["patients.update"] <= 12


async def test_once_somebody_was_created_trouble_with_the_side_leaves_the_rest_unknown(hint: HintWorld) -> None:
    hint.fail(Failure(status=401, match="^POST ", skip=1, times=99))
    answers = await hint.replica.create([Draft(f"key-{n}", {**ADA}) for n in range(9)])
    assert [type(answer) for answer in answers].count(Created) == 1
    assert [type(answer) for answer in answers].count(CreateUnknown) == 8
    assert hint.count() == 1


async def test_a_success_that_shows_no_patient_acknowledges_nothing(hint: HintWorld, patient: str) -> None:
    hint.fail(Failure(status=200, body="<html>please wait</html>", match="^(PATCH|POST) ", times=2))
    assert await update(hint, Update(patient, {"city": "Shelbyville"}, None)) == Unknown(patient)
    assert await hint.replica.create([Draft("key-1", {**ADA})]) == [CreateUnknown("key-1")]


async def test_a_key_is_taken_even_where_hint_words_it_otherwise(hint: HintWorld) -> None:
    holder = hint.seed(ADA, peer_id="key-1")
    hint.fail(Failure(status=422, body={"status": 422, "message": "Duplicate record"}, match="^POST "))
    assert await hint.replica.create([Draft("key-1", {**ADA})]) == [KeyTaken("key-1", holder)]


async def test_f9_a_key_that_another_patient_holds_is_refused_on_update(hint: HintWorld, patient: str) -> None:
    hint.seed(ADA, peer_id="key-1")
    answer = await update(hint, Update(patient, {"city": "Shelbyville"}, None, Bookkeeping(peer_id="key-1")))
    assert isinstance(answer, Refused)
    assert (answer.code, answer.fields) == ("422", frozenset())
    assert hint.look(patient)["city"] is None


# Finding


async def test_a_birth_date_filter_that_stops_working_is_noticed_and_not_believed(hint: HintWorld) -> None:
    hint.seed(ADA)
    hint.seed({**ADA, "birth_date": "1999-09-09"})
    hint.practice.switches.dob_filter = False
    with pytest.raises(RetryLater, match="birth-date"):
        await hint.replica.find([Demographics("Ada", "Moor", "1980-02-29")])
    assert hint.replica.capabilities.find_by_birth_date is False
    assert hint.replica.facts.dob_filter is False


async def test_people_born_on_one_day_are_asked_for_once(hint: HintWorld) -> None:
    hint.seed(ADA)
    await hint.replica.find([Demographics(name, "Moor", "1980-02-29") for name in ("Ada", "Ben", "Cleo")])
    assert hint.replica.calls == 1


async def test_archived_people_are_found_too(hint: HintWorld) -> None:
    record_id = hint.seed(ADA)
    hint.archive(record_id)
    assert [each.id for each in await hint.replica.find([Demographics("Ada", "Moor", "1980-02-29")])] == [record_id]


async def test_another_partners_way_to_name_a_patient_is_not_taken_for_an_id(hint: HintWorld, patient: str) -> None:
    hint.practice.edit(patient, integration_record_id="003000000000001AAA")
    assert await hint.replica.read(["003000000000001AAA"]) == {}
