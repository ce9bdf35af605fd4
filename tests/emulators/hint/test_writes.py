"""Creating and changing patients through the API."""

from typing import Any

import httpx
import pytest

from hintsync_emulators.hint import Practice

from .conftest import Clock, message

PATIENTS = "/api/provider/patients"
#: The keys of the published example of a patient, and those that later versions added.
DOCUMENTED = set(
    """id address_city address_country address_line1 address_line2 address_state address_zip age chosen_first_name
    chosen_last_name chosen_middle_name chosen_suffix chosen_title created_at dob
    electronic_communication_consent_accepted electronic_communication_consent_accepted_at email engaged
    external_link_id first_name gender gender_identity gender_other health_insurance_group_id
    health_insurance_member_id health_insurance_payer_id health_insurance_payer_name hipaa_authorization_accepted
    hipaa_authorization_accepted_at import_id import_source joined_practice_date last_engagement_date last_name
    lead_source_other master_record_sponsor membership_status middle_name name patient_agreement_accepted
    patient_agreement_accepted_at preferred_language pronouns provider_web_link sex suffix terms_accepted
    terms_accepted_at updated_at uses_tobacco account company emergency_contact external_records known_practice
    lead_source location location_group membership_members memberships merged_into phones practitioner
    practitioner_group sponsorships ssn integration_error_message integration_last_synced_at integration_record_id
    integration_sync_status integration_web_link email_marketing_authorization""".split()  # noqa: SIM905
)


async def create(api: httpx.AsyncClient, **values: Any) -> dict[str, Any]:
    answer = await api.post(PATIENTS, json={"first_name": "Ada", "last_name": "Moor", **values})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def patch(api: httpx.AsyncClient, patient: dict[str, Any], **values: Any) -> dict[str, Any]:
    answer = await api.patch(f"{PATIENTS}/{patient['id']}", json=values)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_created_patient_comes_back_complete_with_status_200(api: httpx.AsyncClient) -> None:
    body = {"first_name": "Ada", "middle_name": "B.", "last_name": "Moor", "dob": "1980-03-02", "sex": "female"}
    answer = await api.post(PATIENTS, json=body)
    assert answer.status_code == 200
    patient = answer.json()
    assert set(patient) == DOCUMENTED
    assert {name: patient[name] for name in body} == body
    assert patient["id"].startswith("pat-")
    assert len(patient["id"]) == 16
    assert (patient["name"], patient["age"], patient["membership_status"]) == ("Ada B. Moor", 45, "unconfirmed")
    assert patient["provider_web_link"].endswith(patient["id"])
    assert patient == (await api.get(f"{PATIENTS}/{patient['id']}")).json()


async def test_time_stamps_carry_an_offset_that_is_not_utc(api: httpx.AsyncClient) -> None:
    patient = await create(api)
    assert patient["created_at"].startswith("2026-03-01T04:00:00")
    assert patient["created_at"].endswith("-08:00")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"last_name": "Moor"}, "Validation failed: First name can't be blank"),
        ({"first_name": "Ada", "last_name": " "}, "Validation failed: Last name can't be blank"),
        ({}, "Validation failed: First name can't be blank, Last name can't be blank"),
        # The wrapped form of older clients holds no field that Hint knows.
        ({"patient": {"first_name": "Ada", "last_name": "Moor"}}, "Validation failed: First name can't be blank"),
    ],
)
async def test_names_are_required_to_create(api: httpx.AsyncClient, body: object, text: str) -> None:
    status, said = message(await api.post(PATIENTS, json=body))
    assert status == 422
    assert said.startswith(text)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"dob": "03/02/1980"}, "Dob is invalid"),
        ({"dob": ""}, "Dob is invalid"),
        ({"dob": "1981-02-29"}, "Dob is invalid"),
        ({"dob": 19800302}, "Dob is invalid"),
        ({"sex": "unknown"}, "Sex is not included in the list"),
        ({"gender_identity": "x"}, "Gender identity is not included in the list"),
        ({"email": "nobody"}, "Email is invalid"),
        ({"email": "a b@example.com"}, "Email is invalid"),
        ({"address_city": "x" * 256}, "Address city is too long (maximum is 255 characters)"),
        ({"first_name": {"nested": 1}}, "First name is invalid"),
        ({"phones": "4155550132"}, "Phones is invalid"),
        ({"phones": ["4155550132"]}, "Phones is invalid"),
        ({"phones": [{"type": "home"}]}, "Phones number can't be blank"),
        ({"phones": [{"number": "4155550132"}]}, "Phones type can't be blank"),
        (
            {"phones": [{"number": "+14155550132", "type": "home", "us_formattable": True}]},
            "Phones number is invalid",
        ),
        ({"emergency_contact": "Bo"}, "Emergency contact is invalid"),
        ({"ssn": {"number": "12"}}, "Ssn is invalid"),
    ],
)
async def test_invalid_values_are_refused_and_nothing_changes(
    api: httpx.AsyncClient, practice: Practice, values: dict[str, Any], text: str
) -> None:
    patient = await create(api, email="ada@example.com")
    answer = await api.patch(f"{PATIENTS}/{patient['id']}", json={"middle_name": "New", **values})
    assert message(answer) == (422, f"Validation failed: {text}")
    assert (await api.get(f"{PATIENTS}/{patient['id']}")).json() == patient
    assert (await api.post(PATIENTS, json={"first_name": "A", "last_name": "B", **values})).status_code == 422
    assert len(practice) == 1


