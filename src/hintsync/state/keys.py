"""The keys that guard what is stored: master keys from the settings, and what they wrap.

A master key never lies in the database. It wraps one random root, from which the fingerprint keys of all connections are derived,
and each connection's data key, which seals its secrets. So a master key is changed by wrapping a few keys anew: no base is lost
(decision 0042), and no secret is touched (decision 0098).
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hintsync.core.errors import FixConfiguration

#: Bytes of a master key, of the root, and of a fingerprint key.
KEY_SIZE = 32

#: How the token of a secret begins that a data key sealed; a Fernet token begins with "gAAAA".
_MARK = b"key:"

_UNFIT = (
    "the master key does not fit this store: set the key it was made with (while rotating: the new key, then the old)"
)
_EXPECTED = "a master key is 32 bytes in URL-safe base64 (44 characters), such as `MasterKeys.generate()` makes"


class MasterKeys:
    """The keys of the administrator: the first one encrypts, all of them open. Keeps them out of `repr`."""

    __slots__ = ("_each", "_fernet", "names")

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Take the keys, 32 raw bytes each, the one in force first.

        Raises:
            FixConfiguration: there is none, or one has another length.
        """
        if not keys:
            raise FixConfiguration("no master key is set; " + _EXPECTED)
        if any(len(key) != KEY_SIZE for key in keys):
            raise FixConfiguration("a master key has the wrong length; " + _EXPECTED)
        fernets = [Fernet(base64.urlsafe_b64encode(key)) for key in keys]
        self._each, self._fernet = fernets, MultiFernet(fernets)
        #: What each key is called in front of people, in order; tells nothing about it.
        self.names = tuple(_derived(key, b"hintsync key name")[:4].hex() for key in keys)

    @classmethod
    def parse(cls, text: str) -> MasterKeys:
        """Read the keys as settings give them: one, or during a rotation several, parted by commas or white space.

        Raises:
            FixConfiguration: there is none, or one is not a key. The text itself is never repeated.
        """
        return cls([_decode(number, word) for number, word in enumerate(text.replace(",", " ").split(), start=1)])

    @staticmethod
    def generate() -> str:
        """Return a new master key as the settings take it."""
        return base64.urlsafe_b64encode(os.urandom(KEY_SIZE)).decode()

    def encrypt(self, plain: bytes) -> bytes:
        """Encrypt and authenticate under the first key."""
        return self._fernet.encrypt(plain)

    def decrypt(self, token: bytes) -> bytes:
        """Open what any of the keys closed.

        Raises:
            FixConfiguration: none of the keys fits, or the token was tampered with.
        """
        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            raise FixConfiguration(_UNFIT) from None

    def closer_of(self, token: bytes) -> int | None:
        """Return the place of the key that closed a token; None if it is none of ours."""
        for place, fernet in enumerate(self._each):
            try:
                fernet.decrypt(token)
            except InvalidToken:
                continue
            return place
        return None

    def encrypt_like(self, token: bytes, plain: bytes) -> bytes:
        """Encrypt under the key that closed a token: while keys are rotated, that is the one that every process knows.

        Raises:
            FixConfiguration: none of the keys fits the token.
        """
        place = self.closer_of(token)
        if place is None:
            raise FixConfiguration(_UNFIT)
        return self._each[place].encrypt(plain)

    def __repr__(self) -> str:
        return "MasterKeys(…)"


class DataKey:
    """A connection's own key: seals its secrets, and lies in the store only as a master key wrapped it."""

    __slots__ = ("_fernet", "_key", "id")

    def __init__(self, key_id: str, key: bytes) -> None:
        """Take the id under which the wrapped key is stored, and the key's 32 bytes."""
        self.id = key_id
        self._key = key
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    @classmethod
    def generate(cls) -> DataKey:
        """Return a new key."""
        return cls(secrets.token_hex(8), os.urandom(KEY_SIZE))

    def seal(self, connection_id: str, name: str, secret: bytes) -> bytes:
        """Encrypt a secret, bound to its connection and name so that it opens in no other place; the token names the key."""
        return _MARK + self.id.encode() + b":" + self._fernet.encrypt(_label(connection_id, name) + secret)

    def open(self, connection_id: str, name: str, token: bytes) -> bytes:
        """Decrypt a secret that this key sealed.

        Raises:
            FixConfiguration: the token was tampered with, or the secret was moved here from another place.
        """
        try:
            plain = self._fernet.decrypt(token.rpartition(b":")[2])
        except InvalidToken:
            raise FixConfiguration(f"the secret {name!r} of connection {connection_id} was damaged") from None
        return _unlabelled(connection_id, name, plain)

    def wrapped(self, master: MasterKeys, like: bytes | None = None) -> bytes:
        """Return the key as the store keeps it: under the first master key, or under the one that closed another token."""
        labelled = _label("data key", self.id) + self._key
        return master.encrypt(labelled) if like is None else master.encrypt_like(like, labelled)

    def __repr__(self) -> str:
        return f"DataKey({self.id!r}, …)"


class Keyring:
    """An opened store's keys: knows the root and the data keys, and derives each connection's fingerprint key."""

    __slots__ = ("_known", "master", "root")

    def __init__(self, master: MasterKeys, root: bytes) -> None:
        """Take the administrator's keys and the root as `unwrap` or `new_root` gave it."""
        self.master = master
        self.root = root
        self._known: dict[str, DataKey] = {}

    def fingerprint_key(self, connection_id: str) -> bytes:
        """Return the 32 bytes that key a connection's fingerprints; the same for the life of the store."""
        return _derived(self.root, b"hintsync fingerprints " + connection_id.encode())

    def data_key(self, key_id: str, wrapped: bytes) -> DataKey:
        """Return a data key. Once known it stays so: a process goes on while its master key is taken out of force.

        Raises:
            FixConfiguration: the master key does not fit, or the key was stored under another's id.
        """
        if key_id not in self._known:
            key = _unlabelled("data key", key_id, self.master.decrypt(wrapped))
            self._known[key_id] = DataKey(key_id, key)
        return self._known[key_id]

    def open_old(self, connection_id: str, name: str, token: bytes) -> bytes:
        """Decrypt a secret that was sealed by a master key itself, before there were data keys.

        Raises:
            FixConfiguration: the master key does not fit, or the secret was moved here from another place.
        """
        return _unlabelled(connection_id, name, self.master.decrypt(token))


def new_root() -> bytes:
    """Return a fresh root for a new store."""
    return os.urandom(KEY_SIZE)


def sealed_by(token: bytes) -> str | None:
    """Return the id of the data key that sealed a secret; None: a master key did, before there were data keys."""
    return token[len(_MARK) :].partition(b":")[0].decode() if token.startswith(_MARK) else None


def _derived(key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=purpose).derive(key)


def _unlabelled(connection_id: str, name: str, plain: bytes) -> bytes:
    label = _label(connection_id, name)
    if not plain.startswith(label):
        raise FixConfiguration(f"the secret {name!r} of connection {connection_id} was stored for another place")
    return plain[len(label) :]


def _label(connection_id: str, name: str) -> bytes:
    text = f"{connection_id}\n{name}".encode()
    return len(text).to_bytes(4, "big") + text


def _decode(number: int, word: str) -> bytes:
    try:
        return base64.b64decode(word, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise FixConfiguration(f"master key {number} cannot be read; " + _EXPECTED) from None
