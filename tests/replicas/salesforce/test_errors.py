"""The shapes of error answers, as recorded from real orgs, and what each asks for."""

from __future__ import annotations

import orjson
import pytest

from hintsync.core.errors import BudgetSpent, HintsyncError, RetryLater
from hintsync.replicas.salesforce.errors import (
    Rejected,
    VendorError,
    read_bulk_error,
    read_errors,
    session_expired,
    whole_error,
)

DUPLICATE_RULE = {
    "allowSave": True,
    "duplicateRule": "Standard_Contact_Duplicate_Rule",
    "duplicateRuleEntityType": "Contact",
    "errorMessage": "Use one of these records?",
    "matchResults": [
        {
            "entityType": "Contact",
            "errors": [],
            "matchEngine": "FuzzyMatchEngine",
            "matchRecords": [
                {
                    "additionalInformation": [],
                    "fieldDiffs": [],
                    "matchConfidence": 100.0,
                    "record": {"attributes": {"type": "Contact"}, "Id": "0038c00002XoT5bAAF"},
                }
            ],
            "rule": "Standard_Contact_Match_Rule_v1_1",
            "size": 1,
            "success": True,
        }
    ],
}


def _read(content: object, status: int = 400) -> VendorError:
    (error,) = read_errors(orjson.dumps(content), status)
    return error


def test_a_request_error_carries_error_code_and_fields() -> None:
    error = _read(
        [{"message": "Required fields are missing: [LastName]", "errorCode": "REQUIRED", "fields": ["LastName"]}]
    )
    assert (error.code, error.named_fields) == ("REQUIRED", ("LastName",))


def test_a_collection_row_says_status_code_instead_of_error_code() -> None:
    error = _read([{"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access", "fields": []}])
    assert (error.code, error.transient) == ("UNABLE_TO_LOCK_ROW", True)


def test_the_token_endpoint_answers_with_an_object() -> None:
    assert (
        _read({"error": "invalid_grant", "error_description": "expired access/refresh token"}).code == "invalid_grant"
    )


@pytest.mark.parametrize("body", [b"", b"<html>Down for maintenance</html>", b"[]", b'"text"'])
def test_a_body_without_complaints_yields_the_status(body: bytes) -> None:
    assert read_errors(body, 503) == (VendorError("503"),)


@pytest.mark.parametrize("key", ["duplicateResut", "duplicateResult"])
def test_duplicates_are_read_under_both_spellings(key: str) -> None:
    error = _read([{key: DUPLICATE_RULE, "errorCode": "DUPLICATES_DETECTED", "message": "Use one of these records?"}])
    assert (error.duplicates, error.allow_save) == (("0038c00002XoT5bAAF",), True)


def test_duplicates_without_details_name_nobody() -> None:
    error = _read([{"message": "Use one of these records?", "errorCode": "DUPLICATES_DETECTED"}])
    assert (error.duplicates, error.allow_save) == ((), False)


def test_a_duplicate_value_names_the_field_and_the_record() -> None:
    text = "duplicate value found: Hint_Patient_Id__c duplicates value on record with id: 0038c00002XoT5b"
    error = _read([{"statusCode": "DUPLICATE_VALUE", "message": text, "fields": []}])
    assert (error.duplicate_field, error.record_id) == ("Hint_Patient_Id__c", "0038c00002XoT5b")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "UNABLE_TO_LOCK_ROW:unable to obtain exclusive access to this record or 200 records: 001xxx,001yyy:--",
            ("UNABLE_TO_LOCK_ROW", ()),
        ),
        ("FIELD_INTEGRITY_EXCEPTION:No, not: this:LastName,Email --", ("FIELD_INTEGRITY_EXCEPTION", ("LastName", "Email"))),
        ("STRING_TOO_LONG:First Name: too large\nx (max length=40):FirstName --", ("STRING_TOO_LONG", ("FirstName",))),
        ("InvalidBatch : Field name not found : X", ("InvalidBatch", ())),
        ("", ("UNKNOWN_EXCEPTION", ())),
    ],
)  # fmt: skip
def test_a_bulk_row_packs_code_message_and_fields_into_one_cell(
    text: str, expected: tuple[str, tuple[str, ...]]
) -> None:
    error = read_bulk_error(text)
    assert (error.code, error.fields) == expected


def test_a_state_refusal_without_fields_is_told_by_the_label_it_ends_in() -> None:
    text = (
        "There's a problem with this state, even though it may appear correct. Please select a state from the list of "
        "valid states.: Mailing State/Province"
    )
    assert _read([{"statusCode": "FIELD_INTEGRITY_EXCEPTION", "message": text, "fields": []}]).named_fields == (
        "MailingState",
    )


def test_a_lock_that_a_trigger_met_is_a_lock() -> None:
    text = "execution of AfterUpdate caused by: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access to this record"
    assert VendorError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message=text).transient


@pytest.mark.parametrize(
    ("fields", "gone"), [((), True), (("Id",), True), (("AccountId",), False)]
)  # fmt: skip
def test_a_broken_reference_means_gone_only_when_it_is_the_record_itself(fields: tuple[str, ...], gone: bool) -> None:
    assert VendorError("INVALID_CROSS_REFERENCE_KEY", fields).gone is gone


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", BudgetSpent),
        (403, "REQUEST_LIMIT_EXCEEDED", "ConcurrentRequests (Concurrent API Requests) Limit exceeded.", RetryLater),
        (503, "SERVER_UNAVAILABLE", "", RetryLater),
        (502, "502", "", RetryLater),
        (400, "UNABLE_TO_LOCK_ROW", "", RetryLater),
        (400, "QUERY_TIMEOUT", "", RetryLater),
        (429, "429", "", RetryLater),
        (400, "INVALID_FIELD", "No such column 'X__c' on sobject of type Contact", Rejected),
        (403, "API_DISABLED_FOR_ORG", "", Rejected),
        (410, "410", "", Rejected),
        (302, "302", "", Rejected),
    ],
)
def test_a_failed_request_becomes_what_the_engine_does_next(
    status: int, code: str, message: str, expected: type[HintsyncError]
) -> None:
    assert type(whole_error("query", status, [VendorError(code, message=message)])) is expected


def test_vendor_texts_stay_out_of_exceptions_and_reprs() -> None:
    error = VendorError("STRING_TOO_LONG", ("FirstName",), "First Name: data value too large: Xxcanaryxx")
    failure = whole_error("create a contact", 400, [error])
    assert "canary" not in f"{failure} {failure!r} {error!r} {failure.args}"
    assert str(failure) == "salesforce: refused to create a contact: 400 STRING_TOO_LONG (fields FirstName)"


@pytest.mark.parametrize(
    ("status", "message", "expired"),
    [
        (401, "Session expired or invalid", True),
        (401, "This session is not valid for use with the REST API", False),
        (401, "Connected app is not attached to Agent", False),
        (403, "Session expired or invalid", False),
    ],
)
def test_not_every_401_is_an_expired_session(status: int, message: str, expired: bool) -> None:
    assert session_expired(status, [VendorError("INVALID_SESSION_ID", message=message)]) is expired