async def test_several_problems_come_in_one_sentence(api: httpx.AsyncClient) -> None:
    answer = await api.post(PATIENTS, json={"last_name": "Moor", "dob": "x", "sex": "y"})
    said = "Validation failed: Dob is invalid, Sex is not included in the list, First name can't be blank"
    assert message(answer) == (422, said)


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_an_update_changes_what_it_names_and_nothing_else(api: httpx.AsyncClient, method: str) -> None:
    patient = await create(api, email="ada@example.com", dob="1980-03-02")
    answer = await api.request(method, f"{PATIENTS}/{patient['id']}", json={"email": "new@example.com"})
    changed = answer.json()
    differing = {name for name in patient if patient[name] != changed[name]}
    assert differing == {"email", "updated_at"}


async def test_updated_at_rises_with_a_change_and_stays_without_one(api: httpx.AsyncClient, clock: Clock) -> None:
    patient = await create(api, email="ada@example.com", phones=[{"number": "4155550132", "type": "mobile"}])
    clock.advance(minutes=5)
    same = await patch(
        api, patient, email="ada@example.com", middle_name="", phones=[{"number": "4155550132", "type": "Cell"}]
    )
    assert same["updated_at"] == patient["updated_at"]
    changed = await patch(api, patient, email="new@example.com")
    assert changed["updated_at"] > patient["updated_at"]
    assert changed["created_at"] == patient["created_at"]


async def test_two_changes_at_one_moment_still_have_two_time_stamps(api: httpx.AsyncClient) -> None:
    patient = await create(api)
    one = await patch(api, patient, email="one@example.com")
    two = await patch(api, patient, email="two@example.com")
    assert patient["updated_at"] < one["updated_at"] < two["updated_at"]


@pytest.mark.parametrize("blank", [None, ""])
async def test_null_and_empty_clear_a_field(api: httpx.AsyncClient, blank: str | None) -> None:
    patient = await create(api, email="ada@example.com", sex="female", dob="1980-03-02")
    cleared = await patch(api, patient, email=blank, sex=blank)
    assert (cleared["email"], cleared["sex"], cleared["dob"]) == (None, None, "1980-03-02")
    assert (await patch(api, patient, dob=None))["dob"] is None


async def test_clearing_can_be_switched_off(api: httpx.AsyncClient, practice: Practice) -> None:
    practice.switches.null_clears = False
    patient = await create(api, email="ada@example.com")
    kept = await patch(api, patient, email=None, address_city="Boston")
    assert (kept["email"], kept["address_city"]) == ("ada@example.com", "Boston")


@pytest.mark.parametrize("blank", [None, "", "  "])
async def test_a_name_cannot_be_cleared(api: httpx.AsyncClient, blank: str | None) -> None:
    patient = await create(api)
    answer = await api.patch(f"{PATIENTS}/{patient['id']}", json={"last_name": blank})
    assert message(answer) == (422, "Validation failed: Last name can't be blank")


async def test_unknown_fields_are_ignored_without_a_word(api: httpx.AsyncClient) -> None:
    patient = await create(api, address_line_1="1 Elm Street", favourite_colour="blue", name="Nobody", id="pat-mine")
    assert patient["address_line1"] is None
    assert "favourite_colour" not in patient
    assert patient["name"] == "Ada Moor"
    assert patient["id"] != "pat-mine"


async def test_unknown_fields_can_be_refused(api: httpx.AsyncClient, practice: Practice) -> None:
    practice.switches.strict_unknown_fields = True
    answer = await api.post(PATIENTS, json={"first_name": "A", "last_name": "B", "address_line_1": "1 Elm Street"})
    assert message(answer) == (400, "found unpermitted parameter: :address_line_1")


