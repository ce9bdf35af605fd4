"""Working on patients as the staff does."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hintsync_emulators.control import Controlled
from hintsync_emulators.hint import Practice
from hintsync_emulators.hint.forms import STAFF_FIELDS, WRITABLE
from hintsync_emulators.hint.pages.fields import FIELDS, PARTNERS
from tests.emulators.browsing import Visitor
from tests.emulators.hint.receiver import Receiver

#: What no page lets anybody fill in, and why.
NOT_OFFERED = {
    "ssn": "nobody needs one here",
    "electronic_communication_consent_accepted_at": "is noted when the consent is given",
    "patient_agreement_accepted_at": "is noted when the consent is given",
}
MOBILE = {"type": "mobile", "number": "5551234567"}


def a_value(practice: Practice, name: str) -> str:
    """Returns something that a field takes."""
    kind, choices = FIELDS[name].kind, FIELDS[name].choices
    if kind == "record":
        return list(practice.choices()[name])[-1]
    if kind == "flag":
        return "yes"
    by_kind = {"email": "ada@example.com", "date": "1980-02-29", "choice": choices[-1] if choices else ""}
    return by_kind.get(kind, f"A {name}")


def test_every_field_that_can_be_written_is_offered_or_left_out_on_purpose() -> None:
    offered = {name.partition(".")[0] for name in FIELDS} | {"phones"}
    assert offered | (set(PARTNERS) & WRITABLE) | NOT_OFFERED.keys() == WRITABLE | STAFF_FIELDS


async def test_a_patient_is_registered_with_every_field(visitor: Visitor, practice: Practice) -> None:
    practice.add_practitioner("Dr. Roe")
    wanted = {name: a_value(practice, name) for name in FIELDS}
    phones = {"phone_number_0": "5551234567", "phone_type_1": "Cell", "phone_number_1": "+44 20 7946 0000"}
    page = await visitor.press(await visitor.get("/patients/new"), "Register patient", **wanted, **phones)
    assert "The patient was registered." in page.text
    (patient,) = practice.patients()
    assert page.path == f"/patients/{patient['id']}"
    assert patient["phones"] == [
        {**MOBILE, "us_formattable": True},
        {"type": "mobile", "number": "+44 20 7946 0000", "us_formattable": False},
    ]
    again = (await visitor.get(f"{page.path}/edit")).form("Save")
    assert {name: again.values.get(name, "") for name in FIELDS} == wanted
    assert patient["practitioner"]["name"] == "Dr. Roe"  # type: ignore[index]


@pytest.mark.parametrize("name", sorted(FIELDS))
async def test_one_field_is_changed_and_cleared_alone(visitor: Visitor, practice: Practice, name: str) -> None:
    practice.add_practitioner("Dr. Roe")
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor", phones=[MOBILE])
    before, value = practice.patient(patient_id), a_value(practice, name)
    page = await visitor.press(await visitor.get(f"/patients/{patient_id}/edit"), "Save", **{name: value})
    assert page.path == f"/patients/{patient_id}"
    assert changed(before, practice.patient(patient_id)) >= {name.partition(".")[0]}
    form = await visitor.get(f"/patients/{patient_id}/edit")
    assert form.form("Save").values[name] == value
    if not FIELDS[name].required:
        cleared = None if FIELDS[name].kind == "flag" else ""
        await visitor.press(form, "Save", **{name: cleared})
        allowed = {"age"} if name == "dob" else {"memberships"} if name == "membership_status" else set()
        assert changed(before, practice.patient(patient_id)) - allowed == set()


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    times = {name for name in before if name.endswith("_at")}
    return {name for name in before.keys() - times if before[name] != after[name]}


async def test_a_form_that_nobody_changed_writes_nothing(
    visitor: Visitor, practice: Practice, receiver: Receiver
) -> None:
    patient_id = practice.create_patient(
        first_name=" Ada ",
        last_name="Moor\nRoe",
        dob="1980-02-29",
        phones=[{**MOBILE, "us_formattable": False}, {"type": " call at night ", "number": "1"}],
        patient_agreement_accepted=True,
        emergency_contact={"first_name": "Bo", "email": "bo@example.com"},
        archived=True,
    )
    await practice.deliver()
    receiver.got.clear()
    before = practice.patient(patient_id)
    page = await visitor.press(await visitor.get(f"/patients/{patient_id}/edit"), "Save")
    assert "Nothing was changed." in page.text
    await practice.deliver()
    assert (practice.patient(patient_id), receiver.got) == (before, [])


async def test_a_form_that_was_open_for_a_while_takes_nothing_back(visitor: Visitor, practice: Practice) -> None:
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor", email="old@example.com", phones=[MOBILE])
    form = await visitor.get(f"/patients/{patient_id}/edit")
    new_phone = {"type": "home", "number": "5557654321"}
    practice.edit(patient_id, email="new@example.com", phones=[new_phone])
    await visitor.press(form, "Save", address_city="Springfield")
    patient = practice.patient(patient_id)
    assert (patient["email"], patient["address_city"]) == ("new@example.com", "Springfield")
    assert patient["phones"] == [{**new_phone, "us_formattable": True}]


async def test_phones_are_changed_row_by_row(visitor: Visitor, practice: Practice) -> None:
    kept = {"type": "call at night", "number": "5550001111", "us_formattable": False}
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor", phones=[kept, MOBILE])
    form = await visitor.get(f"/patients/{patient_id}/edit")
    await visitor.press(
        form, "Save", phone_number_1="", phone_number_2="+1 555", phone_type_5="Fax", phone_number_5="9"
    )
    assert practice.patient(patient_id)["phones"] == [
        kept,
        {"type": "home", "number": "+1 555", "us_formattable": False},
        {"type": "fax", "number": "9", "us_formattable": False},
    ]


async def test_a_consent_is_noted_with_its_time(visitor: Visitor, practice: Practice) -> None:
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor")
    form = await visitor.get(f"/patients/{patient_id}/edit")
    page = await visitor.press(form, "Save", electronic_communication_consent_accepted="yes")
    given = practice.patient(patient_id)["hipaa_authorization_accepted_at"]
    assert given is not None
    assert f"HIPAA authorization accepted at {given}" in page.text


async def test_parts_of_the_emergency_contact_that_are_not_shown_stay(visitor: Visitor, practice: Practice) -> None:
    contact = {"first_name": "Bo", "phone": {"number": "1"}, "email": "bo@example.com"}
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor", emergency_contact=contact)
    form = await visitor.get(f"/patients/{patient_id}/edit")
    await visitor.press(form, "Save", **{"emergency_contact.email": "", "emergency_contact.relationship": "spouse"})
    expected = {"first_name": "Bo", "phone": {"number": "1"}, "relationship": "spouse"}
    assert practice.patient(patient_id)["emergency_contact"] == expected


async def test_what_hint_refuses_is_said_beside_the_field_and_kept_in_the_form(
    visitor: Visitor, practice: Practice
) -> None:
    form = await visitor.get("/patients/new")
    page = await visitor.press(form, "Register patient", first_name="Ada", email="no address", dob="1980-02-31")
    assert (page.status, len(practice)) == (422, 0)
    assert "Nothing was saved." in page.text
    for problem in ("Last name can't be blank", "Email is invalid", "Dob is invalid"):
        assert page.text.count(problem) == 2  # above the form, and beside the input
    assert 'name="email" type="text" value="no address"' in page.answer.text
    done = await visitor.press(page, "Register patient", last_name="Moor", email="ada@example.com", dob="1980-02-28")
    assert "The patient was registered." in done.text
    assert [patient["name"] for patient in practice.patients()] == ["Ada Moor"]


async def test_an_edit_that_is_refused_changes_nothing(visitor: Visitor, practice: Practice) -> None:
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor", email="ada@example.com")
    form = await visitor.get(f"/patients/{patient_id}/edit")
    page = await visitor.press(form, "Save", first_name="", address_city="Springfield")
    assert (page.status, practice.patient(patient_id)["address_city"]) == (422, None)
    done = await visitor.press(page, "Save", first_name="Eda")
    assert "The changes were saved." in done.text
    patient = practice.patient(patient_id)
    assert (patient["first_name"], patient["address_city"]) == ("Eda", "Springfield")


async def test_an_edit_sends_a_webhook_as_the_staff_s_own(
    visitor: Visitor, app: Controlled, practice: Practice, receiver: Receiver
) -> None:
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor")
    form = await visitor.get(f"/patients/{patient_id}/edit")
    await visitor.press(form, "Save", address_city="Springfield")
    await practice.deliver()
    assert receiver.types == ["patient.created", "patient.updated"]
    assert receiver.got[1].json["object"]["address_city"] == "Springfield"
    page = await visitor.get(f"/patients/{patient_id}")
    assert "patient.updated delivered 1 200 https://example.com/hook" in page.text
    assert app.faults.total == 0


async def test_a_patient_is_archived_and_brought_back(visitor: Visitor, practice: Practice, receiver: Receiver) -> None:
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor")
    page = await visitor.press(await visitor.get(f"/patients/{patient_id}"), "Archive")
    assert practice.patient(patient_id)["membership_status"] == "archived"
    assert not page.has("Archive")
    page = await visitor.press(page, "Restore")
    assert practice.patient(patient_id)["membership_status"] == "unconfirmed"
    assert page.has("Archive")
    await practice.deliver()
    assert receiver.types == ["patient.created", "patient.updated", "patient.updated"]


async def test_two_patients_are_merged(visitor: Visitor, practice: Practice, receiver: Receiver) -> None:
    loser = practice.create_patient(first_name="Ada", last_name="Moor")
    winner = practice.create_patient(first_name="Adah", last_name="Moor", email="ada@example.com")
    form = await visitor.get(f"/patients/{loser}/merge")
    assert form.form("Merge").offered["into"] == [winner]
    page = await visitor.press(form, "Merge", into=winner)
    assert "The patient was merged." in page.text
    assert "Merged into Adah Moor" in page.text
    assert not page.has("Restore")
    assert practice.patient(loser)["merged_into"] == {"id": winner, "name": "Adah Moor"}
    await practice.deliver()
    assert receiver.got[-1].json["object"]["merged_into"]["id"] == winner


async def test_the_other_patient_is_searched_for(visitor: Visitor, practice: Practice) -> None:
    loser = practice.create_patient(first_name="Ada", last_name="Moor")
    winner = practice.create_patient(first_name="Ada", last_name="Roe")
    form = await visitor.get(f"/patients/{loser}/merge")
    assert "Nobody else fits." in form.text
    found = await visitor.press(form, "Search", q="roe")
    assert found.form("Merge").offered["into"] == [winner]


@pytest.mark.parametrize(
    ("chosen", "says"), [("", "Choose the patient"), ("self", "itself"), ("pat-x", "Couldn't find")]
)
async def test_a_merge_into_nobody_is_refused(visitor: Visitor, practice: Practice, chosen: str, says: str) -> None:
    loser = practice.create_patient(first_name="Ada", last_name="Moor")
    practice.create_patient(first_name="Bo", last_name="Moor")
    form = await visitor.get(f"/patients/{loser}/merge")
    page = await visitor.press(form, "Merge", into=loser if chosen == "self" else chosen)
    assert page.status in (404, 422)
    assert says in page.text
    assert practice.patient(loser)["merged_into"] is None


async def test_who_was_merged_is_not_brought_back(visitor: Visitor, practice: Practice) -> None:
    loser = practice.create_patient(first_name="Ada", last_name="Moor")
    page = await visitor.press(await visitor.get(f"/patients/{loser}"), "Archive")
    practice.merge(loser, into=practice.create_patient(first_name="Bo", last_name="Moor"))
    assert (await visitor.press(page, "Restore")).status == 422
    assert practice.patient(loser)["membership_status"] == "archived"


async def test_a_patient_is_deleted_after_a_question(visitor: Visitor, practice: Practice, receiver: Receiver) -> None:
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor")
    question = await visitor.get(f"/patients/{patient_id}/delete")
    assert len(practice) == 1
    page = await visitor.press(question, "Delete for good")
    assert (page.path, len(practice)) == ("/patients", 0)
    assert "The patient was deleted for good." in page.text
    await practice.deliver()
    assert receiver.types[-1] == "patient.destroyed"
    assert (await visitor.get(f"/patients/{patient_id}")).status == 404


async def test_what_the_partner_wrote_is_shown(visitor: Visitor, practice: Practice) -> None:
    patient_id = practice.create_patient(
        first_name="Ada",
        last_name="Moor",
        integration_record_id="003A",
        integration_web_link="https://clinic.example.org/003A",
        integration_error_message="Two contacts fit",
    )
    practice.add_foreign_record(patient_id, "Other Partner", "X-1")
    page = await visitor.get(f"/patients/{patient_id}")
    assert "Two contacts fit" in page.text
    assert 'href="https://clinic.example.org/003A"' in page.answer.text
    assert "Known to Other Partner as X-1" in page.text
    practice.edit(patient_id, integration_web_link="javascript:alert(1)")
    assert 'href="javascript' not in (await visitor.get(f"/patients/{patient_id}")).answer.text


@settings(max_examples=30, suppress_health_check=list(HealthCheck), deadline=None)
@given(name=st.text(max_size=30), city=st.text(max_size=30))
async def test_any_text_comes_back_from_the_form_as_it_was_typed(
    visitor: Visitor, practice: Practice, name: str, city: str
) -> None:
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor")
    form = await visitor.get(f"/patients/{patient_id}/edit")
    typed = {
        "middle_name": name.encode("utf-8", "replace").decode(),
        "address_city": city.encode("utf-8", "replace").decode(),
    }
    page = await visitor.press(form, "Save", **typed)
    assert page.status == 200
    patient = practice.patient(patient_id)
    assert {key: patient[key] or "" for key in typed} == {key: value.strip() for key, value in typed.items()}
    again = await visitor.press(await visitor.get(f"/patients/{patient_id}/edit"), "Save")
    assert "Nothing was changed." in again.text
