"""Two change events that real orgs sent, to the byte: read, taken apart, and written again by the emulator's encoder.

Both are published: the first in the README of github.com/pozil/pub-sub-api-java-client (2022, as protobuf prints it,
with the event decoded beside it), the second in github.com/Valeriyyy/SalesforceGRPC at commit 796ed2f, as base64 with
its schema. The first one's schema is not published; its fields and their order are those of the decoded event.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import dataclass

import fastavro
import pytest

from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce.pubsub.avro import EventSchema, read_schema
from hintsync_emulators.salesforce.pubsub.bitmap import encode
from tests.emulators.pubsub.conftest import places

_HEADER = """entityName string, recordIds texts, changeType kind, changeOrigin string, transactionKey string, sequenceNumber
int, commitTimestamp long, commitNumber long, commitUser string, nulledFields texts, diffFields texts, changedFields texts"""
_ADDRESS = """Street string, City string, State string, PostalCode string, Country string, StateCode string, CountryCode
string, Latitude double, Longitude double, Xyz string, GeocodeAccuracy string"""
_NAME = (
    """Salutation string, FirstName string, LastName string, MiddleName string, InformalName string, Suffix string"""
)
_KINDS = "CREATE UPDATE DELETE UNDELETE GAP_CREATE GAP_UPDATE GAP_DELETE GAP_UNDELETE GAP_OVERFLOW".split()  # noqa: SIM905
#: Fields behind the header, without those of the org's own.
_ACCOUNT_2022 = """Name Name, Type string, ParentId string, BillingAddress Address, ShippingAddress Address, Phone string, Fax
string, AccountNumber string, Website string, Sic string, Industry string, AnnualRevenue double, NumberOfEmployees int,
Ownership string, TickerSymbol string, Description string, Rating string, Site string, OwnerId string, CreatedDate long,
CreatedById string, LastModifiedDate long, LastModifiedById string, Jigsaw string, JigsawCompanyId string, CleanStatus
string, AccountSource string, DunsNumber string, Tradestyle string, NaicsCode string, NaicsDesc string, YearStarted
string, SicDesc string, DandbCompanyId string"""
_PERSON_2023 = """PersonContactId string, PersonMailingAddress Address, PersonOtherAddress Address, PersonMobilePhone string,
PersonHomePhone string, PersonOtherPhone string, PersonAssistantPhone string, PersonEmail string, PersonTitle string,
PersonDepartment string, PersonAssistantName string, PersonLeadSource string, PersonBirthdate long,
PersonHasOptedOutOfEmail boolean, PersonHasOptedOutOfFax boolean, PersonDoNotCall boolean, PersonLastCURequestDate long,
PersonLastCUUpdateDate long, PersonEmailBouncedReason string, PersonEmailBouncedDate long, PersonIndividualId string,
PersonPronouns string, PersonGenderIdentity string"""
_OWN_2022 = """CustomerPriority__c string, SLA__c string, Active__c string, NumberofLocations__c double,
UpsellOpportunity__c string, SLASerialNumber__c string, SLAExpirationDate__c long, Potential_Value__c double,
Match_Billing_Address__c boolean, Number_of_Contacts__c double, Region__c string"""
_OWN_2023 = """OperatingHoursId string, CustomerPriority__c string, SLA__c string, Active__c string, NumberofLocations__c
double, UpsellOpportunity__c string, SLASerialNumber__c string, SLAExpirationDate__c long, Some_phone__c string,
Amount_Owed__c double, Some_Date_Time__c long, Some_Date__c long, Some_Email__c string, Some_Geolocation__c Location,
Some_Number__c double, Some_Percent__c double, Some_Picklist__c string, Some_Multipicklist__c string, Some_Text__c
string, Some_Rich_Text_Area__c string, Some_Time__c long, Some_URL__c string, GUID__c string, Level__pc string,
Languages__pc string, GUID__pc string"""
_RECORDS = {
    "Address": _ADDRESS,
    "Location": "Latitude double, Longitude double, XyzEncoded string",
    "Name": _NAME,
}


def _pairs(text: str) -> list[tuple[str, str]]:
    return [(name, kind) for name, kind in (entry.split() for entry in text.split(","))]


def _schema(fields: str) -> EventSchema:
    """Return the schema of an event with these fields, a record spelt out where it comes first."""
    plain: dict[str, object] = {
        "kind": {"type": "enum", "name": "ChangeType", "symbols": _KINDS},
        "texts": {"type": "array", "items": "string"},
    }
    header = [{"name": name, "type": plain.get(kind, kind)} for name, kind in _pairs(_HEADER)]
    found: list[object] = [
        {"name": "ChangeEventHeader", "type": {"type": "record", "name": "Header", "fields": header}}
    ]
    seen: set[str] = set()
    for name, kind in _pairs(fields):
        inner: object = kind
        if kind in _RECORDS and kind not in seen:
            seen.add(kind)
            parts = [{"name": part, "type": ["null", one]} for part, one in _pairs(_RECORDS[kind])]
            inner = {"type": "record", "name": kind, "fields": parts}
        found.append({"name": name, "type": ["null", *(["string"] if kind == "Name" else []), inner]})
    return read_schema(json.dumps({"type": "record", "name": "AccountChangeEvent", "fields": found}))


@dataclass(frozen=True)
class Capture:
    """One recorded event."""

    payload: str
    schema: EventSchema
    header: dict[str, object]
    #: Positions of the fields that changed, and of children by their compound field.
    top: set[int]
    children: dict[int, set[int]]
    #: Everything behind the header that is not null, children by their own names.
    values: dict[str, object]


_COMMON = {"entityName": "Account", "changeType": "UPDATE", "sequenceNumber": 1, "nulledFields": [], "diffFields": []}
STREET = Capture(
    "DkFjY291bnQCJDAwMTRIMDAwMDJMYlI3UVFBVgACaGNvbS9zYWxlc2ZvcmNlL2FwaS9zb2FwLzU1LjA7Y2xpZW50PVNmZGNJbnRlcm5hbEFQSS9I"
    "MDAwMGM4YTAtNjc2Ni0zNDE0LTk0OWYtZGUxMDUxOWJlZTdkApDCu+XLYOKFtY3fkwUkMDA1NTgwMDAwMDB5RnlEQUFVAAAEEDB4NDAwMDAwDDQt"
    "MHgwMQAAAAACAhwxMiBNYWluIFN0cmVldAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAKQwrvly2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
    _schema(f"{_ACCOUNT_2022}, {_OWN_2022}"),
    {
        **_COMMON,
        "recordIds": ["0014H00002LbR7QQAV"],
        "changeOrigin": "com/salesforce/api/soap/55.0;client=SfdcInternalAPI/",
        "transactionKey": "0000c8a0-6766-3414-949f-de10519bee7d",
        "commitTimestamp": 1659440165000,
        "commitNumber": 11334298542449,
        "commitUser": "00558000000yFyDAAU",
        "changedFields": ["0x400000", "4-0x01"],
    },
    {22},
    {4: {0}},
    {"BillingAddress": {"Street": "12 Main Street"}, "LastModifiedDate": 1659440165000},
)
NAME = Capture(
    "DkFjY291bnQCJDAwMURwMDAwMDBIOFlWV0lBMwACaGNvbS9zYWxlc2ZvcmNlL2FwaS9zb2FwLzU3LjA7Y2xpZW50PVNmZGNJbnRlcm5hbEFQSS"
    "9IMDAwMzNjOTItNzQ4Yi00YmRjLTg3Y2EtYTQ5MDRjNWYwZTdlApDvreyLYsLkgZDeDCQwMDVEcDAwMDAwMFBwanNJQUMAAAIQMHg4MDAwMDIA"
    "AkhCdXJsaW5ndG9uIFRleHRpbGVzIENvcnAgb2YgQW1lcmljc2cAAAAAAAAAAAAAAAAAAAAAAAAAAAACkO+t7ItiAAAAAAAAAAAAAAAAAAAAAA"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
    _schema(
        f"{_ACCOUNT_2022.replace('ParentId', 'RecordTypeId string, ParentId')}".replace(
            "LastModifiedById string,", f"LastModifiedById string, {_PERSON_2023},"
        )
        + f", {_OWN_2023}"
    ),
    {
        **_COMMON,
        "recordIds": ["001Dp00000H8YVWIA3"],
        "changeOrigin": "com/salesforce/api/soap/57.0;client=SfdcInternalAPI/",
        "transactionKey": "00033c92-748b-4bdc-87ca-a4904c5f0e7e",
        "commitTimestamp": 1685217197000,
        "commitNumber": 218791688481,
        "commitUser": "005Dp000000PpjsIAC",
        "changedFields": ["0x800002"],
    },
    {1, 23},
    {},
    {"Name": "Burlington Textiles Corp of Americsg", "LastModifiedDate": 1685217197000},
)


def _decoded(capture: Capture) -> dict[str, object]:
    stream = io.BytesIO(base64.b64decode(capture.payload))
    found = fastavro.schemaless_reader(stream, dict(capture.schema.parsed), None)
    assert stream.read() == b"", "bytes are left"
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("capture", [STREET, NAME], ids=["street", "name"])
def test_a_recorded_event_is_read_to_its_last_byte(capture: Capture) -> None:
    found = _decoded(capture)
    header = found.pop("ChangeEventHeader")
    assert header == capture.header
    values = {
        name: {part: one for part, one in value.items() if one is not None} if isinstance(value, dict) else value
        for name, value in found.items()
        if value is not None
    }
    assert values == capture.values


@pytest.mark.parametrize("capture", [STREET, NAME], ids=["street", "name"])
def test_a_recorded_event_is_written_byte_by_byte_as_it_came(capture: Capture) -> None:
    assert capture.schema.encode(_decoded(capture)) == base64.b64decode(capture.payload)


@pytest.mark.parametrize("capture", [STREET, NAME], ids=["street", "name"])
def test_the_bitmaps_of_a_recorded_event_name_the_fields_that_it_carries(capture: Capture) -> None:
    maps = encode(capture.top, capture.children)
    assert maps == capture.header["changedFields"]
    fields = [one["name"] for one in json.loads(capture.schema.json)["fields"]]
    named = {fields[place] for place in places(maps[0])} | {fields[int(one.split("-")[0])] for one in maps[1:]}
    assert named == set(capture.values)


def test_the_emulators_account_has_the_recorded_fields_in_the_recorded_order(org: Org) -> None:
    recorded = [name for name, _ in _pairs(_ACCOUNT_2022)]
    ours = [one["name"] for one in json.loads(org.events.event_schema("Account").json)["fields"]]
    assert ours[1 : len(recorded) + 1] == recorded