@pytest.mark.parametrize("field", ["membership_status", "updated_at", "created_at", "hipaa_authorization_accepted_at"])
async def test_what_only_hint_may_write_is_ignored(api: httpx.AsyncClient, field: str) -> None:
    patient = await create(api)
    assert (await patch(api, patient, **{field: "archived"}))[field] == patient[field]


async def test_the_title_is_kept_and_not_shown_unless_switched_on(api: httpx.AsyncClient, practice: Practice) -> None:
    patient = await create(api, title="Dr.")
    assert "title" not in patient
    assert practice.patient(patient["id"])["title"] == "Dr."
    practice.switches.title_echoed = True
    assert (await api.get(f"{PATIENTS}/{patient['id']}")).json()["title"] == "Dr."
    assert (await create(api))["title"] is None


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("California", "CA"), ("ca", "CA"), (" new  york ", "NY"), ("TX", "TX"), ("Bavaria", "Bavaria")],
)
async def test_states_are_shortened_to_two_letters(api: httpx.AsyncClient, sent: str, kept: str) -> None:
    assert (await create(api, address_state=sent))["address_state"] == kept


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("Mobile", "mobile"),
        ("CELL PHONE", "mobile"),
        ("m", "mobile"),
        ("cellular", "mobile"),
        ("Home Phone", "home"),
        ("h", "home"),
        ("Work Phone", "office"),
        ("company", "office"),
        ("Office", "office"),
        ("Call at Night", "call at night"),
    ],
)
async def test_phone_types_are_brought_to_hints_own(api: httpx.AsyncClient, sent: str, kept: str) -> None:
    patient = await create(api, phones=[{"number": "4155550132", "type": sent}])
    assert patient["phones"] == [{"number": "4155550132", "type": kept, "us_formattable": True}]


@pytest.mark.parametrize("number", ["(415) 555-0132", "+14155550132", "415555013", "٤١٥٥٥٥٠١٣٢"])
async def test_a_phone_in_another_form_is_kept_as_sent(api: httpx.AsyncClient, number: str) -> None:
    patient = await create(api, phones=[{"number": number, "type": "home"}])
    assert patient["phones"] == [{"number": number, "type": "home", "us_formattable": False}]


async def test_a_phone_sent_as_a_number_comes_back_as_text(api: httpx.AsyncClient) -> None:
    patient = await create(api, phones=[{"number": 4155550132, "type": "home"}])
    assert patient["phones"][0]["number"] == "4155550132"


async def test_phones_are_replaced_as_a_whole(api: httpx.AsyncClient) -> None:
    home, mobile = {"number": "4155550101", "type": "home"}, {"number": "4155550102", "type": "mobile"}
    patient = await create(api, phones=[home, mobile, {"number": "4155550103", "type": "mobile"}])
    assert len(patient["phones"]) == 3
    changed = await patch(api, patient, phones=[home])
    assert [phone["number"] for phone in changed["phones"]] == ["4155550101"]
    assert (await patch(api, patient, phones=[]))["phones"] == []


async def test_phones_can_be_merged_by_type(api: httpx.AsyncClient, practice: Practice) -> None:
    practice.switches.phones_merge = True
    patient = await create(
        api, phones=[{"number": "4155550101", "type": "home"}, {"number": "4155550102", "type": "mobile"}]
    )
    changed = await patch(api, patient, phones=[{"number": "4155550199", "type": "mobile"}])
    assert [(phone["type"], phone["number"]) for phone in changed["phones"]] == [
        ("home", "4155550101"),
        ("mobile", "4155550199"),
    ]


async def test_our_own_id_finds_a_patient_and_is_his_alone(api: httpx.AsyncClient) -> None:
    patient = await create(api, integration_record_id="003A0000001")
    assert (await api.get(f"{PATIENTS}/003A0000001")).json()["id"] == patient["id"]
    assert (await api.get(f"{PATIENTS}/003a0000001")).status_code == 404
    assert (await api.patch(f"{PATIENTS}/003A0000001", json={"email": "a@example.com"})).status_code == 200
    taken = (422, "Validation failed: Integration record has already been taken")
    body = {"first_name": "Bo", "last_name": "Rowe", "integration_record_id": "003A0000001"}
    assert message(await api.post(PATIENTS, json=body)) == taken
    other = await create(api)
    answer = await api.patch(f"{PATIENTS}/{other['id']}", json={"integration_record_id": "003A0000001"})
    assert message(answer) == taken


