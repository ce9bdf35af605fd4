"""The Codec: what records of both systems say, and the bodies that write them."""

from __future__ import annotations

import pytest

from hintsync.core.codec import Codec
from hintsync.core.conventions import Conventions, PlaceForm
from hintsync.core.errors import BadInput
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.records import RecordState
from hintsync.core.values import ABSENT, Side

CODEC = Codec(DEFAULT_MAPPING)
PICKLISTS = Codec(
    DEFAULT_MAPPING, Conventions(salesforce_state=PlaceForm.PICKLIST, salesforce_country=PlaceForm.PICKLIST)
)

PATIENT: dict[str, object] = {
    "id": "pat-ab12C345DeF6",
    "first_name": "Ana",
    "middle_name": None,
    "last_name": " Ruiz ",
    "dob": "1956-04-24",
    "sex": "female",
    "gender": "male",
    "email": "Ana.Ruiz@Example.org",
    "phones": [{"number": "4155550132", "type": "mobile", "us_formattable": True}],
    "address_line1": "157 E Houston St",
    "address_line2": "Suite 2402",
    "address_city": "New York",
    "address_state": "NY",
    "address_zip": "10002",
    "address_country": "United States",
    "practitioner": {"id": "pct-1", "name": "Rosa  Lind"},
    "health_insurance_payer_name": "Anthem",
    "health_insurance_group_id": "12345",
    "health_insurance_member_id": "A22",
    "patient_agreement_accepted": False,
    "patient_agreement_accepted_at": None,
    "terms_accepted": True,
    "terms_accepted_at": "2017-01-29T06:23:00.000000-08:00",
    "hipaa_authorization_accepted": True,
    "hipaa_authorization_accepted_at": "2017-01-29T06:23:00.000000-08:00",
    "membership_status": "active",
    "integration_record_id": "003000000000001AAA",
    "merged_into": None,
    "updated_at": "2017-02-05T06:23:00.000000-08:00",
}

CONTACT: dict[str, object] = {
    "attributes": {"type": "Contact"},
    "Id": "003000000000001AAA",
    "Salutation": "Ms.",
    "FirstName": "Ana",
    "MiddleName": None,
    "LastName": "Ruiz",
    "Birthdate": "1956-04-24",
    "Hint_Gender__c": "Female",
    "Email": "ana.ruiz@example.org",
    "MobilePhone": "(415) 555-0132",
    "HomePhone": None,
    "Phone": None,
    "MailingStreet": "157 E Houston St\r\nSuite 2402",
    "MailingCity": "New York",
    "MailingState": "New York",
    "MailingPostalCode": "10002",
    "MailingCountry": "USA",
    "Hint_Practitioner_Name__c": "Rosa Lind",
    "Hint_Insurance_Payer__c": "Anthem",
    "Hint_Insurance_Group_Id__c": "12345",
    "Hint_Insurance_Member_Id__c": "A22",
    "Hint_Member_Contract_Accepted__c": False,
    "Hint_Member_Contract_Accepted_At__c": None,
    "Hint_HIPAA_Authorization_Accepted__c": True,
    "Hint_HIPAA_Authorization_Accepted_At__c": "2017-01-29T14:23:00.000+0000",
    "Hint_Membership_Status__c": "active",
    "Hint_Patient_Id__c": "pat-ab12C345DeF6",
    "Synced_to_Hint__c": True,
    "AccountId": "001000000000001AAA",
    "IsDeleted": False,
    "MasterRecordId": None,
    "SystemModstamp": "2017-02-05T14:23:00.000+0000",
}


def test_s1_records_that_differ_in_form_only_say_the_same() -> None:
    on_hint = dict(CODEC.snapshot_from_hint(PATIENT).values)
    on_salesforce = dict(CODEC.snapshot_from_salesforce(CONTACT).values)
    assert on_hint.pop("name_prefix") is ABSENT
    assert on_salesforce.pop("name_prefix") == "Ms."
    assert on_hint == on_salesforce
    assert (on_hint["state"], on_hint["country"], on_hint["gender"]) == ("NY", "US", "female")


