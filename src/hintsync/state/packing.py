"""Fingerprints of many fields in one piece of bytes, so that a link's whole base costs one column.

    JSON list of field names, a newline, then 16 bytes for each field in that order

Packed and read without a loop over bytes in Python: a batch does this for every link.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from struct import Struct

import orjson

from hintsync.core.fingerprints import SIZE
from hintsync.core.records import FieldName, Fingerprint

_END = b"\n"


def pack(prints: Mapping[FieldName, Fingerprint]) -> bytes:
    """Return fingerprints in one piece; each is 16 bytes (see `changes.checked_prints`)."""
    return _header(tuple(prints)) + b"".join(prints.values())


def unpack(packed: bytes) -> dict[FieldName, Fingerprint]:
    """Return the fingerprints that `pack` packed."""
    header, _, body = packed.partition(_END)
    names, layout = _layout(header)
    return dict(zip(names, layout.unpack(body), strict=True))


@lru_cache(maxsize=512)
def _header(names: tuple[FieldName, ...]) -> bytes:
    return orjson.dumps(names) + _END


@lru_cache(maxsize=512)
def _layout(header: bytes) -> tuple[tuple[FieldName, ...], Struct]:
    # The same few sets of fields come again and again.
    names = tuple(orjson.loads(header))
    return names, Struct(f"{SIZE}s" * len(names))