async def test_our_own_id_is_free_again_once_cleared_or_its_patient_destroyed(
    api: httpx.AsyncClient, practice: Practice
) -> None:
    patient = await create(api, integration_record_id="003A")
    same = await patch(api, patient, integration_record_id="003A")
    assert same["updated_at"] == patient["updated_at"]
    await patch(api, patient, integration_record_id=None)
    other = await create(api, integration_record_id="003A")
    practice.destroy(other["id"])
    assert (await patch(api, patient, integration_record_id="003A"))["integration_record_id"] == "003A"


async def test_every_partners_id_is_listed(api: httpx.AsyncClient, practice: Practice) -> None:
    patient = await create(api, integration_record_id="003A")
    practice.add_foreign_record(patient["id"], "Another Partner", "emr-1")
    rows = (await api.get(f"{PATIENTS}/{patient['id']}/integration_records")).json()
    assert [(row["integration_record_id"], row["partner"]["name"]) for row in rows] == [
        ("003A", practice.partner.name),
        ("emr-1", "Another Partner"),
    ]


async def test_the_same_new_id_can_be_used_by_two_partners(api: httpx.AsyncClient, practice: Practice) -> None:
    patient = await create(api)
    practice.add_foreign_record(patient["id"], "Another Partner", "003A")
    assert (await create(api, integration_record_id="003A"))["integration_record_id"] == "003A"


async def test_a_consent_gets_the_time_it_was_given_under_both_names(api: httpx.AsyncClient, clock: Clock) -> None:
    patient = await create(api)
    assert patient["hipaa_authorization_accepted"] is False
    clock.advance(days=1)
    given = await patch(api, patient, electronic_communication_consent_accepted=True, patient_agreement_accepted=True)
    for name in (
        "electronic_communication_consent_accepted",
        "hipaa_authorization_accepted",
        "patient_agreement_accepted",
        "terms_accepted",
    ):
        assert given[name] is True
        assert given[f"{name}_at"] == given["updated_at"]
    withdrawn = await patch(api, patient, patient_agreement_accepted=False)
    assert (withdrawn["terms_accepted"], withdrawn["terms_accepted_at"]) == (False, None)
    assert withdrawn["hipaa_authorization_accepted"] is True


async def test_a_practitioner_is_set_by_id_and_shown_with_name(api: httpx.AsyncClient, practice: Practice) -> None:
    practitioner = practice.add_practitioner("Dr. Roe")
    patient = await create(api, practitioner={"id": practitioner})
    assert (patient["practitioner"]["id"], patient["practitioner"]["name"]) == (practitioner, "Dr. Roe")
    answer = await api.patch(f"{PATIENTS}/{patient['id']}", json={"practitioner": {"id": "pct-nobody"}})
    assert message(answer) == (404, "Couldn't find Practitioner")


async def test_social_security_numbers_are_never_shown(api: httpx.AsyncClient) -> None:
    patient = await create(api, ssn={"number": "999-12-3456"})
    assert patient["ssn"] == {"masked_number": "***-**-3456"}


async def test_an_emergency_contact_is_kept(api: httpx.AsyncClient) -> None:
    contact = {"name": "Bo Moor", "relationship": "spouse"}
    assert (await create(api, emergency_contact=contact))["emergency_contact"] == contact


