"""The bitmaps of a change event's header: which fields changed, were emptied, or travel as a difference."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass
class FieldSet:
    """Positions of fields in an event's schema, where the header is field 0."""

    top: set[int] = field(default_factory=set)
    #: Positions in the child record, by the position of the compound field.
    children: dict[int, set[int]] = field(default_factory=dict)

    def add(self, position: int, child: int | None = None) -> None:
        """Add a field, or one child of a compound field."""
        if child is None:
            self.top.add(position)
        else:
            self.children.setdefault(position, set()).add(child)

    def encode(self) -> list[str]:
        """Return the map over the top-level fields, then one map per compound field; nothing for an empty set."""
        return encode(self.top, self.children)


def encode(top: Iterable[int], children: Mapping[int, Iterable[int]]) -> list[str]:
    """Write bitmaps as a header carries them.

    ``encode({22}, {4: {0}})`` is ``["0x400000", "4-0x01"]``: field 22, and child 0 of field 4.
    """
    positions = list(top)
    maps = [_hexadecimal(positions)] if positions else []
    return maps + [f"{position}-{_hexadecimal(children[position])}" for position in sorted(children)]


def _hexadecimal(positions: Iterable[int]) -> str:
    """Write whole bytes, the one that holds fields 0 to 7 last; clients read capital letters only."""
    number = 0
    for position in positions:
        number |= 1 << position
    return f"0x{number.to_bytes(number.bit_length() // 8 + (number.bit_length() % 8 > 0)).hex().upper()}"