def test_a_patient_brings_its_bookkeeping() -> None:
    snapshot = CODEC.snapshot_from_hint(PATIENT, 12.5)
    assert (snapshot.side, snapshot.id) == (Side.HINT, "pat-ab12C345DeF6")
    assert snapshot.stamp == PATIENT["updated_at"]
    assert snapshot.peer_id == "003000000000001AAA"
    assert snapshot.state is RecordState.LIVE
    assert snapshot.read_at == 12.5
    assert [entry.type for entry in snapshot.phones] == ["mobile"]


def test_a_contact_brings_its_bookkeeping() -> None:
    snapshot = CODEC.snapshot_from_salesforce(CONTACT, 7.0)
    assert (snapshot.side, snapshot.id, snapshot.read_at) == (Side.SALESFORCE, "003000000000001AAA", 7.0)
    assert snapshot.stamp == CONTACT["SystemModstamp"]
    assert snapshot.peer_id == "pat-ab12C345DeF6"
    assert snapshot.marked
    assert snapshot.account_id == "001000000000001AAA"
    assert not snapshot.person_account
    assert snapshot.state is RecordState.LIVE


def test_f6_what_an_answer_does_not_carry_is_absent_and_null_is_blank() -> None:
    snapshot = CODEC.snapshot_from_hint({"id": "pat-1", "email": None, "practitioner": None})
    assert snapshot.values["email"] is None
    assert snapshot.values["practitioner_name"] is None
    assert {name for name, value in snapshot.values.items() if value is not ABSENT} == {"email", "practitioner_name"}
    contact = CODEC.snapshot_from_salesforce({"Id": "003000000000001AAA", "Email": "", "Synced_to_Hint__c": "true"})
    assert [name for name, value in contact.values.items() if value is not ABSENT] == ["email"]
    assert contact.marked


def test_f6_a_practitioner_shown_without_a_name_is_absent() -> None:
    assert (
        CODEC.snapshot_from_hint({"id": "pat-1", "practitioner": {"id": "pct-1"}}).values["practitioner_name"] is ABSENT
    )


def test_f6_a_street_with_one_line_missing_from_the_answer_is_absent() -> None:
    assert CODEC.snapshot_from_hint({"id": "pat-1", "address_line1": "12 Elm"}).values["street"] is ABSENT
    blank = CODEC.snapshot_from_hint({"id": "pat-1", "address_line1": None, "address_line2": None})
    assert blank.values["street"] is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ({"sex": "female", "gender": "male"}, "female"),
        ({"sex": None, "gender": "male"}, None),
        ({"gender": "male"}, "male"),
        ({}, ABSENT),
    ],
)
def test_s1_a_fallback_key_counts_only_where_the_first_is_missing(raw: dict[str, object], expected: object) -> None:
    assert CODEC.snapshot_from_hint({"id": "pat-1", **raw}).values["gender"] == expected


def test_s1_an_agreement_not_accepted_is_not_replaced_by_accepted_terms() -> None:
    values = CODEC.snapshot_from_hint(PATIENT).values
    assert values["member_contract_accepted"] is False
    assert values["member_contract_accepted_at"] is None
    old = CODEC.snapshot_from_hint({"id": "pat-1", "terms_accepted": True}).values
    assert old["member_contract_accepted"] is True


def test_s1_what_cannot_be_read_is_absent_and_reported_by_name() -> None:
    patient = CODEC.snapshot_from_hint({**PATIENT, "dob": "-0050-01-0", "sex": "unknown"})
    assert patient.unreadable == {"birth_date", "gender"}
    assert patient.values["birth_date"] is patient.values["gender"] is ABSENT
    contact = CODEC.snapshot_from_salesforce({**CONTACT, "Hint_Gender__c": "Nonbinary", "Birthdate": "2023-02-30"})
    assert contact.unreadable == {"birth_date", "gender"}
    assert CODEC.snapshot_from_hint(PATIENT).unreadable == frozenset()


