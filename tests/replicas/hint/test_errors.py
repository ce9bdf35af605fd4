"""What Hint's sentences and statuses are taken for."""

from __future__ import annotations

import httpx
import orjson
import pytest

from hintsync.core.errors import FixConfiguration, ReconnectNeeded, RetryLater, UnknownOutcome
from hintsync.replicas.hint.errors import failure, no_answer, rejection


def named(message: str) -> frozenset[str]:
    return rejection(422, orjson.dumps({"status": 422, "message": message})).keys


@pytest.mark.parametrize(
    ("message", "keys"),
    [
        ("Validation failed: First name can't be blank", {"first_name"}),
        ("Validation failed: First name can't be blank, Last name can't be blank", {"first_name", "last_name"}),
        ("Validation failed: Email is invalid", {"email"}),
        ("Validation failed: Dob is invalid", {"dob"}),
        ("Validation failed: Address line1 is too long (maximum is 255 characters)", {"address_line1"}),
        ("Validation failed: Phones number can't be blank", {"phones"}),
        ("Validation failed: Sex is not included in the list", {"sex"}),
        ("Validation failed: Integration record has already been taken", {"integration_record_id"}),
        ("Validation failed: Integration record id has already been taken", {"integration_record_id"}),
        ("Validation failed: Health insurance member is too long", {"health_insurance_member_id"}),
    ],
)
def test_f8_a_sentence_that_begins_with_fields_names_them(message: str, keys: set[str]) -> None:
    assert named(message) == keys


@pytest.mark.parametrize(
    "message",
    [
        "Validation failed: The chart is closed",
        "Validation failed: Emailed twice today",
        "Validation failed: Email",
        "First name can't be blank",
        "Enhance your calm",
        "",
    ],
)
def test_f9_a_sentence_that_names_no_field_for_certain_names_none(message: str) -> None:
    assert named(message) == frozenset()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"message": 7}', b'"text"'])
def test_an_answer_without_the_documented_shape_names_nothing(body: bytes) -> None:
    found = rejection(422, body)
    assert (found.keys, found.text) == (frozenset(), None)


def test_hints_own_words_are_not_in_the_representation() -> None:
    assert "canary" not in repr(rejection(422, b'{"message": "Validation failed: canary is invalid"}'))


@pytest.mark.parametrize(
    ("status", "writes", "expected"),
    [
        (401, False, ReconnectNeeded),
        (428, True, FixConfiguration),
        (429, True, RetryLater),
        (403, True, RetryLater),
        (500, False, RetryLater),
        (503, True, UnknownOutcome),
        (302, False, FixConfiguration),
        (405, True, FixConfiguration),
    ],
)
def test_a_status_tells_what_happens_next(status: int, writes: bool, expected: type[Exception]) -> None:
    error = failure(status, None, "PATCH /api/provider/patients", writes=writes, worked_before=True)
    assert type(error) is expected


def test_403_with_a_credential_that_never_worked_is_a_missing_permission() -> None:
    error = failure(403, None, "GET /api/provider/patients", writes=False, worked_before=False)
    assert type(error) is FixConfiguration


def test_a_retry_after_is_honoured_if_it_comes_and_never_needed() -> None:
    asked = failure(429, "7", "GET /x", writes=False, worked_before=True)
    silent = failure(429, None, "GET /x", writes=False, worked_before=True)
    assert isinstance(asked, RetryLater)
    assert isinstance(silent, RetryLater)
    assert (asked.after, silent.after) == (7.0, None)


@pytest.mark.parametrize("error", [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x")])
def test_a_write_that_was_never_sent_may_be_tried_later(error: httpx.HTTPError) -> None:
    assert type(no_answer(error, "POST /x", writes=True)) is RetryLater


@pytest.mark.parametrize("error", [httpx.ReadTimeout("x"), httpx.ReadError("x"), httpx.RemoteProtocolError("x")])
def test_a_write_whose_reply_was_lost_may_have_been_carried_out(error: httpx.HTTPError) -> None:
    assert type(no_answer(error, "POST /x", writes=True)) is UnknownOutcome
    assert type(no_answer(error, "GET /x", writes=False)) is RetryLater
