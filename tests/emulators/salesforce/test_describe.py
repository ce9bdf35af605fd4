"""Describe follows the schema and the features that are switched on."""

from __future__ import annotations

import base64
from collections.abc import Callable

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org


async def _fields(api: httpx.AsyncClient, name: str = "Contact") -> dict[str, dict[str, object]]:
    answer = await api.get(f"/sobjects/{name}/describe")
    return {one["name"]: one for one in answer.json()["fields"]}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Id", {"type": "id", "length": 18, "createable": False, "idLookup": True, "nillable": False}),
        ("LastName", {"type": "string", "length": 80, "nillable": False, "compoundFieldName": "Name"}),
        ("FirstName", {"type": "string", "length": 40, "nillable": True, "updateable": True}),
        (
            "Name",
            {"type": "string", "length": 121, "createable": False, "nameField": True, "extraTypeInfo": "personname"},
        ),
        ("Birthdate", {"type": "date", "length": 0, "soapType": "xsd:date"}),
        ("Email", {"type": "email", "length": 80, "idLookup": True, "externalId": False}),
        ("Phone", {"type": "phone", "length": 40, "label": "Business Phone"}),
        ("MailingStreet", {"type": "textarea", "length": 255, "compoundFieldName": "MailingAddress"}),
        ("MailingAddress", {"type": "address", "createable": False, "filterable": False}),
        ("AccountId", {"type": "reference", "referenceTo": ["Account"], "relationshipName": "Account"}),
        ("GenderIdentity", {"type": "picklist", "restrictedPicklist": False}),
        ("CleanStatus", {"type": "picklist", "restrictedPicklist": True}),
        ("DoNotCall", {"type": "boolean", "defaultedOnCreate": True, "defaultValue": False}),
        ("SystemModstamp", {"type": "datetime", "createable": False, "updateable": False}),
        ("OwnerId", {"defaultedOnCreate": True, "nillable": False}),
        ("Description", {"filterable": False, "sortable": False, "length": 32000}),
    ],
)
async def test_a_contact_field_is_described_as_in_a_real_org(
    api: httpx.AsyncClient, name: str, expected: dict[str, object]
) -> None:
    found = (await _fields(api))[name]
    assert {key: found[key] for key in expected} == expected


async def test_the_object_itself_is_described(api: httpx.AsyncClient) -> None:
    answer = await api.get("/sobjects/contact/describe/")
    body = answer.json()
    assert (body["name"], body["keyPrefix"], body["labelPlural"]) == ("Contact", "003", "Contacts")
    assert body["urls"]["describe"] == "/services/data/v64.0/sobjects/Contact/describe"
    assert body["recordTypeInfos"][0]["recordTypeId"] == "012000000000000AAA"
    assert (body["mergeable"], body["replicateable"], body["undeletable"]) == (True, True, True)
    assert "ETag" in answer.headers
    account = (await api.get("/sobjects/Account/describe")).json()
    child = next(one for one in account["childRelationships"] if one["relationshipName"] == "Contacts")
    assert (child["childSObject"], child["field"], child["cascadeDelete"]) == ("Contact", "AccountId", True)


async def test_the_global_describe_lists_every_object(api: httpx.AsyncClient) -> None:
    body = (await api.get("/sobjects")).json()
    assert (body["encoding"], body["maxBatchSize"]) == ("UTF-8", 200)
    by_name = {one["name"]: one for one in body["sobjects"]}
    assert {"Account", "Contact", "Organization", "User"} <= set(by_name)
    assert by_name["User"]["keyPrefix"] == "005"
    brief = (await api.get("/sobjects/Contact")).json()["objectDescribe"]
    assert brief == by_name["Contact"]


@pytest.mark.parametrize(
    ("feature", "names"),
    [
        ("MiddleName", {"MiddleName"}),
        ("NameSuffix", {"Suffix"}),
        (
            "StateAndCountryPicklists",
            {"MailingStateCode", "MailingCountryCode", "OtherStateCode", "OtherCountryCode"},
        ),
        ("PersonAccounts", {"IsPersonAccount"}),
    ],
)
async def test_features_bring_their_fields_at_once_and_take_them_away(
    api: httpx.AsyncClient, org: Org, feature: str, names: set[str]
) -> None:
    before = set(await _fields(api))
    org.enable(feature)
    assert set(await _fields(api)) - before == names
    org.enable(feature, on=False)
    assert set(await _fields(api)) == before


async def test_states_depend_on_their_country(api: httpx.AsyncClient, org: Org) -> None:
    org.enable("StateAndCountryPicklists")
    fields = await _fields(api)
    state = fields["MailingStateCode"]
    assert (state["controllerName"], state["dependentPicklist"]) == ("MailingCountryCode", True)
    countries = fields["MailingCountryCode"]["picklistValues"]
    assert isinstance(countries, list)
    place = [one["value"] for one in countries].index("US")
    values = state["picklistValues"]
    assert isinstance(values, list)
    texas = next(one for one in values if one["label"] == "Texas")
    bits = base64.b64decode(texas["validFor"])
    assert bits[place >> 3] & (0x80 >> (place & 7))
    assert sum(bin(byte).count("1") for byte in bits) == 1


async def test_custom_fields_are_described(api: httpx.AsyncClient, add_field: Callable[..., None]) -> None:
    add_field("Hint_Patient_Id__c", length=64, unique=True, external_id=True, case_sensitive=True)
    found = (await _fields(api))["Hint_Patient_Id__c"]
    expected = {
        "custom": True,
        "unique": True,
        "externalId": True,
        "caseSensitive": True,
        "idLookup": True,
        "length": 64,
    }
    assert {key: found[key] for key in expected} == expected


@pytest.mark.parametrize("path", ["/sobjects", "/sobjects/Contact/describe"])
async def test_an_unchanged_describe_answers_304_until_a_field_arrives(
    api: httpx.AsyncClient, clock: ManualClock, add_field: Callable[..., None], path: str
) -> None:
    seen = (await api.get(path)).headers["Last-Modified"]
    since = {"If-Modified-Since": seen}
    assert (await api.get(path, headers=since)).status_code == 304
    clock.advance(10)
    add_field("New__c")
    assert (await api.get(path, headers=since)).status_code == 200