@pytest.mark.parametrize(
    ("raw", "state", "survivor"),
    [
        ({"membership_status": "archived"}, RecordState.ARCHIVED, None),
        ({"membership_status": "inactive"}, RecordState.LIVE, None),
        ({"merged_into": {"id": "pat-9", "name": "A"}}, RecordState.MERGED, "pat-9"),
    ],
)
def test_d3_d7_a_patient_shows_how_it_stands(raw: dict[str, object], state: RecordState, survivor: str | None) -> None:
    snapshot = CODEC.snapshot_from_hint({"id": "pat-1", **raw})
    assert (snapshot.state, snapshot.merged_into) == (state, survivor)
    assert CODEC.keyrow_from_hint({"id": "pat-1", **raw}).state is state


@pytest.mark.parametrize(
    ("raw", "state", "winner"),
    [
        ({"IsDeleted": True, "MasterRecordId": None}, RecordState.DELETED, None),
        ({"IsDeleted": "true", "MasterRecordId": ""}, RecordState.DELETED, None),
        ({"IsDeleted": True, "MasterRecordId": "003000000000009AAA"}, RecordState.MERGED, "003000000000009AAA"),
    ],
)
def test_d1_d4_a_deleted_contact_is_merged_if_it_names_a_winner(
    raw: dict[str, object], state: RecordState, winner: str | None
) -> None:
    snapshot = CODEC.snapshot_from_salesforce({"Id": "003000000000001AAA", **raw})
    assert (snapshot.state, snapshot.merged_into) == (state, winner)


@pytest.mark.parametrize(
    "raw", [{"IsPersonAccount": True}, {"Account": {"IsPersonAccount": True}}, {"Account.IsPersonAccount": "true"}]
)
def test_l14_the_contact_of_a_person_account_is_known_in_every_shape_of_answer(raw: dict[str, object]) -> None:
    assert CODEC.snapshot_from_salesforce({"Id": "003000000000001AAA", **raw}).person_account
    assert CODEC.keyrow_from_salesforce({"Id": "003000000000001AAA", **raw}).person_account


def test_a_private_contact_has_no_account() -> None:
    snapshot = CODEC.snapshot_from_salesforce({"Id": "003000000000001AAA", "AccountId": None, "Account": None})
    assert snapshot.account_id is None
    assert not snapshot.person_account


def test_key_rows_carry_names_and_dates_as_sent() -> None:
    row = CODEC.keyrow_from_hint(PATIENT)
    assert row[:5] == ("pat-ab12C345DeF6", "Ana", " Ruiz ", "1956-04-24", "003000000000001AAA")
    contact = CODEC.keyrow_from_salesforce(CONTACT)
    assert contact[:6] == ("003000000000001AAA", "Ana", "Ruiz", "1956-04-24", "pat-ab12C345DeF6", True)


def test_a_record_without_an_id_is_bad_input() -> None:
    for read in (CODEC.snapshot_from_hint, CODEC.keyrow_from_hint):
        with pytest.raises(BadInput, match="patient"):
            read({"first_name": "Ana"})
    for read in (CODEC.snapshot_from_salesforce, CODEC.keyrow_from_salesforce):
        with pytest.raises(BadInput, match="contact"):
            read({"FirstName": "Ana"})


def test_f3_a_patient_body_names_only_what_changes() -> None:
    body = CODEC.hint_body({"email": "a@example.org", "middle_name": None, "gender": "female", "country": "US"})
    assert body == {"email": "a@example.org", "middle_name": None, "sex": "female", "address_country": "United States"}


