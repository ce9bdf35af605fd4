"""Keyed fingerprints: how the base is remembered without keeping a single value at rest.

HMAC-SHA256 under the connection's key, truncated to 16 bytes; salted per link, bound to the field's name, so that equal
values of two people or of two fields do not look alike. Without the key nothing can be tried against them.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from hintsync.core.records import FieldName, Fingerprint
from hintsync.core.values import ABSENT, Canonical, Seen

SIZE = 16
_SEPARATOR = b"\x1f"


def encode(value: Canonical) -> bytes:
    """Encode a canonical value so that no two different values share an encoding (blank, false and "false" differ)."""
    if value is None:
        return b"n"
    if value is True:
        return b"t"
    if value is False:
        return b"f"
    return b"s" + value.encode()


class Fingerprinter:
    """Makes the fingerprints of one link. Cheap to build: one per link and pass."""

    __slots__ = ("_key", "_prefix")

    def __init__(self, key: bytes, salt: bytes) -> None:
        """Take the connection's fingerprint key (32 bytes, derived, never stored beside the data) and the link's salt."""
        self._key = key
        self._prefix = salt + _SEPARATOR

    def of(self, field: FieldName, value: Canonical) -> Fingerprint:
        """Return the fingerprint of one field's canonical value."""
        message = self._prefix + field.encode() + _SEPARATOR + encode(value)
        return hmac.digest(self._key, message, "sha256")[:SIZE]

    def of_all(self, values: Mapping[FieldName, Seen]) -> Fingerprint:
        """Return one fingerprint over a whole set of values, ABSENT ones included: the digest part of a Version."""
        parts = [
            name.encode() + b"=" + (b"a" if value is ABSENT else encode(value))
            for name, value in sorted(values.items())
        ]
        return hmac.digest(self._key, self._prefix + b"\x1e".join(parts), "sha256")[:SIZE]


def pair_salt(contact_id: str | None, patient_id: str | None) -> bytes:
    """Return the salt of a new link: derived from the pair, so that a dry run and the run after it agree."""
    return f"{contact_id or 'new'}:{patient_id or 'new'}".encode()
