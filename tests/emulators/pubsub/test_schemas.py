"""Avro schemas of change events, against recorded ones."""

from __future__ import annotations

import base64
import hashlib
import json

import fastavro
import pytest

from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce.schema.model import Field

#: A recorded ContactChangeEvent of an org with person accounts, without its custom fields: name, Avro type, doc.
CONTACT = """
AccountId string ForeignKey:EntityId
IsPersonAccount boolean Data:Boolean
Name PersonName Data:PersonName
OtherAddress Address Data:Address
MailingAddress Address Data:Address
Phone string Data:Phone
Fax string Data:Phone
MobilePhone string Data:Phone
HomePhone string Data:Phone
OtherPhone string Data:Phone
AssistantPhone string Data:Phone
ReportsToId string ForeignKey:EntityId
Email string Data:Email
Title string Data:Text
Department string Data:Text
AssistantName string Data:Text
LeadSource string Data:DynamicEnum
Birthdate long Data:DateOnly
Description string Data:StringPlusClob
OwnerId string ForeignKey:EntityId
HasOptedOutOfEmail boolean Data:Boolean
HasOptedOutOfFax boolean Data:Boolean
DoNotCall boolean Data:Boolean
CreatedDate long CreatedDate:DateTime
CreatedById string ForeignKey:EntityId
LastModifiedDate long Data:DateTime
LastModifiedById string ForeignKey:EntityId
LastCURequestDate long Data:DateTime
LastCUUpdateDate long Data:DateTime
EmailBouncedReason string Data:Text
EmailBouncedDate long Data:DateTime
Jigsaw string Data:Text
JigsawContactId string ExternalForeignKey:ExternalId
CleanStatus string Data:StaticEnum
IndividualId string ForeignKey:EntityId
Pronouns string Data:DynamicEnum
GenderIdentity string Data:DynamicEnum
ContactSource string Data:StaticEnum
BuyerAttributes string Data:MultiEnum
"""
HEADER = [
    "entityName",
    "recordIds",
    "changeType",
    "changeOrigin",
    "transactionKey",
    "sequenceNumber",
    "commitTimestamp",
    "commitNumber",
    "commitUser",
    "nulledFields",
    "diffFields",
    "changedFields",
]
CHANGE_TYPES = [
    "CREATE",
    "UPDATE",
    "DELETE",
    "UNDELETE",
    "GAP_CREATE",
    "GAP_UPDATE",
    "GAP_DELETE",
    "GAP_UNDELETE",
    "GAP_OVERFLOW",
    "SNAPSHOT",
]
ADDRESS = [
    "Street",
    "City",
    "State",
    "PostalCode",
    "Country",
    "StateCode",
    "CountryCode",
    "Latitude",
    "Longitude",
    "GeocodeAccuracy",
]


def read(org: Org, name: str = "Contact") -> dict[str, object]:
    return json.loads(org.events.event_schema(name).json)


def fields(org: Org, name: str = "Contact") -> dict[str, dict[str, object]]:
    return {field["name"]: field for field in read(org, name)["fields"]}


def record(field: dict[str, object]) -> dict[str, object]:
    return next(kind for kind in field["type"] if isinstance(kind, dict))


def test_the_contact_schema_of_an_org_with_person_accounts_is_the_recorded_one(org: Org) -> None:
    org.enable("PersonAccounts")
    schema = read(org)
    assert (schema["type"], schema["name"], schema["namespace"]) == (
        "record",
        "ContactChangeEvent",
        "com.sforce.eventbus",
    )
    found = [
        (one["name"], one["type"][1]["name"] if isinstance(one["type"][1], dict) else one["type"][1], one["doc"])
        for one in schema["fields"][1:]
    ]
    assert found == [tuple(line.split()) for line in CONTACT.strip().splitlines()]


def test_every_field_is_null_unless_given(org: Org) -> None:
    for field in read(org)["fields"][1:]:
        assert field["type"][0] == "null"
        assert field["default"] is None


def test_the_header_has_its_fields_and_change_types_in_the_recorded_order(org: Org) -> None:
    header = read(org)["fields"][0]
    assert (header["name"], header["doc"]) == ("ChangeEventHeader", "Data:ComplexValueType")
    assert [field["name"] for field in header["type"]["fields"]] == HEADER
    types = {field["name"]: field["type"] for field in header["type"]["fields"]}
    assert types["changeType"]["symbols"] == CHANGE_TYPES
    assert (types["sequenceNumber"], types["commitTimestamp"], types["commitNumber"]) == ("int", "long", "long")