async def test_deleting_answers_204_and_the_patient_is_gone(api: httpx.AsyncClient) -> None:
    patient = await create(api)
    answer = await api.delete(f"{PATIENTS}/{patient['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await api.get(f"{PATIENTS}/{patient['id']}")).status_code == 404
    assert (await api.patch(f"{PATIENTS}/{patient['id']}", json={"email": "a@example.com"})).status_code == 404


@pytest.mark.parametrize("content", [b"{broken", b"[1]", b'"text"'])
async def test_a_body_that_is_no_object_is_refused(api: httpx.AsyncClient, content: bytes) -> None:
    answer = await api.post(PATIENTS, content=content, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400


async def test_a_form_is_read_like_json(api: httpx.AsyncClient) -> None:
    answer = await api.post(PATIENTS, data={"first_name": "Ada", "last_name": "Moor"})
    assert answer.json()["name"] == "Ada Moor"


async def test_values_in_any_script_come_back_as_sent(api: httpx.AsyncClient) -> None:
    patient = await create(api, first_name="Nguyễn", last_name="김 O’Dell", address_line1="Straße 1 \U0001f600")
    assert (patient["first_name"], patient["last_name"]) == ("Nguyễn", "김 O’Dell")
    assert patient["address_line1"] == "Straße 1 \U0001f600"


async def test_a_birth_date_can_be_required(api: httpx.AsyncClient, practice: Practice) -> None:
    practice.switches.dob_required = True
    answer = await api.post(PATIENTS, json={"first_name": "Ada", "last_name": "Moor"})
    assert message(answer) == (422, "Validation failed: Dob can't be blank")
    patient = await create(api, dob="1980-03-02")
    assert (await patch(api, patient, email="a@example.com"))["email"] == "a@example.com"


async def test_names_can_be_required_on_updates(api: httpx.AsyncClient, practice: Practice) -> None:
    patient = await create(api)
    practice.switches.names_required_on_patch = True
    answer = await api.patch(f"{PATIENTS}/{patient['id']}", json={"email": "a@example.com"})
    assert message(answer)[0] == 422
    both = {"first_name": "Ada", "last_name": "Moor"}
    assert (await patch(api, patient, email="a@example.com", **both))["email"] == "a@example.com"


async def test_some_changes_can_be_made_quiet(api: httpx.AsyncClient, practice: Practice, clock: Clock) -> None:
    practice.switches.quiet_fields = "phones practitioner"
    patient = await create(api)
    clock.advance(hours=1)
    quiet = await patch(api, patient, phones=[{"number": "4155550132", "type": "home"}])
    assert quiet["phones"]
    assert quiet["updated_at"] == patient["updated_at"]
    loud = await patch(api, patient, phones=[], email="a@example.com")
    assert loud["updated_at"] > patient["updated_at"]


async def test_checks_of_length_and_mail_address_can_be_switched_off(
    api: httpx.AsyncClient, practice: Practice
) -> None:
    practice.switches.max_length, practice.switches.email_checked = 0, False
    patient = await create(api, email="nobody", address_city="x" * 300)
    assert (patient["email"], len(patient["address_city"])) == ("nobody", 300)


@pytest.mark.parametrize(("accepted", "expected"), [(True, "1 Main St"), (False, None)])
async def test_the_address_lines_of_go_hint_are_a_switch(
    api: httpx.AsyncClient, practice: Practice, accepted: bool, expected: str | None
) -> None:
    practice.switches.address_line_1_accepted = accepted
    made = (await api.post(PATIENTS, json={"first_name": "A", "last_name": "B", "address_line_1": "1 Main St"})).json()
    assert made["address_line1"] == expected


@pytest.mark.parametrize("patient_id", ["a%2Fb", "pat-x%2Factivate", "%2F", "a%2Fb%2Fc"])
async def test_a_slash_inside_an_id_is_part_of_the_id(api: httpx.AsyncClient, patient_id: str) -> None:
    assert message(await api.get(f"{PATIENTS}/{patient_id}")) == (404, "Couldn't find Patient")


async def test_an_id_of_ours_with_a_slash_is_found(api: httpx.AsyncClient) -> None:
    body = {"first_name": "A", "last_name": "B", "integration_record_id": "a/b c"}
    made = (await api.post(PATIENTS, json=body)).json()
    assert (await api.get(f"{PATIENTS}/a%2Fb%20c")).json() == made


@pytest.mark.parametrize("dob", ["2026-W01-1", "20260101", "2026-1-1", "٢٠٢٦-٠١-٠١"])
async def test_a_birth_date_has_one_form(api: httpx.AsyncClient, dob: str) -> None:
    answer = await api.post(PATIENTS, json={"first_name": "Ada", "last_name": "Moor", "dob": dob})
    assert message(answer) == (422, "Validation failed: Dob is invalid")


@pytest.mark.parametrize("entry", [{"number": {"a": 1}, "type": "home"}, {"number": "5550100", "type": ["home"]}])
async def test_a_phone_is_made_of_texts(api: httpx.AsyncClient, entry: dict[str, Any]) -> None:
    answer = await api.post(PATIENTS, json={"first_name": "Ada", "last_name": "Moor", "phones": [entry]})
    assert message(answer) == (422, "Validation failed: Phones is invalid")


async def test_bodies_and_filters_do_not_nest_without_end(api: httpx.AsyncClient) -> None:
    for depth in (300, 900, 3_000):
        deep = f'{{"first_name": {"[" * depth}{"]" * depth}}}'
        assert message(await api.post(PATIENTS, content=deep))[0] == 400
        assert message(await api.get(PATIENTS, params={"dob": f'{{"eq": {"[" * depth}{"]" * depth}}}'}))[0] == 400
