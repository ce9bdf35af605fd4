"""The signature and the envelope of Hint's webhooks."""

from __future__ import annotations

import hashlib
import hmac

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.replicas.hint.webhook import (
    BadWebhook,
    Happened,
    Signatures,
    open_envelope,
    patients_of,
    same_practice,
)

#: A vector made apart from this code.
VECTOR = ("whsec-test", b'{"id":"evt-1"}', "sha256=dba19c57521d523d23fd6032ada9c4759b120975b005904e4d0547fecdd13caa")


def test_the_vector_is_accepted_and_nothing_near_it():
    key, body, header = VECTOR
    assert Signatures([key]).accepts(body, header)
    assert not Signatures([key]).accepts(body + b"\n", header)
    assert not Signatures([key + "x"]).accepts(body, header)
    assert not Signatures([key]).accepts(body, header.removeprefix("sha256="))
    assert not Signatures([key]).accepts(body, header.replace("a", "A"))
    assert not Signatures([key]).accepts(body, None)


def test_two_keys_sign_and_a_third_does_not():
    key, body, header = VECTOR
    assert Signatures(["new", key]).accepts(body, header)
    assert Signatures([key, "new"]).accepts(body, header)
    assert not Signatures(["new", "newer"]).accepts(body, header)
    assert not Signatures(["", " "][:1])


@given(key=st.text(min_size=1), body=st.binary(max_size=200), place=st.integers(0, 70), letter=st.characters())
def test_any_changed_letter_of_a_signature_is_refused(key: str, body: bytes, place: int, letter: str):
    right = "sha256=" + hmac.new(key.encode("utf-8"), body, hashlib.sha256).hexdigest()
    signatures = Signatures([key])
    assert signatures.accepts(body, right)
    changed = right[:place] + letter + right[place + 1 :]
    assert signatures.accepts(body, changed) == (changed == right)


def envelope(**parts: object) -> bytes:
    return orjson.dumps({"id": "evt-1", "type": "patient.updated", "practice_id": "pra-1", **parts})


def test_the_documented_envelope_is_opened():
    body = envelope(created_at="2015-02-19T10:49:21.419-08:00", object={"id": "pat-1", "first_name": "Jane"})
    opened = open_envelope(body)
    assert (opened.event_id, opened.type, opened.practice_id) == ("evt-1", "patient.updated", "pra-1")
    [event] = patients_of(opened)
    assert (event.patient_id, event.happened, event.shown) == ("pat-1", Happened.UPDATED, opened.shown)
    assert "Jane" not in repr(opened) + repr(event)


@pytest.mark.parametrize("event_id", [None, 7, "", "evt 1", "evt-\u2028", "e" * 129, {"id": "evt-1"}])
def test_an_event_without_a_usable_id_is_taken_and_never_remembered(event_id: object):
    assert open_envelope(envelope(id=event_id, object={"id": "pat-1"})).event_id is None


@pytest.mark.parametrize(
    ("type_", "happened"),
    [
        ("patient.created", Happened.CREATED),
        ("patient.updated", Happened.UPDATED),
        ("patient.inactive", Happened.UPDATED),
        ("patient.destroyed", Happened.DESTROYED),
    ],
)
def test_every_type_of_a_patient_says_what_happened(type_: str, happened: Happened):
    [event] = patients_of(open_envelope(envelope(type=type_, object={"id": "pat-1"})))
    assert event.happened is happened
    assert (event.shown is None) == (happened is Happened.DESTROYED)


def test_types_that_only_start_like_ours_are_left_alone():
    for type_ in ("patient", "patient.", "patient.updated.v2", "PATIENT.UPDATED", "patients.updated", "membership"):
        assert patients_of(open_envelope(envelope(type=type_, object={"id": "pat-1"}))) == []


def test_a_membership_names_its_patients_by_any_of_its_keys():
    shown = {
        "id": "mem-1",
        "patient": {"id": "pat-1"},
        "membership_patients": [{"id": "mp-1", "patient": {"id": "pat-2"}}],
        "membership_members": [{"id": "mp-2", "patient": {"id": "pat-3"}}, {"patient": {"id": 7}}],
        "owner": {"id": "pat-4"},
    }
    events = patients_of(open_envelope(envelope(type="membership.updated", object=shown)))
    assert [(event.patient_id, event.happened) for event in events] == [
        (f"pat-{number}", Happened.TOUCHED) for number in (1, 2, 3)
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KEYS = st.sampled_from(["id", "type", "practice_id", "object", "patient", "membership_patients", "membership_members"])
TYPES = st.sampled_from(["patient.updated", "patient.destroyed", "membership.updated", "invoice.paid"])
SHAPED = st.dictionaries(KEYS, JSON | st.dictionaries(KEYS, JSON, max_size=4) | TYPES, max_size=6)


@given(st.binary(max_size=100) | JSON.map(orjson.dumps) | SHAPED.map(orjson.dumps))
def test_whatever_was_signed_is_opened_or_refused_with_a_code(body: bytes):
    refused = None
    try:
        events = patients_of(open_envelope(body))
    except BadWebhook as error:
        events, refused = [], str(error)
    assert refused in {None, "not-json", "not-an-object", "no-type", "no-practice", "no-record-id"}
    for event in events:
        assert 0 < len(event.patient_id) <= 128
        assert event.patient_id.isascii()
        assert event.patient_id.isprintable()


def test_a_practice_is_known_by_either_spelling_and_by_no_other():
    assert same_practice("pra-6BIBTelN3rM5", "pra-6BIBTelN3rM5")
    assert same_practice("pra-6BIBTelN3rM5", "prc-6BIBTelN3rM5")
    assert same_practice("sbx-prc-6BIBTelN3rM5", "sbx-pra-6BIBTelN3rM5")
    assert not same_practice("pra-6BIBTelN3rM5", "sbx-pra-6BIBTelN3rM5")
    assert not same_practice("pra-6BIBTelN3rM5", "pra-6BIBTelN3rM6")
    assert not same_practice("pra-6BIBTelN3rM5", "pra-6bibteln3rm5")
