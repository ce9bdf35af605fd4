"""The bitmaps of a change event's header: which fields changed, were emptied, or travel as a difference.

The first map runs over the fields of the event's schema, header first: hexadecimal of whole bytes, the last of which holds
fields 0 to 7, lowest bit first. A map `4-0x01` runs over the parts of compound field 4. The first map may be missing, or
be `0x00`, where only parts are meant (Pub/Sub API Developer Guide, "Event Deserialization"; recorded events).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple


class UnknownBitmap(Exception):
    """A map that is none: what the event says of its fields is not known."""


class Place(NamedTuple):
    """A field of an event's schema, or a part of a compound one."""

    field: int
    #: None: the field as a whole.
    part: int | None = None


def places(maps: Sequence[str]) -> Iterator[Place]:
    """Yield the places that bitmaps name.

    Raises:
        UnknownBitmap: one of them is no bitmap.
    """
    for one in maps:
        parent, dash, bits = one.rpartition("-")
        if not dash:
            yield from (Place(field) for field in _bits(bits))
        elif parent.isascii() and parent.isdigit():
            yield from (Place(int(parent), part) for part in _bits(bits))
        else:
            raise UnknownBitmap


def _bits(text: str) -> Iterator[int]:
    if not text.startswith("0x"):
        raise UnknownBitmap
    try:
        number = int(text[2:] or "0", 16)
    except ValueError:
        raise UnknownBitmap from None
    return (place for place in range(number.bit_length()) if number >> place & 1)
