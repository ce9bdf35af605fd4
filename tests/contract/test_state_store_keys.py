"""Master keys, what is derived from them, and packed fingerprints."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hintsync.core.errors import FixConfiguration
from hintsync.state.keys import DataKey, Keyring, MasterKeys, new_root, sealed_by
from hintsync.state.packing import pack, unpack

PRINTS = st.dictionaries(st.text(max_size=20), st.binary(min_size=16, max_size=16), max_size=30)


@given(PRINTS)
def test_packed_fingerprints_come_back(prints: dict[str, bytes]) -> None:
    assert unpack(pack(prints)) == prints


def test_a_generated_key_opens_what_it_closed() -> None:
    text = MasterKeys.generate()
    assert len(text) == 44
    assert MasterKeys.parse(f"  {text}\n").decrypt(MasterKeys.parse(text).encrypt(b"secret")) == b"secret"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no master key is set"),
        (" , ", "no master key is set"),
        ("correct horse battery staple", "master key 1 cannot be read"),
        (base64.urlsafe_b64encode(b"half of a key...").decode(), "wrong length"),
        (base64.urlsafe_b64encode(b"k" * 32).decode() + ",Zm9v!", "master key 2 cannot be read"),
    ],
)
def test_a_master_key_that_is_none_is_refused_without_being_repeated(text: str, said: str) -> None:
    with pytest.raises(FixConfiguration, match=said) as refused:
        MasterKeys.parse(text)
    assert all(word not in str(refused.value) for word in text.replace(",", " ").split())


def test_keys_do_not_show_themselves() -> None:
    text = MasterKeys.generate()
    assert text not in repr(MasterKeys.parse(text))
    assert repr(Keyring(MasterKeys.parse(text), b"\x07" * 32)).startswith("<hintsync.state.keys.Keyring object")
    assert repr(DataKey("id", b"\x07" * 32)) == "DataKey('id', …)"


def test_during_a_rotation_both_keys_open_and_the_first_one_closes() -> None:
    old, new = MasterKeys.generate(), MasterKeys.generate()
    both = MasterKeys.parse(f"{new} {old}")
    token = MasterKeys.parse(old).encrypt(b"secret")
    assert both.decrypt(token) == b"secret"
    assert (both.closer_of(token), both.closer_of(both.encrypt(b"secret"))) == (1, 0)
    assert MasterKeys.parse(new).decrypt(both.encrypt(b"secret")) == b"secret"
    assert MasterKeys.parse(old).decrypt(both.encrypt_like(token, b"other")) == b"other"
    assert MasterKeys.parse(new).closer_of(token) is None
    with pytest.raises(FixConfiguration, match="does not fit"):
        MasterKeys.parse(new).encrypt_like(token, b"other")


def test_keys_have_names_that_tell_nothing_of_them() -> None:
    old, new = MasterKeys.generate(), MasterKeys.generate()
    names = MasterKeys.parse(f"{new} {old}").names
    assert names == (*MasterKeys.parse(new).names, *MasterKeys.parse(old).names)
    assert all(len(name) == 8 and name not in new + old for name in names)


def test_a_token_that_was_changed_does_not_open() -> None:
    keys = MasterKeys.parse(MasterKeys.generate())
    token = bytearray(keys.encrypt(b"secret"))
    token[-20] ^= 1
    with pytest.raises(FixConfiguration, match="master key does not fit"):
        keys.decrypt(bytes(token))


def test_fingerprint_keys_differ_by_connection_and_by_store() -> None:
    master = MasterKeys.parse(MasterKeys.generate())
    rings = [Keyring(master, new_root()) for _ in range(2)]
    keys = {ring.fingerprint_key(connection_id) for ring in rings for connection_id in ("con-1", "con-2")}
    assert len(keys) == 4
    assert {len(key) for key in keys} == {32}


@pytest.mark.parametrize("place", [("con-2", "name"), ("con-1", "other"), ("con-1\nname", "")])
def test_t19_a_sealed_secret_opens_in_its_own_place_only(place: tuple[str, str]) -> None:
    key = DataKey.generate()
    token = key.seal("con-1", "name", b"secret")
    assert key.open("con-1", "name", token) == b"secret"
    assert sealed_by(token) == key.id
    with pytest.raises(FixConfiguration, match="another place"):
        key.open(*place, token)
    with pytest.raises(FixConfiguration, match="was damaged"):
        DataKey.generate().open("con-1", "name", token)


def test_t19_a_wrapped_data_key_opens_under_its_own_id_only() -> None:
    master = MasterKeys.parse(MasterKeys.generate())
    key = DataKey.generate()
    ring = Keyring(master, new_root())
    token = ring.data_key(key.id, key.wrapped(master)).seal("con-1", "name", b"secret")
    assert key.open("con-1", "name", token) == b"secret"
    with pytest.raises(FixConfiguration, match="another place"):
        ring.data_key("0" * 16, key.wrapped(master))


def test_a_process_goes_on_with_the_data_keys_it_knows_while_its_master_key_leaves_force() -> None:
    old, new = MasterKeys.parse(MasterKeys.generate()), MasterKeys.parse(MasterKeys.generate())
    key, ring = DataKey.generate(), Keyring(old, new_root())
    known = ring.data_key(key.id, key.wrapped(old))
    assert ring.data_key(key.id, key.wrapped(new)) is known
    other = DataKey.generate()
    with pytest.raises(FixConfiguration, match="does not fit"):
        ring.data_key(other.id, other.wrapped(new))
