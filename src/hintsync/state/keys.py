"""The keys that guard what is stored: master keys from the settings, and what is derived from them.

A master key never lies in the database. It encrypts the secrets, and one random root from which the fingerprint keys of
all connections are derived; so the master key can be changed without losing a single base (decision 0042).
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hintsync.core.errors import FixConfiguration

#: Bytes of a master key, of the root, and of a fingerprint key.
KEY_SIZE = 32

_EXPECTED = "a master key is 32 bytes in URL-safe base64 (44 characters), such as `MasterKeys.generate()` makes"


class MasterKeys:
    """The keys of the administrator: the first one encrypts, all of them open. Keeps them out of `repr`."""

    __slots__ = ("_fernet", "_first")

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
        self._first, self._fernet = fernets[0], MultiFernet(fernets)

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
            raise FixConfiguration(
                "the master key does not fit this store: set the key it was made with (while rotating: the new key, then the old)"
            ) from None

    def is_first(self, token: bytes) -> bool:
        """Say whether a token was closed by the key in force; if not, the keys were rotated."""
        try:
            self._first.decrypt(token)
        except InvalidToken:
            return False
        return True

    def renew(self, token: bytes) -> bytes:
        """Return the token's content encrypted under the first key.

        Raises:
            FixConfiguration: none of the keys fits.
        """
        return self.encrypt(self.decrypt(token))

    def __repr__(self) -> str:
        return "MasterKeys(…)"


class Keyring:
    """An opened store's keys: seals secrets, and derives each connection's fingerprint key from the store's root."""

    __slots__ = ("_master", "_root")

    def __init__(self, master: MasterKeys, root: bytes) -> None:
        """Take the administrator's keys and the root as `unwrap` or `new_root` gave it."""
        self._master = master
        self._root = root

    def fingerprint_key(self, connection_id: str) -> bytes:
        """Return the 32 bytes that key a connection's fingerprints; the same for the life of the store."""
        info = b"hintsync fingerprints " + connection_id.encode()
        return HKDF(algorithm=SHA256(), length=KEY_SIZE, salt=None, info=info).derive(self._root)

    def seal(self, connection_id: str, name: str, secret: bytes) -> bytes:
        """Encrypt a secret, bound to its connection and name so that it opens in no other place."""
        return self._master.encrypt(_label(connection_id, name) + secret)

    def open(self, connection_id: str, name: str, token: bytes) -> bytes:
        """Decrypt a secret.

        Raises:
            FixConfiguration: the master key does not fit, or the secret was moved here from another place.
        """
        plain, label = self._master.decrypt(token), _label(connection_id, name)
        if not plain.startswith(label):
            raise FixConfiguration(f"the secret {name!r} of connection {connection_id} was stored for another place")
        return plain[len(label) :]


def new_root() -> bytes:
    """Return a fresh root for a new store."""
    return os.urandom(KEY_SIZE)


def _label(connection_id: str, name: str) -> bytes:
    text = f"{connection_id}\n{name}".encode()
    return len(text).to_bytes(4, "big") + text


def _decode(number: int, word: str) -> bytes:
    try:
        return base64.b64decode(word, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise FixConfiguration(f"master key {number} cannot be read; " + _EXPECTED) from None
