"""Record ids: 15 case-sensitive characters, or 18 with a check suffix that survives tools which fold case."""

from __future__ import annotations

import re
from functools import lru_cache

_SUFFIXES = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHORT = re.compile(r"[A-Za-z0-9]{15}")
_LONG = re.compile(r"[A-Za-z0-9]{15}[A-Z0-5]{3}")


def long_id(record_id: str) -> str | None:
    """Return the 18-character form, or `None` for what is no record id.

    An id of 18 characters must carry the right suffix: with a wrong one it was mistyped or its case was folded.
    """
    if _SHORT.fullmatch(record_id):
        return record_id + _suffix(record_id)
    if _LONG.fullmatch(record_id) and record_id[15:] == _suffix(record_id[:15]):
        return record_id
    return None


def _suffix(short: str) -> str:
    return _coded(short[:5]) + _coded(short[5:10]) + _coded(short[10:])


@lru_cache(maxsize=4096)  # ids of one org share their first two blocks
def _coded(block: str) -> str:
    """Encode which of five characters are capitals, bit k for character k."""
    return _SUFFIXES[sum(1 << k for k, char in enumerate(block) if "A" <= char <= "Z")]
