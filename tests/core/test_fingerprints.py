"""Fingerprints are HMAC-SHA256 under the connection's key, bound to the link and the field."""

import hmac

from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.fingerprints import SIZE, Fingerprinter, encode
from hintsync.core.values import ABSENT

KEYS = st.binary(min_size=1, max_size=100)
CANONICAL = st.none() | st.booleans() | st.text(min_size=1)


@given(KEYS, st.binary(max_size=60), st.text(max_size=20), CANONICAL)
def test_a_fingerprint_is_hmac_sha256_of_salt_field_and_value(key: bytes, salt: bytes, name: str, value) -> None:
    message = salt + b"\x1f" + name.encode() + b"\x1f" + encode(value)
    assert Fingerprinter(key, salt).of(name, value) == hmac.digest(key, message, "sha256")[:SIZE]


@given(CANONICAL, CANONICAL)
def test_two_values_share_an_encoding_only_if_they_are_one(one, other) -> None:
    assert (encode(one) == encode(other)) == (one is other or one == other)


def test_equal_values_of_two_links_two_fields_and_two_keys_look_different() -> None:
    first = Fingerprinter(b"k" * 32, b"link-1").of("city", "Reno")
    assert first != Fingerprinter(b"k" * 32, b"link-2").of("city", "Reno")
    assert first != Fingerprinter(b"k" * 32, b"link-1").of("state", "Reno")
    assert first != Fingerprinter(b"q" * 32, b"link-1").of("city", "Reno")


def test_the_digest_of_a_version_tells_absent_from_blank_and_ignores_order() -> None:
    prints = Fingerprinter(b"k" * 32, b"link-1")
    assert prints.of_all({"a": None}) != prints.of_all({"a": ABSENT})
    assert prints.of_all({"a": "1", "b": "2"}) == prints.of_all({"b": "2", "a": "1"})