def test_f3_a_street_is_written_as_a_whole() -> None:
    assert CODEC.hint_body({"street": "12 Elm"}) == {"address_line1": "12 Elm", "address_line2": None}
    assert CODEC.hint_body({"street": None}) == {"address_line1": None, "address_line2": None}
    assert CODEC.salesforce_body({"street": "12 Elm\nUnit 3"}) == {"MailingStreet": "12 Elm\nUnit 3"}


def test_a_one_way_field_is_never_written_to_hint() -> None:
    with pytest.raises(ValueError, match="insurance_payer"):
        CODEC.hint_body({"insurance_payer": "Anthem"})


def test_f2_a_contact_body_has_the_forms_that_salesforce_shows() -> None:
    body = CODEC.salesforce_body(
        {"gender": "female", "mobile_phone": "+14155550132", "state": "NY", "country": "US", "home_phone": None}
    )
    assert body == {
        "Hint_Gender__c": "Female",
        "MobilePhone": "(415) 555-0132",
        "MailingState": "NY",
        "MailingCountry": "United States",
        "HomePhone": None,
    }


def test_s1_with_picklists_codes_go_to_the_code_fields_and_come_back_from_them() -> None:
    assert PICKLISTS.salesforce_body({"state": "NY", "country": "US"}) == {
        "MailingStateCode": "NY",
        "MailingCountryCode": "US",
    }
    assert PICKLISTS.salesforce_body({"state": None}) == {"MailingStateCode": None}
    assert PICKLISTS.salesforce_body({"state": "New South Wales"}) == {"MailingState": "New South Wales"}
    raw = {"Id": "003000000000001AAA", "MailingState": "New York", "MailingStateCode": "NY", "MailingCountry": "Canada"}
    values = PICKLISTS.snapshot_from_salesforce(raw).values
    assert (values["state"], values["country"]) == ("NY", "CA")
    assert PICKLISTS.snapshot_from_salesforce({**raw, "MailingStateCode": None}).values["state"] == "NY"
    assert PICKLISTS.snapshot_from_salesforce({"Id": "003000000000001AAA"}).values["state"] is ABSENT


def test_the_fields_to_select_are_the_table_and_the_bookkeeping() -> None:
    fields = CODEC.salesforce_fields()
    assert fields[0] == "Id"
    assert set(fields) == set(CONTACT) - {"attributes"}
    assert set(PICKLISTS.salesforce_fields()) - set(fields) == {"MailingStateCode", "MailingCountryCode"}
    person = Codec(DEFAULT_MAPPING.without(["city"]), Conventions(person_account_field="Account.IsPersonAccount"))
    assert set(person.salesforce_fields()) ^ set(fields) == {"MailingCity", "Account.IsPersonAccount"}
    assert set(CODEC.salesforce_key_fields()) < set(fields)


def test_f8_names_in_a_refusal_lead_to_the_fields_of_ours() -> None:
    assert CODEC.field_of_salesforce("MailingPostalCode") == "zip"
    assert CODEC.field_of_salesforce("Description") is None
    assert CODEC.refused(Side.HINT, ["phones", "ssn"]) == {"mobile_phone", "home_phone", "office_phone"}
    assert CODEC.refused(Side.SALESFORCE, ["Email", "Fax"]) == {"email"}
    assert CODEC.refused(Side.HINT, []) == CODEC.refused(Side.SALESFORCE, []) == frozenset()


@pytest.mark.parametrize("name", ["MailingState", "MailingStateCode", "MailingCountryCode"])
def test_f8_state_goes_with_country_where_they_are_picklists(name: str) -> None:
    assert PICKLISTS.refused(Side.SALESFORCE, [name, "Email"]) == {"state", "country", "email"}
    assert CODEC.refused(Side.SALESFORCE, ["MailingState"]) == {"state"}


def test_conventions_that_mean_nothing_are_refused() -> None:
    with pytest.raises(BadInput, match="phone region 'USA'"):
        Conventions(phone_region="USA")
    with pytest.raises(BadInput, match="no picklists"):
        Conventions(hint_country=PlaceForm.PICKLIST)
