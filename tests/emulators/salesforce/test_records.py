"""One record at a time, and everything that a record can be refused for."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from hintsync_emulators.salesforce import ManualClock, Org

Row = dict[str, object]


async def _create(api: httpx.AsyncClient, **record: object) -> str:
    answer = await api.post("/sobjects/Contact", json={"LastName": "Lovelace", **record})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_a_record_is_created_read_changed_and_deleted(api: httpx.AsyncClient) -> None:
    answer = await api.post("/sobjects/Contact/", json={"LastName": "Lovelace", "FirstName": "Ada"})
    record_id = answer.json()["id"]
    assert answer.json() == {"id": record_id, "success": True, "errors": []}
    assert answer.headers["Location"] == f"/services/data/v64.0/sobjects/Contact/{record_id}"
    assert (await api.patch(f"/sobjects/Contact/{record_id}", json={"FirstName": "Augusta"})).status_code == 204
    shown = (await api.get(f"/sobjects/Contact/{record_id[:15]}")).json()
    assert (shown["Id"], shown["Name"], shown["FirstName"]) == (record_id, "Augusta Lovelace", "Augusta")
    assert shown["attributes"] == {"type": "Contact", "url": f"/services/data/v64.0/sobjects/Contact/{record_id}"}
    assert (await api.delete(f"/sobjects/Contact/{record_id}")).status_code == 204
    gone = await api.get(f"/sobjects/Contact/{record_id}")
    assert (gone.status_code, gone.json()[0]["errorCode"]) == (404, "NOT_FOUND")


async def test_a_deleted_record_answers_entity_is_deleted_to_writes(api: httpx.AsyncClient, org: Org) -> None:
    record_id = await _create(api)
    org.delete("Contact", record_id)
    for answer in (
        await api.delete(f"/sobjects/Contact/{record_id}"),
        await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "Dr"}),
    ):
        assert answer.status_code == 404
        assert answer.json() == [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED"}]
    org.undelete("Contact", record_id)
    assert (await api.get(f"/sobjects/Contact/{record_id}")).json()["IsDeleted"] is False


async def test_system_fields_are_stamped_to_the_second(api: httpx.AsyncClient, org: Org, clock: ManualClock) -> None:
    record_id = await _create(api)
    clock.advance(61.7)
    await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "Countess"})
    row = org.get("Contact", record_id)
    assert row["CreatedDate"] == "2026-03-02T09:00:00.000+0000"
    assert row["LastModifiedDate"] == row["SystemModstamp"] == "2026-03-02T09:01:01.000+0000"
    assert row["CreatedById"] == row["LastModifiedById"] == row["OwnerId"] == org.user_id


async def test_a_record_is_read_with_fields_and_compound_values(api: httpx.AsyncClient) -> None:
    record_id = await _create(api, MailingStreet="1 Main St\nApt 2", MailingCity="Springfield")
    answer = await api.get(f"/sobjects/Contact/{record_id}", params={"fields": "LastName,MailingAddress"})
    body = answer.json()
    assert set(body) == {"attributes", "LastName", "MailingAddress"}
    assert body["MailingAddress"] == {
        "city": "Springfield",
        "country": None,
        "geocodeAccuracy": None,
        "latitude": None,
        "longitude": None,
        "postalCode": None,
        "state": None,
        "street": "1 Main St\nApt 2",
    }
    unknown = await api.get(f"/sobjects/Contact/{record_id}", params={"fields": "Nope"})
    assert unknown.json() == [
        {"message": "No such column 'Nope' on sobject of type Contact", "errorCode": "INVALID_FIELD"}
    ]


@pytest.mark.parametrize(
    ("record", "code", "fields", "text"),
    [
        ({"LastName": None}, "REQUIRED_FIELD_MISSING", ["LastName"], "Required fields are missing: [LastName]"),
        ({"LastName": "  "}, "REQUIRED_FIELD_MISSING", ["LastName"], None),
        (
            {"FirstName": "x" * 41},
            "STRING_TOO_LONG",
            ["FirstName"],
            f"First Name: data value too large: {'x' * 41} (max length=40)",
        ),
        ({"MobilePhone": "5" * 41}, "STRING_TOO_LONG", ["MobilePhone"], None),
        ({"Email": "ada@"}, "INVALID_EMAIL_ADDRESS", ["Email"], "Email: invalid email address: ada@"),
        ({"Email": "ada lovelace@example.org"}, "INVALID_EMAIL_ADDRESS", ["Email"], None),
        ({"Birthdate": "1815-13-10"}, "JSON_PARSER_ERROR", None, None),
        ({"Birthdate": "10.12.1815"}, "JSON_PARSER_ERROR", None, None),
        ({"Birthdate": "1582-10-04"}, "JSON_PARSER_ERROR", None, None),
        ({"DoNotCall": "maybe"}, "JSON_PARSER_ERROR", None, None),
        (
            {"CleanStatus": "Spotless"},
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            ["CleanStatus"],
            "Clean Status: bad value for restricted picklist field: Spotless",
        ),
        ({"Nope": 1}, "INVALID_FIELD", None, "No such column 'Nope' on sobject of type Contact"),
        ({"Name": "Ada"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["Name"], None),
        ({"MiddleName": "King"}, "INVALID_FIELD", None, None),
        ({"AccountId": "nonsense"}, "MALFORMED_ID", ["AccountId"], "Account ID: id value of incorrect type: nonsense"),
        ({"AccountId": "003D000000QV9n2IAD"}, "MALFORMED_ID", ["AccountId"], None),
        (
            {"AccountId": "001D000000IqhSLIAZ"},
            "INVALID_CROSS_REFERENCE_KEY",
            ["AccountId"],
            "invalid cross reference id",
        ),
    ],
)
async def test_a_record_is_refused(
    api: httpx.AsyncClient, org: Org, record: Row, code: str, fields: list[str] | None, text: str | None
) -> None:
    answer = await api.post("/sobjects/Contact", json={"LastName": "Lovelace", **record})
    fault = answer.json()[0]
    assert (answer.status_code, fault["errorCode"], fault.get("fields")) == (400, code, fields)
    assert text is None or fault["message"] == text
    assert org.count("Contact") == 0


@pytest.mark.parametrize(
    ("field", "sent", "kept"),
    [
        ("FirstName", "", None),
        ("FirstName", "  Ada ", "Ada"),
        ("Birthdate", "1815-12-10T23:00:00Z", "1815-12-10"),
        ("Salutation", "Countess", "Countess"),
        ("DoNotCall", "true", True),
        ("DoNotCall", None, False),
        ("MailingLatitude", 51, 51.0),
        ("lastname", "King", None),
    ],
)
async def test_values_are_kept_as_the_platform_keeps_them(
    api: httpx.AsyncClient, org: Org, field: str, sent: object, kept: object
) -> None:
    record = {"LastName": "Lovelace", field: sent} if field != "lastname" else {field: sent}
    record_id = (await api.post("/sobjects/Contact", json=record)).json()["id"]
    row = org.get("Contact", record_id)
    assert row.get(field) == kept
    assert field != "lastname" or row["LastName"] == "King"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/sobjects/Contact/003D000000QV9n2IAD", 404, "NOT_FOUND"),
        ("PATCH", "/sobjects/Contact/003D000000QV9n2IAD", 404, "NOT_FOUND"),
        ("DELETE", "/sobjects/Contact/003D000000QV9n2IAD", 404, "NOT_FOUND"),
        ("GET", "/sobjects/Contact/nonsense", 404, "NOT_FOUND"),
        ("PATCH", "/sobjects/Contact/001D000000IqhSLIAZ", 400, "MALFORMED_ID"),
        ("GET", "/sobjects/Contact/001D000000IqhSLIAZ", 404, "NOT_FOUND"),
        ("POST", "/sobjects/Organization", 400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"),
    ],
)
async def test_records_that_are_not_there(
    api: httpx.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await api.request(method, path, json={})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (status, code)


async def test_upsert_inserts_then_updates_and_never_writes_the_key_twice(
    api: httpx.AsyncClient, org: Org, add_field: Callable[..., None]
) -> None:
    add_field("Key__c", unique=True, external_id=True)
    first = await api.patch("/sobjects/Contact/Key__c/p%2F1", json={"LastName": "Lovelace"})
    again = await api.patch("/sobjects/Contact/key__C/P%2F1", json={"FirstName": "Ada"})
    assert (first.status_code, first.json()["created"]) == (201, True)
    assert (again.status_code, again.json()["created"]) == (200, False)
    assert first.json()["id"] == again.json()["id"]
    row = org.get("Contact", first.json()["id"])
    assert (row["Key__c"], row["FirstName"]) == ("p/1", "Ada")


async def test_upsert_with_update_only_inserts_nothing(
    api: httpx.AsyncClient, org: Org, add_field: Callable[..., None]
) -> None:
    add_field("Key__c", external_id=True)
    answer = await api.patch("/sobjects/Contact/Key__c/p1?updateOnly=true", json={"LastName": "Lovelace"})
    assert (answer.status_code, org.count("Contact")) == (404, 0)


async def test_upsert_on_two_records_answers_300_with_their_urls_and_writes_nothing(
    api: httpx.AsyncClient, org: Org, add_field: Callable[..., None]
) -> None:
    add_field("Key__c", external_id=True)
    found = org.insert_many("Contact", [{"LastName": "Lovelace", "Key__c": "p1"}] * 2)
    answer = await api.patch("/sobjects/Contact/Key__c/p1", json={"LastName": "Other"})
    assert answer.status_code == 300
    assert answer.json() == [f"/services/data/v64.0/sobjects/Contact/{one}" for one in found]
    assert {row["LastName"] for row in org.rows("Contact")} == {"Lovelace"}


async def test_a_field_that_is_no_external_id_answers_404(api: httpx.AsyncClient) -> None:
    answer = await api.patch("/sobjects/Contact/LastName/x", json={"LastName": "x"})
    text = "Provided external ID field does not exist or is not accessible: LastName"
    assert (answer.status_code, answer.json()) == (404, [{"message": text, "errorCode": "NOT_FOUND"}])


async def test_a_parent_may_be_named_by_its_external_id(api: httpx.AsyncClient, org: Org) -> None:
    parent = org.insert("Contact", {"LastName": "Byron", "Email": "byron@example.org"})
    record_id = await _create(api, ReportsTo={"Email": "byron@example.org"})
    assert org.get("Contact", record_id)["ReportsToId"] == parent
    answer = await api.post("/sobjects/Contact", json={"LastName": "X", "ReportsTo": {"Email": "no@example.org"}})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD"


async def test_unique_fields_refuse_a_second_holder_but_not_blanks_or_deleted_ones(
    api: httpx.AsyncClient, org: Org, add_field: Callable[..., None]
) -> None:
    add_field("Key__c", unique=True, external_id=True)
    first = await _create(api, Key__c="Abc")
    answer = await api.post("/sobjects/Contact", json={"LastName": "Two", "Key__c": "aBC"})
    text = f"duplicate value found: Key__c duplicates value on record with id: {first[:15]}"
    assert answer.json() == [{"message": text, "errorCode": "DUPLICATE_VALUE", "fields": ["Key__c"]}]
    await _create(api, Key__c="")
    await _create(api, Key__c=None)
    org.delete("Contact", first)
    await _create(api, Key__c="ABC")


async def test_a_case_sensitive_unique_field_tells_case_apart(
    api: httpx.AsyncClient, add_field: Callable[..., None]
) -> None:
    add_field("Key__c", unique=True, case_sensitive=True)
    await _create(api, Key__c="Abc")
    await _create(api, Key__c="aBC")
    assert (await api.post("/sobjects/Contact", json={"LastName": "X", "Key__c": "Abc"})).status_code == 400


@pytest.mark.parametrize(
    ("header", "when", "status"),
    [
        ("If-Unmodified-Since", "Mon, 02 Mar 2026 09:00:00 GMT", 204),
        ("If-Unmodified-Since", "Mon, 02 Mar 2026 08:59:59 GMT", 412),
        ("If-Unmodified-Since", "yesterday", 400),
    ],
)
async def test_a_change_may_depend_on_the_record_being_untouched(
    api: httpx.AsyncClient, org: Org, header: str, when: str, status: int
) -> None:
    record_id = await _create(api)
    answer = await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "Dr"}, headers={header: when})
    assert answer.status_code == status
    assert org.get("Contact", record_id)["Title"] == ("Dr" if status == 204 else None)


async def test_the_conditional_headers_are_blind_to_fractions_of_a_second(
    api: httpx.AsyncClient, clock: ManualClock
) -> None:
    record_id = await _create(api)
    read = await api.get(f"/sobjects/Contact/{record_id}")
    clock.advance(0.9)
    await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "Other"})
    since = {"If-Unmodified-Since": read.headers["Last-Modified"]}
    assert (await api.patch(f"/sobjects/Contact/{record_id}", json={"Title": "Mine"}, headers=since)).status_code == 204


async def test_an_unchanged_record_answers_304_without_a_body(api: httpx.AsyncClient) -> None:
    record_id = await _create(api)
    since = {"If-Modified-Since": "Mon, 02 Mar 2026 09:00:00 GMT"}
    answer = await api.get(f"/sobjects/Contact/{record_id}", headers=since)
    assert (answer.status_code, answer.content) == (304, b"")


async def test_deleting_an_account_takes_its_contacts_and_frees_those_who_report_to_them(
    api: httpx.AsyncClient, org: Org
) -> None:
    account = org.insert("Account", {"Name": "Acme"})
    child = await _create(api, AccountId=account)
    other = await _create(api, ReportsToId=child)
    await api.delete(f"/sobjects/Account/{account}")
    assert org.get("Contact", child)["IsDeleted"] is True
    assert org.get("Contact", other)["ReportsToId"] is None