def test_an_address_is_spelt_out_once_and_named_after_that(org: Org) -> None:
    found = fields(org)
    address = record(found["OtherAddress"])
    assert [child["name"] for child in address["fields"]] == ADDRESS
    assert found["MailingAddress"]["type"] == ["null", "Address"]
    kinds = {child["name"]: child["type"] for child in address["fields"]}
    assert kinds["Latitude"] == kinds["Longitude"] == ["null", "double"]
    assert kinds["StateCode"] == ["null", "string"]


def test_a_name_has_the_parts_that_the_org_has_switched_on(org: Org) -> None:
    def parts() -> list[str]:
        return [child["name"] for child in record(fields(org)["Name"])["fields"]]

    assert parts() == ["Salutation", "FirstName", "LastName"]
    org.enable("MiddleName")
    org.enable("NameSuffix")
    assert parts() == ["Salutation", "FirstName", "LastName", "MiddleName", "Suffix"]


def test_an_accounts_name_is_a_text_or_a_name_in_parts(org: Org) -> None:
    null, text, switchable = fields(org, "Account")["Name"]["type"]
    assert (null, text, switchable["name"]) == ("null", "string", "Switchable_PersonName")
    places = {field["name"]: place for place, field in enumerate(read(org, "Account")["fields"])}
    # Places that recorded events of accounts name in their bitmaps.
    assert (places["Name"], places["BillingAddress"], places["Description"], places["LastModifiedDate"]) == (
        1,
        4,
        16,
        22,
    )


def test_fields_that_change_events_leave_out_are_not_there(org: Org) -> None:
    assert not {"Id", "IsDeleted", "SystemModstamp", "MasterRecordId", "PhotoUrl", "IsEmailBounced"} & set(fields(org))
    assert not {"FirstName", "MailingStreet", "OtherLatitude"} & set(fields(org))


@pytest.mark.parametrize(
    ("kind", "more", "avro", "doc"),
    [
        ("string", {"length": 40}, "string", "Data:Text"),
        ("textarea", {"length": 255}, "string", "Data:Text"),
        ("textarea", {"length": 32_000}, "string", "Data:StringPlusClob"),
        ("picklist", {}, "string", "Data:DynamicEnum"),
        ("picklist", {"restricted": True}, "string", "Data:StaticEnum"),
        ("multipicklist", {}, "string", "Data:MultiEnum"),
        ("date", {}, "long", "Data:DateOnly"),
        ("datetime", {}, "long", "Data:DateTime"),
        ("boolean", {}, "boolean", "Data:Boolean"),
        ("double", {"precision": 18}, "double", "Data:Double"),
        ("currency", {"precision": 18}, "double", "Data:Currency"),
        ("phone", {}, "string", "Data:Phone"),
        ("reference", {"reference_to": ("Account",)}, "string", "ForeignKey:EntityId"),
    ],
)
def test_a_custom_field_comes_last_with_the_hint_of_its_type_and_its_id(
    org: Org, kind: str, more: dict[str, object], avro: str, doc: str
) -> None:
    org.add_fields("Contact", [Field("Extra__c", "Extra", kind, custom=True, **more)])
    last = read(org)["fields"][-1]
    assert (last["name"], last["type"]) == ("Extra__c", ["null", avro])
    hint, _, field_id = last["doc"].rpartition(":")
    assert hint == doc
    assert len(field_id) == 15
    assert field_id.startswith("00N")


def test_no_type_carries_a_logical_type(org: Org) -> None:
    assert "logicalType" not in org.events.event_schema("Contact").json


def test_the_id_of_a_schema_is_a_digest_that_moves_with_the_fields_and_back(org: Org) -> None:
    before = org.events.event_schema("Contact")
    digest = hashlib.md5(before.json.encode()).digest()
    assert base64.urlsafe_b64decode(before.id + "==") == digest
    assert len(before.id) == 22
    org.add_fields("Contact", [Field("Extra__c", "Extra", "string", length=10, custom=True)])
    after = org.events.event_schema("Contact")
    assert after.id != before.id
    assert org.events.schema_json(before.id) == before.json, "events of the past are still read with it"
    org.remove_fields("Contact", ["Extra__c"])
    assert org.events.event_schema("Contact").id == before.id


def test_every_object_has_a_schema_that_fastavro_takes(org: Org) -> None:
    for one in org.schema.objects():
        assert fastavro.parse_schema(read(org, one.name))
