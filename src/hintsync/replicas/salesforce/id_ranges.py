"""Record ids as numbers, and all ids of an object cut into ranges.

The fifteen characters of an id are digits in base 62: 0 to 9, capitals, small letters, which is their order in ASCII too.
Salesforce cuts large tables by the same order (Bulk API Developer Guide, "PK Chunking Header").
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from hintsync.core.records import RecordId
from hintsync.replicas.salesforce.ids import long_id

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_VALUES = {digit: value for value, digit in enumerate(_DIGITS)}
#: Characters of an id without its check suffix.
_LENGTH = 15


@dataclass(frozen=True, slots=True)
class IdRange:
    """Ids from one on and below another, of 18 characters each; `None`: there is no such bound."""

    start: RecordId | None
    end: RecordId | None

    @property
    def condition(self) -> str:
        """The range in SOQL; empty if it holds every id."""
        bounds = ((">=", self.start), ("<", self.end))
        return " AND ".join(f"Id {operator} '{bound}'" for operator, bound in bounds if bound is not None)


def id_ranges(lowest: RecordId, highest: RecordId, most: int) -> list[IdRange]:
    """Cut all ids into ranges, so that the span between two ids is cut evenly.

    The first range has no lower bound and the last no upper one: every id that there is or will be lies in exactly one
    of them, whatever the two ids are.

    Args:
        lowest: an id of 15 or 18 characters, about the lowest there is.
        highest: one that is about the highest.
        most: the number of ranges; fewer if there are not as many ids in the span.

    Raises:
        ValueError: one of the two is no record id.
    """
    first, last = _number(lowest), _number(highest)
    span = max(last - first + 1, 1)
    parts = max(min(most, span), 1)
    bounds = [None, *(_id(first + span * part // parts) for part in range(1, parts)), None]
    return [IdRange(start, end) for start, end in pairwise(bounds)]


def _number(record_id: RecordId) -> int:
    if long_id(record_id) is None:
        raise ValueError("this is no record id")
    number = 0
    for digit in record_id[:_LENGTH]:
        number = number * len(_DIGITS) + _VALUES[digit]
    return number


def _id(number: int) -> RecordId:
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    record_id = long_id("".join(reversed(digits)))
    assert record_id is not None
    return record_id
