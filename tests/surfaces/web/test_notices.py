"""From a webhook to notices: whatever shape a patient comes in, the event says where to look and never fails."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.codec import Codec
from hintsync.core.fields import DEFAULT_MAPPING
from hintsync.core.values import ABSENT, Side
from hintsync.engine.detect.notices import Notice, NoticeKind
from hintsync.replicas.hint.webhook import Envelope
from hintsync.surfaces.web.notices import notices_of, shown_by_hint
from hintsync_emulators.hint import Practice

CODEC = Codec(DEFAULT_MAPPING)
MUST_SHOW = shown_by_hint(DEFAULT_MAPPING)
FULL = Practice(seed=5)
PATIENT = FULL.patient(FULL.create_patient(first_name="Ada", last_name="Moor", dob="1980-02-29", email="a@example.org"))

ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from([*sorted(PATIENT.keys() - {"id"}), "title", "merged_into", "integration_record_id"])


def read(shown: dict[str, object], type_: str = "patient.updated") -> Notice:
    [notice] = notices_of(Envelope("evt-1", type_, "pra-1", shown), CODEC.snapshot_from_hint, MUST_SHOW, 7.0)
    return notice


@given(changes=st.dictionaries(KEYS, ODD, max_size=8), dropped=st.sets(KEYS, max_size=4))
def test_a_patient_of_any_shape_is_a_place_to_look(changes: dict[str, object], dropped: set[str]):
    shown = {key: value for key, value in {**PATIENT, **changes}.items() if key not in dropped}
    notice = read(shown)
    assert (notice.side, notice.record_id, notice.kind) == (Side.HINT, PATIENT["id"], NoticeKind.CHANGED)
    assert (notice.event_id, notice.at, notice.cause) == ("evt-1", 7.0, "webhook")
    assert ABSENT not in notice.values.values()
    read_again = CODEC.snapshot_from_hint(shown)
    assert {name: read_again.values[name] for name in notice.values} == notice.values
    if notice.complete:
        assert set(MUST_SHOW) <= notice.values.keys()


def test_a_full_patient_is_complete_and_one_field_less_is_not():
    assert read(PATIENT).complete
    for key in ("first_name", "dob", "email", "phones", "address_line2", "membership_status", "practitioner"):
        assert not read({name: value for name, value in PATIENT.items() if name != key}).complete, key


def test_a_key_of_ours_that_is_shown_empty_is_a_mark_that_is_gone():
    assert read({**PATIENT, "integration_record_id": None}).peer_id == ""
    assert read({**PATIENT, "integration_record_id": "003000000000001AAA"}).peer_id == "003000000000001AAA"
    assert read({name: value for name, value in PATIENT.items() if name != "integration_record_id"}).peer_id is None


def test_no_value_is_shown_by_a_notice_in_words():
    assert "a@example.org" not in repr(read(PATIENT))


def test_created_and_destroyed_say_so():
    assert read(PATIENT, "patient.created").kind is NoticeKind.CREATED
    destroyed = read(PATIENT, "patient.destroyed")
    assert (destroyed.kind, destroyed.values, destroyed.complete) == (NoticeKind.DELETED, {}, False)
