"""Record ids: fifteen case-sensitive characters, or eighteen that survive a loss of case."""

from __future__ import annotations

import random
import re

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SHAPE = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")


def to_18(short: str) -> str:
    """Append the three characters that record which of the fifteen are capitals."""
    suffix = []
    for start in (0, 5, 10):
        bits = 0
        for place, char in enumerate(short[start : start + 5]):
            if "A" <= char <= "Z":
                bits |= 1 << place
        suffix.append(_SUFFIX[bits])
    return short + "".join(suffix)


def normalise(text: str) -> str | None:
    """Return the eighteen-character form of an id, or None when the text cannot be one.

    An eighteen-character id whose case was lost (a spreadsheet did it) is restored from its suffix.
    """
    if not isinstance(text, str) or not _SHAPE.fullmatch(text):
        return None
    if len(text) == 15:
        return to_18(text)
    return text if to_18(text[:15]) == text else _restore_case(text)


def _restore_case(text: str) -> str | None:
    chars = []
    for block, mark in enumerate(text[15:].upper()):
        bits = _SUFFIX.find(mark)
        if bits < 0:
            return None
        for place in range(5):
            char = text[block * 5 + place]
            chars.append(char.upper() if bits >> place & 1 else char.lower())
    restored = to_18("".join(chars))
    return restored if restored[15:] == text[15:].upper() else None


class IdSource:
    """Hands out ids in order, one counter per key prefix; the seed picks the pod and the first number."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)
        self._pod = "".join(chance.choice(ALPHABET[10:]) for _ in range(2)) + "0"
        self._start = chance.randrange(62**3, 62**4)
        self._last: dict[str, int] = {}

    def next(self, prefix: str) -> str:
        """Return an id of eighteen characters that this source has not given before."""
        number = self._last.get(prefix, self._start) + 1
        self._last[prefix] = number
        return to_18(prefix + self._pod + _base62(number))

    def seen(self, record_id: str) -> None:
        """Never hand out this id or one before it: a kept database holds it already."""
        prefix, number = record_id[:3], 0
        for char in record_id[6:15]:
            number = number * 62 + ALPHABET.index(char)
        self._last[prefix] = max(number, self._last.get(prefix, self._start))


def _base62(number: int) -> str:
    digits = []
    for _ in range(9):
        number, rest = divmod(number, 62)
        digits.append(ALPHABET[rest])
    return "".join(reversed(digits))
